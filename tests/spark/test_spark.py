"""The pipeline on Spark: the tables of DuckDB, a store from them, a cluster that loses a worker (make test_spark)."""

import json
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from parity import compared_tables

from conftest import ROOT, TINY_WORLD, WITHOUT_TESTS, Warehouse
from relevance.engine import engine
from relevance.learners.glmix import fit_sharded
from relevance.learning import models_given

WITHOUT_PYSPARK = "pyspark is not installed: make spark installs it"
SparkSession = pytest.importorskip("pyspark.sql", reason=WITHOUT_PYSPARK).SparkSession
Relation = pytest.importorskip("relevance.spark").Relation
lakes = pytest.importorskip("lake")
Lake = lakes.Lake
CI = {"world_preset": "ci"}


@pytest.fixture(scope="module")
def duckdb_ci(tmp_path_factory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("duckdb_ci"))
    warehouse.dbt("build", *WITHOUT_TESTS, **CI)
    return warehouse


@pytest.fixture(scope="module")
def spark_ci(tmp_path_factory) -> Lake:
    lake = Lake(tmp_path_factory.mktemp("spark_ci"))
    lake.build("--selector", "spark", **CI)
    return lake


@pytest.fixture(scope="module")
def duckdb_tiny(tmp_path_factory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("duckdb_tiny"))
    warehouse.dbt("build", *WITHOUT_TESTS, **TINY_WORLD)
    return warehouse


def test_every_table_is_that_of_duckdb(spark_ci: Lake, duckdb_ci: Warehouse) -> None:
    manifest = json.loads((spark_ci.folder / "target" / "manifest.json").read_text())
    assert len(compared_tables(manifest, spark_ci.tables)) > 200
    assert spark_ci.differences(duckdb_ci) == []


def test_duckdb_publishes_from_the_tables_of_spark(spark_ci: Lake, duckdb_ci: Warehouse) -> None:
    spark_ci.dbt("run-operation", "read_lake", "--args", json.dumps({"folder": str(spark_ci.tables)}), **CI)
    spark_ci.dbt("build", "--selector", "lake", **CI)
    with duckdb.connect(str(duckdb_ci.published_file), read_only=True) as connection:
        connection.execute(f"attach '{spark_ci.published_file}' as other (read_only)")
        ask = "from recommend({}, '{}', top_k := 50)"
        asked = [(member, channel) for member in range(1, 2000, 97) for channel in ("feed", "home", "email")]
        one = [connection.execute(ask.format(*question)).fetchall() for question in asked]
        connection.execute("use other")
        other = [connection.execute(ask.format(*question)).fetchall() for question in asked]
    assert all(len(rows) == 50 for rows in one)
    assert one == other


def test_raw_tables_of_ones_own(tmp_path: Path, duckdb_tiny: Warehouse) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    with duckdb.connect(str(duckdb_tiny.file), read_only=True) as connection:
        found = "select table_name from duckdb_tables() where schema_name = 'raw'"
        for (table,) in connection.execute(found).fetchall():
            connection.execute(f"copy (from raw.{table}) to '{folder / table}.parquet'")
    lake = Lake(tmp_path)
    lake.build("--select", "path:dbt_project/models/staging", "raw_files", raw_location=str(folder))
    # what the tables are read from differs, not what is read
    assert {one.table for one in lake.differences(duckdb_tiny)} == {"staging.raw_files"}
    (folder / "members.parquet").unlink()
    with duckdb.connect(str(duckdb_tiny.file), read_only=True) as connection:
        connection.execute(f"copy (from raw.members) to '{folder / 'members.csv'}'")
    other = Lake(tmp_path / "other")
    refused = other.build("--select", "raw_contract", "raw_files", check=False, raw_location=str(folder))
    assert refused.returncode
    assert "members.csv is text, Spark reads Parquet. Remedy" in refused.stdout


def test_glmix_over_shards_finds_the_optimum_of_one_machine(duckdb_ci: Warehouse, monkeypatch) -> None:
    workers = {"PYSPARK_PYTHON": sys.executable, "PYTHONPATH": str(ROOT / "models_py"), "SPARK_LOCAL_IP": "127.0.0.1"}
    for name, value in workers.items():
        monkeypatch.setenv(name, value)
    settings = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2"}  # as in profiles.yml
    session = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
    with duckdb.connect(str(duckdb_ci.file), read_only=True) as connection:
        (row,) = connection.sql("from variants.variants where variant = 'glmix'").to_arrow_table().to_pylist()
        models = models_given(row, connection.sql("from variants.variants"), [connection.sql("from variants.m105")])
        examples = connection.sql("from variants.mixed_examples where variant = 'glmix'").to_arrow_table()
        features = connection.sql("from training.effect_features where variant = 'glmix'").to_arrow_table()
        relations = [Relation(session.createDataFrame(table)) for table in (examples, features)]
        made = fit_sharded(engine(session), row, *relations, list(models.values())).to_arrow_table()
        session.stop()
        connection.register("made", made)
        ((rows, of_one, of_made, difference),) = connection.sql("""
            select
                count(*), count(one.coefficient), count(made.coefficient),
                max(abs(one.coefficient - made.coefficient))
            from (from variants.glmix where effect in ('member', 'course')) as one
            full join (from made where effect in ('member', 'course')) as made
                using (effect, entity_id, feature, term)
        """).fetchall()
        ((objective, least),) = connection.sql("""
            select
                (select min(coefficient) from variants.glmix where effect = 'fit' and feature = 'objective'),
                (select min(coefficient) from made where effect = 'fit' and feature = 'objective')
        """).fetchall()
    assert rows == of_one == of_made > 10_000
    assert difference < 0.01
    assert objective * (1 - 1e-6) < least <= objective  # DuckDB's is at most 1e-6 above the optimum


def test_a_cluster_that_loses_a_worker_builds_the_same_tables(tmp_path: Path, duckdb_tiny: Warehouse) -> None:
    cluster = lakes.Cluster(tmp_path)
    lake = Lake(tmp_path, master=lakes.MASTER)
    try:
        command = lake._command(
            ("build", "--target", "spark", *WITHOUT_TESTS, "--select", "+learned_lists", "--log-level", "info"),
            TINY_WORLD,
        )
        with (tmp_path / "dbt.log").open("w") as log:
            build = subprocess.Popen(command, cwd=ROOT, env=lake._environment, stdout=log, stderr=log)
            while (
                build.poll() is None
                and "OK created python table model variants.m101" not in (tmp_path / "dbt.log").read_text()
            ):
                time.sleep(0.5)
            assert build.poll() is None, (tmp_path / "dbt.log").read_text()[-3000:]
            cluster.kill(cluster.workers[0])
            assert build.wait() == 0, (tmp_path / "dbt.log").read_text()[-3000:]
    finally:
        cluster.stop()
    assert "ExecutorLost" in (tmp_path / "dbt.log").read_text() or "Lost executor" in (tmp_path / "dbt.log").read_text()
    assert lake.differences(duckdb_tiny) == []
