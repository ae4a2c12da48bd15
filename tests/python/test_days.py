"""Lists by the day of the week: one stored list, ordered anew by what the day adds to the scores."""

from datetime import date, timedelta

import pytest

from conftest import Warehouse

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@pytest.fixture(scope="module")
def members(ci_world: Warehouse) -> list[int]:
    sql = "select member_id from serving.assignments where channel = 'feed' and variant = 'm105_daily' order by 1"
    return [member for (member,) in ci_world.query(f"{sql} limit 5")]


@pytest.fixture(scope="module")
def week(ci_world: Warehouse) -> list[date]:
    """The day of the lists and the six after it."""
    ((first,),) = ci_world.query("select as_of_date from staging.as_of_date")
    return [first + timedelta(days) for days in range(7)]


def listed(world: Warehouse, member: int, day: object) -> list[tuple]:
    return world.published("select course_id, score from recommend_on(?, 'feed', ?, top_k := 200)", member, day)


def test_each_day_of_the_week_has_its_own_list(ci_world: Warehouse, members: list[int], week: list[date]) -> None:
    for member in members:
        lists = [[course for course, _ in listed(ci_world, member, day)] for day in week]
        assert len({tuple(one) for one in lists}) == 7
        assert {frozenset(one) for one in lists} == {frozenset(lists[0])}
        assert listed(ci_world, member, week[0] + timedelta(7)) == listed(ci_world, member, week[0])


def test_on_the_day_of_the_lists_and_in_other_variants_it_is_the_stored_list(
    ci_world: Warehouse, members: list[int], week: list[date]
) -> None:
    others = "select min(member_id) from serving.assignments where channel = 'feed' and variant = 'm105_history'"
    asked = [(member, week[0]) for member in members]
    asked += [(ci_world.query(others)[0][0], day) for day in week]
    for member, day in asked:
        for top_k in (3, 200):
            stored = ci_world.published("from recommend(?, 'feed', top_k := ?)", member, top_k)
            assert ci_world.published("from recommend_on(?, 'feed', ?, top_k := ?)", member, day, top_k) == stored
            assert stored


def test_scores_are_those_of_the_model_with_the_features_of_that_day(
    ci_world: Warehouse, members: list[int], week: list[date]
) -> None:
    """The logit without the parts of the day, from `explain`, and the coefficients of the other day."""
    weights = dict(
        ci_world.query(
            """
            select feature || ' ' || term, coefficient
            from variants.m105_daily
            where feature in ('day_of_week', 'day_x_category')
            """
        )
    )
    member = members[0]
    for day in week:
        name = DAYS[day.weekday()]
        for course, score in listed(ci_world, member, day)[::40]:
            rows = ci_world.published("select feature, part from explain(?, 'feed', ?)", member, course)
            assert {"day_of_week", "day_x_category"} <= {feature for feature, _ in rows}
            rest = sum(part for feature, part in rows if not feature.startswith("day_"))
            categories = ci_world.query(
                "select term, value from scoring.scoring_course_features "
                "where course_id = ? and feature = 'course_category'", course
            )  # fmt: skip
            of_day = weights[f"day_of_week {name}"] + sum(
                weights.get(f"day_x_category {name} x {term}", 0) * value for term, value in categories
            )
            assert rest + of_day == pytest.approx(score, abs=6e-4)  # served in thousandths


@pytest.mark.parametrize("day", [None, "yesterday", "2024-02-30", "2024-02-17' or 1=1 --", 7])
def test_what_is_no_date_has_no_rows(ci_world: Warehouse, members: list[int], day: object) -> None:
    assert listed(ci_world, members[0], day) == []


def test_a_date_may_be_a_text_and_odd_arguments_have_the_answer_of_recommend(
    ci_world: Warehouse, members: list[int], week: list[date]
) -> None:
    assert listed(ci_world, members[0], str(week[1])) == listed(ci_world, members[0], week[1])
    for call in ("-1, 'feed', {day}", "{member}, 'nowhere', {day}", "{member}, 'feed', {day}, top_k := 0"):
        sql = f"from recommend_on({call.format(member=members[0], day=repr(str(week[1])))})"
        assert ci_world.published(sql) == []
