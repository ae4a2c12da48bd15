"""Point lookups through `explain` on a published file, against `recommend` on the same members and channels.

Prints median and 99th percentile of both in milliseconds, interleaved, and the ratio of the medians; then the bytes of
the tables that `explain` reads, and their ratio to those of the recommendation store.

    .venv/bin/python benchmarks/explain.py [file, default published/recommendations.duckdb] [lookups, default 200]
"""

import random
import statistics
import sys
import time

import duckdb

EXPLAINED = "explained_%"


def timed(connection: duckdb.DuckDBPyConnection, sql: str, arguments: list) -> float:
    start = time.perf_counter()
    connection.execute(sql, arguments).fetchall()
    return 1000 * (time.perf_counter() - start)


def size_of(connection: duckdb.DuckDBPyConnection, pattern: str) -> int:
    """Bytes of the blocks that hold the columns of the tables with such a name."""
    tables = connection.execute(
        "select table_name from duckdb_tables() where schema_name = 'serving' and table_name like ?", [pattern]
    ).fetchall()
    ((block,),) = connection.execute("select block_size from pragma_database_size()").fetchall()
    blocks = 0
    for (table,) in tables:
        ((used,),) = connection.execute(
            f"select count(distinct block_id) from pragma_storage_info('serving.{table}') where block_id >= 0"
        ).fetchall()
        blocks += used
    return blocks * block


def main(file: str, lookups: int) -> None:
    rng = random.Random(7)
    with duckdb.connect(file, read_only=True) as connection:
        keys = connection.execute(
            "select member_id, channel from (select member_id, unnest(map_keys(treatments)) as channel "
            "from serving.explained_members) order by all"
        ).fetchall()
        courses = connection.execute("select course_id from serving.explained_courses order by all").fetchall()
        calls = {"recommend": "from recommend(?, ?)", "explain": "from explain(?, ?, ?)"}
        taken = {name: [] for name in calls}
        for _ in range(lookups):
            key, course = rng.choice(keys), rng.choice(courses)
            taken["recommend"].append(timed(connection, calls["recommend"], [*key]))
            taken["explain"].append(timed(connection, calls["explain"], [*key, *course]))
        medians = {name: statistics.median(times) for name, times in taken.items()}
        for name, times in taken.items():
            print(f"{name:10} median {medians[name]:6.1f} ms, p99 {sorted(times)[int(0.99 * len(times))]:6.1f} ms")
        print(f"explain takes {medians['explain'] / medians['recommend']:.1f} x recommend")
        explained, store = size_of(connection, EXPLAINED), size_of(connection, "recommendation_store")
        print(f"explain reads {explained / 1e6:.1f} MB, {explained / store:.2f} x the store")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(
        arguments[0] if arguments else "published/recommendations.duckdb",
        int(arguments[1]) if len(arguments) > 1 else 200,
    )
