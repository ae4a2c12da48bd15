"""Ranks of held-out views on MARS: per-member split by time, 20 random negatives per view, pooled ROC AUC.

    python examples/mars/measure.py <folder of the MARS files>

The first 60 % of a member's views are learned from, the next 20 % choose, the last 20 % are measured on. The project
splits by date, so dates are given anew: the views of the first parts, of all members in order of time, one to a day;
then those of the second parts on one day and those of the last on another, so that none of them tells of another.
Negatives are videos that the member has not viewed by then, drawn alike or as often as they are viewed.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]
MAKE_RAW = Path(__file__).with_name("make_raw.py")
FEATURES = [
    "member_function", "member_engagements", "course_category", "course_difficulty", "course_language",
    "course_duration", "course_engagements", "interest_overlap", "category_overlap", "transcript_similarity",
    "prior_engagements",
]  # fmt: skip
MEMBER_TIME = """
    create table phased as
    select *, case when place * 5 < views * 3 then 1 when place * 5 < views * 4 then 2 else 3 end as phase
    from (
        select
            *,
            row_number() over (partition by member_id order by engaged_at, course_id) - 1 as place,
            count(*) over (partition by member_id) as views
        from (
            select member_id, course_id, action, min(engaged_at) as engaged_at
            from read_parquet('{raw}/engagements.parquet')
            where action = 'click'
            group by all
        )
    );
    create table dated as
    select
        *,
        case when phase = 1 then row_number() over (partition by phase order by engaged_at, member_id, place) else 1 end
            as day_of_phase
    from phased;
    create table starts as
    select phase, 1 + sum(max(day_of_phase)) over (order by phase) - max(day_of_phase) as first_day
    from dated
    group by phase;
    copy (
        select member_id, course_id, action,
            timestamp '2000-01-01' + to_days(cast(first_day + day_of_phase - 1 as integer)) as engaged_at
        from dated inner join starts using (phase)
    ) to '{raw}/engagements.parquet';
    copy (
        select * exclude (released_date) from read_parquet('{raw}/courses.parquet')
    ) to '{raw}/courses.parquet';
"""


def raw_tables(mars: Path, raw: Path) -> tuple[str, str, str]:
    """Writes the raw tables in the members' own time; the first days of validation and test, and the day after."""
    done = subprocess.run([sys.executable, MAKE_RAW, mars, raw], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    with duckdb.connect() as connection:
        connection.execute(MEMBER_TIME.format(raw=raw))
        return connection.execute(
            """
            select
                max(case when phase = 2 then day end), max(case when phase = 3 then day end),
                (select max(cast(engaged_at as date)) + 1 from read_parquet(?))::varchar
            from (select phase, (date '2000-01-01' + cast(first_day as integer))::varchar as day from starts)
            """,
            [str(raw / "engagements.parquet")],
        ).fetchall()[0]


def registry(label_set: str) -> dict:
    """The variants of a run: popularity, item-item, logistic regression, and both together."""
    lines = {
        "m101": {"learner": "logistic", "label_set": label_set, "features": ["course_engagements"]},
        "m105_history": {"learner": "logistic", "label_set": label_set, "features": FEATURES},
        "m105_trees": {"learner": "gradient_boosting", "label_set": label_set, "features": FEATURES},
        "item_item": {
            "learner": "item_item", "label_set": label_set, "features": ["member_engaged_course", "course_identity"]
        },
        "m105_blend": {
            "learner": "blend", "label_set": label_set, "parts": ["m105_history", "m105_trees", "item_item"]
        },
    }  # fmt: skip
    return {name: line | {"description": name} for name, line in lines.items()}


def main(arguments: list[str]) -> None:
    if len(arguments) != 1:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        validation_date, test_date, as_of_date = raw_tables(Path(arguments[0]).resolve(), folder / "raw")
        for label_set in ("engagements_uniform", "engagements_popular"):
            variables = {
                "raw_location": str(folder / "raw"), "as_of_date": as_of_date, "validation_date": validation_date,
                "test_date": test_date, "variants": registry(label_set),
            }  # fmt: skip
            for row in measured(folder, variables):
                print(f"{label_set:20} {row[0]:12} ROC AUC {row[1]:.4f} [{row[2]:.4f}, {row[3]:.4f}], {row[4]:,} rows")


def measured(folder: Path, variables: dict) -> list[tuple]:
    """Rows (variant, roc_auc, low, high, rows) on the test days."""
    environment = os.environ | {
        "COURSE_RECOMMENDER_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "COURSE_RECOMMENDER_PUBLISHED": str(folder / "published"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    selection = ["staging", "features", "training", "labels", *variables["variants"], "+offline_metrics"]
    for arguments in (["seed"], ["run", "--select", *selection, "--exclude", "m001", "m002", "m003", "m004", "m005"]):
        command = [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", *arguments]
        done = subprocess.run(
            [*command, "--vars", json.dumps(variables)], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(done.stdout[-6000:])
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(
            """
            select variant, roc_auc, roc_auc_low, roc_auc_high, rows
            from variants.offline_metrics
            where split = 'test' and channel = 'all'
            order by roc_auc
            """
        ).fetchall()


if __name__ == "__main__":
    main(sys.argv[1:])
