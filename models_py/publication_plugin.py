"""The functions behind `dbt run-operation versions` and `rollback`: macros cannot rename files.

`profiles.yml` names this module and dbt-duckdb calls it. It adapts `relevance.publication`, which knows nothing of dbt,
and does so only for operations: registering a function imports numpy, and no other command is to start later for it.
"""

import json
from collections.abc import Callable

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.flags import get_flags


def published_versions(folder: str) -> str:
    """JSON with `said`, the versions in a folder as lines of text, or `error`."""
    from relevance import publication

    return _answer(publication.listing, folder)


def serve_version(folder: str, version: str) -> str:
    """Serves a version again; JSON with `said`, a sentence that it is done, or `error`."""
    from relevance import publication

    return _answer(publication.rollback, folder, version)


def _answer(action: Callable[..., str], *arguments: str) -> str:
    """An exception inside a function of DuckDB would reach the user as an error of DuckDB."""
    try:
        return json.dumps({"said": action(*arguments)})
    except (RuntimeError, OSError) as error:
        return json.dumps({"error": str(error)})


class Plugin(BasePlugin):
    def configure_connection(self, conn) -> None:
        if get_flags().WHICH != "run-operation":
            return
        # side_effects: once per call, never while a query is planned
        conn.create_function("published_versions", published_versions, ["varchar"], "varchar", side_effects=True)
        conn.create_function("serve_version", serve_version, ["varchar", "varchar"], "varchar", side_effects=True)
