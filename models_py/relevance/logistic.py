"""The solver of logistic regression with L2: scikit-learn on a sparse design, polished to the last digits."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from relevance.design import INTERCEPT, Design

TOLERANCE = 1e-6
DENSE_COLUMNS = 2_000  # up to here the Hessian is inverted for standard errors


class NotConvergedError(RuntimeError):
    """The optimiser stopped before the gradient was small enough."""


def fit_logistic(design: Design, l2: float, errors: bool = True) -> tuple[NDArray, NDArray | None]:
    """Minimise  sum_i weight_i log(1 + exp(-s_i x_i.w)) + l2/2 ||w||^2,  s_i = 2 y_i - 1, intercept free.

    design : (n, d) with an intercept column;  l2 : > 0.  Returns w (d,) and its standard errors (d,), None for them
    where d is large or `errors` is false.  Raises ValueError if y holds one class or l2 is not positive,
    NotConvergedError if the gradient norm stays above 1e-6 of the summed weights.  Source: section 4.1.
    """
    if l2 is None or not l2 > 0:
        raise ValueError(f"l2 = {l2}: give a positive number")
    if len(np.unique(design.y)) < 2:
        raise ValueError(f"the {len(design.y)} examples have one class only")
    intercept = design.columns.index((INTERCEPT, ""))
    others = np.delete(np.arange(len(design.columns)), intercept)
    x = design.x[:, others]
    with threadpool_limits(1):
        # Newton's steps with the whole Hessian while it is small: lbfgs needs thousands of its own on rare columns
        solver = "newton-cholesky" if len(others) <= DENSE_COLUMNS else "newton-cg"
        model = LogisticRegression(C=1.0 / l2, solver=solver, tol=1e-8, max_iter=500)
        model.fit(x, design.y, sample_weight=design.weight)
    w = np.zeros(len(design.columns))
    w[others], w[intercept] = model.coef_[0], model.intercept_[0]
    ridge = np.full(len(w), l2)
    ridge[intercept] = 0.0
    w = _polish(design, w, ridge)
    p = expit(design.x @ w)
    gradient = design.x.T @ (design.weight * (p - design.y)) + ridge * w
    if np.abs(gradient).max() > TOLERANCE * design.weight.sum():
        raise NotConvergedError(
            f"gradient {np.abs(gradient).max():.2e} after {model.n_iter_[0]} iterations. Remedy: raise l2"
        )
    return w, _standard_errors(design, p, ridge) if errors else None


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
