"""Spark against DuckDB: seconds by layer against members, in this machine's processes and on two workers.

    .venv/bin/python benchmarks/spark.py [--members 2000 20000]

Built is all that the learned lists need. The yardstick is the build on DuckDB of the same world in the same run. The
two workers, a core each, build the largest size. What a member more costs is the difference of the sizes; from it
follow the core hours and bytes of MANY members, if cost stays linear in them and courses stay as many as here.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models_py"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "python"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "spark"))

from day import seconds_by_layer
from lake import MASTER, Cluster, Lake

from conftest import WITHOUT_TESTS, Warehouse

SELECTION = ("--select", "+learned_lists")
CORES = 2
MANY = 500_000_000


def measured(warehouse: Warehouse) -> dict[str, float]:
    """Seconds of the last run, by layer and by the wall."""
    run = json.loads((warehouse.folder / "target" / "run_results.json").read_text())
    seconds = seconds_by_layer(warehouse)
    seconds["by the wall"] = run["elapsed_time"]
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, nargs="+", default=[2_000, 20_000])
    arguments = parser.parse_args()
    runs: dict[str, dict[str, float]] = {}
    sizes: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for members in arguments.members:
            world = {"world_preset": "ci", "world_members": members}
            builds = {"DuckDB": Warehouse(folder / f"duckdb{members}"), "Spark": Lake(folder / f"spark{members}")}
            builds["DuckDB"].dbt("build", *WITHOUT_TESTS, *SELECTION, **world)
            builds["Spark"].build(*SELECTION, **world)
            if members == max(arguments.members):
                (folder / "cluster").mkdir()
                cluster = Cluster(folder / "cluster")
                builds["2 workers"] = Lake(folder / "workers", master=MASTER)
                try:
                    builds["2 workers"].build(*SELECTION, **world)
                finally:
                    cluster.stop()
            sizes[members] = sum(file.stat().st_size for file in builds["Spark"].tables.rglob("*.parquet"))
            for engine, build in builds.items():
                runs[f"{engine} {members}"] = measured(build)
                print(f"{engine} {members}: {runs[f'{engine} {members}']['by the wall']:.0f} s", flush=True)
    layers = sorted(
        {layer for run in runs.values() for layer in run}, key=lambda one: -max(run[one] for run in runs.values())
    )
    print("\nseconds" + " " * 10 + "".join(f"{name:>16}" for name in runs))
    for layer in layers:
        print(f"{layer:<17}" + "".join(f"{run[layer]:>16.1f}" for run in runs.values()))
    for name, run in runs.items():
        engine, members = name.rsplit(" ", 1)
        if engine != "DuckDB":
            ratio = run["by the wall"] / runs[f"DuckDB {members}"]["by the wall"]
            print(f"{engine}, {members} members: {ratio:.1f} times DuckDB by the wall")
    few, many = min(sizes), max(sizes)
    seconds = (runs[f"Spark {many}"]["by the wall"] - runs[f"Spark {few}"]["by the wall"]) / (many - few)
    size = (sizes[many] - sizes[few]) / (many - few)
    print(f"a member more takes {size / 1000:.1f} kB of the lake: {MANY:,} members {MANY * size / 1e12:.1f} TB")
    if seconds > 0:
        hours = MANY * CORES * seconds / 3600
        print(f"and {1000 * CORES * seconds:.1f} ms of a core: {MANY:,} members {hours:,.0f} core hours")
    else:
        print("what a member costs does not show beside what every query costs: give larger numbers of members")


if __name__ == "__main__":
    main()
