"""Two builds of one commit give the same tables, whatever the number of threads."""

import os
from pathlib import Path

from conftest import TINY_WORLD, Warehouse

NOT_COMPARED = {"publication"}  # path and version of the file, which count builds


def checksums(warehouse: Warehouse) -> dict[str, tuple]:
    tables = warehouse.query(
        """
        select table_schema || '.' || table_name
        from information_schema.tables
        where table_schema not in ('main', 'information_schema')
        """
    )
    sums = {}
    for (name,) in sorted(tables):
        if name.split(".")[1] not in NOT_COMPARED:
            sql = f"select count(*), md5(string_agg(row_text, '' order by row_text)) from (select cast(t as varchar) as row_text from {name} as t)"  # noqa: E501
            sums[name] = warehouse.query(sql)[0]
    return sums


def test_two_builds_give_the_same_tables_on_one_thread_and_on_two(tmp_path: Path) -> None:
    one, two = Warehouse(tmp_path / "one"), Warehouse(tmp_path / "two")
    two.dbt("build", **TINY_WORLD)
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})  # the engine starts as many threads as it may use cores
    try:
        one.dbt("build", "--threads", "1", **TINY_WORLD)
    finally:
        os.sched_setaffinity(0, allowed)
    first, second = checksums(one), checksums(two)
    assert len(first) > 80
    assert {name for name in first if first[name] != second.get(name)} == set()
