"""Builds of one commit give the same tables, whatever the number of threads."""

import os
from pathlib import Path

import pytest

from conftest import WITHOUT_TESTS, Warehouse

NOT_COMPARED = {
    "publication",  # counts builds and names the file
    "list_churn",  # compares with the versions that the folder happens to keep
}


def checksums(warehouse: Warehouse, schemas: str = ".*") -> dict[str, tuple]:
    """Rows and checksum of every table of the schemas that match."""
    tables = warehouse.query(
        """
        select schema_name || '.' || table_name
        from duckdb_tables()
        where schema_name not in ('main', 'information_schema') and regexp_full_match(schema_name, ?)
        """,
        schemas,
    )
    sums = {}
    for (name,) in sorted(tables):
        if name.split(".")[1] not in NOT_COMPARED:
            sums[name] = warehouse.query(f"select count(*), sum(hash(t)::hugeint) from {name} as t")
    return sums


def differing(one: Warehouse, two: Warehouse) -> set[str]:
    first, second = checksums(one), checksums(two)
    assert len(first) > 80
    return {name for name in first if first[name] != second.get(name)}


@pytest.mark.long
def test_one_thread_gives_the_same_tables_as_two(ci_world: Warehouse, tmp_path: Path) -> None:
    single = Warehouse(tmp_path)
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})  # the engine starts as many threads as it may use cores
    try:
        single.dbt("build", "--threads", "1", *WITHOUT_TESTS, world_preset="ci")
    finally:
        os.sched_setaffinity(0, allowed)
    assert differing(ci_world, single) == set()
