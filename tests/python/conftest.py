"""Builds of the project in folders of their own, with the world of the `ci` preset or a smaller one."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import ClassVar

import duckdb
import pytest

from dbt_process import run_dbt

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
PROJECT = ("dbt_project", "models_py", "analyses", "seeds", "tests", "dbt_project.yml", "profiles.yml", "selectors.yml",
           "constraints.txt")  # fmt: skip
TINY_WORLD = {"world_preset": "ci", "world_members": 200, "world_courses": 100, "world_days": 20}


@dataclass(frozen=True)
class Warehouse:
    """A folder with a warehouse file and a published file, and links to the project at `root`, where dbt builds them.

    All folders look the same to dbt: what it has read of the project with some vars, which takes it longer than a small
    build of a layer, it takes over in the next folder, from `read`. Folders of raw tables are links of one name."""

    folder: Path
    root: Path = ROOT
    read: ClassVar[Path | None] = None

    @property
    def file(self) -> Path:
        return self.folder / "warehouse.duckdb"

    @property
    def published_file(self) -> Path:
        return self.folder / "published" / "recommendations.duckdb"

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in PROJECT:
            if not (self.folder / name).exists():
                (self.folder / name).symlink_to(self.root / name)

    def copy_to(self, folder: Path) -> "Warehouse":
        return Warehouse(Path(shutil.copytree(self.folder, folder, symlinks=True)), self.root)

    def _command(self, arguments: tuple[str, ...], variables: dict) -> list[str]:
        command = [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", *arguments]
        return [*command, "--vars", json.dumps(variables)] if variables else command

    def _linked(self, variables: dict) -> dict:
        """The vars in order, with a folder of raw tables as a link here."""
        if "raw_location" in variables:
            link = self.folder / "raw_tables"
            link.unlink(missing_ok=True)
            link.symlink_to(variables["raw_location"])
            variables = variables | {"raw_location": link.name}
        return dict(sorted(variables.items()))

    @property
    def _read_here(self) -> Path:
        return self.folder / "target" / "partial_parse.msgpack"

    def _read_elsewhere(self, variables: dict) -> Path:
        return self.read / md5(json.dumps([str(self.root), variables]).encode()).hexdigest()

    def take_over(self, variables: dict) -> None:
        if self.read and self._read_elsewhere(variables).exists():
            self._read_here.parent.mkdir(exist_ok=True)
            shutil.copy(self._read_elsewhere(variables), self._read_here)

    def _hand_over(self, variables: dict) -> None:
        if self.read and self._read_here.exists() and not self._read_elsewhere(variables).exists():
            whole = shutil.copy(self._read_here, self._read_elsewhere(variables).with_suffix(f".{os.getpid()}"))
            Path(whole).rename(self._read_elsewhere(variables))

    @property
    def _environment(self) -> dict[str, str]:
        """Of commands that run elsewhere."""
        return os.environ | {
            "COURSE_RECOMMENDER_WAREHOUSE": str(self.file),
            "COURSE_RECOMMENDER_PUBLISHED": str(self.folder / "published"),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            "NO_COLOR": "1",
        }

    @property
    def _environment_here(self) -> dict[str, str]:
        return self._environment | {
            "COURSE_RECOMMENDER_WAREHOUSE": "warehouse.duckdb",
            "COURSE_RECOMMENDER_PUBLISHED": "published",
            "DBT_TARGET_PATH": "target",
            "DBT_LOG_PATH": "logs",
        }

    def dbt(self, *arguments: str, check: bool = True, **variables) -> subprocess.CompletedProcess:
        """Runs dbt with vars; with `check` a failure fails the test with dbt's own words."""
        variables = self._linked(variables)
        command = self._command(arguments, variables)
        self.take_over(variables)
        done = run_dbt(command, self.folder, self._environment_here)
        self._hand_over(variables)
        if check and done.returncode:
            pytest.fail(f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}")
        return done

    def start(self, *arguments: str, **variables) -> subprocess.Popen:
        """Starts dbt and returns at once; its output comes as it is printed."""
        variables = self._linked(variables)
        command = self._command(arguments, variables)
        self.take_over(variables)
        pipes = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.DEVNULL,
        }  # a killed build has its semaphores bewailed there
        return subprocess.Popen(command, cwd=self.folder, env=self._environment_here, text=True, **pipes)

    def query(self, sql: str, *parameters) -> list[tuple]:
        with duckdb.connect(str(self.file), read_only=True) as connection:
            return connection.execute(sql, list(parameters)).fetchall()

    def published(self, sql: str, *parameters) -> list[tuple]:
        with duckdb.connect(str(self.published_file), read_only=True) as connection:
            return connection.execute(sql, list(parameters)).fetchall()


def folder_of_all(tmp_path_factory) -> Path:
    """A folder of all processes that run tests."""
    here = tmp_path_factory.getbasetemp()
    return here.parent if "PYTEST_XDIST_WORKER" in os.environ else here


@pytest.fixture(scope="session", autouse=True)
def read_by_dbt(tmp_path_factory) -> None:
    Warehouse.read = folder_of_all(tmp_path_factory) / "read_by_dbt"
    Warehouse.read.mkdir(exist_ok=True)


def made_once(tmp_path_factory, name: str, make: Callable[[Warehouse], None]) -> Warehouse:
    """What the first of the processes that run tests makes, a copy for each of them: DuckDB lets no other read a file
    that one may write."""
    shared = folder_of_all(tmp_path_factory) / f"{name}_for_all"
    done = shared.with_suffix(".done")
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            make(Warehouse(shared))
            done.touch()
    return Warehouse(shared).copy_to(tmp_path_factory.getbasetemp() / name)


@pytest.fixture(scope="session")
def ci_world(tmp_path_factory) -> Warehouse:
    """The project built on the simulated world of the `ci` preset. Tests only read it."""
    return made_once(tmp_path_factory, "ci_world", lambda warehouse: warehouse.dbt("build", world_preset="ci"))


@pytest.fixture(scope="session")
def tiny_raw(tmp_path_factory) -> Path:
    """A folder with the raw tables of a tiny world as Parquet files: what a user's own export looks like."""
    return made_once(tmp_path_factory, "tiny_world", export_tiny_world).folder / "raw"


def export_tiny_world(warehouse: Warehouse) -> None:
    warehouse.dbt("run", "--select", "world", **TINY_WORLD)
    folder = warehouse.folder / "raw"
    folder.mkdir()
    with duckdb.connect(str(warehouse.file), read_only=True) as connection:
        for (table,) in connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'raw'"
        ).fetchall():
            connection.execute(f"copy (from raw.{table}) to '{folder / table}.parquet'")


@pytest.fixture(scope="session")
def text_keys(tiny_raw: Path, tmp_path_factory) -> Warehouse:
    """The tiny world with UUIDs for members, once as such and else as text, names for courses, and impressions with
    both, built; what was read is in its folder `raw`."""
    return made_once(tmp_path_factory, "text_keys", lambda warehouse: build_text_keys(warehouse, tiny_raw))


def build_text_keys(warehouse: Warehouse, tiny_raw: Path) -> None:
    folder = warehouse.folder / "raw"
    folder.mkdir()
    texts = {"member_id": "cast(md5('m' || member_id)::uuid as varchar)", "course_id": "'course-é''s-' || course_id"}
    others = {
        "members": {"member_id": "md5('m' || member_id)::uuid"},
        "engagements": {"impression_id": "impression_id::double"},  # whole numbers with nulls
    }
    with duckdb.connect() as connection:
        for path in sorted(tiny_raw.glob("*.parquet")):
            columns = {row[0] for row in connection.execute(f"describe from '{path}'").fetchall()}
            changed = {name: text for name, text in (texts | others.get(path.stem, {})).items() if name in columns}
            replaced = ", ".join(f"{text} as {name}" for name, text in changed.items())
            rows = f"select * replace ({replaced}) from '{path}'" if changed else f"from '{path}'"
            connection.execute(f"copy ({rows}) to '{folder / path.name}'")
    warehouse.dbt("build", *WITHOUT_TESTS, raw_location=folder, id_type="varchar")
