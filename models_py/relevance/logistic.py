"""The solver of logistic regression with L2: scikit-learn on a sparse design, polished to the last digits."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from threadpoolctl import threadpool_limits

from relevance.design import INTERCEPT, Design

TOLERANCE = 1e-6
DENSE_COLUMNS = 2_000  # up to here the Hessian is inverted for standard errors


class NotConvergedError(RuntimeError):
    """The optimiser stopped before the gradient was small enough."""


def fit_logistic(
    design: Design, l2: float, errors: bool = True, start: NDArray | None = None
) -> tuple[NDArray, NDArray | None]:
    """Minimise  sum_i weight_i log(1 + exp(-s_i x_i.w)) + l2/2 ||w||^2,  s_i = 2 y_i - 1, intercept free.

    design : (n, d) with an intercept column;  l2 : > 0;  start : (d,) coefficients to begin with.  Returns w (d,) and
    its standard errors (d,), None for them where d is large or `errors` is false.  Raises ValueError if y holds one
    class or l2 is not positive, NotConvergedError if the gradient norm stays above 1e-6 of the summed weights.
    Source: section 4.1.
    """
    from sklearn.linear_model import LogisticRegression  # a second to load, which scoring does without

    if l2 is None or not l2 > 0:
        raise ValueError(f"l2 = {l2}: give a positive number")
    if len(np.unique(design.y)) < 2:
        raise ValueError(f"the {len(design.y)} examples have one class only")
    intercept = design.columns.index((INTERCEPT, ""))
    others = np.delete(np.arange(len(design.columns)), intercept)
    x = design.x[:, others]
    is_small = len(design.columns) <= DENSE_COLUMNS
    with threadpool_limits(1):
        # Newton's steps with the whole Hessian while it is small: lbfgs needs thousands of its own on rare columns
        solver = "newton-cholesky" if is_small else "newton-cg"
        model = LogisticRegression(C=1.0 / l2, solver=solver, tol=1e-8, max_iter=500, warm_start=True)
        if start is not None:
            model.coef_, model.intercept_ = start[others][None, :], start[[intercept]]
        model.fit(x, design.y, sample_weight=design.weight)
    w = np.zeros(len(design.columns))
    w[others], w[intercept] = model.coef_[0], model.intercept_[0]
    ridge = np.full(len(w), l2)
    ridge[intercept] = 0.0
    gradient, p = _gradient(design, w, ridge)
    standard_errors = None
    if errors and is_small:
        # a step of Newton's to the optimum's last digits, so that the result does not depend on where it began
        hessian = _hessian(design, p, ridge)
        w = _stepped(w, hessian, gradient)
        gradient, _ = _gradient(design, w, ridge)
        standard_errors = np.sqrt(np.diag(np.linalg.inv(hessian)))
    if np.abs(gradient).max() > TOLERANCE * design.weight.sum():
        raise NotConvergedError(
            f"gradient {np.abs(gradient).max():.2e} after {model.n_iter_[0]} iterations. Remedy: raise l2"
        )
    return w, standard_errors


def log_loss(y: NDArray, logit: NDArray, weight: NDArray) -> float:
    """Weighted mean log-loss; y : (n,) in {0, 1};  logit, weight : (n,)."""
    p = np.clip(expit(logit), 1e-12, 1 - 1e-12)
    return float(np.average(-(y * np.log(p) + (1 - y) * np.log1p(-p)), weights=weight))


def _gradient(design: Design, w: NDArray, ridge: NDArray) -> tuple[NDArray, NDArray]:
    """Gradient (d,) of the objective, and the probabilities (n,)."""
    p = expit(design.x @ w)
    return design.x.T @ (design.weight * (p - design.y)) + ridge * w, p


def _hessian(design: Design, p: NDArray, ridge: NDArray) -> NDArray:
    scaled = design.x.multiply((design.weight * p * (1 - p))[:, None])
    return (design.x.T @ scaled).toarray() + np.diag(np.maximum(ridge, 1e-12))


def _stepped(w: NDArray, hessian: NDArray, gradient: NDArray) -> NDArray:
    return w - np.linalg.solve(hessian, gradient)
