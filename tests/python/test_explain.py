"""What `explain` says of a score, against the scores that the scorer stored."""

from collections.abc import Callable, Iterator

import duckdb
import pytest

from conftest import Warehouse

COLUMNS = ["variant", "model", "effect", "feature", "term", "description", "value", "coefficient", "part"]
# courses at the top, in the middle and at the end of the lists of some members of every variant: member, channel,
# variant, course, the scorer's score and its parts by effect
ASKED = """
with members as (
    select member_id, channel, variant
    from serving.assignments
    qualify row_number() over (partition by variant order by md5(cast(member_id as varchar)), channel) <= 4
)

select
    members.member_id,
    members.channel,
    members.variant,
    scores.course_id,
    coalesce(learned.score, scores.score) as score,
    learned.global_score,
    learned.member_score,
    learned.course_score
from members
inner join scoring.scores as scores using (member_id, variant)
left join scoring.learned_scores as learned using (member_id, variant, course_id)
where scores.position in (1, 40, 110)
order by all
"""


@pytest.fixture(scope="module")
def asked(ci_world: Warehouse) -> list[tuple]:
    return ci_world.query(ASKED)


@pytest.fixture(scope="module", params=["warehouse", "published"])
def explain(request: pytest.FixtureRequest, ci_world: Warehouse) -> Iterator[Callable[..., list[dict]]]:
    """(member, channel, course) -> rows, in the warehouse and in the published file."""
    is_published = request.param == "published"
    file, name = (ci_world.published_file, "explain") if is_published else (ci_world.file, "serving.explain")
    with duckdb.connect(str(file), read_only=True) as connection:

        def rows(*arguments: object) -> list[dict]:
            found = connection.execute(f"from {name}(?, ?, ?)", list(arguments)).fetchall()
            return [dict(zip(COLUMNS, row, strict=True)) for row in found]

        yield rows


def total(rows: list[dict], **of: str) -> float:
    return sum(row["part"] for row in rows if all(row[name] == value for name, value in of.items()))


def test_the_parts_add_up_to_the_stored_score_for_every_assigned_variant(
    ci_world: Warehouse, explain: Callable[..., list[dict]], asked: list[tuple]
) -> None:
    assigned = {name for (name,) in ci_world.query("select distinct variant from serving.assignments")}
    assert {variant for _, _, variant, *_ in asked} == assigned
    for member, channel, variant, course, score, *_ in asked:
        rows = explain(member, channel, course)
        assert {row["variant"] for row in rows} == {variant}
        assert total(rows) == pytest.approx(score, abs=1e-6), (member, channel, variant, course)


def test_the_parts_of_an_effect_add_up_to_its_stored_part(
    explain: Callable[..., list[dict]], asked: list[tuple]
) -> None:
    mixed = [row for row in asked if row[2] == "glmix"]
    assert any(row[6] for row in mixed)
    assert any(row[7] for row in mixed)
    for member, channel, _, course, _, *effects in mixed:
        rows = explain(member, channel, course)
        parts = [total(rows, effect=effect) for effect in ("global", "member", "course")]
        assert parts == pytest.approx(effects, abs=1e-6), (member, channel, course)


def test_rows_are_products_largest_first_and_say_what_they_are(
    explain: Callable[..., list[dict]], asked: list[tuple]
) -> None:
    for member, channel, _, course, *_ in asked[::4]:
        rows = explain(member, channel, course)
        sizes = [abs(row["part"]) for row in rows]
        assert sizes == sorted(sizes, reverse=True)
        assert [row["part"] for row in rows] == [row["value"] * row["coefficient"] for row in rows]
        assert all(row["description"] for row in rows)
        keys = [(row["model"], row["effect"], row["feature"], row["term"]) for row in rows]
        assert len(set(keys)) == len(keys)


def test_a_blend_shows_the_features_of_its_parts_and_the_rest_as_wholes(
    ci_world: Warehouse, explain: Callable[..., list[dict]], asked: list[tuple]
) -> None:
    weights = dict(
        ci_world.query("select feature, coefficient from variants.coefficients where variant = 'm105_blend'")
    )
    similar = []
    for member, channel, variant, course, *_ in asked:
        if variant != "m105_blend":
            continue
        rows = explain(member, channel, course)
        wholes = {row["feature"]: row for row in rows if row["effect"] == "whole"}
        assert {name: row["coefficient"] for name, row in wholes.items()} == {
            name: weights[name] for name in ("item_item", "m105_trees")
        }
        assert total(rows, effect="blend") == weights["intercept"]
        assert {row["model"] for row in rows if row["effect"] == "global"} == {"m105_history"}
        similar.append(wholes["item_item"]["value"])
    assert any(similar)


def test_affinity_names_the_skills_in_common(ci_world: Warehouse, explain: Callable[..., list[dict]]) -> None:
    (member, course), *_ = ci_world.query(
        """
        select scores.member_id, scores.course_id
        from scoring.scores
        inner join serving.assignments using (member_id, variant)
        where channel = 'email' and variant = 'm005' and score > 0
        order by score desc, member_id, course_id
        """
    )
    expected = ci_world.query(
        """
        select skills.name, round(members.weight * courses.weight, 9)
        from skills.ms02 as members
        inner join skills.cs04 as courses using (skill_id)
        inner join staging.stg_skills as skills using (skill_id)
        where members.member_id = ? and courses.course_id = ?
        order by all
        """,
        member,
        course,
    )
    rows = explain(member, "email", course)
    assert {row["effect"] for row in rows} == {"skill"}
    assert sorted((row["description"], round(row["part"], 9)) for row in rows) == expected


def test_courses_outside_the_list_have_a_score_as_well(ci_world: Warehouse, explain: Callable[..., list[dict]]) -> None:
    """A candidate that did not make it scores at most what the last of the list does."""
    left_out = ci_world.query(
        """
        select candidates.member_id, candidates.course_id, lowest.score
        from candidates.candidates
        inner join serving.assignments using (member_id)
        inner join (
            select member_id, variant, min(score) as score
            from scoring.learned_scores
            group by all
            having count(*) = 200
        ) as lowest using (member_id, variant)
        anti join scoring.learned_scores as listed
            on candidates.member_id = listed.member_id
            and assignments.variant = listed.variant
            and candidates.course_id = listed.course_id
        where assignments.channel = 'home'
        order by md5(candidates.member_id || ' ' || candidates.course_id)
        limit 30
        """
    )
    assert len(left_out) == 30
    totals = [total(explain(member, "home", course)) for member, course, _ in left_out]
    assert all(
        score < lowest + 1e-9 and score > lowest - 20 for score, (_, _, lowest) in zip(totals, left_out, strict=True)
    )
    assert len({round(score, 6) for score in totals}) > 20


NOBODY = ["x' or 1=1 --", "42); drop table explained_members; --", "", None, -1, 10**30, "4 2"]


@pytest.mark.parametrize("odd", NOBODY)
def test_what_is_not_there_has_no_rows_and_breaks_nothing(explain: Callable[..., list[dict]], odd: object) -> None:
    usual = explain(42, "feed", 7)
    assert usual
    for arguments in ((odd, "feed", 7), (42, odd, 7), (42, "feed", odd)):
        assert explain(*arguments) == []
    assert explain("42", "feed", "7") == usual


def test_a_course_that_cannot_be_recommended_yet_has_no_rows(
    ci_world: Warehouse, explain: Callable[..., list[dict]]
) -> None:
    coming = ci_world.query(
        "select course_id from staging.stg_courses anti join skills.available_courses using (course_id) order by all"
    )
    assert coming
    assert explain(42, "feed", coming[0][0]) == []


def test_a_batch_call_answers_each_row_for_itself(ci_world: Warehouse) -> None:
    """Also where the caller's columns are named like those of the tables behind."""
    for member, course in (("member_id", "course_id"), ("variant", "model"), ("m", "c")):
        rows = ci_world.published(
            f"""
            select asked.{member}, asked.{course}, round(sum(r.part), 9)
            from (values (1, 7), (42, 7), (42, 9)) as asked({member}, {course}),
                explain({member}, 'home', {course}) as r
            group by all
            order by all
            """
        )
        each = [
            (*pair, *ci_world.published("select round(sum(part), 9) from explain(?, 'home', ?)", *pair)[0])
            for pair in ((1, 7), (42, 7), (42, 9))
        ]
        assert rows == each


def test_keys_may_be_texts(text_keys: Warehouse) -> None:
    rows = text_keys.query(ASKED)
    assert len(rows) > 50
    for member, channel, variant, course, score, *_ in rows:
        ((explained, of),) = text_keys.published(
            "select sum(part), min(variant) from explain(?, ?, ?)", member, channel, course
        )
        assert of == variant
        assert explained == pytest.approx(score, abs=1e-6), (member, channel, variant, course)
