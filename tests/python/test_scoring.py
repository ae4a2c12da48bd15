"""Scores of the learned variants against plain SQL, and the lists that are made of them."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise, product
from math import log, sqrt

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scipy.sparse import csr_matrix, random_array

from relevance import scoring
from relevance.catalogue import CatalogueSpace, LinearScorer, Product, Shard
from relevance.catalogue_kernels import best_pairs
from relevance.design import Design, design_of
from relevance.learning import LearningError, Model, models_of
from relevance.scoring import catalogue_scorers, catalogue_space, lists_schema, score_shard

MEMBERS = 50
LISTS = lists_schema(pa.int64())
LOGS_OF_DOTS = {
    "skill_overlap": ("member_skill", "course_skill"),
    "interest_overlap": ("member_interest", "course_skill"),
    "category_overlap": ("member_category", "course_category"),
    "job_skill_overlap": ("member_job_skill", "course_skill"),
}
COSINES = {
    "skill_similarity": ("member_skill", "course_skill"),
    "transcript_similarity": ("member_transcript", "course_transcript"),
}
CROSSES = {
    "seniority_x_difficulty": ("member_seniority", "course_difficulty"),
    "subscription_x_author": ("member_subscription", "course_author"),
    "subscription_x_category": ("member_subscription", "course_category"),
}


def values_of(operands: dict[str, tuple[str, str]]) -> str:
    return ", ".join(f"('{feature}', '{left}', '{right}')" for feature, (left, right) in operands.items())


# features of every candidate of some members of a variant: what the variants named $made_of have coefficients of
FEATURES_IN_SQL = f"""
with used as (select distinct feature from variants.coefficients where list_contains($made_of, variant)),
members as (
    select distinct member_id from serving.assignments where variant = $variant order by hash(member_id) limit $members
),
pairs as (from candidates.candidates semi join members using (member_id) select member_id, course_id),
member_side as (from features.latest_member_features semi join members using (member_id)),
logs(feature, left_feature, right_feature) as (values {values_of(LOGS_OF_DOTS)}),
crosses(feature, left_feature, right_feature) as (values {values_of(CROSSES)})
select 'member' as kind, p.member_id, p.course_id, m.feature, m.term, m.value
from pairs as p inner join member_side as m using (member_id) semi join used using (feature)
union all
select 'course', p.member_id, p.course_id, c.feature, c.term, c.value
from pairs as p inner join features.latest_course_features as c using (course_id) semi join used using (feature)
union all
select 'dot', p.member_id, p.course_id, l.feature, '', ln(1 + sum(m.value * c.value))
from pairs as p
inner join member_side as m using (member_id)
inner join logs as l on m.feature = l.left_feature
inner join features.latest_course_features as c
    on c.feature = l.right_feature and c.course_id = p.course_id and c.term = m.term
semi join used on used.feature = l.feature
group by all
union all
select 'cross', p.member_id, p.course_id, x.feature, m.term || ' x ' || c.term, m.value * c.value
from pairs as p
inner join member_side as m using (member_id)
inner join crosses as x on m.feature = x.left_feature
inner join features.latest_course_features as c on c.feature = x.right_feature and c.course_id = p.course_id
semi join used on used.feature = x.feature
union all
select 'pair', p.member_id, p.course_id, i.feature, i.term, i.value
from pairs as p inner join features.latest_interaction_features as i using (member_id, course_id)
semi join used using (feature)
union all
select 'intercept', p.member_id, p.course_id, 'intercept', '', 1.0
from pairs as p
"""


@pytest.fixture
def session(ci_world) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(ci_world.file), read_only=True) as connection:
        yield connection


@pytest.fixture
def parts(session) -> list[tuple[int, int, str, float]]:
    """(member, course, kind of feature, part of the logit of m105_history), for every candidate of 50 members."""
    return session.execute(
        f"""
        select member_id, course_id, kind, sum(value * coefficient)
        from ({FEATURES_IN_SQL})
        inner join (from variants.coefficients where variant = 'm105_history') using (feature, term)
        group by all
        """,
        {"variant": "m105_history", "made_of": ["m105_history"], "members": MEMBERS},
    ).fetchall()


@pytest.fixture
def logits(parts) -> dict[int, dict[int, float]]:
    """member -> course -> logit of m105_history."""
    found: dict[int, dict[int, float]] = {}
    for member, course, _, part in parts:
        by_course = found.setdefault(member, {})
        by_course[course] = by_course.get(course, 0.0) + part
    return found


def scored_again(session: duckdb.DuckDBPyConnection, keep: int) -> pa.Table:
    """Rows of scoring.learned_lists, computed now."""
    return scoring.learned_lists(
        session,
        groups=session.table("scoring.scoring_groups"),
        coefficients=session.table("variants.coefficients"),
        variants=session.table("variants.variants"),
        terms=session.table("scoring.scoring_terms"),
        pair_terms=session.table("scoring.scoring_pair_terms"),
        courses=session.table("candidates.candidate_courses"),
        features=session.table("scoring.scoring_course_features"),
        steps=session.table("features.transformations"),
        buckets=session.table("features.feature_buckets"),
        keep=keep,
    ).read_all()


def step(feature: str, operation: str, left: str, right: str | None = None) -> dict:
    return {
        "feature": feature,
        "operation": operation,
        "side": "interaction",
        "left_feature": left,
        "right_feature": right,
    }


def space_of(courses: dict[int, dict], terms=(), pair_terms=(), steps=(), buckets=()) -> CatalogueSpace:
    """courses : course_id -> {(feature, term): value}, by number;  buckets : (feature, term, low, high)s."""
    by_column: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for number, values in enumerate(courses.values()):
        for column, value in values.items():
            by_column.setdefault(column, []).append((number, value))
    return CatalogueSpace(
        terms=list(terms),
        pair_terms=list(pair_terms),
        course_ids=pa.array(list(courses), pa.int64()),
        course_values={
            column: (np.array([number for number, _ in entries]), np.array([value for _, value in entries]))
            for column, entries in by_column.items()
        },
        steps={row["feature"]: row for row in steps},
        buckets={(feature, term): (low, high) for feature, term, low, high in buckets},
    )


def shard_of(space: CatalogueSpace, members: list[dict], stored: list[list[tuple]] | None = None) -> Shard:
    """members : {(feature, term): value} of each, all courses their candidates;  stored : (course, term, value)s."""
    x = np.array([[member.get(column, 0.0) for column in space.terms] for member in members], dtype=float)
    courses = len(space.course_ids)
    entries = [entry for of_member in stored or [] for entry in of_member]
    counts = [len(of_member) for of_member in stored or [[]] * len(members)]
    return Shard(
        space,
        csr_matrix(x.reshape(len(members), len(space.terms))),
        np.arange(0, len(members) * courses + 1, courses),
        np.tile(np.arange(courses), len(members)),
        (
            np.concatenate([[0], np.cumsum(counts)]),
            *(np.array([entry[place] for entry in entries], kind) for place, kind in enumerate((int, int, float))),
        ),
    )


def by_member(values: np.ndarray, space: CatalogueSpace) -> np.ndarray:
    """(pairs,) of a shard_of -> (members, courses)."""
    return values.reshape(-1, len(space.course_ids))


def group_rows(member_ids: list[int], courses: list[list[int]], variants: list[list[str]], pairs=()) -> pa.Table:
    """Rows of scoring_groups: member number i has the one term i, with value 1.

    pairs : (course, term, value)s of each.
    """
    pairs = pairs or [[] for _ in member_ids]
    columns = [[[entry[place] for entry in entries] for entries in pairs] for place in range(3)]
    return pa.table(
        {
            "member_id": member_ids,
            "variants": variants,
            "courses": pa.array(courses, pa.list_(pa.int32())),
            "terms": pa.array([[i] for i in range(len(member_ids))], pa.list_(pa.int32())),
            "term_values": pa.array([[1.0]] * len(member_ids), pa.list_(pa.float64())),
            "pair_courses": pa.array(columns[0], pa.list_(pa.int32())),
            "pair_terms": pa.array(columns[1], pa.list_(pa.int32())),
            "pair_values": pa.array(columns[2], pa.list_(pa.float64())),
        }
    )


def triples(lists: pa.Table, space: CatalogueSpace) -> list[tuple[int, int, float]]:
    ids = space.course_ids.to_pylist()
    return [
        (row["member_id"], ids[course], score)
        for row in lists.to_pylist()
        for course, score in zip(row["courses"], row["scores"], strict=True)
    ]


# ------------------------------------------------------------------------------------------- against SQL


def test_learned_scores_are_the_logits_of_plain_sql(session, logits):
    scores = session.execute(
        "select member_id, course_id, score from scoring.learned_scores where variant = 'm105_history' "
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


def test_every_kind_of_feature_enters_the_compared_scores(session, parts):
    pairs = {kind: [] for kind in ("member", "course", "dot", "cross", "pair", "intercept")}
    for member, course, kind, part in parts:
        if abs(part) > 1e-6:
            pairs[kind].append((member, course))
    assert min(len(found) for found in pairs.values()) > 500, {kind: len(found) for kind, found in pairs.items()}
    learned = {feature for (feature,) in session.execute(
        "select distinct feature from variants.coefficients where variant = 'm105_history' and abs(coefficient) > 1e-6"
    ).fetchall()}  # fmt: skip
    assert learned >= {*LOGS_OF_DOTS, *CROSSES, "prior_impressions", "prior_engagements"}


def test_the_operands_of_this_file_are_those_of_the_declared_expressions(session):
    declared = dict(session.execute("select feature, expression from seeds.feature_transformations").fetchall())
    for operands, form in ((LOGS_OF_DOTS, "log(dot({}, {}))"), (COSINES, "cosine({}, {})"), (CROSSES, "cross({}, {})")):
        for feature, (left, right) in operands.items():
            assert declared[feature] == form.format(left, right)


def test_the_list_holds_the_best_candidates(session, logits):
    for member, by_course in logits.items():
        kept = session.execute(
            "select course_id from scoring.learned_scores where variant = 'm105_history' and member_id = ?", [member]
        ).fetchall()
        kept = {course for (course,) in kept}
        assert len(by_course) > len(kept) == 200
        assert min(by_course[c] for c in kept) >= max(by_course[c] for c in by_course.keys() - kept) - 1e-9


@pytest.fixture
def design_of_pairs(session) -> tuple[Design, list[tuple[int, int]]]:
    """The candidates of 20 members who see the blend as a design, as if they were examples, and (member, course)s."""
    rows = session.sql(
        f"""
        select dense_rank() over (order by member_id, course_id) as example_id, member_id, course_id, feature, term,
            0 as label, 1.0 as weight, if(kind = 'dot', round(value, 12), value) as value
        from ({FEATURES_IN_SQL})
        """,
        params={
            "variant": "m105_blend",
            "made_of": ["m105_history", "m105_trees", "item_item", "glmix"],
            "members": 20,
        },
    ).to_arrow_table()
    identities = rows.group_by(["example_id", "member_id", "course_id", "label", "weight"]).aggregate([])
    courses = identities.column("course_id").cast(pa.string())
    count = identities.num_rows
    identities = identities.append_column("feature", pa.array(["course_identity"] * count))
    identities = identities.append_column("term", courses).append_column("value", pa.array([1.0] * count))
    pairs = identities.sort_by("example_id")
    pairs = list(zip(pairs.column("member_id").to_pylist(), pairs.column("course_id").to_pylist(), strict=True))
    design = design_of(pa.concat_tables([rows, identities.select(rows.column_names)]))
    members, courses = (np.array([str(pair[side]) for pair in pairs]) for side in (0, 1))
    return replace(design, entities={"member": members, "course": courses}), pairs


def test_glmix_without_random_effects_is_its_global_effect_row_for_row(session, design_of_pairs):
    design, _ = design_of_pairs
    coefficients = session.table("variants.coefficients").to_arrow_table()
    models = models_of(coefficients, session.table("variants.variants").to_arrow_table())
    glmix = models["glmix"]
    alone = Model("glmix", glmix.rows.filter(pc.equal(glmix.rows.column("effect"), "global")))
    assert (alone.logits(design) != models["m105"].logits(design)).sum() == 0
    effects = glmix.effects(design)
    np.testing.assert_array_equal(effects["global"], models["m105"].logits(design))
    assert (effects["member"] != 0).mean() > 0.5
    assert (effects["course"] != 0).mean() > 0.5


@pytest.mark.parametrize(
    "variant",
    [
        "m105_history",
        "item_item",
        "m105_trees",
        "m105_blend",
        "glmix",
    ],
)
def test_scores_of_lists_are_those_of_the_same_pairs_as_examples(session, design_of_pairs, variant):
    design, pairs = design_of_pairs
    registry, coefficients = (
        session.table(f"variants.{name}").to_arrow_table() for name in ("variants", "coefficients")
    )
    expected = dict(zip(pairs, models_of(coefficients, registry)[variant].logits(design).tolist(), strict=True))
    assert len({round(score, 6) for score in expected.values()}) > 100
    members = sorted({member for member, _ in pairs})
    space = catalogue_space(
        *(
            session.table(name).order(order).to_arrow_table()
            for name, order in (
                ("scoring.scoring_terms", "term_number"),
                ("scoring.scoring_pair_terms", "term_number"),
                ("candidates.candidate_courses", "course_number"),
                ("scoring.scoring_course_features", "course_id, feature, term"),
            )
        ),
        session.table("features.transformations").to_arrow_table(),
        session.table("features.feature_buckets").to_arrow_table(),
    )
    scorers = catalogue_scorers(coefficients, registry, space)
    shard = session.sql(
        "from scoring.scoring_groups select * replace ([$variant] as variants) "
        "where list_contains($members, member_id)",
        params={"variant": variant, "members": members},
    ).to_arrow_table()
    found = triples(score_shard(shard, {variant: scorers[variant]}, space, len(space.course_ids), LISTS), space)
    assert len(found) == len(expected) > 20 * 200
    assert [row for row in found if abs(row[2] - expected[row[:2]]) > 1e-9] == []


# ------------------------------------------------------------------------------------------- interactions by hand

VECTORS_IN_SQL = """
with products as (
    select member, course, sum(m.value * c.value) as product
    from member_terms as m inner join course_terms as c using (feature, term)
    group by all
),
lengths as (
    select member, course, m.length * c.length as length
    from (select member, sqrt(sum(value ** 2)) as length from member_terms group by member) as m
    cross join (select course, sqrt(sum(value ** 2)) as length from course_terms group by course) as c
)
select m.member, c.course, coalesce(
    2.5 * product / length
    + case when product < -1 then 10 when product < 2 then 20 when product < 3 then 30 else 40 end
    + case when product / length < 0.37 then -0.25 else 0.75 end
    - 0.5 * sign(product) * ln(1 + abs(product)), 0) as logit
from members as m cross join courses as c
left join (from products where product <> 0) using (member, course)
left join lengths using (member, course)
order by m.member, c.course
"""


def test_cosines_and_buckets_of_a_shard_are_those_of_plain_sql():
    rng = np.random.default_rng(3)
    dimensions, members, courses = 6, 40, 30

    def vectors(n: int, feature: str) -> list[dict]:
        """Vectors of small whole numbers, so that products lie on edges; the first has no values."""
        values = rng.choice([-1.0, 0.0, 0.0, 1.0, 2.0], (n, dimensions))
        values[0] = 0.0
        return [{(feature, str(d)): v for d, v in enumerate(row) if v} for row in values.tolist()]

    member_side, course_side = vectors(members, "member_skill"), vectors(courses, "course_skill")
    # columns of other features do not enter the length
    for values in member_side:
        values["member_age", ""] = 7.0
    for values in course_side:
        values["course_age", ""] = 9.0
    inf = float("inf")
    space = space_of(
        {100 + i: values for i, values in enumerate(course_side)},
        terms=[*[("member_skill", str(d)) for d in range(dimensions)], ("member_age", "")],
        steps=[
            step("product", "dot", "member_skill", "course_skill"),
            step("log_product", "log", "product"),
            step("size", "bucket", "product"),
            step("similarity", "cosine", "member_skill", "course_skill"),
            step("closeness", "bucket", "similarity"),
        ],
        buckets=[
            ("size", "(-inf, -1)", -inf, -1), ("size", "[-1, 2)", -1, 2), ("size", "[2, 3)", 2, 3),
            ("size", "[3, inf)", 3, inf), ("closeness", "(-inf, 0.37)", -inf, 0.37),
            ("closeness", "[0.37, inf)", 0.37, inf),
        ],
    )  # fmt: skip
    weights = {
        ("similarity", ""): 2.5, ("log_product", ""): -0.5, ("size", "(-inf, -1)"): 10.0, ("size", "[-1, 2)"): 20.0,
        ("size", "[2, 3)"): 30.0, ("size", "[3, inf)"): 40.0, ("closeness", "(-inf, 0.37)"): -0.25,
        ("closeness", "[0.37, inf)"): 0.75,
    }  # fmt: skip
    found = by_member(LinearScorer(weights, space).logits(shard_of(space, member_side)), space)
    with duckdb.connect() as connection:
        for side, vectors_of_side in (("member", member_side), ("course", course_side)):
            connection.execute(f"create table {side}s as select range as {side} from range({len(vectors_of_side)})")
            connection.execute(f"create table {side}_terms ({side} int, feature text, term text, value double)")
            rows = [
                (number, "skill", term, value)
                for number, values in enumerate(vectors_of_side)
                for (feature, term), value in values.items()
                if feature.endswith("_skill")
            ]
            connection.executemany(f"insert into {side}_terms values (?, ?, ?, ?)", rows)
        expected = np.array([logit for *_, logit in connection.execute(VECTORS_IN_SQL).fetchall()])
    expected = expected.reshape(members, courses)
    sizes = np.round(expected / 10)
    assert all((sizes == size).sum() > 20 for size in (0, 1, 2, 3, 4))
    np.testing.assert_allclose(found, expected, atol=1e-10)
    assert (found[0] == 0).all()
    assert (found[:, 0] == 0).all()


@pytest.mark.parametrize(
    ("value", "term"), [(1.0, "(-inf, 2)"), (2.0, "[2, 5)"), (4.0, "[2, 5)"), (5.0, "[5, inf)"), (0.0, None)]
)
def test_a_number_on_an_edge_is_in_the_bucket_that_begins_there_and_zero_is_in_none(value, term):
    buckets = [("b", "(-inf, 2)", float("-inf"), 2.0), ("b", "[2, 5)", 2.0, 5.0), ("b", "[5, inf)", 5.0, float("inf"))]
    space = space_of(
        {10: {("course_skill", "7"): value}},
        terms=[("member_skill", "7")],
        steps=[step("d", "dot", "member_skill", "course_skill"), step("b", "bucket", "d")],
        buckets=buckets,
    )
    shard = shard_of(space, [{("member_skill", "7"): 1.0}])
    assert {name: shard.interaction(("b", name)).tolist() for _, name, *_ in buckets} == {
        name: [float(name == term)] for _, name, *_ in buckets
    }


def test_a_cosine_on_an_edge_is_in_the_bucket_that_begins_there():
    space = space_of(
        {10: {("course_skill", "1"): 3.0, ("course_skill", "2"): 1.0}},
        terms=[("member_skill", "1"), ("member_skill", "2")],
        steps=[
            step("similarity", "cosine", "member_skill", "course_skill"),
            step("closeness", "bucket", "similarity"),
        ],
        buckets=[("closeness", "[0.6, inf)", 0.6, float("inf"))],
    )
    shard = shard_of(space, [{("member_skill", "1"): 1.0, ("member_skill", "2"): 3.0}])
    assert shard.interaction(("similarity", "")).tolist() == [pytest.approx(0.6, abs=1e-11)]
    assert shard.interaction(("closeness", "[0.6, inf)")).tolist() == [1.0]


def test_a_cosine_by_hand():
    space = space_of(
        {10: {("course_skill", "1"): 4.0, ("course_skill", "9"): 3.0}, 20: {("course_skill", "2"): 0.5}},
        terms=[("member_skill", "1"), ("member_skill", "2")],
        steps=[step("similarity", "cosine", "member_skill", "course_skill")],
    )
    shard = shard_of(space, [{("member_skill", "1"): 1.0, ("member_skill", "2"): 1.0}, {}])
    np.testing.assert_allclose(
        shard.interaction(("similarity", "")), [0.8 / sqrt(2), 1 / sqrt(2), 0.0, 0.0], atol=1e-12
    )


def test_a_dot_product_enters_as_its_weight_times_log_of_one_plus_it():
    space = space_of(
        {10: {("course_skill", "7"): 0.5, ("course_skill", "8"): 2.0}, 20: {}},
        terms=[("member_skill", "7"), ("member_skill", "8")],
        steps=[step("inner", "dot", "member_skill", "course_skill"), step("overlap", "log", "inner")],
    )
    weights = {("intercept", ""): 0.1, ("member_skill", "7"): 1.0, ("overlap", ""): 3.0, ("course_skill", "8"): 0.05}
    found = LinearScorer(weights, space).logits(
        shard_of(space, [{("member_skill", "7"): 2.0, ("member_skill", "8"): 4.0}])
    )
    np.testing.assert_allclose(found, [0.1 + 2 + 0.1 + 3 * log(1 + 9), 0.1 + 2], atol=1e-12)


def test_a_cross_enters_as_the_product_of_its_values_with_the_members_term_first():
    space = space_of(
        {
            10: {("course_category", "a"): 1.0, ("course_category", "b"): 0.5},
            20: {("course_category", "b"): 1.0},
            30: {},
        },
        terms=[("member_kind", "a"), ("member_kind", "b")],
        steps=[step("kind_x_category", "cross", "member_kind", "course_category")],
    )
    members = [{("member_kind", "a"): 1.0}, {("member_kind", "a"): 2.0, ("member_kind", "b"): 3.0}]
    weights = {("kind_x_category", left + " x " + right): w for (left, right), w in zip(
        product("ab", "ab"), (1.0, 10.0, 100.0, 1000.0), strict=True
    )}  # fmt: skip
    found = by_member(LinearScorer(weights, space).logits(shard_of(space, members)), space)
    np.testing.assert_allclose(found, [[1 + 5, 10, 0], [2 + 10 + 300 + 1500, 20 + 3000, 0]], atol=1e-12)


def test_stored_features_of_pairs_enter_where_they_are():
    space = space_of({10: {}, 20: {}}, pair_terms=[("prior_impressions", "feed"), ("prior_impressions", "home")])
    shard = shard_of(space, [{}, {}], [[(1, 1, 2.0)], [(0, 1, 5.0)]])
    weights = {
        ("prior_impressions", "feed"): 7.0,
        ("prior_impressions", "home"): 0.5,
        ("prior_impressions", "email"): 9.0,
    }
    np.testing.assert_allclose(LinearScorer(weights, space).logits(shard), [0, 1, 2.5, 0], atol=1e-15)


# ------------------------------------------------------------------------------------------- shards and ties


def test_scores_do_not_depend_on_the_size_of_the_shards(session, monkeypatch):
    sizes = []
    for shard_members in (37, 1024):
        monkeypatch.setattr(scoring, "SHARD_MEMBERS", shard_members)
        sizes.append(scored_again(session, 20).sort_by([("variant", "ascending"), ("member_id", "ascending")]))
    assert sizes[0].equals(sizes[1])
    ((assigned,),) = session.execute(
        "select count(distinct (member_id, variant)) from serving.assignments "
        "semi join variants.coefficients using (variant)"
    ).fetchall()
    assert sizes[0].num_rows == assigned > 0
    assert set(pc.list_value_length(sizes[0].column("courses")).to_pylist()) == {20}


@pytest.mark.parametrize("coefficients_come_with_members", [False, True])  # True on Spark
def test_scores_of_the_warehouse_are_made_again_to_the_last_bit(session, monkeypatch, coefficients_come_with_members):
    monkeypatch.setattr(scoring, "is_spark", lambda _: coefficients_come_with_members)
    again = scored_again(session, 200)
    counts = session.execute(
        "select (select count(*) from scoring.learned_lists), "
        "(select count(*) from (from again except all from scoring.learned_lists))"
    ).fetchall()
    assert counts == [(again.num_rows, 0)]


def test_the_scored_variants_are_those_of_the_treatments_that_learn(session):
    rows = session.execute(
        """
        select variant from seeds.treatments inner join variants.variants using (variant)
        where share > 0 and learner not in ('recency', 'affinity') order by variant
        """
    ).fetchall()
    assert len(rows) >= 5
    assert session.execute("select distinct variant from scoring.learned_scores order by variant").fetchall() == rows


def with_course_scores(scores: list[float], members: int = 1) -> CatalogueSpace:
    """Courses 10, 20, ... with the number `quality`; member number i has term i."""
    courses = {10 * (i + 1): {("quality", ""): score} for i, score in enumerate(scores)}
    return space_of(courses, terms=[("member_number", str(i)) for i in range(members)], pair_terms=[("prior", "")])


def test_ties_go_to_the_lower_course_number():
    space = with_course_scores([0.0, 1.0, 1.0, 0.0, 1.0 + 1e-12])
    scorers = {"m900": LinearScorer({("quality", ""): 1.0}, space)}
    table = score_shard(group_rows([5], [[0, 1, 2, 3, 4]], [["m900"]]), scorers, space, 4, LISTS)
    assert [course for _, course, _ in triples(table, space)] == [20, 30, 50, 10]


def test_only_candidates_and_assigned_variants_are_scored():
    space = with_course_scores([1.0, 2.0, 3.0], members=2)
    scorers = {
        "m900": LinearScorer({("quality", ""): 1.0, ("member_number", "1"): 10.0}, space),
        "m901": LinearScorer({("intercept", ""): 4.0, ("quality", ""): -1.0, ("member_number", "1"): 10.0}, space),
        "m902": LinearScorer({}, space),
    }
    shard = group_rows([5, 6], [[0, 2], [1]], [["m900"], ["m900", "m901"]])
    table = score_shard(shard, scorers, space, 5, LISTS)
    assert table.column("variant").to_pylist() == ["m900", "m900", "m901"]
    assert triples(table, space) == [(5, 30, 3.0), (5, 10, 1.0), (6, 20, 12.0), (6, 20, 12.0)]


def test_stored_features_of_pairs_stay_with_their_member_where_only_some_members_see_a_variant():
    space = with_course_scores([0.0, 0.0], members=3)
    scorers = {"m900": LinearScorer({("prior", ""): 2.0}, space)}
    pairs = [[(0, 0, 100.0)], [(1, 0, 3.0)], [(0, 0, 4.0)]]
    shard = group_rows([5, 6, 7], [[0, 1]] * 3, [["m901"], ["m900"], ["m900"]], pairs)
    for rows in (shard, pa.concat_tables([shard, shard]).slice(2, 3).take([1, 2, 0])):
        assert triples(score_shard(rows.combine_chunks(), scorers, space, 1, LISTS), space) == [
            (6, 20, 6.0),
            (7, 10, 8.0),
        ]


def test_a_shard_without_learned_variants_has_no_scores():
    space = with_course_scores([0.0, 0.0])
    scorers = {"m900": LinearScorer({}, space)}
    assert score_shard(group_rows([5], [[0, 1]], [["m900"]]), scorers, space, 5, LISTS).num_rows == 1
    assert score_shard(group_rows([5], [[0, 1]], [["m001"]]), scorers, space, 5, LISTS).num_rows == 0
    assert score_shard(group_rows([5], [[0, 1]], [["m900"]]), {}, space, 5, LISTS).num_rows == 0


@pytest.mark.parametrize("keep", [1, 7, 200, 1000])
@pytest.mark.parametrize("kind", ["normal", "ties", "equal", "skewed"])
def test_the_best_pairs_are_those_of_a_stable_sort(keep, kind):
    rng = np.random.default_rng(keep)
    sizes = np.array([0, 1, 300, 900, keep, keep + 1])
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    scores = {
        "normal": rng.standard_normal(offsets[-1]),
        "ties": np.round(rng.standard_normal(offsets[-1]), 1),
        "equal": np.full(offsets[-1], -2.5),
        "skewed": np.exp(20 * rng.standard_normal(offsets[-1])),
    }[kind]
    best = np.empty(offsets[-1], np.int64)
    counts = best_pairs(offsets, scores, keep, best)
    expected = [
        first + np.argsort(-scores[first:last], kind="stable")[:keep] for first, last in pairwise(offsets.tolist())
    ]
    assert counts.tolist() == [len(places) for places in expected]
    assert best[: counts.sum()].tolist() == np.concatenate(expected).tolist()


@pytest.mark.parametrize("density", [0.02, 0.9])
def test_products_at_candidates_are_those_of_the_whole_matrices(density):
    rng = np.random.default_rng(5)
    space = space_of({i: {} for i in range(60)}, terms=[("member_skill", str(i)) for i in range(40)])
    matrix = random_array((40, 60), density=density, rng=rng, format="csr")
    members = csr_matrix(random_array((25, 40), density=0.3, rng=rng))
    courses = [np.sort(rng.choice(60, rng.integers(0, 60), replace=False)) for _ in range(25)]
    offsets = np.concatenate([[0], np.cumsum([len(of) for of in courses])])
    shard = replace(shard_of(space, [{}] * 25), offsets=offsets, courses=np.concatenate(courses))
    out = np.ones(offsets[-1])
    Product(matrix).add_to(out, members, shard)
    whole = (members @ matrix).toarray()
    expected = np.concatenate([1 + whole[m, of] for m, of in enumerate(courses)])
    np.testing.assert_allclose(out, expected, atol=1e-14)
    assert (expected != 1).sum() > 50


def test_a_learner_whose_scores_are_not_numbers_is_refused():
    space = with_course_scores([0.0, np.nan])
    with pytest.raises(ValueError, match=r"variant m900: 1 scores are not finite numbers\. Remedy"):
        score_shard(group_rows([5], [[0, 1]], [["m900"]]), {"m900": LinearScorer({("quality", ""): 1.0}, space)}, space,
                    5, LISTS)  # fmt: skip


# ------------------------------------------------------------------------------------------- from rows


def table_of(names: str, *values: tuple) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(names.split(), value, strict=True)) for value in values])


def coefficient_table(*values: tuple) -> pa.Table:
    return table_of("variant effect entity_id feature term coefficient", *values)


@pytest.fixture
def made_space() -> CatalogueSpace:
    return catalogue_space(
        terms=table_of("feature term term_number", ("member_skill", "7", 0), ("member_skill", "8", 1)),
        pair_terms=table_of("feature term term_number", ("prior_impressions", "feed", 0)),
        courses=table_of("course_id course_number", (10, 0), (20, 1)),
        features=table_of(
            "course_id feature term value",
            (10, "course_skill", "7", 1.0),
            (20, "course_skill", "9", 1.0),
            (20, "course_age", "", 4.0),
            (99, "course_age", "", 4.0),
        ),
        steps=table_of(
            "feature operation side left_feature right_feature",
            ("inner", "dot", "interaction", "member_skill", "course_skill"),
            ("skill_overlap", "log", "interaction", "inner", None),
            ("age_bucket", "bucket", "course", "course_age", None),
        ),
        buckets=table_of("feature term low high", ("age_bucket", "[2, inf)", 2.0, float("inf"))),
    )


def test_a_space_is_assembled_from_its_rows(made_space):
    assert made_space.terms == [("member_skill", "7"), ("member_skill", "8")]
    assert made_space.pair_terms == [("prior_impressions", "feed")]
    assert made_space.course_ids.to_pylist() == [10, 20]
    assert {column: (c.tolist(), v.tolist()) for column, (c, v) in made_space.course_values.items()} == {
        ("course_skill", "7"): ([0], [1.0]),
        ("course_skill", "9"): ([1], [1.0]),
        ("course_age", ""): ([1], [4.0]),
    }
    assert sorted(made_space.steps) == ["inner", "skill_overlap"]
    shard = shard_of(made_space, [{("member_skill", "7"): 3.0}, {("member_skill", "8"): 5.0}])
    assert shard.interaction(("inner", "")).tolist() == [3.0, 0.0, 0.0, 0.0]


def test_variants_are_assembled_from_their_rows(made_space):
    scorers = catalogue_scorers(
        coefficient_table(
            ("m900", "global", None, "intercept", "", -1.0),
            ("m900", "global", None, "member_skill", "7", 0.5),
            ("m900", "global", None, "course_age", "", 0.25),
            ("m900", "global", None, "skill_overlap", "", 2.0),
            ("m900", "global", None, "prior_impressions", "feed", 100.0),
            ("m901", "global", None, "intercept", "", -3.0),
            ("m902", "blend", None, "intercept", "", 0.5),
            ("m902", "blend", None, "m900", "", 2.0),
            ("m902", "blend", None, "m901", "", 10.0),
        ),
        table_of(
            "variant learner parts",
            ("m900", "logistic", None),
            ("m901", "logistic", None),
            ("m902", "blend", "m900|m901"),
            ("m903", "logistic", None),
        ),
        made_space,
    )
    shard = shard_of(made_space, [{("member_skill", "7"): 3.0}], [[(1, 0, 1.0)]])
    mine = [-1 + 1.5 + 2 * log(4), -1 + 1.5 + 1 + 100]
    np.testing.assert_allclose(scorers["m900"].logits(shard), mine, atol=1e-12)
    np.testing.assert_allclose(scorers["m901"].logits(shard), [-3, -3])
    np.testing.assert_allclose(scorers["m902"].logits(shard), [0.5 + 2 * logit - 30 for logit in mine], atol=1e-12)
    assert sorted(scorers) == ["m900", "m901", "m902"]


def test_an_unknown_learner_is_refused_by_name(made_space):
    rows = coefficient_table(("m900", "global", None, "intercept", "", -1.0))
    with pytest.raises(LearningError, match="no learner 'oracle'"):
        catalogue_scorers(rows, table_of("variant learner parts", ("m900", "oracle", None)), made_space)


# ------------------------------------------------------------------------------------------- lists


def test_lists_of_learned_scores_are_sorted_best_first(session):
    table = scored_again(session, 30)
    sizes = pc.list_value_length(table.column("courses")).to_numpy()
    lists = np.repeat(np.arange(table.num_rows), sizes)
    scores, course = (pc.list_flatten(table.column(name)).to_numpy() for name in ("scores", "courses"))
    scores = np.round(scores, 9)
    same = lists[1:] == lists[:-1]
    assert same.sum() > 20 * table.num_rows
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


def compared(member_side: dict, course_side: dict) -> dict[tuple[str, str], float]:
    """(feature, term) -> value of what compares or crosses the two sides, the zeros left out."""
    values = {}
    for operands, is_cosine in ((LOGS_OF_DOTS, False), (COSINES, True)):
        for feature, (left, right) in operands.items():
            mine, theirs = member_side.get(left, {}), course_side.get(right, {})
            dot = sum(mine[term] * theirs[term] for term in mine.keys() & theirs.keys())
            if is_cosine and dot:
                values[feature, ""] = dot / sqrt(sum(v**2 for v in mine.values()) * sum(v**2 for v in theirs.values()))
            elif dot:
                values[feature, ""] = log(1 + dot)
    for feature, (left, right) in CROSSES.items():
        for (mine, one), (theirs, other) in product(
            member_side.get(left, {}).items(), course_side.get(right, {}).items()
        ):
            values[feature, f"{mine} x {theirs}"] = one * other
    return values


def test_compared_features_of_examples_are_those_of_the_snapshots_of_their_day(session):
    examples = (
        session.sql(
            """
            with busy as (
                select distinct pair_id, feature from training.pair_features where list_contains($logs, feature)
            ),
            chosen as (
                from training.example_keys inner join busy using (pair_id)
                qualify row_number() over (partition by feature order by hash(example_id)) <= 50
            )
            (select distinct example_id, member_id, course_id, served_date from chosen)
            union all
            (
                select example_id, member_id, course_id, served_date
                from training.example_keys anti join busy using (pair_id) order by hash(example_id) limit 50
            )
            """,
            params={"logs": list(LOGS_OF_DOTS)},
        )
        .to_arrow_table()
        .to_pylist()
    )
    assert len(examples) > 150
    names = [*LOGS_OF_DOTS, *COSINES, *CROSSES]
    stored: dict[int, dict] = {row["example_id"]: {} for row in examples}
    for example, feature, term, value in session.execute(
        "select example_id, feature, term, value from training.example_features "
        "where list_contains(?, example_id) and list_contains(?, feature)",
        [list(stored), names],
    ).fetchall():
        stored[example][feature, term] = value
    history = "select family, feature_date, feature, term, value from features.{0}_features where {0}_id = ?"
    seen = dict.fromkeys(names, 0)
    for row in examples:
        sides = [
            snapshot(session.execute(history.format(entity), [row[f"{entity}_id"]]).fetchall(), row["served_date"])
            for entity in ("member", "course")
        ]
        expected = compared(*sides)
        for feature in {feature for feature, _ in expected}:
            seen[feature] += 1
        assert stored[row["example_id"]] == pytest.approx(expected, abs=1e-10), row
    assert min(seen.values()) >= 10, seen


def test_stored_features_of_pairs_of_examples_are_those_of_the_snapshots_of_their_day(session):
    names = ["prior_impressions", "prior_engagements"]
    examples = (
        session.sql(
            """
            from training.example_keys semi join features.interaction_features using (member_id, course_id)
            order by hash(example_id) limit 300
            """
        )
        .to_arrow_table()
        .to_pylist()
    )
    stored: dict[int, dict] = {row["example_id"]: {} for row in examples}
    for example, feature, term, value in session.execute(
        "select example_id, feature, term, value from training.example_features "
        "where list_contains(?, example_id) and list_contains(?, feature)",
        [list(stored), names],
    ).fetchall():
        stored[example][feature, term] = value
    seen = dict.fromkeys(names, 0)
    for row in examples:
        history = session.execute(
            "select family, feature_date, feature, term, value from features.interaction_features "
            "where member_id = ? and course_id = ?",
            [row["member_id"], row["course_id"]],
        ).fetchall()
        assert max(date for _, date, *_ in history) > row["served_date"] or stored[row["example_id"]]
        expected = {
            (feature, term): value
            for feature, terms in snapshot(history, row["served_date"]).items()
            for term, value in terms.items()
        }
        for feature in {feature for feature, _ in expected}:
            seen[feature] += 1
        assert stored[row["example_id"]] == pytest.approx(expected, abs=1e-12), row
    assert min(seen.values()) >= 5, seen


@pytest.mark.parametrize("keys", [("member_id",), ("course_id",), ("member_id", "course_id")])
def test_features_of_the_day_of_the_lists_are_those_of_its_snapshots(session, keys):
    table = {"member_id": "member", "course_id": "course"}[keys[0]] if len(keys) == 1 else "interaction"
    ((day,),) = session.execute("select as_of_date from staging.as_of_date").fetchall()
    columns, condition = ", ".join(keys), " and ".join(f"{key} = ?" for key in keys)
    entities = session.execute(
        f"from (select distinct {columns} from features.{table}_features) order by hash({columns}) limit 40"
    ).fetchall()
    assert len(entities) == 40
    for entity in entities:
        history = session.execute(
            f"select family, feature_date, feature, term, value from features.{table}_features where {condition}",
            list(entity),
        ).fetchall()
        expected = {
            (feature, term): value
            for feature, terms in snapshot(history, day).items()
            for term, value in terms.items()
            if value
        }
        latest = session.execute(
            f"select feature, term, value from features.latest_{table}_features "
            f"where {condition} and feature not in ('course_age', 'day_of_week')",
            list(entity),
        ).fetchall()
        assert expected
        assert {(feature, term): value for feature, term, value in latest} == expected, entity


def test_the_day_of_the_lists_is_known_of_every_member(session):
    rows = session.execute(
        """
        select count(*), count(distinct member_id), min(term), max(term), strftime(max(as_of_date), '%a')
        from features.latest_member_features cross join staging.as_of_date
        where feature = 'day_of_week'
        """
    ).fetchall()
    ((members,),) = session.execute("select count(*) from staging.stg_members").fetchall()
    day = rows[0][-1].lower()
    assert rows == [(members, members, day, day, rows[0][-1])]
