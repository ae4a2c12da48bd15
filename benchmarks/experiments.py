"""The experiments of a larger platform: seconds of their models, against the same on as many members as were built.

    .venv/bin/python benchmarks/experiments.py [--warehouse warehouse.duckdb] [--times 5]

The warehouse is one that `make run` left on the simulated world. In a copy of it every member stands so many times,
under new ids, with profile, log, candidates, features and sessions: what the experiments read. Then dbt runs the models
of the experiments in both; printed are seconds by model and in all, of dbt's own clock. Of more members as many take
part as the var experiment_members says. 180 seconds on two cores are wanted, whatever the size. Off-policy values,
repeated tests and what is about the world rather than about experiments are not among the models.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "python"))

from conftest import ROOT, Warehouse

MODELS = (
    "experiment_sessions",
    "experiment_groups",
    "experiment_lists",
    "experiment_slates",
    "experiment_responses",
    "experiment_exposures",
    "experiment_moments",
    "experiment_statistics",
    "experiment_results",
)
READ = (
    "staging.stg_impressions",
    "staging.stg_engagements",
    "staging.stg_email_sends",
    "truth.members",
    "truth.sessions",
    "skills.ms01",
    "candidates.candidate_lists",
    "candidates.excluded_courses",
    "scoring.scoring_members",
    *(f"variants.m00{number}" for number in range(2, 6)),
)
KEYS = ("member_id", "impression_id", "session_id", "send_id")


def multiply(warehouse: Warehouse, times: int) -> None:
    """Repeats the rows of what the experiments read, with other keys."""
    with duckdb.connect(str(warehouse.file)) as connection:
        keys_of = {}
        for table in READ:
            columns = [row[0] for row in connection.execute(f"describe {table}").fetchall()]
            keys_of[table] = [key for key in KEYS if key in columns]
        widest = {
            key: max(
                connection.execute(f"select coalesce(max({key}), 0) from {table}").fetchall()[0][0]
                for table, keys in keys_of.items()
                if key in keys
            )
            for key in KEYS
        }
        for table, keys in keys_of.items():
            moved = ", ".join(f"{key} + copy * {widest[key]} as {key}" for key in keys)
            connection.execute(
                f"insert into {table} select original.* replace ({moved}) "
                f"from {table} as original cross join range(1, {times}) as copies(copy)"
            )


def seconds(warehouse: Warehouse) -> dict[str, float]:
    """Runs the models of the experiments; the seconds of each."""
    warehouse.dbt("run", *(part for model in MODELS for part in ("--select", model)))
    taken = dict(warehouse.query("select model, seconds from main.build_seconds"))
    return {model: taken[model] for model in MODELS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warehouse", type=Path, default=ROOT / "warehouse.duckdb")
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args()
    if not options.warehouse.exists():
        sys.exit(f"{options.warehouse} does not exist. Remedy: make run, or name one with --warehouse")
    with tempfile.TemporaryDirectory() as name:
        warehouse = Warehouse(Path(name))
        shutil.copy(options.warehouse, warehouse.file)
        built = seconds(warehouse)
        multiply(warehouse, options.times)
        larger = seconds(warehouse)
        ((members, impressions),) = warehouse.query(
            "select count(distinct member_id), sum(impressions) from experiments.experiment_responses "
            "where origin = 'simulation'"
        )
    print(f"{'':<24}{'as built':>10}{f'{options.times} times':>10}{'ratio':>8}")
    for model in MODELS:
        print(f"{model:<24}{built[model]:>10.1f}{larger[model]:>10.1f}{larger[model] / built[model]:>8.2f}")
    before, after = sum(built.values()), sum(larger.values())
    print(f"{'all':<24}{before:>10.1f}{after:>10.1f}{after / before:>8.2f}  (180 seconds wanted)")
    print(f"{members:,} members with a session, {impressions:,} impressions of all variants")


if __name__ == "__main__":
    main()
