"""Reasons recomputed from staged tables, and the moves after scoring."""

import re
import shutil
from collections import Counter, defaultdict
from datetime import timedelta

import duckdb
import numpy as np
import pytest
import yaml

from conftest import ROOT, Warehouse
from relevance.reasons import recommended_pairs

BOOST = 2.5


def test_the_best_reason_is_the_arg_max_and_the_meta_reason_the_mean(ci_world: Warehouse) -> None:
    reasons = {
        name: row for name, *row in ci_world.query("select reason, overrides, priority, kind from seeds.reasons")
    }
    scored = [name for name, (_, _, kind) in reasons.items() if kind == "scored"]
    scores = defaultdict(dict)
    for member, course, reason, skill, score in ci_world.query("from reasons.scaled_reasons where member_id <= 60"):
        scores[member, course][reason] = (score, skill)
    shown = ci_world.query(
        """
        select best.member_id, best.course_id, best.reason, best.skill_id, meta.score
        from reasons.best_reasons as best
        inner join reasons.reason_recommended_for_you as meta using (member_id, course_id)
        where member_id <= 60
        """
    )
    found = Counter()
    for member, course, reason, skill, combined in shown:
        mine = scores.pop((member, course), {})
        assert combined == pytest.approx(sum(score for score, _ in mine.values()) / len(scored), abs=1e-9)
        assert combined <= max([score for score, _ in mine.values()], default=0)
        overriding = {name: row for name, row in mine.items() if reasons[name][0]}
        best = min(overriding or mine, key=lambda name: (-mine[name][0], reasons[name][1]), default=None)
        assert (reason, skill) == ((best, mine[best][1]) if best else ("recommended_for_you", None))
        found[reason] += 1
    assert scores == {}
    assert len(found) >= 7


@pytest.mark.parametrize("member_type", ["bigint", "varchar"])
def test_pairs_are_the_courses_of_all_lists_with_their_best_positions(member_type: str, monkeypatch) -> None:
    monkeypatch.setattr("relevance.reasons.LISTS", 7)  # members of several batches, none of them split
    rng = np.random.default_rng(3)
    with duckdb.connect() as session:
        session.execute(
            f"create table lists (member_id {member_type}, courses integer[], positions bigint[], score double)"
        )
        session.execute(
            "create table courses as select 'c' || n as course_id, n as course_number from range(40) as numbers(n)"
        )
        best = {}
        for _ in range(60):
            member, length = int(rng.integers(12)), int(rng.integers(0, 15))
            courses = rng.choice(40, length, replace=False).tolist()
            positions = rng.permutation(length) + 1
            session.execute("insert into lists values (?, ?, ?, 0)", [member, courses, positions.tolist()])
            for course, position in zip(courses, positions.tolist(), strict=True):
                pair = (str(member), f"c{course}")
                best[pair] = min(position, best.get(pair, position))
        pairs = recommended_pairs(session, session.table("lists"), session.table("courses")).read_all()
    rows = list(zip(*pairs.to_pydict().values(), strict=True))
    assert {(str(member), course): position for member, course, position in rows} == best
    assert len(rows) == len(best) > 200
    assert rows == sorted(rows, key=lambda row: (row[0], int(row[1][1:])))


def test_the_named_skill_contributes_most_to_the_affinity(ci_world: Warehouse) -> None:
    contributions = defaultdict(list)
    sql = """
        select member_id, course_id, skill_id, round(ms01.weight * cs01.weight, 9)
        from reasons.recommended_pairs
        inner join skills.ms01 using (member_id)
        inner join skills.cs01 using (course_id, skill_id)
    """
    for member, course, skill, contribution in ci_world.query(sql):
        contributions[member, course].append((-contribution, str(skill)))
    named = ci_world.query("select member_id, course_id, -score, skill_id from reasons.reason_skill_match")
    assert {(member, course): (score, str(skill)) for member, course, score, skill in named} == {
        pair: min(listed) for pair, listed in contributions.items()
    }
    assert len(named) > 1000


def test_short_courses_are_ordered_by_duration(ci_world: Warehouse) -> None:
    wrong = """
        select count(*), count(*) filter (where durations < lag_durations)
        from (
            select
                duration_seconds as durations,
                lag(duration_seconds) over (partition by member_id order by scaled_score desc) as lag_durations
            from reasons.scaled_reasons
            inner join staging.stg_courses using (course_id)
            where reason = 'short_relevant'
        )
    """
    ((rows, out_of_order),) = ci_world.query(wrong)
    assert rows > 1000
    assert out_of_order == 0


def leading(scores: dict[str, float], most: int = 20) -> dict[str, float]:
    return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:most])


def trends_of(ci_world: Warehouse, cohort: str) -> dict[str, dict[int, float]]:
    """Cohort -> course -> ratio, as the macro `trending` describes it, one event at a time."""
    ((day,),) = ci_world.query("select as_of_date from staging.as_of_date")
    recent, begin = day - timedelta(14), day - timedelta(42)
    old = {
        c for c, d in ci_world.query("select course_id, released_date from staging.stg_courses") if not d or d <= begin
    }
    cohort_of = {m: c for m, c in ci_world.query(f"select member_id, {cohort} from staging.stg_members") if c}
    events = {
        (member, course, date >= recent)
        for member, course, date in ci_world.query("select member_id, course_id, engaged_date from labels.engagements")
        if begin <= date < day and course in old
    }
    everybody = Counter((course, is_recent) for _, course, is_recent in events)
    all_of = Counter(is_recent for _, _, is_recent in events)
    inside = Counter((cohort_of[m], course, is_recent) for m, course, is_recent in events if m in cohort_of)
    all_inside = Counter((cohort_of[m], is_recent) for m, _, is_recent in events if m in cohort_of)
    ratios = defaultdict(dict)
    for (name, course, is_recent), members in inside.items():
        if not is_recent or members < 5:
            continue
        share_before = everybody[course, False] / all_of[False]
        before = (inside[name, course, False] + 5 * share_before) / (all_inside[name, False] + 5)
        expected = all_inside[name, True] * before
        if cohort != "'all'":
            expected = max(expected, all_inside[name, True] * everybody[course, True] / all_of[True])
        if (members + 5) / (expected + 5) >= 1.25:
            ratios[name][course] = round((members + 5) / (expected + 5), 9)
    return {name: leading(courses) for name, courses in ratios.items()}


@pytest.mark.parametrize(
    ("reason", "cohort"),
    [
        ("trending_title", "title"),
        ("trending_industry", "industry"),
        ("trending_company", "company"),
        ("trending_globally", "'all'"),
    ],
)
def test_trends_recomputed_event_by_event(ci_world: Warehouse, reason: str, cohort: str) -> None:
    trends = trends_of(ci_world, cohort)
    cohort_of = dict(ci_world.query(f"select member_id, {cohort} from staging.stg_members"))
    pairs = ci_world.query("select member_id, course_id from reasons.recommended_pairs")
    expected = {(m, c): trends[cohort_of[m]][c] for m, c in pairs if c in trends.get(cohort_of[m], {})}
    rows = {
        (m, c): score
        for m, c, score in ci_world.query(f"select member_id, course_id, score from reasons.reason_{reason}")
    }
    assert rows == pytest.approx(expected, abs=2e-9)
    assert len(rows) > 100 or reason == "trending_company"  # companies of the small world are smaller than the support


def test_popular_courses_recomputed(ci_world: Warehouse) -> None:
    ((day,),) = ci_world.query("select as_of_date from staging.as_of_date")
    events = ci_world.query("select distinct member_id, course_id, engaged_date from labels.engagements")
    members = defaultdict(set)
    for member, course, date in events:
        if day - timedelta(28) <= date < day:
            members[course].add(member)
    popular = leading({course: len(listed) for course, listed in members.items()})
    assert dict(ci_world.query("select distinct course_id, score from reasons.reason_popular")) == popular
    assert len(popular) == 20


def test_texts_have_the_placeholders_that_serving_fills(ci_world: Warehouse) -> None:
    rows = ci_world.query("select reason, text, carousel_text from seeds.reasons")
    named = {
        name
        for (name,) in ci_world.query("select distinct reason from reasons.best_reasons where skill_id is not null")
    }
    assert named == {"skill_match", "interest_match"}
    for reason, text, carousel_text in rows:
        assert ("{skill}" in text) == ("{skill}" in carousel_text) == (reason in named | {"followed_skill"}), reason
        assert set(re.findall(r"{.*?}", text)) <= {"{skill}", "{minutes}"}
        assert set(re.findall(r"{.*?}", carousel_text)) <= {"{skill}"}


# ------------------------------------------------------------------------------------------- after scoring


def test_lists_are_in_the_order_of_their_scores_without_dismissed_and_finished_courses(ci_world: Warehouse) -> None:
    ((rows, moved, boosted),) = ci_world.query(
        """
        select count(*), count(*) filter (where position <> place), count(*) filter (where is_boosted)
        from (
            select *, row_number() over (partition by variant, member_id order by score desc, course_id) as place
            from scoring.scores
        )
        """
    )
    assert rows > 100_000
    assert (moved, boosted) == (0, 0)
    assert (
        ci_world.query("select * from scoring.scores semi join staging.stg_dismissals using (member_id, course_id)")
        == []
    )
    assert (
        ci_world.query(
            "select * from scoring.scores semi join candidates.excluded_courses using (member_id, course_id)"
        )
        == []
    )
    assert len(ci_world.query("from candidates.excluded_courses")) > 200


@pytest.fixture(scope="module")
def moved_world(ci_world: Warehouse, tmp_path_factory) -> Warehouse:
    """The lists again, with a boost of m105_history alone and a discount."""
    warehouse = Warehouse(tmp_path_factory.mktemp("moved_world"))
    shutil.copy(ci_world.file, warehouse.file)
    registry = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["variants"]
    registry["m105_history"]["new_course_boost"] = BOOST
    for child, variant in registry.items():
        if child != "m105_history":
            variant["new_course_boost"] = 0
    warehouse.dbt(
        "run",
        *("--select", "path:dbt_project/models/training/variants.sql"),
        *("settled_lists", "unsettled_scores", "rule_lists", "scores"),
        world_preset="ci",
        variants=registry,
        impression_discount=0.1,
    )
    return warehouse


def test_moves_follow_the_stated_rule_and_leave_the_score(ci_world: Warehouse, moved_world: Warehouse) -> None:
    with duckdb.connect(str(ci_world.file), read_only=True) as connection:
        before = connection.sql("from scoring.scores").to_arrow_table()  # a view of its own warehouse
    with duckdb.connect(str(moved_world.file), read_only=True) as connection:
        connection.register("before", before)
        connection.execute(
            f"""
            create temp table compared as
            select
                after.variant,
                after.member_id,
                after.position,
                after.is_boosted,
                before.position as place,
                after.score = before.score as is_same_score,
                released_date >= as_of_date - 30 and released_date < as_of_date as is_new,
                round(
                    before.position * (1 + 0.1 * coalesce(impressions, 0))
                    / (case when after.is_boosted then {1 + BOOST} else 1 end),
                    9
                ) as moved_place
            from scoring.scores as after
            inner join before using (variant, member_id, course_id)
            inner join staging.stg_courses using (course_id)
            cross join staging.as_of_date
            left join scoring.ignored_impressions as ignored using (member_id, course_id)
            """
        )
        ((rows, changed, moved, flags),) = connection.execute(
            """
            select
                count(*),
                count(*) filter (where not is_same_score),
                count(*) filter (where position <> place),
                count(*) filter (where is_boosted <> (is_new and variant = 'm105_history'))
            from compared
            """
        ).fetchall()
        assert rows > 100_000
        assert (changed, flags) == (0, 0)
        assert moved > 1000
        assert connection.execute(
            """
            select count(*)
            from (
                select
                    position,
                    row_number() over (partition by variant, member_id order by moved_place, place) as expected,
                    count(*) over (partition by variant, member_id) as courses,
                    max(position) over (partition by variant, member_id) as last
                from compared
            )
            where courses = last and position <> expected
            """
        ).fetchall() == [(0,)]
        ((more,),) = connection.execute(
            """
            select count(*) filter (where position <= 30) / count(*) filter (where place <= 30)
            from compared
            where is_new and variant = 'm105_history'
            """
        ).fetchall()
        assert more > 1.2
