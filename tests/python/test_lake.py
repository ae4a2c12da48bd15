"""What Spark built becomes views of a warehouse: a lake is a folder of Parquet for every table."""

import json
from pathlib import Path

import duckdb

from conftest import Warehouse


def test_tables_of_a_lake_become_views(tmp_path: Path) -> None:
    lake = tmp_path / "it's a lake"
    for name in ("staging.db/stg_members", "scoring.db/variants", "main.db/forgotten_members", "odd name.db/table"):
        (lake / name).mkdir(parents=True)
        for part in range(2):
            duckdb.sql(f"select {part} as member_id").write_parquet(str(lake / name / f"part-{part}.parquet"))
    warehouse = Warehouse(tmp_path / "warehouse")
    with duckdb.connect(str(warehouse.file)) as connection:
        connection.execute("create schema staging; create table staging.stg_members as select 7 as member_id")
    done = warehouse.dbt("run-operation", "read_lake", "--args", json.dumps({"folder": str(lake)}))
    assert "2 tables of" in done.stdout
    assert warehouse.query("select member_id from staging.stg_members order by all") == [(0,), (1,)]
    assert warehouse.query("select count(*) from scoring.variants") == [(2,)]


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    folder = json.dumps({"folder": str(tmp_path / "nowhere'; drop schema main; --")})
    done = Warehouse(tmp_path).dbt("run-operation", "read_lake", "--args", folder, check=False)
    assert done.returncode
    assert "holds no tables of Spark. Remedy: make spark" in done.stdout
