"""Logistic regression with L2: the optimum of the stated objective, its standard errors, the choice of the penalty, its
refusals."""

from dataclasses import dataclass, replace

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from relevance.design import INTERCEPT, Design, design_of
from relevance.learning import COEFFICIENTS, LearningError, fit_variant
from relevance.logistic import NotConvergedError, fit_logistic

FEATURES = 6


@dataclass(frozen=True)
class This:
    """What dbt calls the relation of a model."""

    database: str
    schema: str
    identifier: str

    def __str__(self) -> str:
        return f'"{self.database}"."{self.schema}"."{self.identifier}"'


M900 = This("memory", "main", "m900")


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
            "feature": pa.array([design.columns[j][0] for j in column], pa.string()),
            "term": pa.array([design.columns[j][1] for j in column], pa.string()),
            "value": x.data[order],
        }
    )


def training_rows(*parts: tuple[str, str, Design]) -> duckdb.DuckDBPyRelation:
    """Training rows of (variant, split, design)s; the examples of each part have ids of their own."""
    tables = []
    for i, (variant, split, design) in enumerate(parts):
        rows = long_rows(replace(design, examples=design.examples + 1_000_000 * i))
        for name, text in (("split", split), ("variant", variant)):
            rows = rows.append_column(name, pa.array([text] * rows.num_rows, pa.string()))
        tables.append(rows)
    return duckdb.from_arrow(pa.concat_tables(tables))


def registry(l2: str, learner: str = "logistic", learning: str = "anew") -> duckdb.DuckDBPyRelation:
    """Variant m900, and another beside it."""
    return duckdb.from_arrow(
        pa.table(
            {
                "variant": ["m900", "m901"],
                "learner": [learner, "logistic"],
                "l2": [l2, "5000"],
                "parts": pa.array([None, None], pa.string()),
                "learning": [learning, "anew"],
            }
        )
    )


def coefficients_of(table: pa.Table, design: Design) -> NDArray:
    by_column = {(row["feature"], row["term"]): row["coefficient"] for row in table.to_pylist()}
    return np.array([by_column[column] for column in design.columns])


def of_scikit_learn(design: Design, l2: float) -> NDArray:
    """Coefficients in the order of the columns, by lbfgs on the same matrix."""
    intercept = design.columns.index((INTERCEPT, ""))
    others = np.delete(np.arange(len(design.columns)), intercept)
    model = LogisticRegression(C=1 / l2, tol=1e-10, max_iter=20_000)
    model.fit(design.x[:, others], design.y, sample_weight=design.weight)
    return np.insert(model.coef_[0], intercept, model.intercept_[0])


def sparse_design(n: int = 4000, terms: int = 60, seed: int = 0) -> Design:
    """One of many terms per example, some of them rare, a number beside it, and the intercept."""
    rng = np.random.default_rng(seed)
    term = np.minimum(rng.geometric(0.06, n) - 1, terms - 1)
    number = rng.exponential(size=n)
    effect = rng.normal(size=terms)
    y = (rng.random(n) < expit(effect[term] + 0.7 * number - 1.5)).astype(float)
    x = np.zeros((n, terms + 2))
    x[np.arange(n), term] = 1.0
    x[:, terms], x[:, terms + 1] = 1.0, number
    columns = [*[("author", f"{i:02d}") for i in range(terms)], (INTERCEPT, ""), ("number", "")]
    return Design(csr_matrix(x), y, rng.choice([1.0, 2.0, 4.0], n), columns, np.arange(n))


@pytest.mark.parametrize("l2", [1.0, 10.0, 100.0])
def test_coefficients_are_those_of_scikit_learn_on_a_sparse_design_with_rare_columns(l2):
    design = sparse_design()
    w, _ = fit_logistic(design, l2)
    np.testing.assert_allclose(w, of_scikit_learn(design, l2), atol=1e-4)
    assert np.abs(w).max() > 0.1


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


def test_standard_errors_are_left_out_where_they_are_not_asked_for():
    design = drawn_design(400)
    w, errors = fit_logistic(design, 1.0, errors=False)
    assert errors is None
    np.testing.assert_allclose(w, fit_logistic(design, 1.0)[0], atol=1e-7)


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
    monkeypatch.setattr("relevance.logistic._stepped", lambda w, hessian, gradient: w + 1.0)
    with pytest.raises(NotConvergedError, match="gradient"):
        fit_logistic(drawn_design(200), 1.0)


# ------------------------------------------------------------------------------------------- variants


def test_a_variant_is_fitted_into_rows_of_coefficients():
    design = drawn_design(400)
    table = fit_variant(M900, None, registry("2"), training_rows(("m900", "train", design)))
    assert table.schema == COEFFICIENTS
    w, errors = fit_logistic(design, 2.0)
    fitted = {row["feature"]: (row["coefficient"], row["standard_error"]) for row in table.to_pylist()}
    for (feature, _), coefficient, error in zip(design.columns, w, errors, strict=True):
        assert fitted[feature] == pytest.approx((coefficient, error), abs=1e-10)
    kinds = {(row["variant"], row["effect"], row["entity_id"]) for row in table.to_pylist()}
    assert kinds == {("m900", "global", None)}


def test_a_variant_learns_from_its_own_examples_of_the_training_and_validation_days_only():
    train, drawn = drawn_design(400), drawn_design(4000, 1)
    reverse = replace(drawn, y=1 - drawn.y)
    known = [("m900", "train", train), ("m900", "validation", drawn_design(400, 2))]
    unknown = [("m900", "test", reverse), ("m901", "train", reverse), ("m901", "validation", reverse)]
    values = (2.0, 5000.0)
    assert validation_losses(train, known[1][2], values) == sorted(validation_losses(train, known[1][2], values))
    assert validation_losses(train, reverse, values) != sorted(validation_losses(train, reverse, values))
    table = fit_variant(M900, None, registry("2|5000"), training_rows(*known, *unknown))
    np.testing.assert_allclose(coefficients_of(table, train), fit_logistic(train, 2.0)[0], atol=1e-9)


def test_a_column_seen_only_on_validation_days_has_the_coefficient_zero():
    design = drawn_design(300)
    named = [(f, "") if f != "feature_5" else (f, "only here") for f, _ in design.columns]
    validation = replace(drawn_design(300, 1), columns=named)
    rows = training_rows(("m900", "train", design), ("m900", "validation", validation))
    table = fit_variant(M900, None, registry("1|10"), rows)
    (value,) = [
        row["coefficient"] for row in table.to_pylist() if (row["feature"], row["term"]) == ("feature_5", "only here")
    ]
    assert value == pytest.approx(0, abs=1e-9)


def chosen_l2(train: Design, validation: Design, values: tuple[float, ...]) -> float:
    """The penalty of `values` whose fit has the coefficients that fit_variant returns."""
    text = "|".join(f"{value:g}" for value in values)
    table = fit_variant(
        M900, None, registry(text), training_rows(("m900", "train", train), ("m900", "validation", validation))
    )
    w = coefficients_of(table, train)
    (chosen,) = [value for value in values if np.allclose(w, fit_logistic(train, value)[0], atol=1e-9)]
    return chosen


def validation_losses(train: Design, validation: Design, values: tuple[float, ...]) -> list[float]:
    """Weighted log-losses on the validation days of fits of scikit-learn."""
    fits = [of_scikit_learn(train, value) for value in values]
    return [log_loss(validation.y, expit(validation.x @ w), sample_weight=validation.weight) for w in fits]


def test_the_penalty_with_the_smallest_loss_on_the_validation_days_is_chosen():
    values = (0.01, 20.0, 3000.0)
    train = drawn_design(60, 4)
    drawn = drawn_design(5000, 5)
    rare = np.arange(5000) % 4 == 0
    places = []
    # the same examples, some that say partly the opposite, and some that say the opposite
    for validation in (train, replace(drawn, y=np.where(rare, 1 - drawn.y, drawn.y)), replace(drawn, y=1 - drawn.y)):
        losses = validation_losses(train, validation, values)
        assert chosen_l2(train, validation, values) == values[int(np.argmin(losses))], losses
        assert chosen_l2(train, validation, values[::-1]) == values[int(np.argmin(losses))], losses
        places.append(int(np.argmin(losses)))
    assert places == [0, 1, 2]


@pytest.mark.parametrize(("heavy", "expected"), [("as learned", 1.0), ("reversed", 5000.0)])
def test_the_loss_on_the_validation_days_is_weighted(heavy, expected):
    values = (1.0, 5000.0)
    train, drawn = drawn_design(2000), drawn_design(2000, 1)
    is_reversed = np.arange(2000) % 2 == 1
    weight = np.where(is_reversed == (heavy == "reversed"), 20.0, 1.0)
    validation = replace(drawn, y=np.where(is_reversed, 1 - drawn.y, drawn.y), weight=weight)
    assert values[int(np.argmin(validation_losses(train, validation, values)))] == expected
    assert chosen_l2(train, validation, values) == expected


def test_without_validation_days_the_first_penalty_is_taken():
    design = drawn_design(300)
    table = fit_variant(M900, None, registry("30|1|300"), training_rows(("m900", "train", design)))
    np.testing.assert_allclose(coefficients_of(table, design), fit_logistic(design, 30.0)[0], atol=1e-9)


def test_coefficients_of_the_warehouse_are_those_of_scikit_learn_with_the_best_penalty(ci_world):
    with duckdb.connect(str(ci_world.file), read_only=True) as connection:
        rows = connection.sql(
            "from training.training_rows where variant = 'm105' and split in ('train', 'validation')"
        ).to_arrow_table()
        stored = connection.sql("from variants.coefficients where variant = 'm105'").to_arrow_table()
        ((text,),) = connection.sql("select l2 from variants.variants where variant = 'm105'").fetchall()
    whole = design_of(rows)
    split = dict(zip(rows.column("example_id").to_pylist(), rows.column("split").to_pylist(), strict=True))
    is_train = np.array([split[example] == "train" for example in whole.examples.tolist()])
    train, validation = whole.rows(is_train), whole.rows(~is_train)
    values = tuple(float(value) for value in text.split("|"))
    assert len(values) > 1
    best = values[int(np.argmin(validation_losses(train, validation, values)))]
    assert stored.num_rows == len(whole.columns) > 300
    np.testing.assert_allclose(coefficients_of(stored, train), of_scikit_learn(train, best), atol=1e-4)
    others = [value for value in values if value != best]
    for value in others:
        assert np.abs(coefficients_of(stored, train) - of_scikit_learn(train, value)).max() > 1e-3


def test_a_model_that_a_day_keeps_is_not_learned_from_the_tables_of_the_day():
    rows = training_rows(("m900", "train", drawn_design(300)))
    with pytest.raises(LearningError, match=r"m900: the last build was a day.* Remedy: dbt build -s \+m900\+"):
        fit_variant(M900, None, registry("2", learning="kept"), rows)


@pytest.mark.parametrize("examples", [0, 30])
def test_a_variant_with_nothing_to_learn_from_has_no_coefficients(examples, capsys):
    design = drawn_design(30)
    one_class = replace(design, y=np.zeros(30)).rows(np.arange(30) < examples)
    rows = training_rows(("m900", "train", one_class), ("m901", "train", design))
    table = fit_variant(M900, None, registry("1|10"), rows)
    assert table.num_rows == 0
    assert table.schema == COEFFICIENTS
    assert f"m900: {examples} examples of one class" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("l2", "learner", "message"),
    [
        ("0", "logistic", "m900: l2 = 0"),
        ("10|-1", "logistic", "m900: l2 = -1"),
        ("1", "logistics", "m900: no learner 'logistics'.*Remedy: give one of .*logistic"),
        ("1", "blend", "m900: a blend without parts"),
    ],
)
def test_a_line_of_the_registry_that_cannot_be_learned_is_refused_by_its_name(l2, learner, message):
    rows = training_rows(("m900", "train", drawn_design(100)), ("m900", "validation", drawn_design(100, 1)))
    with pytest.raises(LearningError, match=message):
        fit_variant(M900, None, registry(l2, learner), rows)


def test_an_optimiser_that_stops_early_is_reported_with_the_name_of_the_variant(monkeypatch):
    monkeypatch.setattr("relevance.logistic._stepped", lambda w, hessian, gradient: w + 1.0)
    with pytest.raises(LearningError, match=r"m900: gradient .* Remedy: raise l2"):
        fit_variant(M900, None, registry("1"), training_rows(("m900", "train", drawn_design(200))))


@pytest.mark.parametrize("broken", ["x", "weight"])
def test_a_bad_value_of_the_training_rows_is_reported_with_the_name_of_the_variant(broken):
    design = drawn_design(100)
    x, weight = design.x.toarray(), design.weight.copy()
    (x[7] if broken == "x" else weight)[3] = np.nan
    rows = training_rows(("m900", "train", replace(design, x=csr_matrix(x), weight=weight)))
    with pytest.raises(LearningError, match="m900: "):
        fit_variant(M900, None, registry("1"), rows)
