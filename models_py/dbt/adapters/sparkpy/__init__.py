"""dbt-spark with what it lacks: Python models run in the session that dbt itself uses, and errors are errors.

dbt-spark submits Python models to Databricks alone. SQL, relations and materializations are inherited from it.
"""

import linecache
import unicodedata
from dataclasses import dataclass

from dbt.adapters.base import AdapterPlugin, PythonJobHelper
from dbt.adapters.spark import SparkAdapter, SparkConnectionManager, SparkCredentials
from dbt_common.exceptions import DbtRuntimeError

from dbt.include import sparkpy


@dataclass
class SparkPyCredentials(SparkCredentials):
    def __post_init__(self) -> None:
        super().__post_init__()
        # dbt-spark turns it off: a number too large and a cast that fails would be null, where DuckDB stops
        self.server_side_parameters["spark.sql.ansi.enabled"] = "true"

    @property
    def type(self) -> str:
        return "sparkpy"


def session_of(credentials: SparkPyCredentials):
    """The session that dbt-spark uses with these credentials, with the functions that Spark lacks."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.enableHiveSupport()
    for name, value in credentials.server_side_parameters.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def nfc_normalize(text: str | None) -> str | None:
    return text and unicodedata.normalize("NFC", text)


class SparkPyConnectionManager(SparkConnectionManager):
    TYPE = "sparkpy"

    @classmethod
    def open(cls, connection):
        opened = super().open(connection)
        session_of(opened.credentials).udf.register("nfc_normalize", nfc_normalize, "string")
        return opened


class SessionJobHelper(PythonJobHelper):
    """Runs the compiled code of a Python model in the session of these credentials."""

    def __init__(self, parsed_model: dict, credentials: SparkPyCredentials) -> None:
        self._name, self._credentials = parsed_model["alias"], credentials

    def submit(self, compiled_code: str) -> None:
        path = f"<model {self._name}>"
        # so that a traceback shows the line of the model
        linecache.cache[path] = (len(compiled_code), None, compiled_code.splitlines(keepends=True), path)
        names = {"__name__": f"dbt_model_{self._name}", "spark": session_of(self._credentials)}
        try:
            exec(compile(compiled_code, path, "exec"), names)
        except Exception as error:
            raise DbtRuntimeError(f"{self._name}: {type(error).__name__}: {error}") from error


class SparkPyAdapter(SparkAdapter):
    ConnectionManager = SparkPyConnectionManager

    @property
    def default_python_submission_method(self) -> str:
        return "session"

    @property
    def python_submission_helpers(self) -> dict[str, type[PythonJobHelper]]:
        return {"session": SessionJobHelper}


Plugin = AdapterPlugin(
    adapter=SparkPyAdapter,
    credentials=SparkPyCredentials,
    include_path=sparkpy.PACKAGE_PATH,
    dependencies=["spark"],
)
