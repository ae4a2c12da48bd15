"""Builds of the project on Spark, in this machine's processes or on a cluster of two workers."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import duckdb
import pyspark
from parity import Difference, compared_tables, differences

from conftest import ROOT, WITHOUT_TESTS, Warehouse

MASTER = "spark://127.0.0.1:17077"


@dataclass(frozen=True)
class Lake(Warehouse):
    """A folder with the tables that Spark built; `master` is who computes."""

    master: str = "local[2]"

    @property
    def tables(self) -> Path:
        return self.folder / "lake"

    @property
    def _environment(self) -> dict[str, str]:
        return super()._environment | {
            "COURSE_RECOMMENDER_SPARK": self.master,
            "COURSE_RECOMMENDER_LAKE": str(self.tables),
            "PYTHONPATH": str(ROOT / "models_py"),
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_IP": "127.0.0.1",
        }

    def build(self, *arguments: str, check: bool = True, **variables) -> subprocess.CompletedProcess:
        return self.dbt("build", "--target", "spark", *WITHOUT_TESTS, *arguments, check=check, **variables)

    def differences(self, warehouse: Warehouse) -> list[Difference]:
        """Where the tables here are not those of the warehouse."""
        manifest = json.loads((self.folder / "target" / "manifest.json").read_text())
        with duckdb.connect(str(warehouse.file), read_only=True) as connection:
            return differences(connection, self.tables, compared_tables(manifest, self.tables))


class Cluster:
    """A master and two workers on the loopback address, processes of their own."""

    def __init__(self, folder: Path):
        home = Path(pyspark.__file__).parent
        self._environment = os.environ | {
            "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable,
            "PYTHONPATH": str(ROOT / "models_py"), "SPARK_NO_DAEMONIZE": "1",
        }  # fmt: skip
        self._folder, self._start = folder, [str(home / "bin" / "spark-class")]
        self._master = self._process("master.Master", "--host", "127.0.0.1", "--port", "17077", "--webui-port", "18088")
        self.workers = []
        for number in (1, 2):
            self._wait_for(lambda: self._state() is not None)
            self.workers.append(
                self._process(
                    "worker.Worker",
                    "--host",
                    "127.0.0.1",
                    "--cores",
                    "1",
                    "--memory",
                    "3g",
                    "--webui-port",
                    str(18088 + number),
                    "--work-dir",
                    str(folder / f"work{number}"),
                    MASTER,
                )
            )
        self._wait_for(lambda: (self._state() or {}).get("aliveworkers") == 2)

    def _process(self, name: str, *arguments: str) -> subprocess.Popen:
        with (self._folder / f"{name}{time.monotonic()}.log").open("w") as log:
            command = [*self._start, f"org.apache.spark.deploy.{name}", *arguments]
            return subprocess.Popen(command, env=self._environment, stdout=log, stderr=log, start_new_session=True)

    def _state(self) -> dict | None:
        connection = HTTPConnection("127.0.0.1", 18088, timeout=5)
        try:
            connection.request("GET", "/json/")
            return json.load(connection.getresponse())
        except OSError:
            return None
        finally:
            connection.close()

    @staticmethod
    def _wait_for(happened) -> None:
        for _ in range(120):
            if happened():
                return
            time.sleep(0.5)
        raise RuntimeError("the cluster does not start")

    @staticmethod
    def kill(process: subprocess.Popen) -> None:
        """The process and all that it started, its executors among them, at once."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in [*self.workers, self._master]:
            if process.poll() is None:
                self.kill(process)
