"""Spark against DuckDB: seconds by layer against members, in this machine's processes and on two workers.

    .venv/bin/python benchmarks/spark.py [--members 1000 4000]

Built is all that the lists need. The yardstick is the build on DuckDB of the same world in the same run. The
two workers, a core each, build the smallest size. What a member more costs is the difference of the sizes, in seconds
of the nodes: two run at once, on two cores. From it follow the core hours and bytes of MANY members, if cost stays
linear in them and courses and days stay as many as here. The layer variants is counted apart: its logistic regressions
are learned on the driver, from a sample of examples that need not grow with the members.
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

SELECTION = ("--select", "+learned_lists", "+rule_lists")
MANY = 500_000_000
WALL = "by the wall"


def measured(warehouse: Warehouse) -> dict[str, float]:
    """Seconds of the last run, by layer and by the wall."""
    run = json.loads((warehouse.folder / "target" / "run_results.json").read_text())
    return {WALL: run["elapsed_time"], **seconds_by_layer(warehouse)}


def runs_of(members: list[int], folder: Path) -> tuple[dict[str, dict[str, float]], dict[int, int]]:
    """Seconds of `measured` of every build, and the bytes of the lake, by members."""
    runs, sizes = {}, {}

    def keep(name: str, build: Warehouse) -> None:
        runs[name] = measured(build)
        print(f"{name}: {runs[name][WALL]:.0f} s", flush=True)

    for number in members:
        world = {"world_preset": "ci", "world_members": number}
        duck, lake = Warehouse(folder / f"duckdb{number}"), Lake(folder / f"spark{number}")
        duck.dbt("build", *WITHOUT_TESTS, *SELECTION, **world)
        keep(f"DuckDB {number}", duck)
        lake.build(*SELECTION, **world)
        keep(f"Spark {number}", lake)
        sizes[number] = sum(file.stat().st_size for file in lake.tables.rglob("*.parquet"))
        if number == min(members):
            (folder / "cluster").mkdir()
            cluster = Cluster(folder / "cluster")
            workers = Lake(folder / "workers", master=MASTER)
            try:
                workers.build(*SELECTION, **world)
            finally:
                cluster.stop()
            keep(f"2 workers {number}", workers)
    return runs, sizes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, nargs="+", default=[1_000, 4_000])
    members = sorted(parser.parse_args().members)
    with tempfile.TemporaryDirectory() as name:
        runs, sizes = runs_of(members, Path(name))
    few, many = members[0], members[-1]
    more = many - few or 1
    least, most = runs[f"Spark {few}"], runs[f"Spark {many}"]
    layers = sorted({layer for run in runs.values() for layer in run}, key=lambda layer: -most.get(layer, 0))
    print(f"\nseconds{'':<8}" + "".join(f"{name:>16}" for name in runs) + f"{'ms a member':>16}")
    each = {}
    for layer in layers:
        each[layer] = 1000 * (most.get(layer, 0) - least.get(layer, 0)) / more
        print(
            f"{layer:<15}" + "".join(f"{run.get(layer, 0):>16.1f}" for run in runs.values()) + f"{each[layer]:>16.2f}"
        )
    for number in members:
        print(f"{number} members: {runs[f'Spark {number}'][WALL] / runs[f'DuckDB {number}'][WALL]:.1f} times DuckDB")
    size = (sizes[many] - sizes[few]) / more
    print(f"a member more takes {size / 1000:.1f} kB of the lake: {MANY:,} members {MANY * size / 1e12:.1f} TB")
    served = sum(ms for layer, ms in each.items() if layer not in (WALL, "variants", "world"))
    for what, cost in (("all but world and variants", served), ("variants", each["variants"])):
        hours = MANY * cost / 3.6e6
        print(f"{what}: {cost:.1f} ms of a core a member more, {MANY:,} members {hours:,.0f} core hours")


if __name__ == "__main__":
    main()
