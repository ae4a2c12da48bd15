"""Logistic regression with L2: the optimum of the stated objective, its standard errors, its refusals."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from relevance.design import INTERCEPT, Design, design_of
from relevance.logistic import NotConvergedError, fit_logistic, fit_variant

FEATURES = 6


class Relation:
    """What `fit_variant` uses of a DuckDB relation."""

    def __init__(self, table: pa.Table):
        self.table = table

    def filter(self, _: str) -> "Relation":
        return self

    def to_arrow_table(self) -> pa.Table:
        return self.table


def drawn_design(n: int = 3000, seed: int = 0) -> Design:
    """A dense design with an intercept in the middle, and weights from 0.5 to 2."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, FEATURES))
    x[:, 2] = 1.0
    y = (rng.random(n) < expit(x @ np.array([0.8, -0.5, -1.0, 0.0, 1.2, 0.3]))).astype(float)
    columns = [(INTERCEPT if j == 2 else f"feature_{j}", "") for j in range(FEATURES)]
    return Design(csr_matrix(x), y, rng.uniform(0.5, 2.0, n), columns, np.arange(n))


def objective(design: Design, w: NDArray, l2: float) -> float:
    sign = 2 * design.y - 1
    penalised = np.delete(w, design.columns.index((INTERCEPT, "")))
    return float(design.weight @ np.logaddexp(0, -sign * (design.x @ w)) + 0.5 * l2 * penalised @ penalised)


def long_rows(design: Design, rng: np.random.Generator | None = None) -> pa.Table:
    """The design as training rows, shuffled if a generator is given."""
    x = design.x.tocoo()
    order = np.arange(x.nnz) if rng is None else rng.permutation(x.nnz)
    row, column = x.row[order], x.col[order]
    return pa.table(
        {
            "example_id": design.examples[row],
            "label": design.y[row].astype(np.int32),
            "weight": design.weight[row],
            "feature": [design.columns[j][0] for j in column],
            "term": [design.columns[j][1] for j in column],
            "value": x.data[order],
        }
    )


@pytest.mark.parametrize("l2", [0.1, 10.0, 300.0])
def test_coefficients_are_those_of_scikit_learn_on_a_dense_design_with_weights(l2):
    design = drawn_design()
    w, _ = fit_logistic(design, l2)
    others = np.delete(np.arange(FEATURES), 2)
    reference = LogisticRegression(C=1 / l2, solver="newton-cholesky", tol=1e-12, max_iter=200)
    reference.fit(design.x.toarray()[:, others], design.y, sample_weight=design.weight)
    np.testing.assert_allclose(w[others], reference.coef_[0], atol=1e-8)
    assert w[2] == pytest.approx(reference.intercept_[0], abs=1e-8)


@pytest.mark.parametrize("l2", [0.1, 10.0, 300.0])
def test_the_gradient_of_the_stated_objective_is_zero_at_the_coefficients(l2):
    design = drawn_design()
    w, _ = fit_logistic(design, l2)
    step = 1e-5
    gradient = [
        (objective(design, w + step * unit, l2) - objective(design, w - step * unit, l2)) / (2 * step)
        for unit in np.eye(FEATURES)
    ]
    np.testing.assert_allclose(gradient, 0, atol=1e-7 * design.weight.sum())


def test_a_larger_penalty_shrinks_everything_but_the_intercept():
    design = drawn_design()
    weak, strong = (fit_logistic(design, l2)[0] for l2 in (1.0, 1e7))
    others = np.delete(np.arange(FEATURES), 2)
    assert np.abs(strong[others]).max() < 1e-3 < np.abs(weak[others]).min()
    rate = np.average(design.y, weights=design.weight)
    assert strong[2] == pytest.approx(np.log(rate / (1 - rate)), abs=1e-3)


def test_coefficients_and_standard_errors_are_those_of_a_glm_where_the_penalty_is_tiny():
    design = drawn_design()
    w, errors = fit_logistic(design, 1e-8)
    model = sm.GLM(design.y, design.x.toarray(), family=sm.families.Binomial(), freq_weights=design.weight)
    reference = model.fit(tol=1e-14)
    np.testing.assert_allclose(w, reference.params, atol=1e-6)
    np.testing.assert_allclose(errors, reference.bse, rtol=1e-6)


def test_a_weight_of_two_is_the_example_twice():
    design = drawn_design(500)
    twice = np.r_[np.arange(500), np.arange(0, 500, 3)]
    weight = np.ones(500)
    weight[::3] = 2.0
    weighted = Design(design.x, design.y, weight, design.columns, design.examples)
    repeated = Design(design.x[twice], design.y[twice], np.ones(len(twice)), design.columns, np.arange(len(twice)))
    np.testing.assert_allclose(fit_logistic(weighted, 1.0)[0], fit_logistic(repeated, 1.0)[0], atol=1e-10)


def test_features_of_very_different_scale_still_reach_the_optimum():
    design = drawn_design()
    scales = np.array([1e3, 1.0, 1.0, 1e-3, 1.0, 30.0])
    scaled = replace(design, x=csr_matrix(design.x.toarray() * scales))
    w, _ = fit_logistic(scaled, 1.0)
    at_optimum = objective(scaled, w, 1.0)
    for unit in np.eye(FEATURES):
        for step in (-1e-3, 1e-3):
            assert objective(scaled, w + step * unit / scales, 1.0) > at_optimum


def test_a_design_too_wide_for_standard_errors_is_fitted_without_them(monkeypatch):
    design = drawn_design()
    dense, _ = fit_logistic(design, 1.0)
    monkeypatch.setattr("relevance.logistic.DENSE_COLUMNS", FEATURES - 1)
    w, errors = fit_logistic(design, 1.0)
    assert errors is None
    np.testing.assert_allclose(w, dense, atol=1e-5)


def test_the_order_of_the_rows_does_not_matter():
    design = drawn_design(800)
    ordered, shuffled = design_of(long_rows(design)), design_of(long_rows(design, np.random.default_rng(1)))
    assert ordered.columns == shuffled.columns == sorted(design.columns)
    for name in ("y", "weight", "examples"):
        np.testing.assert_array_equal(getattr(ordered, name), getattr(shuffled, name))
    assert (ordered.x != shuffled.x).nnz == 0
    for one, other in zip(fit_logistic(ordered, 1.0), fit_logistic(shuffled, 1.0), strict=True):
        np.testing.assert_array_equal(one, other)


def test_long_rows_become_the_design_they_describe():
    rows = pa.table(
        {
            "example_id": [7, 3, 7, 3, 7],
            "label": [1, 0, 1, 0, 1],
            "weight": [1.0, 2.0, 1.0, 2.0, 1.0],
            "feature": ["b", INTERCEPT, INTERCEPT, "b", "a"],
            "term": ["y", "", "", "x", ""],
            "value": [4.0, 1.0, 1.0, 5.0, 6.0],
        }
    )
    design = design_of(rows)
    assert design.columns == [("a", ""), ("b", "x"), ("b", "y"), (INTERCEPT, "")]
    assert design.x.toarray().tolist() == [[0, 5, 0, 1], [6, 0, 4, 1]]
    assert (design.y.tolist(), design.weight.tolist(), design.examples.tolist()) == ([0, 1], [2, 1], [3, 7])


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_examples_of_one_class_are_refused(label):
    design = drawn_design(100)
    one_class = Design(design.x, np.full(100, label), design.weight, design.columns, design.examples)
    with pytest.raises(ValueError, match="100 examples have one class"):
        fit_logistic(one_class, 1.0)


@pytest.mark.parametrize("l2", [0.0, -1.0, float("nan"), None])
def test_a_penalty_that_is_not_positive_is_refused(l2):
    with pytest.raises(ValueError, match="l2 = "):
        fit_logistic(drawn_design(100), l2)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), None])
def test_a_value_that_is_not_finite_is_refused_by_the_name_of_its_feature(bad):
    rows = long_rows(drawn_design(50)).to_pylist()
    (broken,) = [i for i, row in enumerate(rows) if row["feature"] == "feature_4" and row["example_id"] == 17]
    rows[broken]["value"] = bad
    with pytest.raises(ValueError, match="feature feature_4: 1 values are not finite"):
        design_of(pa.Table.from_pylist(rows))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), None, 0.0, -1.0])
def test_a_weight_that_is_not_positive_and_finite_is_refused(bad):
    rows = long_rows(drawn_design(50)).to_pylist()
    for row in rows:
        if row["example_id"] == 17:
            row["weight"] = bad
    with pytest.raises(ValueError, match="weight"):
        design_of(pa.Table.from_pylist(rows))


def test_an_optimiser_that_stops_early_is_reported(monkeypatch):
    monkeypatch.setattr("relevance.logistic._polish", lambda design, w, ridge: w + 1.0)
    with pytest.raises(NotConvergedError, match="gradient"):
        fit_logistic(drawn_design(200), 1.0)


def test_a_variant_is_fitted_into_rows_of_coefficients():
    design = drawn_design(400)
    table = fit_variant("m900", Relation(pa.table({"l2": [2.0]})), Relation(long_rows(design)))
    w, errors = fit_logistic(design, 2.0)
    fitted = {row["feature"]: (row["coefficient"], row["standard_error"]) for row in table.to_pylist()}
    for (feature, _), coefficient, error in zip(design.columns, w, errors, strict=True):
        assert fitted[feature] == pytest.approx((coefficient, error), abs=1e-10)
    assert set(table.column("variant").to_pylist()) == {"m900"}


@pytest.mark.parametrize("examples", [0, 30])
def test_a_variant_with_nothing_to_learn_from_has_no_coefficients(examples, capsys):
    rows = long_rows(drawn_design(30)).slice(0, 30 * FEATURES if examples else 0)
    rows = rows.set_column(1, "label", pa.array([0] * rows.num_rows, pa.int32()))
    table = fit_variant("m900", Relation(pa.table({"l2": [2.0]})), Relation(rows))
    assert table.num_rows == 0
    assert f"m900: {examples} examples of one class" in capsys.readouterr().out
