"""Scores of the learned variants against plain SQL, and the lists that are made of them."""

from collections.abc import Iterator
from math import log

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix

from relevance import scoring
from relevance.scoring import LinearVariant, linear_variants, score_shard

MEMBERS = 50
SCORES = pa.schema(
    [("variant", pa.string()), ("member_id", pa.int64()), ("course_id", pa.int64()), ("score", pa.float64())]
)
LOGITS_IN_SQL = """
with weights as (select * from variants.coefficients where variant = 'm101'),
members as (select distinct member_id from serving.assignments where variant = 'm101' order by hash(member_id) limit ?),
member_part as (
    select member_id, sum(value * coefficient) as score
    from features.latest_member_features inner join weights using (feature, term) group by member_id
),
course_part as (
    select course_id, sum(value * coefficient) as score
    from features.latest_course_features inner join weights using (feature, term) group by course_id
),
products as (
    select m.member_id, c.course_id, t.feature, sum(m.value * c.value) as product
    from members
    inner join features.latest_member_features as m using (member_id)
    inner join seeds.feature_transformations as t on m.feature = t.left_feature
    inner join features.latest_course_features as c on c.feature = t.right_feature and c.term = m.term
    group by all
),
pair_part as (
    select member_id, course_id, sum(ln(1 + product) * coefficient) as score
    from products inner join weights using (feature) group by all
)
select members.member_id, c.course_id,
    (select coefficient from weights where feature = 'intercept')
    + coalesce(member_part.score, 0) + coalesce(course_part.score, 0) + coalesce(pair_part.score, 0) as logit
from members
inner join candidates.candidates as c using (member_id)
left join member_part using (member_id)
left join course_part using (course_id)
left join pair_part using (member_id, course_id)
"""


@pytest.fixture
def session(ci_world) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(ci_world.file), read_only=True) as connection:
        yield connection


@pytest.fixture
def logits(session) -> dict[int, dict[int, float]]:
    """member -> course -> logit of m101, for every candidate of 50 members."""
    found: dict[int, dict[int, float]] = {}
    for member, course, logit in session.execute(LOGITS_IN_SQL, [MEMBERS]).fetchall():
        found.setdefault(member, {})[course] = logit
    return found


def scored_again(session: duckdb.DuckDBPyConnection, keep: int) -> pa.Table:
    """Rows of scoring.learned_scores, computed now."""
    return scoring.learned_scores(
        session,
        groups=session.table("scoring.scoring_groups"),
        coefficients=session.table("variants.coefficients"),
        terms=session.table("scoring.scoring_terms"),
        courses=session.table("scoring.scoring_courses"),
        features=session.table("features.latest_course_features"),
        transformations=session.table("seeds.feature_transformations"),
        keep=keep,
    ).read_all()


def shard_of(member_ids: list[int], courses: list[list[int]], variants: list[list[str]]) -> pa.Table:
    """A shard in which member number i has the one term i, with value 1."""
    return pa.table(
        {
            "member_id": member_ids,
            "variants": variants,
            "courses": pa.array(courses, pa.list_(pa.int32())),
            "terms": pa.array([[i] for i in range(len(member_ids))], pa.list_(pa.int32())),
            "term_values": pa.array([[1.0]] * len(member_ids), pa.list_(pa.float64())),
        }
    )


def triples(table: pa.Table) -> list[tuple[int, int, float]]:
    return [(row["member_id"], row["course_id"], row["score"]) for row in table.to_pylist()]


# ------------------------------------------------------------------------------------------- against SQL


def test_learned_scores_are_the_logits_of_plain_sql(session, logits):
    scores = session.execute(
        "select member_id, course_id, score from scoring.learned_scores where variant = 'm101' "
        "and list_contains(?, member_id)",
        [list(logits)],
    ).fetchall()
    assert len(logits) == MEMBERS
    assert len(scores) == MEMBERS * 200
    assert {
        (member, course): (score, logits[member][course])
        for member, course, score in scores
        if abs(score - logits[member][course]) > 1e-9
    } == {}


def test_every_kind_of_feature_enters_the_compared_scores(session):
    rows = session.execute(
        """
        select
            count(*) filter (where feature in (select feature from features.latest_member_features)),
            count(*) filter (where feature in (select feature from features.latest_course_features)),
            count(*) filter (where feature in (select feature from seeds.feature_transformations))
        from variants.coefficients where variant = 'm101' and abs(coefficient) > 1e-6
        """
    ).fetchall()
    assert min(rows[0]) >= 3


def test_the_list_holds_the_best_candidates(session, logits):
    for member, by_course in logits.items():
        kept = session.execute(
            "select course_id from scoring.learned_scores where variant = 'm101' and member_id = ?", [member]
        ).fetchall()
        kept = {course for (course,) in kept}
        assert len(by_course) > len(kept) == 200
        assert min(by_course[c] for c in kept) >= max(by_course[c] for c in by_course.keys() - kept) - 1e-9


# ------------------------------------------------------------------------------------------- shards and ties


def test_scores_do_not_depend_on_the_size_of_the_shards(session, monkeypatch):
    sizes = []
    for shard_members in (37, 1024):
        monkeypatch.setattr(scoring, "SHARD_MEMBERS", shard_members)
        sizes.append(scored_again(session, 20).sort_by([(name, "ascending") for name in SCORES.names]))
    assert sizes[0].equals(sizes[1])
    assert sizes[0].num_rows == 20 * session.execute("select count(*) from scoring.scoring_groups").fetchall()[0][0]


def test_scores_of_the_warehouse_are_made_again_to_the_last_bit(session):
    again = scored_again(session, 200)
    counts = session.execute(
        "select (select count(*) from scoring.learned_scores), "
        "(select count(*) from (from again except all from scoring.learned_scores))"
    ).fetchall()
    assert counts == [(again.num_rows, 0)]


def test_ties_go_to_the_lower_course_number():
    tied = LinearVariant("m900", np.zeros(1), np.array([0.0, 1.0, 1.0, 0.0, 1.0 + 1e-12]), [])
    table = score_shard(
        shard_of([5], [[0, 1, 2, 3, 4]], [["m900"]]), {"m900": tied}, pa.array([10, 20, 30, 40, 50]), 4, SCORES
    )
    assert [course for _, course, _ in triples(table)] == [20, 30, 50, 10]


def test_only_candidates_and_assigned_variants_are_scored():
    two = {
        "m900": LinearVariant("m900", np.array([0.0, 10.0]), np.array([1.0, 2.0, 3.0]), []),
        "m901": LinearVariant("m901", np.array([0.0, 10.0]), np.array([3.0, 2.0, 1.0]), []),
        "m902": LinearVariant("m902", np.zeros(2), np.zeros(3), []),
    }
    shard = shard_of([5, 6], [[0, 2], [1]], [["m900"], ["m900", "m901"]])
    table = score_shard(shard, two, pa.array([10, 20, 30]), 5, SCORES)
    rows = [(row["variant"], row["member_id"], row["course_id"], row["score"]) for row in table.to_pylist()]
    assert rows == [("m900", 5, 30, 3.0), ("m900", 5, 10, 1.0), ("m900", 6, 20, 12.0), ("m901", 6, 20, 12.0)]


def test_a_shard_without_learned_variants_has_no_scores():
    variant = {"m900": LinearVariant("m900", np.zeros(1), np.zeros(2), [])}
    assert score_shard(shard_of([5], [[0, 1]], [["m001"]]), variant, pa.array([10, 20]), 5, SCORES).num_rows == 0
    assert score_shard(shard_of([5], [[0, 1]], [["m900"]]), {}, pa.array([10, 20]), 5, SCORES).num_rows == 0


def test_a_dot_product_enters_as_its_weight_times_log_of_one_plus_it():
    courses = csr_matrix(np.array([[0.5, 0.0], [2.0, 0.0]]))
    variant = LinearVariant("m900", np.array([1.0, 0.0]), np.array([0.1, 0.2]), [(3.0, courses)])
    logits = variant.logits(csr_matrix(np.array([[2.0, 4.0]])))
    np.testing.assert_allclose(logits, [[2 + 0.1 + 3 * log(1 + 9), 2 + 0.2]], atol=1e-15)


def test_variants_are_assembled_from_their_rows():
    def rows(names: str, *values: tuple) -> pa.Table:
        return pa.Table.from_pylist([dict(zip(names.split(), value, strict=True)) for value in values])

    variants = linear_variants(
        coefficients=rows(
            "variant feature term coefficient",
            ("m900", "intercept", "", -1.0),
            ("m900", "member_skill", "7", 0.5),
            ("m900", "course_age", "", 0.25),
            ("m900", "skill_overlap", "", 2.0),
            ("m901", "intercept", "", -3.0),
        ),
        terms=rows("feature term term_number", ("member_skill", "7", 0), ("member_skill", "8", 1)),
        courses=rows("course_id course_number", (10, 0), (20, 1)),
        features=rows(
            "course_id feature term value",
            (10, "course_skill", "7", 1.0),
            (20, "course_skill", "9", 1.0),
            (20, "course_age", "", 4.0),
            (99, "course_age", "", 4.0),
        ),
        transformations=rows(
            "feature transformation left_feature right_feature",
            ("skill_overlap", "dot", "member_skill", "course_skill"),
        ),
    )
    assert list(variants) == ["m900", "m901"]
    assert variants["m900"].member_weights.tolist() == [0.5, 0.0]
    assert variants["m900"].course_scores.tolist() == [-1.0, 0.0]
    ((weight, matrix),) = variants["m900"].dots
    assert (weight, matrix.toarray().tolist()) == (2.0, [[1.0, 0.0], [0.0, 0.0]])
    assert variants["m901"].dots == []


def test_an_unknown_transformation_is_refused_by_name(session):
    other = pa.table(
        {"feature": ["closeness"], "transformation": ["cosine"], "left_feature": ["a"], "right_feature": ["b"]}
    )
    empty = {
        name: session.table(name).limit(0).to_arrow_table()
        for name in ("variants.coefficients", "scoring.scoring_terms", "scoring.scoring_courses")
    }
    features = session.table("features.latest_course_features").limit(0).to_arrow_table()
    with pytest.raises(ValueError, match="closeness: no transformation 'cosine'"):
        linear_variants(*empty.values(), features, other)


# ------------------------------------------------------------------------------------------- lists


def test_lists_of_learned_scores_are_sorted_best_first(session):
    table = scored_again(session, 30)
    scores = np.round(table.column("score").to_numpy(), 9)
    member, course = table.column("member_id").to_numpy(), table.column("course_id").to_numpy()
    same = member[1:] == member[:-1]
    assert same.sum() > 20 * len(set(member))
    later = (scores[1:] < scores[:-1]) | ((scores[1:] == scores[:-1]) & (course[1:] > course[:-1]))
    assert later[same].all()


def test_every_member_has_a_full_list_of_each_assigned_variant(session):
    ((available,),) = session.execute("select count(*) from skills.available_courses").fetchall()
    expected = min(200, available)
    wrong = session.execute(
        """
        select variant, member_id, count(course_id), count(distinct course_id)
        from (select distinct variant, member_id from serving.assignments)
        full join scoring.scores using (variant, member_id)
        group by variant, member_id
        having count(course_id) <> ? or count(distinct course_id) <> ?
        """,
        [expected, expected],
    ).fetchall()
    assert wrong == []


def test_every_recommended_course_is_available(session):
    assert session.execute(
        "select count(*) from scoring.scores anti join skills.available_courses using (course_id)"
    ).fetchall() == [(0,)]


def test_courses_that_fill_a_list_stand_behind_those_that_were_scored(session):
    rows = session.execute(
        """
        select count(*), count(*) filter (where scores.score >= scored.lowest)
        from scoring.scores
        anti join variants.m002 using (member_id, course_id)
        inner join (select member_id, min(score) as lowest from variants.m002 group by member_id) as scored
            using (member_id)
        where scores.variant = 'm002'
        """
    ).fetchall()
    assert rows[0][0] > 1000
    assert rows[0][1] == 0


# ------------------------------------------------------------------------------------------- training and scoring agree


def snapshot(rows: list[tuple], on) -> dict[str, dict[str, float]]:
    """feature -> term -> value of the latest snapshot of each family; rows are (family, date, feature, term, value)."""
    latest: dict[str, object] = {}
    for family, date, *_ in rows:
        if date <= on:
            latest[family] = max(latest.get(family, date), date)
    values: dict[str, dict[str, float]] = {}
    for family, date, feature, term, value in rows:
        if latest.get(family) == date:
            values.setdefault(feature, {})[term] = value
    return values


def test_dot_features_of_examples_are_those_of_the_snapshots_of_their_day(session):
    transformations = session.execute(
        "select feature, left_feature, right_feature from seeds.feature_transformations where transformation = 'dot'"
    ).fetchall()
    examples = session.execute(
        """
        with chosen as (select example_id, member_id, course_id, served_date from labels.examples),
        busy as (
            select distinct example_id from training.example_features
            semi join seeds.feature_transformations using (feature)
        )
        (from chosen semi join busy using (example_id) order by hash(example_id) limit 150)
        union all
        (from chosen anti join busy using (example_id) order by hash(example_id) limit 50)
        """
    ).fetchall()
    assert len(examples) == 200
    history = "select family, feature_date, feature, term, value from features.{0}_features where {0}_id = ?"
    seen = dict.fromkeys([feature for feature, _, _ in transformations], 0)
    for example, member, course, day in examples:
        member_side = snapshot(session.execute(history.format("member"), [member]).fetchall(), day)
        course_side = snapshot(session.execute(history.format("course"), [course]).fetchall(), day)
        expected = {}
        for feature, left, right in transformations:
            mine, theirs = member_side.get(left, {}), course_side.get(right, {})
            product = sum(mine[term] * theirs[term] for term in mine.keys() & theirs.keys())
            if product:
                expected[feature] = log(1 + product)
                seen[feature] += 1
        stored = dict(
            session.execute(
                "select feature, value from training.example_features "
                "semi join seeds.feature_transformations using (feature) where example_id = ?",
                [example],
            ).fetchall()
        )
        assert stored == pytest.approx(expected, abs=1e-12), (example, member, course, day)
    assert min(seen.values()) >= 10, seen


def test_features_of_the_day_of_the_lists_are_those_of_its_snapshots(session):
    ((day,),) = session.execute("select as_of_date from staging.as_of_date").fetchall()
    for entity in ("member", "course"):
        keys = session.execute(f"select distinct {entity}_id from features.{entity}_features order by 1 limit 40")
        for (key,) in keys.fetchall():
            history = session.execute(
                f"select family, feature_date, feature, term, value from features.{entity}_features "
                f"where {entity}_id = ?",
                [key],
            ).fetchall()
            expected = {
                (feature, term): value
                for feature, terms in snapshot(history, day).items()
                for term, value in terms.items()
                if value
            }
            latest = session.execute(
                f"select feature, term, value from features.latest_{entity}_features "
                f"where {entity}_id = ? and feature <> 'course_age'",
                [key],
            ).fetchall()
            assert {(feature, term): value for feature, term, value in latest} == expected, (entity, key)
