"""What is watched: nothing is wrong with the simulated world, and what is spoiled is found."""

import shutil
from pathlib import Path

import duckdb
import pytest
import yaml

from conftest import ROOT, Warehouse
from relevance.list_churn import churn

HEALTH = ("--select", "path:dbt_project/models/health", "path:models_py/models/health", "path:tests/health")
# what the simulated world of the `ci` preset leaves open, and why
UNKNOWN = {
    ("volume", "dismissals"): "fewer than 30 a day",
    ("volume", "followed_skills"): "fewer than 30 a day",
    ("volume", "job_views"): "fewer than 30 a day",
    ("volume", "email_sends"): "sent on another day of the week",
    ("list_overlap", "all"): "no version of an earlier day",
    ("rank_change", "all"): "no version of an earlier day",
}
# how each table is spoiled, and what it makes of (check, subject)
SPOILED = {
    "create table serving.kept as from serving.first_places "  # a view
    "where member_id <> (select min(member_id) from staging.stg_members); "
    "create or replace view serving.first_places as from serving.kept": [
        ("members_without_list", "feed", "error"),
        ("members_without_list", "email", "error"),
    ],
    "update staging.stg_followed_skills set followed_at = followed_at + interval 60 days": [
        ("future_share", "followed_skills", "error"),
        ("freshness", "followed_skills", "unknown"),
    ],
    "delete from staging.stg_autoplays where played_at >= (select as_of_date - 8 from staging.as_of_date)": [
        ("freshness", "autoplays", "warn"),
        ("volume", "autoplays", "warn"),
        ("freshness", "impressions", "ok"),
    ],
    "update staging.stg_members set industry = null where member_id % 5 <> 0": [
        ("null_share", "members.industry", "warn"),
        ("null_share", "members.title", "ok"),
    ],
    "delete from staging.raw_files where column_name = 'platform'": [("null_share", "impressions.platform", "unknown")],
    "insert into staging.quarantine select 'members', i, 'member_id', 'duplicate key', null from range(30) as r(i)": [
        ("quarantined_share", "members", "warn"),
        ("quarantined_share", "engagements", "ok"),
    ],
    "update features.member_activity_features set value = 1000 * value where feature = 'member_impressions' "
    "and feature_date > (select as_of_date - 28 from staging.as_of_date)": [
        ("feature_drift", "member_impressions", "warn"),
        ("feature_drift", "member_engagements", "ok"),
    ],
    "update labels.labels set label = 0 where channel = 'feed' "
    "and served_date >= (select as_of_date - 7 from staging.as_of_date)": [
        ("label_rate", "feed_clicks feed", "warn"),
        ("label_rate", "home_clicks home", "ok"),
    ],
    "update variants.offline_metrics set calibration = 2 * calibration where variant = 'm105' and channel = 'feed'": [
        ("calibration", "m105 feed", "warn"),
        ("calibration", "m101 feed", "ok"),
    ],
    "update serving.kept set reason = 'popular'": [("reason_share", "popular", "warn")],
    "update serving.kept set course_id = (select min(course_id) from staging.stg_courses where released_date is null "
    "or released_date < (select as_of_date - 30 from staging.as_of_date)) where course_id in (select course_id "
    "from staging.stg_courses where released_date >= (select as_of_date - 30 from staging.as_of_date))": [
        ("new_course_exposure", "home", "warn")
    ],
    "insert into staging.stg_courses (course_id, title, released_date) "
    "select 1000 + i, 'Never shown', date '2020-01-01' from range(5000) as r(i)": [
        ("courses_in_top_10", "all", "warn"),
        ("null_share", "courses.difficulty", "warn"),
    ],
}


def statuses(warehouse: Warehouse) -> dict[tuple[str, str], str]:
    return {
        (check, subject): status
        for check, subject, status in warehouse.query("select check_name, subject, status from health.health")
    }


def test_the_simulated_world_is_in_health(ci_world: Warehouse) -> None:
    found = statuses(ci_world)
    assert {row for row, status in found.items() if status in ("warn", "error")} == set()
    assert {row for row, status in found.items() if status == "unknown"} == set(UNKNOWN)
    checks = {check for (check,) in ci_world.query("select check_name from seeds.health_checks")}
    assert {check for check, _ in found} == checks
    measured = {check for (check,) in ci_world.query("select check_name from health.measurements")}
    assert checks - measured == {"list_overlap", "rank_change"}  # the first version of its folder
    assert measured - checks == set()


def test_all_tables_of_events_are_watched(ci_world: Warehouse) -> None:
    contract = yaml.safe_load((ROOT / "dbt_project" / "models" / "staging" / "_raw.yml").read_text())
    events = {
        table["name"]
        for table in contract["sources"][0]["tables"]
        if any(column.get("config", {}).get("meta", {}).get("event") for column in table["columns"])
    }
    watched = ci_world.query("select distinct subject from health.freshness")
    assert {table for (table,) in watched} == events


# ------------------------------------------------------------------------------------- what is spoiled is found


@pytest.fixture(scope="module")
def spoiled(ci_world: Warehouse, tmp_path_factory) -> tuple[Warehouse, str, int]:
    """A copy whose tables are spoiled and whose lists of yesterday had other courses; dbt's words and return code."""
    warehouse = Warehouse(tmp_path_factory.mktemp("spoiled"))
    shutil.copyfile(ci_world.file, warehouse.file)
    versions = Path(shutil.copytree(ci_world.folder / "published", warehouse.folder / "published")) / "versions"
    shutil.copyfile(versions / "000001.duckdb", versions / "000000.duckdb")
    with duckdb.connect(str(versions / "000000.duckdb")) as yesterday:
        yesterday.execute("update serving.publication set version = 0, as_of_date = as_of_date - 1")
        yesterday.execute("update serving.course_cards set course_id = course_id + 1000")
    with duckdb.connect(str(warehouse.file)) as connection:
        connection.execute("update serving.publication set path = ?", [str(warehouse.published_file)])
        for change in SPOILED:
            connection.execute(change)
    done = warehouse.dbt("build", *HEALTH, check=False, world_preset="ci")
    return warehouse, done.stdout, done.returncode


@pytest.mark.parametrize("change", SPOILED)
def test_what_is_spoiled_has_the_documented_status(change: str, spoiled: tuple[Warehouse, str, int]) -> None:
    found = statuses(spoiled[0])
    expected = {(check, subject): status for check, subject, status in SPOILED[change]}
    assert {row: found[row] for row in expected} == expected


def test_errors_fail_the_build_and_everything_is_said(spoiled: tuple[Warehouse, str, int]) -> None:
    warehouse, said, code = spoiled
    assert code == 1
    assert "nothing_makes_lists_wrong" in said.split("Completed with 1 error")[1]
    rows = warehouse.query("select check_name, subject from health.health where status in ('warn', 'error')")
    assert [row for row in rows if f": {row[0]} of {row[1]} is " not in said] == []
    assert "health: error: members_without_list of feed is 1.0, above 0.0. Members without a list in a channel" in said


def test_lists_are_compared_with_those_of_the_day_before(spoiled: tuple[Warehouse, str, int]) -> None:
    found = spoiled[0].query("select check_name, subject, value, status from health.health where subject = 'home'")
    assert ("list_overlap", "home", 0.0, "warn") in found
    assert ("rank_change", "home", None, "unknown") in found


# ------------------------------------------------------------------------------------- the arithmetic of churn


def test_churn_is_overlap_and_change_of_places() -> None:
    """Member 1 keeps two of three courses, which swap; member 2 keeps none; member 3 is new, member 4 is gone."""
    before = "(1, 'feed', 10, 1), (1, 'feed', 11, 2), (2, 'feed', 10, 1), (4, 'feed', 10, 1), (1, 'home', 10, 1)"
    now = "(1, 'feed', 11, 1), (1, 'feed', 10, 2), (1, 'feed', 12, 3), (2, 'feed', 12, 1), (3, 'feed', 10, 1)"
    with duckdb.connect() as connection:
        for name, rows in (("before", before), ("now", now)):
            columns = "(member_id, channel, course_id, position)"
            connection.execute(f"create table places_{name} as from (values {rows}) as t{columns}")
        rows = churn(connection).to_pylist()
    assert rows == [
        {"check_name": "list_overlap", "subject": "feed", "value": round((2 / 3 + 0) / 2, 9)},
        {"check_name": "rank_change", "subject": "feed", "value": 1.0},
    ]
