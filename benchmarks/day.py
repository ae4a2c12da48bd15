"""A day against a full build of the same warehouse: seconds of both, by the wall and by dbt's own clock.

    .venv/bin/python benchmarks/day.py [--preset small] [--days 2]

The simulated world of the preset is built, then lives so many days; a full build makes everything, also the world and
the experiments on it, a day what is served; the first day after it learns from fewer features, and makes those of all
examples anew. Printed are the seconds by layer and the share of a day, the mean of all. On `small` 1/5 is wanted, on
`big` 1/8.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models_py"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "python"))

from conftest import Warehouse
from relevance.world.next_day import live_next_day


def seconds_by_layer(warehouse: Warehouse) -> dict[str, float]:
    """Seconds of the nodes of the last run: those of models by layer, of tests together."""
    target = warehouse.folder / "target"
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    seconds: dict[str, float] = defaultdict(float)
    for result in json.loads((target / "run_results.json").read_text())["results"]:
        node = nodes.get(result["unique_id"])
        if node is None or node["resource_type"] != "model":
            seconds["tests and seeds"] += result["execution_time"]
        else:
            seconds[node["fqn"][1]] += result["execution_time"]
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="small")
    parser.add_argument("--days", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        warehouse, runs = Warehouse(Path(folder)), {}
        for number in range(arguments.days + 1):
            start = time.perf_counter()
            if number:
                print(live_next_day(warehouse.file, warehouse.published_file), flush=True)
            lived = time.perf_counter() - start
            # the vars of the full build: with others dbt would read the whole project again
            warehouse.dbt("build", *(["--selector", "day"] if number else []), world_preset=arguments.preset)
            name = f"day {number}" if number else "full"
            runs[name] = {"by the wall": time.perf_counter() - start, **seconds_by_layer(warehouse)}
            if number:
                runs[name]["the world lives"] = lived
            share = runs["full"]["by the wall"] / runs[name]["by the wall"]
            print(f"{name}: {runs[name]['by the wall']:.0f} s, 1/{share:.1f}", flush=True)
    print("\nseconds" + "".join(f"{name:>10}" for name in runs))
    for layer in sorted({*runs["full"], *runs[name]}, key=lambda layer: -runs["full"].get(layer, 0)):
        print(f"{layer:<17}" + "".join(f"{run.get(layer, 0):>10.1f}" for run in runs.values()))
    days = [run["by the wall"] for name, run in runs.items() if name != "full"]
    share = sum(days) / len(days) / runs["full"]["by the wall"]
    print(f"\na day takes 1/{1 / share:.1f} of the full build of {arguments.preset}")


if __name__ == "__main__":
    main()
