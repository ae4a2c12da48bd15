"""Any text in any column of raw tables: each row is staged by the contract or refused with a reason, none is lost."""

import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import ROOT, Warehouse

FUZZED = ("members", "courses", "impressions", "engagements")  # in the order in which they refer to each other
ROWS = 400  # of each table
SOURCE = yaml.safe_load((ROOT / "dbt_project" / "models" / "staging" / "_raw.yml").read_text())["sources"][0]
CONTRACT = {table["name"]: table["columns"] for table in SOURCE["tables"]}
COMPILED = Path("target", "compiled", "course_recommender", "dbt_project", "models", "staging")
WORDS = (
    None, "", " ", "nan", "NaN", "inf", "-Infinity", "-1", "0", "1e309", "9223372036854775808", "1.5", "1,5", "0x10",
    "true", "2024-02-30", "0001-01-01 00:00:00", "9999-12-31 23:59:59", "2024-01-10 10:00:00+02", "now",
    "'; drop table raw.members; --", "\\", '"', "١٢", "💡", "\u202e", "\ufeff", "a\nb",
)  # fmt: skip


@pytest.fixture(scope="module")
def staged(tiny_raw: Path, tmp_path_factory) -> tuple[Warehouse, dict[str, dict[str, list]], dict[str, str]]:
    """A warehouse staged from a folder with all columns as texts, these texts, and the SQL that stages them."""
    raw = tmp_path_factory.mktemp("texts") / "raw"
    shutil.copytree(tiny_raw, raw)
    texts = {}
    with duckdb.connect() as connection:
        for table in FUZZED:
            columns = ", ".join(f"cast({column['name']} as varchar) as {column['name']}" for column in CONTRACT[table])
            read = f"select {columns} from '{tiny_raw}/{table}.parquet' limit {ROWS}"
            texts[table] = connection.sql(read).to_arrow_table().to_pydict()
            write(raw, table, texts[table])
    warehouse = Warehouse(raw.parent / "warehouse")
    settings = {"raw_location": raw, "max_quarantine_share": 0.5}
    warehouse.dbt("run", "--select", "staging", **settings)
    with duckdb.connect(str(warehouse.file)) as connection:  # quarantine judges tables of which rows were not staged
        for table in FUZZED:
            connection.execute(f"delete from staging.stg_{table}")
    warehouse.dbt("compile", "--select", "quarantine", **settings)
    names = [*(f"stg_{table}" for table in FUZZED), "quarantine"]
    return warehouse, texts, {name: (warehouse.folder / COMPILED / f"{name}.sql").read_text() for name in names}


def write(raw: Path, table: str, columns: dict[str, list]) -> None:
    pq.write_table(
        pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}), raw / f"{table}.parquet"
    )


def broken_rules(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """What the rows of a staged table would have to be and are not."""
    conditions = {}
    for column in CONTRACT[table]:
        name, meta = column["name"], column.get("config", {}).get("meta", {})
        if meta.get("required"):
            conditions[f"{name} is null"] = f"{name} is null"
        if "minimum" in meta or column["data_type"] == "double":
            conditions[f"{name} is no number in its range"] = (
                f"{name} < {meta.get('minimum', '-infinity')} or {name} > {meta.get('maximum', 1e300)} or isnan({name})"
                if column["data_type"] == "double"
                else f"{name} < {meta['minimum']}"
            )
        if "accepts" in meta:
            conditions[f"{name} is unknown"] = f"{name} not in {tuple(meta['accepts'])}"
        if meta.get("event"):
            conditions[f"{name} is out of range"] = f"{name} < date '1990-01-01' or {name} >= date '2026-01-01'"
        if "references" in meta and meta["references"] in FUZZED:
            known = f"select {meta['references'][:-1]}_id from staging.stg_{meta['references']}"
            conditions[f"{name} refers to nothing"] = f"{name} is not null and {name} not in ({known})"
    keys = ", ".join(
        column["name"] for column in CONTRACT[table] if column.get("config", {}).get("meta", {}).get("key")
    )
    found = [
        what
        for what, condition in conditions.items()
        if connection.execute(f"select count(*) from staging.stg_{table} where {condition}").fetchall() != [(0,)]
    ]
    ((rows, distinct),) = connection.execute(
        f"select count(*), count(distinct ({keys})) from staging.stg_{table}"
    ).fetchall()
    return found + (["a key comes twice"] if rows != distinct else [])


places = st.sampled_from([(table, column["name"]) for table in FUZZED for column in CONTRACT[table]])
words = st.one_of(
    st.sampled_from(WORDS),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(str),
    st.integers(0, ROWS - 1),  # the value of that row
)


@given(st.lists(st.tuples(places, st.integers(0, ROWS - 1), words), max_size=60))
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_row_is_staged_by_the_contract_or_refused_with_a_reason(staged, changes):
    warehouse, texts, sql = staged
    raw = warehouse.folder.parent / "raw"
    changed = {table: {name: list(values) for name, values in columns.items()} for table, columns in texts.items()}
    for (table, column), row, word in changes:
        values = changed[table][column]
        values[row % len(values)] = values[word % len(values)] if isinstance(word, int) else word
    for table in {table for (table, _), _, _ in changes}:
        write(raw, table, changed[table])
    with duckdb.connect(str(warehouse.file), config={"file_search_path": str(warehouse.folder)}) as connection:
        connection.execute("begin")
        for table in FUZZED:
            connection.execute(f"create or replace table staging.stg_{table} as {sql[f'stg_{table}']}")
        counts = f"select table_name, count(*) from ({sql['quarantine']}) where reason <> '' group by table_name"
        refused = dict(connection.execute(counts).fetchall())
        for table in FUZZED:
            assert broken_rules(connection, table) == [], table
            ((rows,),) = connection.execute(f"select count(*) from staging.stg_{table}").fetchall()
            assert rows + refused.get(table, 0) == rows_read(connection, raw, table), table
        connection.execute("rollback")
    for table in {table for (table, _), _, _ in changes}:
        write(raw, table, texts[table])


def rows_read(connection: duckdb.DuckDBPyConnection, raw: Path, table: str) -> int:
    """Rows of a raw table but those that arrived later, or that a later row of their key took the place of."""
    if "arrived_at" not in {column["name"] for column in CONTRACT[table]}:
        return connection.execute(f"select count(*) from '{raw}/{table}.parquet'").fetchall()[0][0]
    keys = [column["name"] for column in CONTRACT[table] if column.get("config", {}).get("meta", {}).get("key")]
    return connection.execute(
        f"""
        select count(*)
        from (
            select *, max(try_cast(trim(arrived_at) as timestamp)) over (partition by {", ".join(keys)}) as last_arrival
            from '{raw}/{table}.parquet'
            where coalesce(try_cast(trim(arrived_at) as timestamp) < (select as_of_date from staging.as_of_date), true)
        )
        where try_cast(trim(arrived_at) as timestamp) is not distinct from last_arrival
        """
    ).fetchall()[0][0]
