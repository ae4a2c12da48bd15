"""Opens the warehouse with small row groups, so that threads share what has one row per member.

DuckDB reads and writes a row group by one thread, and puts 122,880 rows in one. Another size is given where a file is
attached; dbt-duckdb, which calls this module because `profiles.yml` names it, opens the warehouse without.
"""

from contextlib import suppress
from pathlib import Path

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin


def attach(connection, file: str, name: str, rows: int) -> None:
    """A file as the database `name` of a connection, with row groups of so many rows for what is written."""
    file, name = file.replace("'", "''"), name.replace('"', '""')
    connection.execute(f"attach '{file}' as \"{name}\" (row_group_size {rows})")


def replay_log(file: str, rows: int) -> None:
    """Takes into a file what a build that was killed left in its log. Opened without a size, which is what dbt-duckdb
    does next, the file would get large row groups in all its tables."""
    if Path(f"{file}.wal").exists():
        with suppress(duckdb.Error), duckdb.connect() as session:  # dbt-duckdb says what is wrong with the file
            attach(session, file, "left behind", rows)
            session.execute('detach "left behind"')


def attach_again(connection, file: str, name: str, rows: int) -> None:
    """The database `name` of a connection anew from its file, with row groups of so many rows for new tables."""
    quoted = name.replace('"', '""')
    connection.execute(f"""attach ':memory:' as "beside {quoted}"; use "beside {quoted}"; detach "{quoted}" """)
    attach(connection, file, name, rows)
    connection.execute(f"""use "{quoted}"; detach "beside {quoted}" """)


class Plugin(BasePlugin):
    def initialize(self, plugin_config) -> None:
        self._rows = int(plugin_config["rows"])

    def update_connection_config(self, creds, config) -> None:
        replay_log(creds.path, self._rows)

    def configure_connection(self, conn) -> None:
        attach_again(conn, self.creds.path, self.creds.database, self._rows)
