"""Declarations of derived features: what they compile to, and how a wrong one is refused."""

import pyarrow as pa
import pytest

from relevance.transformations import DeclarationError, feature_buckets, transformations

FEATURES = [
    ("member_seniority", "member", "category"),
    ("member_skill", "member", "vector"),
    ("member_engagements", "member", "number"),
    ("day_of_week", "context", "category"),
    ("course_skill", "course", "vector"),
    ("course_difficulty", "course", "category"),
    ("course_age", "course", "number"),
    ("prior_count", "interaction", "number"),
]


class Relation:
    def __init__(self, rows: list[dict], names: tuple[str, ...]):
        self.table = pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in names]))

    def order(self, column: str) -> "Relation":
        return self

    def to_arrow_table(self) -> pa.Table:
        return self.table


def compiled(**expressions: str) -> dict[str, dict]:
    return {row["feature"]: row for row in transformations(*relations(expressions)).to_pylist()}


def relations(expressions: dict[str, str]) -> tuple[Relation, Relation]:
    names = ("feature", "entity", "kind")
    return (
        Relation([dict(zip(names, row, strict=True)) for row in FEATURES], names),
        Relation(
            [{"feature": name, "expression": text} for name, text in expressions.items()], ("feature", "expression")
        ),
    )


def test_inner_expressions_become_rows_of_their_own_before_what_is_made_of_them():
    rows = compiled(overlap="log(dot(member_skill, course_skill))")
    assert list(rows) == ["dot(member_skill, course_skill)", "overlap"]
    inner, outer = rows.values()
    assert (inner["operation"], inner["left_feature"], inner["right_feature"]) == (
        "dot",
        "member_skill",
        "course_skill",
    )
    assert (outer["operation"], outer["left_feature"], outer["right_feature"]) == ("log", inner["feature"], None)
    assert [(row["side"], row["depth"], row["is_declared"]) for row in rows.values()] == [
        ("interaction", 1, False),
        ("interaction", 2, True),
    ]


def test_two_declarations_share_an_inner_expression():
    rows = compiled(one="log(dot(member_skill, course_skill))", two="bucket(dot(member_skill, course_skill), 1)")
    assert sorted(rows) == ["dot(member_skill, course_skill)", "one", "two"]


def test_a_declared_feature_may_use_another_that_stands_below_it():
    rows = compiled(a="bucket(b, 1, 2)", b="log(course_age)")
    assert (rows["a"]["left_feature"], rows["a"]["depth"], rows["a"]["side"]) == ("b", 2, "course")
    assert list(rows) == ["b", "a"]


@pytest.mark.parametrize(
    ("expression", "side", "left", "right"),
    [
        ("cross(member_seniority, course_difficulty)", "interaction", "member_seniority", "course_difficulty"),
        ("cross(course_difficulty, member_seniority)", "interaction", "member_seniority", "course_difficulty"),
        ("cross(day_of_week, course_difficulty)", "interaction", "day_of_week", "course_difficulty"),
        ("cross(day_of_week, member_seniority)", "member", "day_of_week", "member_seniority"),
        ("cross(course_difficulty, course_skill)", "course", "course_difficulty", "course_skill"),
    ],
)
def test_a_cross_belongs_to_the_side_of_its_operands(expression, side, left, right):
    row = compiled(x=expression)["x"]
    assert (row["side"], row["left_feature"], row["right_feature"]) == (side, left, right)


def test_buckets_cover_all_numbers_without_overlap():
    rows = feature_buckets(*relations({"age": "bucket(course_age, -1, 2.5)"})).to_pylist()
    assert [(row["term"], row["low"], row["high"]) for row in rows] == [
        ("(-inf, -1)", float("-inf"), -1.0),
        ("[-1, 2.5)", -1.0, 2.5),
        ("[2.5, inf)", 2.5, float("inf")),
    ]


@pytest.mark.parametrize(
    ("expressions", "message"),
    [
        ({"x": "dot(member_skill, course_tags)"}, "row x: no feature 'course_tags'. Remedy: name one of features"),
        (
            {"x": "dot(course_skill, member_skill)"},
            "row x: dot takes a member's vector first, course_skill is of a course",
        ),
        ({"x": "cosine(member_skill, member_skill)"}, "row x: cosine takes a course's vector second"),
        ({"x": "cosine(member_skill, course_age)"}, "row x: cosine of course_age, a number"),
        ({"x": "log(course_skill)"}, "row x: log of course_skill, a vector. Remedy: give it a number"),
        ({"x": "cross(prior_count, course_age)"}, "row x: cross of prior_count, an interaction"),
        ({"x": "log(y)", "y": "log(x)"}, "cyclic definition x -> y -> x"),
        ({"x": "log(x)"}, "row x: cyclic definition x -> x"),
        ({"x": "log(log(log(log(course_age))))"}, "row x: 4 derivations on one another. Remedy: at most 3"),
        ({"x": "dot(member_skill, course_skill"}, "row x: 'dot(member_skill, course_skill' does not parse"),
        ({"x": ""}, "row x"),
        ({"x": "course_age + 1"}, "row x: 'course_age + 1'. Remedy: use log(x), bucket(x, edge, ...)"),
        ({"x": "exp(course_age)"}, "row x: 'EXP(course_age)'. Remedy: use log"),
        ({"x": "dot(member_skill)"}, "row x: 'DOT(member_skill)'"),
        ({"x": "bucket(course_age)"}, "row x: 'BUCKET(course_age)'"),
        ({"x": "bucket(course_age, 2, 1)"}, "row x: edges [2.0, 1.0] of a bucket. Remedy: give ascending numbers"),
        ({"x": "bucket(course_age, often)"}, "row x: edge often of a bucket is not a number"),
        ({"x": "course_age"}, "row x: course_age under another name"),
        ({"course_age": "log(course_age)"}, "row course_age: the name is taken"),
    ],
)
def test_a_wrong_declaration_is_refused_by_its_row_and_with_a_remedy(expressions, message):
    with pytest.raises(DeclarationError) as error:
        transformations(*relations(expressions))
    assert message.lower() in str(error.value).lower()
    assert "feature_transformations" in str(error.value)


def test_a_feature_of_no_known_entity_is_refused_by_its_row():
    names = ("feature", "entity", "kind")
    features = Relation([{"feature": "x", "entity": "team", "kind": "number"}], names)
    with pytest.raises(DeclarationError, match="features, row x: entity team, kind number"):
        transformations(features, Relation([], ("feature", "expression")))
