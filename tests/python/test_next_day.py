"""The pipeline moves on by a day: the world lives it in the published lists, `--selector day` takes it in."""

import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from conftest import WITHOUT_TESTS, Warehouse
from relevance import publication
from relevance.publication import ROW_GROUP
from relevance.world.next_day import NextDayError, live_next_day
from test_determinism import checksums
from test_point_in_time import EVENTS
from test_publication import digest, largest_file

TODAY, TOMORROW = date(2024, 2, 15), date(2024, 2, 16)  # the ci world's log has 45 days
LOGGED = ("impressions", "engagements", "autoplays", "dismissals", "email_sends", "job_views")
DAY = ("build", "--selector", "day")
SHARE = {"max_quarantine_share": 0.5}  # as in test_point_in_time, with whose vars dbt reads the project once


def live(warehouse: Warehouse) -> str:
    return live_next_day(warehouse.file, warehouse.published_file)


def kill_when(process: subprocess.Popen, begins: str, finished: int) -> None:
    """Kills a build once `finished` nodes have ended and a line with the text `begins` was printed."""
    done, lines = 0, []
    for line in process.stdout:
        lines.append(line)
        done += " OK " in line or " PASS " in line
        if done >= finished and begins in line:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    assert process.returncode == -signal.SIGKILL, f"the build ended before it was killed: {''.join(lines[-30:])}"


@contextmanager
def both(before: Warehouse, after: Warehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that sees two warehouses as `before` and `after`."""
    with duckdb.connect() as connection:
        for name, warehouse in (("before", before), ("after", after)):
            connection.execute(f"attach '{warehouse.file}' as {name} (read_only)")
        yield connection


# ------------------------------------------------------------------------------------------- the simulated world


@pytest.fixture(scope="module")
def lived(ci_world: Warehouse, tmp_path_factory) -> Warehouse:
    """The ci world a day later: its build was killed twice, in the middle and while it published, ended on a full disk,
    and was run again."""
    warehouse = ci_world.copy_to(tmp_path_factory.mktemp("lived") / "copy")
    assert live(warehouse).startswith(f"{TODAY} was lived: ")
    before = digest(warehouse.published_file)
    with largest_file(2**24):
        full = warehouse.start(*DAY, *WITHOUT_TESTS)
    assert f'Could not write file "{warehouse.file}' in full.communicate()[0]
    assert full.returncode != 0
    assert digest(warehouse.published_file) == before
    for begins, after in (("START", random.Random(5).randrange(80, 170)), ("serving.publication", 1)):
        kill_when(warehouse.start(*DAY, *WITHOUT_TESTS), begins, after)
        assert digest(warehouse.published_file) == before
        assert live(warehouse) == f"{TODAY} has been lived; the build that takes it in is still to come"
    warehouse.dbt(*DAY)
    return warehouse


def test_members_meet_what_was_published_for_them_and_random_courses(ci_world: Warehouse, lived: Warehouse) -> None:
    listed = set(
        ci_world.query(
            "select member_id, channel, variant, course_id from serving.recommendations where position <= 48"
        )
    )
    shown = lived.query(
        "select member_id, channel, variant, course_id, is_random, propensity from raw.impressions "
        f"where cast(served_at as date) = '{TODAY}'"
    )
    assert len(shown) > 1000
    assert {row[:4] for row in shown if not row[4]} <= listed
    assert all(0 < row[5] <= 1 for row in shown)
    assert 0.03 < sum(row[4] for row in shown) / len(shown) < 0.2


def test_a_lived_day_adds_rows_of_that_day_and_changes_no_other(ci_world: Warehouse, lived: Warehouse) -> None:
    with both(ci_world, lived) as connection:
        for table in LOGGED:
            lost = f"select count(*) from (from before.raw.{table} except all from after.raw.{table})"
            assert connection.execute(lost).fetchall() == [(0,)], table
            new = f"from after.raw.{table} except all from before.raw.{table}"
            new = f"select distinct cast({EVENTS[table]} as date) from ({new})"
            assert set(connection.execute(new).fetchall()) <= {(TODAY,)}, table
        keys = "select count(*) = count(distinct impression_id) from after.raw.impressions"
        assert connection.execute(keys).fetchall() == [(True,)]


def test_a_day_moves_what_is_served_and_nothing_else(ci_world: Warehouse, lived: Warehouse) -> None:
    assert lived.query("select as_of_date from staging.as_of_date") == [(TOMORROW,)]
    assert lived.published("select as_of_date, version from serving.publication") == [(TOMORROW, 2)]
    assert lived.query("select max(feature_date) from features.member_features") == [(TOMORROW,)]
    assert lived.query("select max(served_date) from labels.labels") == [(TODAY,)]
    assert (
        lived.query("select check_name, subject from health.health where severity = 'error' and status = 'error'") == []
    )
    learning = dict(lived.query("select variant, learning from variants.variants"))
    assert {name for name, how in learning.items() if how != "kept"} == {"glmix"}
    before, after = (checksums(warehouse, "variants|experiments|truth") for warehouse in (ci_world, lived))
    for variant in (name for name in learning if f"variants.{name}" in before and not name.startswith("m00")):
        is_kept = before[f"variants.{variant}"] == after[f"variants.{variant}"]
        assert is_kept == (learning[variant] == "kept"), variant
    measured = tuple(f"variants.{name}" for name in ("learned_example_scores", "example_scores", "offline_metrics"))
    for name in before:
        if name.startswith(("experiments.", "truth.", *measured)):
            assert before[name] == after[name], name


def test_what_a_day_leaves_keeps_its_row_groups(lived: Warehouse) -> None:
    ((rows,),) = lived.query(
        "select max(count) from pragma_storage_info('variants.example_scores') where column_id = 0"
    )
    assert rows == ROW_GROUP


def test_penalties_are_those_of_the_build_before(ci_world: Warehouse, lived: Warehouse) -> None:
    chosen = "select effect, l2, intercept_l2 from variants.l2_search where is_chosen and variant = 'glmix'"
    tried = "select count(*) from variants.l2_search where variant = 'glmix'"
    assert sorted(lived.query(chosen)) == sorted(ci_world.query(chosen)) != []
    assert lived.query(tried) == [(2,)]
    assert ci_world.query(tried)[0][0] > 10


def test_what_is_served_is_scored_with_all_of_its_features(ci_world: Warehouse, lived: Warehouse) -> None:
    """Also with those that nothing was learned from on this day."""
    tables = ("scoring_member_features", "scoring_course_features", "scoring_pair_features")
    scored = " union ".join(f"select feature from scoring.{table}" for table in tables)
    in_full, in_day = ({name for (name,) in warehouse.query(scored)} for warehouse in (ci_world, lived))
    served = "select distinct feature from variants.variant_features semi join serving.assignments using (variant)"
    needed, made_of = {name for (name,) in ci_world.query(served)}, {}
    for feature, *operands in ci_world.query(
        "select feature, left_feature, right_feature from features.transformations"
    ):
        made_of[feature] = {operand for operand in operands if operand}
    while more := set().union(*(made_of.get(feature, set()) for feature in needed)) - needed:
        needed |= more
    assert len(needed & in_full) > 20
    assert needed & in_full <= in_day
    learned = {name for (name,) in lived.query("select feature from training.used_features where is_learned")}
    assert (needed & in_day) - learned  # what is only scored with


@pytest.fixture
def copy(lived: Warehouse, tmp_path: Path) -> Warehouse:
    return lived.copy_to(tmp_path / "copy")


def test_a_day_is_lived_once_and_in_its_own_lists(copy: Warehouse) -> None:
    before = digest(copy.file)
    publication.rollback(str(copy.published_file.parent), 1)  # the lists of the day that was lived
    assert live(copy) == f"{TODAY} has been lived; the build that takes it in is still to come"
    publication.rollback(str(copy.published_file.parent), 2)
    assert digest(copy.file) == before
    with duckdb.connect(str(copy.file)) as connection:
        connection.execute(f"delete from raw.impressions where served_at >= '{TODAY}'")
    with pytest.raises(NextDayError, match=f"has the lists of {TOMORROW}, the log ends on 2024-02-14. Remedy: "):
        live(copy)
    copy.published_file.unlink()
    with pytest.raises(NextDayError, match=r"recommendations.duckdb does not exist\. Remedy: make run"):
        live(copy)


LATE = TODAY - timedelta(7)
BY_DAY = re.compile(r"table_by_day model (\w+)\.(\w+)")


@dataclass(frozen=True)
class Changed:
    """What a day made of changed raw tables, and a build anew: checksums by table; and days: those made anew, by table,
    those that snapshots of features count (`known`), those with other labels or in another split (`labelled`)."""

    said: str
    before: dict
    after: dict
    anew: dict
    days: dict[str, set[date]]
    known: set[date]
    labelled: set[date]


@pytest.fixture(scope="module")
def changed(lived: Warehouse, tmp_path_factory) -> Changed:
    """One more day, with other titles of courses, a late click, and an impression of two days before it gone."""
    warehouse = lived.copy_to(tmp_path_factory.mktemp("changed") / "copy")
    schemas = "skills|features|labels|training|variants"
    labels = """
        select served_date, split, sum(hash(labels)::hugeint)
        from labels.labels inner join labels.day_splits using (served_date)
        group by all
    """
    before, labels_before = checksums(warehouse, schemas), warehouse.query(labels)
    live(warehouse)
    with duckdb.connect(str(warehouse.file)) as connection:
        connection.execute("update raw.courses set title = title || ' in depth' where course_id % 7 = 0")
        unclicked = "from raw.impressions anti join raw.engagements using (impression_id) where channel = 'feed'"
        connection.execute(
            f"""
            insert into raw.engagements by name
            select impression_id, member_id, course_id, 'click' as action, served_at + interval 1 minute as engaged_at
            {unclicked} and cast(served_at as date) = '{LATE}' order by impression_id limit 1
            """
        )
        gone = f"select min(impression_id) {unclicked} and cast(served_at as date) = '{LATE - timedelta(2)}'"
        connection.execute(f"delete from raw.impressions where impression_id = ({gone})")
    said = warehouse.dbt(*DAY, *WITHOUT_TESTS).stdout
    after = checksums(warehouse, schemas)
    made = warehouse.query("select model, day from main.days_made_anew")
    days = {f"{layer}.{name}": {day for model, day in made if model == name} for layer, name in BY_DAY.findall(said)}
    labelled = {day for day, *_ in set(labels_before) ^ set(warehouse.query(labels))}
    feature_dates = warehouse.query("select distinct feature_date from features.daily_activity")
    warehouse.dbt(*DAY, "--full-refresh", *WITHOUT_TESTS)
    known = {day for (day,) in feature_dates}
    return Changed(said, before, after, checksums(warehouse, schemas), days, known, labelled)


def test_a_table_stays_while_what_it_is_made_of_does(changed: Changed) -> None:
    unchanged = {f"skills.{name}" for name in re.findall(r"model skills\.(\w+) \.* \[UNCHANGED", changed.said)}
    assert unchanged > {"skills.cs01", "skills.ms01_coefficients", "skills.member_skills"}
    differ = {name for name in changed.before if changed.before[name] != changed.after[name]}
    assert differ >= {"skills.course_texts", "skills.course_words"}
    assert not differ & unchanged
    made = {f"skills.{name}" for name in re.findall(r"model skills\.(\w+) ", changed.said)} & changed.after.keys()
    assert made > unchanged
    assert {name for name in made if changed.anew[name] != changed.after[name]} == set()


def test_a_day_makes_those_days_anew_that_something_changed_for(changed: Changed) -> None:
    """Features know what changed from the day after; examples of one day have a click more, of one a row less."""
    assert len(changed.days) == 9
    assert {LATE - timedelta(2), LATE, TOMORROW} <= changed.labelled
    assert len(changed.labelled) < 10
    since = {day for day in changed.known if day >= LATE - timedelta(1)}
    for table, days in changed.days.items():
        if table.startswith("features."):
            assert days == since, table
        elif table in ("labels.examples", "training.example_keys"):
            assert days == changed.labelled, table
        else:
            assert since - {max(since)} <= days <= since | changed.labelled, table
        assert changed.before[table] != changed.after[table] == changed.anew[table]


def test_of_two_at_once_the_second_stops(copy: Warehouse) -> None:
    published = digest(copy.published_file)
    other = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('open', flush=True); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", other, str(copy.file)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "open\n"
        with pytest.raises(NextDayError, match=r"(?s)Could not set lock on file.*another process"):
            live(copy)
        done = copy.dbt(*DAY, check=False)
        assert done.returncode != 0
        assert "Could not set lock on file" in done.stdout
    finally:
        process.kill()
        process.wait()
    assert copy.query("select as_of_date from staging.as_of_date") == [(TOMORROW,)]
    assert digest(copy.published_file) == published


def test_a_day_is_lived_while_the_world_lasts_and_in_no_other_tables(copy: Warehouse) -> None:
    with duckdb.connect(str(copy.file)) as connection:
        connection.execute("update world.world_parameters set days = days - 14")
    with pytest.raises(NextDayError, match=f"the world ends before {TODAY}. Remedy: "):
        live(copy)
    with duckdb.connect(str(copy.file)) as connection:  # tables of one's own, in a warehouse that once had the world
        connection.execute("update staging.raw_files set scan = 'members.parquet'")
    with pytest.raises(NextDayError, match="the warehouse has no simulated world"):
        live(copy)


@pytest.mark.parametrize(("make", "words"), [(False, "does not exist. Remedy: make run"), (True, "no simulated world")])
def test_without_a_simulated_world_no_day_is_lived(tmp_path: Path, make: bool, words: str) -> None:
    if make:
        duckdb.connect(str(tmp_path / "warehouse.duckdb")).close()
    with pytest.raises(NextDayError, match=words):
        live_next_day(tmp_path / "warehouse.duckdb", tmp_path / "published" / "recommendations.duckdb")


# ------------------------------------------------------------------------------------------- own tables

NOT_LEARNED = "raw|staging|skills|features|labels|training|candidates"  # schemas
CLOSE = 1e-3  # of a coefficient: a fit ends that near to the optimum, wherever it began


@dataclass(frozen=True)
class State:
    """What a build left: checksums of what comes before the models, coefficients, places of lists, its last days."""

    tables: dict
    models: dict
    lists: set
    last: tuple


def state_of(warehouse: Warehouse) -> State:
    rows = warehouse.query("select variant, effect, entity_id, feature, term, coefficient from variants.coefficients")
    return State(
        checksums(warehouse, NOT_LEARNED),
        {row[:5]: row[5] for row in rows},
        set(warehouse.query("select member_id, channel, position, course_id from serving.recommendations")),
        (
            *warehouse.published("select as_of_date from serving.publication"),
            *warehouse.query("select max(served_date) from labels.labels"),
            *warehouse.query("select max(feature_date) from features.feature_dates"),
        ),
    )


@pytest.fixture(scope="module")
def days(tiny_raw: Path, tmp_path_factory) -> dict[str, State]:
    """A day `at once` for the 21st, the warehouse gone `back` to the 19th, and from there `on` to the 21st."""
    warehouse, states = Warehouse(tmp_path_factory.mktemp("days")), {}
    select = ("--select", "+publication", "+health", "+recommendations")
    warehouse.dbt("build", *WITHOUT_TESTS, *select, raw_location=tiny_raw, as_of_date="2024-01-21", **SHARE)
    for name, day in (("at once", "2024-01-21"), ("back", "2024-01-19"), ("on", "2024-01-21")):
        warehouse.dbt(*DAY, *WITHOUT_TESTS, raw_location=tiny_raw, as_of_date=day, **SHARE)
        states[name] = state_of(warehouse)
    return states


@pytest.mark.long
def test_a_day_gone_back_to_knows_nothing_of_later_days(days: dict[str, State]) -> None:
    assert days["back"].last == ((date(2024, 1, 19),), (date(2024, 1, 18),), (date(2024, 1, 19),))


@pytest.mark.long
def test_days_gone_back_and_passed_over_give_the_tables_of_one_build(days: dict[str, State]) -> None:
    on, at_once, back = days["on"], days["at once"], days["back"]
    assert len(at_once.tables) > 80
    assert {name for name in at_once.tables if on.tables[name] != at_once.tables[name]} == set()
    assert {name for name in at_once.tables if back.tables[name] != at_once.tables[name]}
    assert on.models.keys() == at_once.models.keys()
    assert len(on.models) > 1000
    assert max(abs(on.models[key] - at_once.models[key]) for key in on.models) < CLOSE
    assert len(on.lists - at_once.lists) < 0.001 * len(on.lists)
    assert len(back.lists - at_once.lists) > 0.01 * len(on.lists)


def test_late_rows_land_in_their_day_and_features_know_them_when_they_arrive(tiny_raw: Path, tmp_path: Path) -> None:
    """A click of the 10th that arrives on the 15th, an impression whose channel is corrected on the 14th, and rows that
    arrive on the day of the lists."""
    raw = tmp_path / "raw"
    shutil.copytree(tiny_raw, raw)
    with duckdb.connect() as connection:
        ((impression, member, course),) = connection.execute(
            f"""
            select impression_id, member_id, course_id
            from '{tiny_raw}/impressions.parquet' as shown
            anti join '{tiny_raw}/engagements.parquet' using (member_id, course_id)
            where cast(served_at as date) = '2024-01-10' and channel = 'feed'
            order by impression_id limit 1
            """
        ).fetchall()
        late = f"{member}, {course}, 'click', timestamp '2024-01-10 23:00:00', {impression}, null"
        connection.execute(
            f"""
            copy (
                from '{tiny_raw}/engagements.parquet'
                union all select {late}, timestamp '2024-01-15 08:00:00'
                union all select {late.replace("'click'", "'bookmark'")}, timestamp '2024-01-21 08:00:00'
            ) to '{raw}/engagements.parquet'
            """
        )
        connection.execute(
            f"""
            copy (
                from '{tiny_raw}/impressions.parquet'
                union all
                select * replace ('profile' as channel, timestamp '2024-01-14 00:00:00' as arrived_at)
                from '{tiny_raw}/impressions.parquet' where impression_id = {impression}
            ) to '{raw}/impressions.parquet'
            """
        )
    warehouse = Warehouse(tmp_path / "warehouse")
    select = ("--select", "staging", "+features", "+labels")
    warehouse.dbt("build", *WITHOUT_TESTS, *select, raw_location=raw, as_of_date="2024-01-21", **SHARE)
    pair = f"member_id = {member} and course_id = {course}"
    assert warehouse.query(f"select action from staging.stg_engagements where {pair}") == [("click",)]
    assert warehouse.query(f"select channel from staging.stg_impressions where impression_id = {impression}") == [
        ("profile",)
    ]
    assert warehouse.query("select count(*) from staging.quarantine") == [(0,)]
    assert warehouse.query(
        f"select min(feature_date) from features.interaction_features where {pair} and feature = 'prior_engagements'"
    ) == [(date(2024, 1, 16),)]
    history = f"feature = 'member_engaged_course' and member_id = {member} and term = '{course}'"
    assert warehouse.query(f"select min(feature_date) from features.member_history_features where {history}") == [
        (date(2024, 1, 16),)
    ]
    assert warehouse.query(
        f"select min(feature_date) from features.interaction_features where {pair} and family = 'profile'"
    ) == [(date(2024, 1, 15),)]
    labels = f"from labels.labels where impression_id = {impression} and label_set = 'all_clicks_long'"
    assert warehouse.query(f"select served_date, label {labels}") == [(date(2024, 1, 10), 1)]
