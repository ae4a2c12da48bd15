"""Logistic regression with L2 (section 4.1), fitted by scikit-learn on a sparse design."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from relevance.design import INTERCEPT, Design, design_of

COEFFICIENTS = pa.schema(
    [
        ("variant", pa.string()),
        ("effect", pa.string()),
        ("entity_id", pa.string()),
        ("feature", pa.string()),
        ("term", pa.string()),
        ("coefficient", pa.float64()),
        ("standard_error", pa.float64()),
    ]
)
TOLERANCE = 1e-6
DENSE_COLUMNS = 2_000  # up to here the Hessian is inverted for standard errors


class NotConvergedError(RuntimeError):
    """The optimiser stopped before the gradient was small enough."""


def fit_logistic(design: Design, l2: float) -> tuple[NDArray, NDArray | None]:
    """Minimise  sum_i weight_i log(1 + exp(-s_i x_i.w)) + l2/2 ||w||^2,  s_i = 2 y_i - 1, intercept free.

    design : (n, d) with an intercept column;  l2 : > 0.  Returns w (d,) and its standard errors (d,), None for them
    where d is large.  Raises ValueError if y holds one class or l2 is not positive, NotConvergedError if the gradient
    norm stays above 1e-6 of the summed weights.  Source: section 4.1.
    """
    if l2 is None or not l2 > 0:
        raise ValueError(f"l2 = {l2}: give a positive number")
    if len(np.unique(design.y)) < 2:
        raise ValueError(f"the {len(design.y)} examples have one class only")
    intercept = design.columns.index((INTERCEPT, ""))
    others = np.delete(np.arange(len(design.columns)), intercept)
    x = design.x[:, others]
    with threadpool_limits(1):
        model = LogisticRegression(C=1.0 / l2, solver="lbfgs", tol=1e-9, max_iter=2000)
        model.fit(x, design.y, sample_weight=design.weight)
    w = np.zeros(len(design.columns))
    w[others], w[intercept] = model.coef_[0], model.intercept_[0]
    ridge = np.full(len(w), l2)
    ridge[intercept] = 0.0
    w = _polish(design, w, ridge)
    p = expit(design.x @ w)
    gradient = design.x.T @ (design.weight * (p - design.y)) + ridge * w
    if np.abs(gradient).max() > TOLERANCE * design.weight.sum():
        raise NotConvergedError(f"gradient {np.abs(gradient).max():.2e} after {model.n_iter_[0]} iterations")
    return w, _standard_errors(design, p, ridge)


def _hessian(design: Design, p: NDArray, ridge: NDArray) -> NDArray:
    scaled = design.x.multiply((design.weight * p * (1 - p))[:, None])
    return (design.x.T @ scaled).toarray() + np.diag(np.maximum(ridge, 1e-12))


def _polish(design: Design, w: NDArray, ridge: NDArray) -> NDArray:
    """One Newton step to the optimum's last digits, so that the result does not depend on the thread count."""
    if len(w) > DENSE_COLUMNS:
        return w
    p = expit(design.x @ w)
    gradient = design.x.T @ (design.weight * (p - design.y)) + ridge * w
    return w - np.linalg.solve(_hessian(design, p, ridge), gradient)


def _standard_errors(design: Design, p: NDArray, ridge: NDArray) -> NDArray | None:
    if len(ridge) > DENSE_COLUMNS:
        return None
    return np.sqrt(np.diag(np.linalg.inv(_hessian(design, p, ridge))))


def fit_variant(variant: str, variants, training_rows) -> pa.Table:
    """Coefficients of a variant as rows (variant, effect, entity_id, feature, term, coefficient, standard_error).

    variants, training_rows : relations of the models of that name. Without a positive and a negative example there is
    nothing to learn: no rows, and the variant serves affinity lists.
    """
    (row,) = variants.filter(f"variant = '{variant}'").to_arrow_table().to_pylist()
    rows = training_rows.filter(f"variant = '{variant}' and split = 'train'").to_arrow_table()
    design = design_of(rows)
    if len(np.unique(design.y)) < 2:
        print(f"{variant}: {len(design.y)} examples of one class; nothing to learn yet")
        return COEFFICIENTS.empty_table()
    try:
        w, errors = fit_logistic(design, row["l2"])
    except NotConvergedError as error:
        raise NotConvergedError(f"{variant}: {error}. Remedy: raise its l2 in the registry") from None
    n = len(w)
    return pa.table(
        {
            "variant": [variant] * n,
            "effect": ["global"] * n,
            "entity_id": pa.nulls(n, pa.string()),
            "feature": [feature for feature, _ in design.columns],
            "term": [term for _, term in design.columns],
            "coefficient": np.round(w, 12),
            "standard_error": pa.nulls(n, pa.float64()) if errors is None else np.round(errors, 12),
        },
        schema=COEFFICIENTS,
    )
