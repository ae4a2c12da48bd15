"""The supervised platform at scale: features, examples, m101 to m105 and m105_history on the `big` preset.

Prints seconds and peak memory of the layers from features to the six logistic regressions, in a registry of these six
(the label sets for evaluation take part), and the rows per second of the point-in-time join beside those of a bare
equality join of the same rows, in the same run.

    .venv/bin/python benchmarks/supervised.py [preset, default big]
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import yaml

ROOT = Path(__file__).resolve().parents[1]
PAIRS = 1_000_000
REPEATS = 3
CHAIN = ("m101", "m102", "m103", "m104", "m105", "m105_history")
MEASURED = ("features", "labels", "training", *CHAIN)

POINT_IN_TIME = """
    with dated as (
        select pairs.*, families.family
        from pairs cross join (select distinct family from features.member_features) as families
    ),
    snapshots as (
        select dated.*, stored.feature_date
        from dated
        asof inner join (select distinct member_id, family, feature_date from features.member_features) as stored
            on dated.member_id = stored.member_id and dated.family = stored.family
            and dated.served_date >= stored.feature_date
    )
    select count(*), sum(features.value)
    from snapshots inner join features.member_features as features using (member_id, family, feature_date)
"""
EQUALITY = """
    select count(*), sum(features.value)
    from found inner join features.member_features as features using (member_id, family, feature_date)
"""


def dbt(folder: Path, preset: str, chain: tuple[str, ...], *arguments: str) -> tuple[float, float]:
    """Seconds and peak GB of a dbt command on a warehouse of its own, with a registry of `chain`."""
    environment = os.environ | {
        "COURSE_RECOMMENDER_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "COURSE_RECOMMENDER_PUBLISHED": str(folder / "published"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "COURSE_RECOMMENDER_MEMORY": "5GB",
    }
    registry = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["variants"]
    variables = {"world_preset": preset, "variants": {name: registry[name] for name in chain}}
    command = [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", *arguments]
    start = time.perf_counter()
    printed = folder / "printed"
    with printed.open("w") as file:
        child = subprocess.Popen(
            [*command, "--vars", json.dumps(variables)], cwd=ROOT, env=environment, stdout=file, stderr=file
        )
        _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(printed.read_text()[-4000:])
    for line in printed.read_text().splitlines():
        if " OK created " in line and float(line.rsplit(" in ", 1)[1].split("s")[0]) > 5:
            print("   ", line.split("model ")[1])
    return time.perf_counter() - start, usage.ru_maxrss / 1e6


def seconds_of(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[float, int]:
    """Seconds, and the rows joined."""
    start = time.perf_counter()
    ((rows, _),) = connection.execute(sql).fetchall()
    return time.perf_counter() - start, rows


def main() -> None:
    preset = sys.argv[1] if len(sys.argv) > 1 else "big"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before, _ = dbt(folder, preset, CHAIN, "seed")
        before += dbt(folder, preset, CHAIN, "run", "--select", "world", "staging", "skills")[0]
        print(f"{preset}: world, staging and skills {before:.0f} s (not measured)")
        seconds, peak = dbt(folder, preset, CHAIN, "run", "--select", *MEASURED)
        with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
            ((examples,),) = connection.execute("select count(*) from labels.examples").fetchall()
            ((stored,),) = connection.execute("select count(*) from features.member_features").fetchall()
            print(
                f"features, examples, m101 to m105 and m105_history: {seconds:.0f} s (limit 240 s), "
                f"peak {peak:.2f} GB (limit 8 GB), {examples:,} examples, {stored / 1e6:.1f} M rows of member features"
            )
            connection.execute(
                f"create temp table pairs as select distinct member_id, served_date from labels.examples limit {PAIRS}"
            )
            connection.execute(
                "create temp table found as "
                + POINT_IN_TIME.split("select count(*), sum")[0]
                + "select member_id, family, feature_date from snapshots"
            )
            times = [(seconds_of(connection, POINT_IN_TIME), seconds_of(connection, EQUALITY)) for _ in range(REPEATS)]
            point_in_time, equality = (statistics.median(t[i][0] for t in times) for i in (0, 1))
            rows = times[0][0][1]
            print(
                f"point-in-time join: {rows / point_in_time / 1e6:.1f} M rows/s, bare equality join of the same rows: "
                f"{rows / equality / 1e6:.1f} M rows/s, ratio {point_in_time / equality:.2f}"
            )


if __name__ == "__main__":
    main()
