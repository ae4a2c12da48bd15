"""Learners beside logistic regression: kept as rows, and what the rows say is what was learned."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier

from relevance.catalogue import CatalogueSpace, Shard
from relevance.design import INTERCEPT, Design
from relevance.learners import blend, glmix, gradient_boosting, item_item, logistic
from relevance.learning import (
    LearningError,
    Model,
    NothingToLearnError,
    Task,
    coefficient_rows,
    fit_variant,
    learner,
)
from relevance.logistic import fit_logistic


def design(x: np.ndarray, y: np.ndarray, columns: list[tuple[str, str]], weight: np.ndarray | None = None) -> Design:
    """With an intercept behind."""
    x = np.column_stack([x, np.ones(len(x))])
    weight = np.ones(len(x)) if weight is None else weight
    return Design(csr_matrix(x), y.astype(float), weight, [*columns, (INTERCEPT, "")], np.arange(len(x)))


def drawn(n: int, seed: int) -> Design:
    """A design with an interaction that only trees see."""
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=(n, 4)), 3)
    y = rng.random(n) < expit(x[:, 0] - 1 + 2 * (x[:, 1] * x[:, 2] > 0))
    return design(x, y, [("a", ""), ("b", ""), ("c", "x"), ("c", "y")])


def task(train: Design, validation: Design, parts: dict[str, Model] | None = None) -> Task:
    return Task("m900", (1.0, 10.0), train, validation, parts or {})


def test_trees_as_rows_predict_what_the_library_predicts():
    train, other = drawn(4000, 1), drawn(1000, 2)
    rows = gradient_boosting.fit(task(train, other))
    model = HistGradientBoostingClassifier(
        max_iter=gradient_boosting.TREES, max_leaf_nodes=gradient_boosting.LEAVES, max_depth=gradient_boosting.DEEPEST,
        learning_rate=gradient_boosting.RATE, min_samples_leaf=gradient_boosting.SMALLEST_LEAF, early_stopping=False,
        random_state=0,
    )  # fmt: skip
    model.fit(train.x[:, :4].toarray(), train.y, sample_weight=train.weight)
    expected = model.decision_function(other.x[:, :4].toarray())
    np.testing.assert_allclose(gradient_boosting.logits(rows, other, {}), expected, atol=1e-6)
    assert set(rows.column("effect").to_pylist()) == {"tree"}


def test_trees_do_not_depend_on_the_order_of_the_columns():
    train, other = drawn(2000, 1), drawn(300, 2)
    rows = gradient_boosting.fit(task(train, other))
    order = [4, 2, 0, 3, 1]
    turned = Design(other.x[:, order], other.y, other.weight, [other.columns[i] for i in order], other.examples)
    np.testing.assert_array_equal(gradient_boosting.logits(rows, other, {}), gradient_boosting.logits(rows, turned, {}))


def test_a_blend_is_better_than_each_of_its_parts_where_both_know_something():
    train, validation, test = drawn(4000, 1), drawn(4000, 2), drawn(4000, 3)
    parts = {
        "line": Model("logistic", logistic.fit(task(train, validation))),
        "trees": Model("gradient_boosting", gradient_boosting.fit(task(train, validation))),
    }
    rows = blend.fit(task(train, validation, parts))

    def loss(score: np.ndarray) -> float:
        return float(np.mean(np.logaddexp(0, -(2 * test.y - 1) * score)))

    losses = {name: loss(part.logits(test)) for name, part in parts.items()}
    assert loss(blend.logits(rows, test, parts)) < min(losses.values())
    assert {row["feature"] for row in rows.to_pylist()} == {INTERCEPT, "line", "trees"}


def test_a_blend_without_parts_is_refused_with_a_remedy():
    with pytest.raises(LearningError, match="a blend without parts"):
        blend.fit(task(drawn(10, 1), drawn(10, 2)))


def histories(*rows: tuple[str, str, int]) -> Design:
    """Rows (courses engaged with before, course shown, label)."""
    courses = sorted({name for before, shown, _ in rows for name in before + shown})
    columns = [(item_item.HISTORY, name) for name in courses] + [(item_item.COURSE, name) for name in courses]
    x = [[name in before for name in courses] + [name == shown for name in courses] for before, shown, _ in rows]
    return design(np.array(x, dtype=float), np.array([label for *_, label in rows]), columns)


def test_item_item_counts_who_came_after_whom():
    train = histories(("a", "b", 1), ("a", "b", 1), ("a", "c", 1), ("d", "c", 1), ("a", "d", 0))
    rows = item_item.fit(task(train, train))
    similarity = {(row["term"], row["entity_id"]): row["coefficient"] for row in rows.to_pylist()}
    together, total = 2, {"a": 3, "b": 2, "c": 2, "d": 1}
    expected = together / np.sqrt(total["a"] * total["b"]) * together / (together + item_item.SHRINKAGE)
    assert similarity["a", "b"] == pytest.approx(expected)
    assert similarity["a", "b"] == similarity["b", "a"] > similarity["a", "c"] > 0
    assert ("a", "d") not in similarity  # shown, not engaged with
    scores = item_item.logits(rows, histories(("a", "b", 0), ("ad", "c", 0), ("", "b", 0), ("a", "a", 0)), {})
    assert scores == pytest.approx(
        [np.log1p(expected), np.log1p(similarity["a", "c"] + similarity["d", "c"]), 0, 0], abs=1e-9
    )


def shard_of_all(space: CatalogueSpace, members: np.ndarray, ids: tuple[str, ...] | list[str] = ()) -> Shard:
    """members (m, terms), with all courses as candidates."""
    m, courses = len(members), len(space.course_ids)
    nothing = (np.zeros(m + 1, int), np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    offsets = np.arange(0, m * courses + 1, courses)
    return Shard(space, csr_matrix(members), offsets, np.tile(np.arange(courses), m), nothing, ids)


def test_item_item_scores_a_catalogue_as_it_scores_examples():
    train = histories(("a", "b", 1), ("a", "b", 1), ("a", "c", 1), ("d", "c", 1))
    rows = item_item.fit(task(train, train))
    space = CatalogueSpace(
        terms=[(item_item.HISTORY, name) for name in "abcd"], pair_terms=[], course_ids=pa.array(["b", "c"]),
        course_values={}, steps={}, buckets={},
    )  # fmt: skip
    shard = shard_of_all(space, np.array([[1.0, 0, 0, 1.0]]))
    examples = histories(("ad", "b", 0), ("ad", "c", 0))
    np.testing.assert_allclose(
        item_item.catalogue(rows, space, {}).logits(shard), item_item.logits(rows, examples, {}), atol=1e-12
    )


def test_item_item_without_its_features_is_refused_and_without_pairs_learns_nothing():
    with pytest.raises(LearningError, match="needs the features member_engaged_course and course_identity"):
        item_item.fit(task(drawn(50, 1), drawn(50, 2)))
    with pytest.raises(NothingToLearnError, match="no member engaged with two courses"):
        item_item.fit(task(histories(("", "a", 1)), histories(("", "a", 1))))


def mixed_rows(*rows: tuple[str, str | None, str, str, float]) -> pa.Table:
    """Rows (effect, entity, feature, term, coefficient)."""
    return pa.concat_tables(
        coefficient_rows("m900", effect, [feature], [term], np.array([value]), entities=[entity])
        for effect, entity, feature, term, value in rows
    )


MIXED = mixed_rows(
    ("global", None, INTERCEPT, "", -1.0),
    ("global", None, "course_age", "", 0.5),
    ("member", "7", INTERCEPT, "", 0.25),
    ("member", "7", "course_category", "SQL", 2.0),
    ("member", "8", "course_category", "gone", 9.0),
    ("course", "70", INTERCEPT, "", -0.125),
    ("course", "70", "member_function", "Legal", 4.0),
)


def test_glmix_adds_the_effects_of_the_member_and_of_the_course():
    columns = [("course_age", ""), ("course_category", "SQL"), ("member_function", "Legal")]
    x = np.array([[2.0, 1, 1], [2.0, 1, 0], [0.0, 1, 1], [2.0, 0, 1]])
    examples = replace(
        design(x, np.zeros(4), columns),
        entities={"member": np.array(["7", "7", "8", "9"]), "course": np.array(["70", "71", "70", "71"])},
    )
    parts = glmix.effects(MIXED, examples)
    np.testing.assert_array_equal(parts["global"], [0, 0, -1, 0])
    np.testing.assert_array_equal(parts["member"], [2.25, 2.25, 0, 0])
    np.testing.assert_array_equal(parts["course"], [3.875, 0, 3.875, 0])
    np.testing.assert_array_equal(glmix.logits(MIXED, examples, {}), sum(parts.values()))


def test_glmix_scores_a_catalogue_as_it_scores_examples():
    space = CatalogueSpace(
        terms=[("member_function", "Legal")], pair_terms=[], course_ids=pa.array([70, 71]), steps={}, buckets={},
        course_values={
            ("course_age", ""): (np.array([0, 1]), np.array([2.0, 3.0])),
            ("course_category", "SQL"): (np.array([1]), np.array([1.0])),
        },
    )  # fmt: skip
    shard = shard_of_all(space, np.array([[1.0], [0.0]]), ["7", "nobody"])
    columns = [("course_age", ""), ("course_category", "SQL"), ("member_function", "Legal")]
    x = np.array([[2.0, 0, 1], [3.0, 1, 1], [2.0, 0, 0], [3.0, 1, 0]])
    examples = replace(
        design(x, np.zeros(4), columns),
        entities={"member": np.array(["7", "7", "nobody", "nobody"]), "course": np.array(["70", "71", "70", "71"])},
    )
    scorer = glmix.catalogue(MIXED, space, {})
    np.testing.assert_allclose(scorer.logits(shard), glmix.logits(MIXED, examples, {}), atol=1e-12)
    for effect, part in scorer.effects(shard).items():
        np.testing.assert_allclose(part, glmix.effects(MIXED, examples)[effect], atol=1e-12)


def test_glmix_from_the_file_of_another_learner_is_refused():
    with pytest.raises(LearningError, match=r"write its file as glmix\.py is written"):
        glmix.fit(task(drawn(10, 1), drawn(10, 2)))


@pytest.mark.parametrize("rate", [1.0, 0.5, 0.1])
def test_thinned_and_weighted_negatives_leave_probabilities_calibrated(rate: float):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(40_000, 3))
    y = rng.random(len(x)) < expit(x @ [0.8, -0.5, 0.3] - 2)
    kept = y | (rng.random(len(x)) < rate)
    columns = [("a", ""), ("b", ""), ("c", "")]
    thinned = design(x[kept], y[kept], columns, np.where(y[kept], 1.0, 1 / rate))
    w, _ = fit_logistic(thinned, 1.0)
    whole = design(x, y, columns)
    p = expit(whole.x @ w)
    assert kept.mean() < 0.35 or rate > 0.2
    assert abs(p.sum() / y.sum() - 1) < 0.05
    for part in np.array_split(np.argsort(p), 5):
        assert abs(p[part].sum() / y[part].sum() - 1) < 0.15


def test_a_learner_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(LearningError, match="no learner 'forest'"):
        learner("forest")


class Relation:
    """What fit_variant uses of a relation; the filter keeps all rows."""

    def __init__(self, table: pa.Table):
        self.table = table

    def filter(self, condition: str) -> "Relation":
        return self

    def project(self, columns: str) -> "Relation":
        return Relation(self.table.select([name for name in self.table.column_names if name in columns]))

    def to_arrow_table(self) -> pa.Table:
        return self.table


def test_parts_of_the_registry_and_of_the_file_must_agree():
    registry = {"variant": ["m900"], "learner": ["blend"], "l2": ["1"], "parts": ["m101|m105"], "learning": ["anew"]}
    names = {"example_id": pa.int64(), "label": pa.int32(), "weight": pa.float64(), "value": pa.float64()}
    names |= {"feature": pa.string(), "term": pa.string(), "is_train": pa.bool_()}
    rows = pa.schema(list(names.items())).empty_table()
    part = Relation(logistic.fit(task(drawn(100, 1), drawn(100, 2))))
    message = "m900: the registry names the parts m101, m105, its file gives 1: m900. Remedy: name the same in both"
    with pytest.raises(LearningError, match=message):
        fit_variant(SimpleNamespace(identifier="m900"), None, Relation(pa.table(registry)), Relation(rows), part)
