"""The comparison that the tests on Spark rely on: it finds each kind of difference, and none where there is none."""

from pathlib import Path

import duckdb
import pytest
from parity import differences

TABLE = """
    select
        i as id, 'text ' || i as name, i % 3 as rank, i / 7 as score, [i / 3, i / 5] as scores, [i, i + 1] as courses,
        date '2024-01-01' + cast(i as integer) as day, case when i % 5 > 0 then i / 11 end as sometimes
    from range(20) as numbers (i)
"""


@pytest.mark.parametrize(
    ("change", "column", "rows"),
    [
        ("*", None, 0),
        ("* replace (score + 1e-9 as score, [scores[1] + 1e-9, scores[2]] as scores)", None, 0),
        ("* replace (score + case when id = 4 then 1e-5 else 0 end as score)", "score", 1),
        ("* replace ([scores[1], scores[2] + 1e-4] as scores)", "scores", 20),
        ("* replace (scores[:1] as scores)", "scores", 20),
        ("* replace (list_reverse(courses) as courses)", "courses", 20),
        ("* replace (case when id = 7 then 99 else rank end as rank)", "rank", 1),
        ("* replace (coalesce(sometimes, 0) as sometimes)", "sometimes", 4),
        ("* replace (cast(rank as integer) as rank)", "types", 0),
        ("* exclude (day)", "columns", 0),
        ("* replace (id + 1 as id)", "rows of the first alone", 1),
    ],
)
def test_each_kind_of_difference_is_found(tmp_path: Path, change: str, column: str | None, rows: int) -> None:
    folder = tmp_path / "scoring.db" / "lists"
    folder.mkdir(parents=True)
    connection = duckdb.connect()
    connection.execute(f"create schema scoring; create table scoring.lists as {TABLE}")
    connection.execute(f"copy (select {change} from scoring.lists order by rank) to '{folder / 'part.parquet'}'")
    found = differences(connection, tmp_path, {"scoring.lists": ["id"]})
    assert [(one.column, one.rows) for one in found][:1] == ([(column, rows)] if column else [])
