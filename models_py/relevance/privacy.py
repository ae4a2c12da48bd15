"""`FORGET_MEMBER=42 python -m relevance.privacy`: removes a member from the warehouse and from every published version.

DuckDB leaves deleted rows in its files. So each file is written anew without the member's rows, searched, and swapped
in by an atomic rename: killed at any moment, it leaves complete files, and running it again does the rest. A hash of
the id stays in `main.forgotten_members`; staging and the simulated world leave out members whose hash is there.
"""

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from relevance import publication
from relevance.publication import FILE, PublicationError, attach

SALT = "course_recommender:"  # the macro is_forgotten has it too
MEMBER, FORGOTTEN = "member_id", "main.forgotten_members"
THE_MEMBER = "getvariable('member')"  # the id as text; no text of a user becomes part of a statement
# what rows of a member are known by in tables that do not name the member; session_id means two things
KEYS = ("impression_id", "example_id", "request_id", "pair_id")
# texts that stand in a table as long as any member says so: their columns, and where members say so
SAID = {
    "skills.spelling_candidates": ("spelling", "skills.profile_entries"),
    "skills.title_industry_skills": ("title, industry", "staging.stg_members"),
}
UNMISTAKABLE = 8  # letters or digits from which an id that is found anywhere is no accident


class PrivacyError(RuntimeError):
    """Nobody was forgotten and no file was changed; the message says why."""


def member_hash(member) -> str:
    """What the list of the forgotten holds of an id."""
    return hashlib.sha256(f"{SALT}{member}".encode()).hexdigest()


def without_members(table: pa.Table, hashes: Iterable[str]) -> pa.Table:
    """The rows of a table that are of no forgotten member: all of them, where it does not name members."""
    hashes = set(hashes)
    if not hashes or MEMBER not in table.column_names:
        return table
    column = table[MEMBER]
    gone = [member for member in pc.unique(column).to_pylist() if member_hash(member) in hashes]
    return table.filter(pc.invert(pc.is_in(column, pa.array(gone, column.type))))


def forget(warehouse: str | Path, published: str | Path, member: str | int | None) -> list[str]:
    """Removes a member from a warehouse file and a folder of published versions; returns what it did, as lines.

    Raises PrivacyError, with every file as it was, where no member, an unknown one or something that is no id is named,
    or a file is missing, broken or in use; PublicationError where the published folder is; running it again is safe.
    """
    if member is None or not str(member).strip():
        raise PrivacyError("no member was named. Remedy: make forget MEMBER=42")
    warehouse, lines = Path(warehouse).resolve(), []
    if not warehouse.is_file():
        raise PrivacyError(
            f"{warehouse} does not exist. Remedy: make run builds it; COURSE_RECOMMENDER_WAREHOUSE names another."
        )
    with _errors(warehouse), _opened(warehouse) as connection:  # while it is open, no build can be
        opened, tables = warehouse.stat().st_ino, _tables(connection)
        member = _id(tables, str(member).strip())
        traces = _Traces(connection, member)
        is_forgotten = FORGOTTEN in tables and traces.ask(
            f"select count(*) from old.{FORGOTTEN} where member_hash = ?", [member_hash(member)]
        )

        def write_version(old: Path, new: Path) -> bool:
            with _opened(old) as version:
                found = _Traces(version, member)
                lines.extend(found.write_without(f"{old.parent.name}/{old.name}", new) if found.rows else [])
            return bool(found.rows)

        with _published(Path(published), tables, write_version):
            if not (traces.rows or lines or is_forgotten):
                raise PrivacyError(_unknown(traces, member))
            if traces.rows or not is_forgotten:
                new = warehouse.with_name(f".{warehouse.name}.new")
                try:
                    lines = traces.write_without(warehouse.name, new, is_warehouse=True) + lines
                    if warehouse.stat().st_ino != opened:
                        raise PrivacyError(f"{warehouse} was replaced meanwhile. Remedy: run it again.")
                    shutil.copymode(warehouse, new)
                    publication.replace_file(new, warehouse)
                finally:
                    _remove(new)
    return lines or [f"member {member} is forgotten already; no file holds anything of it"]


class _Traces:
    """The rows of a member in the file that a connection has as `old`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, member: str) -> None:
        self.connection, self.member, self.tables = connection, member, _tables(connection)
        connection.execute("set variable member = ?", [member])
        self.conditions = self._conditions()
        self.rows = self._count("old")

    def ask(self, sql: str, parameters: list | None = None):
        ((value,),) = self.connection.execute(sql, parameters or []).fetchall()
        return value

    def write_without(self, name: str, new: Path, is_warehouse: bool = False) -> list[str]:
        """Writes the file anew without the member and searches it; returns what was removed and found, as lines."""
        _remove(new)
        attach(self.connection, new, "new")
        self.connection.execute("copy from database old to new (schema)")
        for table in self.tables:
            kept = f"where ({self.conditions[table]}) is not true" if table in self.conditions else ""
            self.connection.execute(f"insert into new.{_sql(table)} from old.{_sql(table)} {kept}")
        if is_warehouse:
            self.connection.execute(f"create table if not exists new.{FORGOTTEN} (member_hash varchar primary key)")
            self.connection.execute(f"insert or ignore into new.{FORGOTTEN} values (?)", [member_hash(self.member)])
        self.connection.execute("checkpoint new")
        left = self._count("new")
        if left:
            raise PrivacyError(f"{name}: {left} would stay. No file was changed; this is an error of the program.")
        mentions = self._mentions()
        self.connection.execute("detach new")
        return [
            name,
            *(f"  {rows:>9,} rows removed from {table}" for table, rows in self.rows.items()),
            f"  searched afterwards: no row is of member {self.member} in {self._searched()}",
            *(f"  look at {column}: the id stands in {rows:,} rows that name no member" for column, rows in mentions),
        ]

    def _conditions(self) -> dict[str, str]:
        """For every table that may hold rows of the member, what is true of these."""
        keys, found = self._keys(), {}
        for table, columns in self.tables.items():
            hanging = [f"{key} in (from keys_of_{key})" for key in keys if key in columns]
            if MEMBER in columns:
                found[table] = self._is_member(columns)
            elif {"effect", "entity_id"} <= columns.keys():
                found[table] = f"effect = 'member' and entity_id = {THE_MEMBER}"
            elif table == "labels.autoplay_thresholds" and "seeds.autoplay_strategies" in self.tables:
                by_member = "select strategy from old.seeds.autoplay_strategies where scope = 'member'"
                found[table] = f"scope_key = {THE_MEMBER} and strategy in ({by_member})"
            elif table == "staging.quarantine" and "staging.raw_contract" in self.tables:
                found[table] = self._is_refused()
            elif table in SAID and SAID[table][1] in self.tables:
                texts, said = SAID[table]
                says = f"select {texts} from old.{said} where {self._is_member(self.tables[said])}"
                found[table] = f"({texts}) in ({says} is true except {says} is not true)"
            elif hanging:
                found[table] = " or ".join(hanging)
        return found

    def _is_member(self, columns: dict[str, str]) -> str:
        return f"({MEMBER} = try_cast({THE_MEMBER} as {columns[MEMBER]}))"

    def _is_refused(self) -> str:
        """Of a row of the quarantine: that it is of the member, who comes first in every key that has one."""
        of_members = f"select table_name from old.staging.raw_contract where column_name = '{MEMBER}' and is_key"
        spelt = "regexp_replace(split_part(row_key, ', ', 1), '[.]0$', '')"
        return (
            f"(column_name = '{MEMBER}' and regexp_replace(value, '[.]0$', '') = {THE_MEMBER}) or (table_name in "
            f"({of_members}) and ({spelt} = {THE_MEMBER} or starts_with(row_key || ', ', {THE_MEMBER} || ', ')))"
        )

    def _keys(self) -> list[str]:
        """The keys that some table has beside the member, each with a temporary table of the member's."""
        homes = {
            key: [name for name, columns in self.tables.items() if {MEMBER, key} <= columns.keys()] for key in KEYS
        }
        for key, tables in homes.items():
            if tables:
                union = " union ".join(
                    f"select {key} from old.{_sql(table)} where {self._is_member(self.tables[table])}"
                    for table in tables
                )
                self.connection.execute(f"create temp table keys_of_{key} as {union}")
        return [key for key, tables in homes.items() if tables]

    def _count(self, catalog: str) -> dict[str, int]:
        """How many rows are of the member, table by table, without those that have none."""
        counts = {
            table: self.ask(f"select count(*) from {catalog}.{_sql(table)} where {condition}")
            for table, condition in self.conditions.items()
        }
        return {table: rows for table, rows in counts.items() if rows}

    def _searched(self) -> str:
        if len(self.member) < UNMISTAKABLE:
            return f"the {len(self.conditions)} tables of {len(self.tables)} that have rows of members"
        return f"any of {sum(map(len, self.tables.values())):,} columns of {len(self.tables)} tables"

    def _mentions(self) -> list[tuple[str, int]]:
        """Where the id stands in the new file, in whatever column, within lists, maps and structs, and texts too.

        An id as short as 42 is no news: so is the number of a course.
        """
        if len(self.member) < UNMISTAKABLE:
            return []
        self.connection.execute(
            r"set variable pattern = '(^|[^\w-])' || regexp_escape(getvariable('member')) || '($|[^\w-])'"
        )
        found = []
        for table, columns in self.tables.items():
            asked = {}
            for column, kind in columns.items():
                text = f'cast("{column}" as varchar)'
                if kind == "BIGINT":
                    asked[column] = f'"{column}" = try_cast({THE_MEMBER} as bigint)'
                elif "VARCHAR" in kind or "BIGINT" in kind:
                    asked[column] = f"contains({text}, {THE_MEMBER}) and regexp_matches({text}, getvariable('pattern'))"
            if asked:
                counted = ", ".join(f"count(*) filter ({condition})" for condition in asked.values())
                (counts,) = self.connection.execute(f"select {counted} from new.{_sql(table)}").fetchall()
                found += [(f"{table}.{column}", n) for column, n in zip(asked, counts, strict=True) if n]
        return found


@contextmanager
def _errors(warehouse: Path) -> Iterator[None]:
    """Turns what a disk or DuckDB refuses into a PrivacyError."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        reason = " ".join(str(error).split())[:300]
        remedy = "see that the folder can be written and the disk has room for the warehouse a second time"
        if "Could not set lock" in reason:
            remedy = "end the process that has the file open, or wait for its build, and run it again"
        elif isinstance(error, duckdb.Error) and "space" not in reason:
            remedy = "build the warehouse again with make run"
        raise PrivacyError(f"{warehouse}: {reason}. No file was changed. Remedy: {remedy}.") from None


@contextmanager
def _opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that has a file as `old`, read-only: readers may have it open too, writers may not."""
    if Path(f"{path}.wal").exists():  # what a build that was killed left; a new file must not find it
        with duckdb.connect() as connection:
            attach(connection, path, "killed")
            connection.execute("checkpoint killed")
    with duckdb.connect(config={"memory_limit": os.environ.get("COURSE_RECOMMENDER_MEMORY", "80%")}) as connection:
        connection.execute(f"attach '{_quoted(path)}' as old (read_only)")
        yield connection


def _tables(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Tables of the file as schema.name, each with the types of its columns."""
    rows = connection.execute(
        """
        select schema_name || '.' || table_name, column_name, data_type
        from duckdb_columns()
        semi join duckdb_tables() using (table_oid, database_name)
        where database_name = 'old' and not internal
        order by schema_name, table_name, column_index
        """
    ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        tables.setdefault(table, {})[column] = kind
    return tables


def _id(tables: dict[str, dict[str, str]], member: str) -> str:
    """The id as the warehouse writes it."""
    kind = tables.get("staging.stg_members", {}).get(MEMBER)
    if kind is None:
        raise PrivacyError("the warehouse has no table staging.stg_members. Remedy: make run builds it.")
    if kind == "VARCHAR":
        return member
    number = int(member) if re.fullmatch("[+-]?[0-9]{1,19}", member) else 2**63
    if not -(2**63) <= number < 2**63:
        raise PrivacyError(
            f"members are whole numbers here ({kind.lower()}), {_shown(member)} is none. Remedy: give a member_id of "
            f"staging.stg_members."
        )
    return str(number)


def _published(folder: Path, tables: dict[str, dict[str, str]], write):
    """The rewriting of the published versions."""
    if not (folder / FILE).exists() and "serving.publication" in tables:
        raise PrivacyError(
            f"{folder / FILE} does not exist, though the warehouse was published. Remedy: name the folder with "
            f"COURSE_RECOMMENDER_PUBLISHED, or publish again with make run."
        )
    return publication.rewriting(str(folder), write)


def _unknown(traces: _Traces, member: str) -> str:
    example = traces.ask("select min(member_id) from old.staging.stg_members")
    return (
        f"no table knows a member {_shown(member)}. Remedy: give a member_id of staging.stg_members, such as {example}."
    )


def _shown(text: str) -> str:
    return repr(text if len(text) < 50 else f"{text[:50]}…")


def _sql(table: str) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in table.split(".", 1))


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _remove(new: Path) -> None:
    for path in (new, Path(f"{new}.wal")):
        with suppress(OSError):
            path.unlink()


if __name__ == "__main__":
    try:
        for line in forget(
            os.environ.get("COURSE_RECOMMENDER_WAREHOUSE", "warehouse.duckdb"),
            os.environ.get("COURSE_RECOMMENDER_PUBLISHED", "published"),
            os.environ.get("FORGET_MEMBER"),
        ):
            print(line)
    except (PrivacyError, PublicationError) as error:
        sys.exit(str(error))
