"""Seconds and peak memory of generating a simulated world and loading it into a DuckDB file.

    python benchmarks/world.py [--preset ci|small|big] [--max-seconds S] [--max-gb G]

Two yardsticks of the same run tell a slow machine from slow code: drawing one uniform number per impression, and
loading the finished impressions alone. Exits with 1 where a limit is exceeded.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import duckdb
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models_py"))

from relevance.world.config import WorldConfig
from relevance.world.latents import make_world
from relevance.world.tables import TABLES, Simulation

PRESETS = {
    "ci": WorldConfig(members=2_000, courses=300, days=45),
    "small": WorldConfig(members=20_000, courses=1_000, days=60),
    "big": WorldConfig(members=100_000, courses=2_000, days=60),
}
Result = TypeVar("Result")


def timed(action: Callable[[], Result]) -> tuple[float, Result]:
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def load(simulation: Simulation, connection: duckdb.DuckDBPyConnection) -> int:
    """Loads every table of the world; returns the number of rows."""
    rows = 0
    for schema in ("raw", "truth"):
        connection.execute(f"create schema {schema}")
    for schema, name in TABLES:
        table = simulation.table(schema, name)
        connection.register("arrow_table", table)
        connection.execute(f"create table {schema}.{name} as select * from arrow_table")
        connection.unregister("arrow_table")
        rows += table.num_rows
    connection.execute("checkpoint")
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="big")
    parser.add_argument("--max-seconds", type=float, default=60.0)
    parser.add_argument("--max-gb", type=float, default=6.0)
    arguments = parser.parse_args()
    config = PRESETS[arguments.preset]
    print(f"world {arguments.preset}: {config.members:,} members x {config.courses:,} courses x {config.days} days")

    seconds: dict[str, float] = {}
    seconds["members, courses, days"], world = timed(lambda: make_world(config))
    simulation = Simulation(world, lambda message: None)
    seconds["profile skills"], _ = timed(lambda: simulation.profiles)
    seconds["text of the catalogue"], _ = timed(lambda: simulation.text)
    seconds["log"], _ = timed(lambda: simulation.log)
    with tempfile.TemporaryDirectory() as folder:
        with duckdb.connect(f"{folder}/world.duckdb") as connection:
            seconds["tables into DuckDB"], rows = timed(lambda: load(simulation, connection))
        file_gb = Path(f"{folder}/world.duckdb").stat().st_size / 1e9
        total, peak = sum(seconds.values()), peak_gb()

        impressions = simulation.table("raw", "impressions")
        draw, _ = timed(lambda: np.random.default_rng(0).random(impressions.num_rows))
        with duckdb.connect(f"{folder}/bare.duckdb") as bare:
            bare.register("arrow_table", impressions)
            bare_load, _ = timed(lambda: bare.execute("create table impressions as select * from arrow_table"))

    for name, value in seconds.items():
        print(f"  {name:<24} {value:8.2f} s")
    count = impressions.num_rows
    print(f"  {'all':<24} {total:8.2f} s   {rows:,} rows, {count:,} impressions, {count / total:,.0f} impressions/s")
    print(f"  peak memory {peak:.2f} GB, file {file_gb:.2f} GB")
    print(f"  yardsticks: one uniform per impression {draw:.3f} s, log / draw = {seconds['log'] / draw:.0f}")
    print(f"              impressions into DuckDB {bare_load:.3f} s, all / load = {total / bare_load:.1f}")
    met = [
        (f"{total:.1f} s of {arguments.max_seconds:g} s", total <= arguments.max_seconds),
        (f"{peak:.2f} GB of {arguments.max_gb:g} GB", peak <= arguments.max_gb),
    ]
    for text, is_met in met:
        print(f"  {'within the limit' if is_met else 'OVER THE LIMIT'}: {text}")
    return 0 if all(is_met for _, is_met in met) else 1


if __name__ == "__main__":
    sys.exit(main())
