"""A feature dated D comes from events strictly before D: changing D and later changes nothing dated up to D."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from conftest import ROOT, WITHOUT_TESTS, Warehouse
from relevance.design import design_of
from relevance.learning import models_of

CUT = "2024-01-12"  # within the 20 days of the tiny world
LAYERS = ("+features", "+labels", "+training")
TABLES = {"member": "member_features", "course": "course_features", "interaction": "interaction_features"}
with (ROOT / "seeds" / "features.csv").open() as file:
    STORED = [
        (row["feature"], TABLES[row["entity"]])
        for row in csv.DictReader(file)
        if row["entity"] in TABLES and row["feature"] != "course_age"  # computed on the day
    ]
# what only events change
MOVED = [
    pair
    for pair in STORED
    if any(word in pair[0] for word in ("engage", "impress", "interest", "popularity", "click_rate", "job_skill"))
]
EVENTS = {
    "impressions": "served_at",
    "engagements": "engaged_at",
    "autoplays": "played_at",
    "dismissals": "dismissed_at",
    "job_views": "viewed_at",
    "followed_skills": "followed_at",
    "email_sends": "sent_at",
}


def build(folder: Path, raw: Path, as_of_date: str = "2024-01-21", layers: tuple = LAYERS) -> Warehouse:
    warehouse = Warehouse(folder)
    select = ("--select", *layers)
    settings = {"raw_location": raw, "as_of_date": as_of_date, "max_quarantine_share": 0.5}
    warehouse.dbt("build", *WITHOUT_TESTS, *select, **settings)
    return warehouse


@pytest.fixture(scope="module")
def builds(tiny_raw: Path, tmp_path_factory) -> tuple[Warehouse, Warehouse]:
    """The same world twice; in the second, events from the cut on happened to others, and a third did not happen."""
    folder = tmp_path_factory.mktemp("point_in_time")
    changed = folder / "changed_raw"
    shutil.copytree(tiny_raw, changed)
    with duckdb.connect() as connection:
        for table, column in EVENTS.items():
            path = changed / f"{table}.parquet"
            columns = [row[0] for row in connection.execute(f"describe from '{tiny_raw}/{table}.parquet'").fetchall()]
            swapped = [
                f"case when {column} >= '{CUT}' then {name} % 100 + 1 else {name} end as {name}"
                if name in ("member_id", "course_id")
                else name
                for name in columns
            ]
            # impressions of the cut day stay beside the changed ones, to compare what their examples see
            more = f"""
                union all
                select * replace (impression_id + 1000000 as impression_id)
                from '{tiny_raw}/{table}.parquet'
                where cast({column} as date) = '{CUT}'
            """
            connection.execute(
                f"""
                copy (
                    select {", ".join(swapped)}
                    from '{tiny_raw}/{table}.parquet'
                    where {column} < '{CUT}' or hour({column}) % 3 > 0
                    {more if table == "impressions" else ""}
                )
                to '{path}'
                """
            )
    return build(folder / "one", tiny_raw), build(folder / "two", changed)


@pytest.fixture(scope="module")
def builds_at_the_cut(builds, tiny_raw: Path, tmp_path_factory) -> tuple[Warehouse, Warehouse]:
    """The same two, with lists made for the day of the cut: what comes later must not be known."""
    folder = tmp_path_factory.mktemp("at_the_cut")
    changed = builds[1].folder.parent / "changed_raw"
    scored = (*LAYERS, "+scoring")
    return build(folder / "one", tiny_raw, CUT, scored), build(folder / "two", changed, CUT, ("+labels",))


def compare(builds: tuple[Warehouse, Warehouse], sql: str) -> tuple[list, list]:
    one, two = (sorted(map(str, warehouse.query(sql))) for warehouse in builds)
    return one, two


@pytest.mark.parametrize(("feature", "table"), STORED)
def test_a_feature_dated_up_to_the_cut_does_not_move(builds, feature: str, table: str) -> None:
    one, two = compare(builds, f"from features.{table} where feature = '{feature}' and feature_date <= date '{CUT}'")
    assert len(one) > 10
    assert one == two


@pytest.mark.parametrize(("feature", "table"), MOVED)
def test_a_feature_of_events_dated_after_the_cut_does_move(builds, feature: str, table: str) -> None:
    one, two = compare(builds, f"from features.{table} where feature = '{feature}' and feature_date > date '{CUT}'")
    assert one != two


@pytest.mark.parametrize("table", sorted(set(TABLES.values())))
def test_every_stored_feature_is_in_the_catalogue_that_these_tests_read(builds, table: str) -> None:
    stored = {name for (name,) in builds[0].query(f"select distinct feature from features.{table}")}
    assert stored == {feature for feature, where in STORED if where == table}


def test_features_of_examples_up_to_the_cut_day_do_not_move(builds) -> None:
    sql = f"""
        select examples.member_id, examples.course_id, examples.served_date, feature, term, value
        from training.example_features
        inner join labels.examples using (example_id)
        where served_date <= date '{CUT}'
    """
    one, two = (set(rows) for rows in compare(builds, sql))
    pairs = [{row.split(", '")[0] for row in rows} for rows in (one, two)]  # member, course, day
    common = pairs[0] & pairs[1]
    assert len({row for row in common if f"{CUT[:4]}, 1, {int(CUT[-2:])})" in row}) > 20  # of the cut day itself
    assert {row for row in one if row.split(", '")[0] in common} == {
        row for row in two if row.split(", '")[0] in common
    }


@pytest.mark.parametrize("table", ["labels", "examples", "label_windows"])
def test_labels_as_of_the_cut_do_not_move(builds_at_the_cut, table: str) -> None:
    one, two = compare(builds_at_the_cut, f"from labels.{table}")
    assert len(one) > 0
    assert one == two


def test_no_example_sees_a_snapshot_of_its_own_future(builds) -> None:
    """Recomputed by brute force: the member counts that each example carries are those of the days before."""
    sql = """
        with counts as (
            select examples.example_id, count(impressions.impression_id) as impressions
            from labels.examples
            left join staging.stg_impressions as impressions
                on examples.member_id = impressions.member_id
                and impressions.served_at < cast(examples.served_date as timestamp)
            group by examples.example_id
        )
        select count(*), max(abs(ln(1 + counts.impressions) - coalesce(example_features.value, 0)))
        from counts
        left join training.example_features
            on counts.example_id = example_features.example_id and example_features.feature = 'member_impressions'
    """
    ((rows, difference),) = builds[0].query(sql)
    assert rows > 500
    assert difference < 1e-9


def test_training_and_scoring_see_the_same_features(builds, builds_at_the_cut) -> None:
    """The lists made for the cut day score each pair as the models would have scored the example that it became,
    whatever the learner: examples of that day in the build of later days, against the scorer in that of the day."""
    later, then = builds[0], builds_at_the_cut[0]
    with duckdb.connect(str(then.file), read_only=True) as connection:
        models = models_of(
            connection.table("variants.coefficients").to_arrow_table(),
            connection.table("variants.variants").to_arrow_table(),
        )
        served = {
            (variant, member, course): score
            for variant, member, course, score in connection.execute(
                "select variant, member_id, course_id, score from scoring.learned_scores"
            ).fetchall()
        }
    with duckdb.connect(str(later.file), read_only=True) as connection:
        examples = connection.execute(
            f"select example_id, member_id, course_id from training.example_keys where served_date = date '{CUT}'"
        ).fetchall()
        rows = connection.sql(
            f"""
            select example_id, 1 as label, 1.0::double as weight, feature, term, value
            from training.example_features
            semi join (from training.example_keys where served_date = date '{CUT}') using (example_id)
            union all
            select example_id, 1, 1.0::double, 'intercept', '', 1.0::double
            from training.example_keys where served_date = date '{CUT}'
            """
        ).to_arrow_table()
    design = design_of(rows)
    pair_of = {example: (str(member), str(course)) for example, member, course in examples}
    members, courses = zip(*(pair_of[example] for example in design.examples.tolist()), strict=True)
    design = replace(design, entities={"member": np.array(members), "course": np.array(courses)})
    place = {example: i for i, example in enumerate(design.examples.tolist())}
    compared = dict.fromkeys(models, 0)
    for name, model in models.items():
        logits = model.logits(design)
        for example, member, course in examples:
            score = served.get((name, member, course))
            if score is not None:
                assert abs(score - logits[place[example]]) < 1e-9, (name, member, course)
                compared[name] += 1
    assert {"m101", "m105_history", "m105_home", "m105_blend", "glmix"} <= {
        name for name, pairs in compared.items() if pairs
    }
    assert sum(compared.values()) > 300


def test_features_as_of_a_day_are_what_was_known_on_it(builds) -> None:
    """Recomputed by brute force from the log, for a measure of courses, one of pairs and one of members by channel."""
    ((courses, difference),) = builds[0].query(
        f"""
        with counts as (
            select course_id, count(*) as engagements
            from staging.stg_engagements
            where engaged_at < timestamp '{CUT}' and engaged_at >= timestamp '{CUT}' - interval 28 day
            group by course_id
        )
        select count(*), max(abs(ln(1 + coalesce(engagements, 0)) - coalesce(value, 0)))
        from counts
        full join features.features_as_of('course_popularity', date '{CUT}') as known using (course_id)
        """
    )
    assert courses > 20
    assert difference < 1e-9
    ((pairs, difference),) = builds[0].query(
        f"""
        with counts as (
            select member_id, course_id, channel as term, count(*) as impressions
            from staging.stg_impressions
            where served_at < timestamp '{CUT}'
            group by all
        )
        select count(*), max(abs(ln(1 + coalesce(impressions, 0)) - coalesce(value, 0)))
        from counts
        full join features.features_as_of('prior_impressions', date '{CUT}') as known using (member_id, course_id, term)
        """
    )
    assert pairs > 500
    assert difference < 1e-9
    for feature, table, time in (
        ("member_channel_impressions", "stg_impressions", "served_at"),
        ("member_channel_engagements", "stg_engagements", "engaged_at"),
    ):
        ((channels, difference),) = builds[0].query(
            f"""
            with counts as (
                select events.member_id, shown.channel as term, count(*) as events
                from staging.{table} as events
                inner join staging.stg_impressions as shown using (impression_id)
                where events.{time} < timestamp '{CUT}'
                group by all
            )
            select count(*), max(abs(ln(1 + coalesce(events, 0)) - coalesce(value, 0)))
            from counts
            full join features.features_as_of('{feature}', date '{CUT}') as known using (member_id, term)
            """
        )
        assert channels > 50, feature
        assert difference < 1e-9, feature


def test_features_as_of_a_day_before_all_events_and_of_an_unknown_name_are_none(builds) -> None:
    assert builds[0].query("from features.features_as_of('course_popularity', date '1999-01-01')") == []
    assert builds[0].query("from features.features_as_of('no_such_feature', date '2024-01-10')") == []
