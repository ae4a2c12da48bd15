"""Logistic regression with L2 (section 4.1); the weight of the penalty is chosen on the validation days."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import expit

from relevance.catalogue import CatalogueSpace, LinearScorer
from relevance.design import Design
from relevance.learning import NothingToLearnError, Task, coefficient_rows
from relevance.logistic import fit_logistic

IS_PROBABILITY = True


def fit(task: Task) -> pa.Table:
    """One row per column of the design, the intercept among them: effect `global`."""
    if len(np.unique(task.train.y)) < 2:
        raise NothingToLearnError(f"{len(task.train.y)} examples of one class")
    chosen, w, tried = task.l2[0], None, {}
    if len(task.l2) > 1 and len(task.validation.y):
        for l2 in sorted(task.l2, reverse=True):  # each begins where the stronger penalty ended
            w, _ = fit_logistic(task.train, l2, errors=False, start=w)
            tried[l2] = (round(log_loss(task.validation, w), 9), w)
        chosen = min(tried, key=lambda l2: (tried[l2][0], -l2))
        w = tried[chosen][1]
        print(
            f"{task.variant}: l2 = {chosen:g} of {', '.join(f'{l2:g}: {loss:.5f}' for l2, (loss, _) in tried.items())}"
        )
    w, errors = fit_logistic(task.train, chosen, start=w)
    features, terms = zip(*task.train.columns, strict=True)
    return coefficient_rows(task.variant, "global", features, terms, w, errors)


def log_loss(design: Design, w: NDArray) -> float:
    """Weighted mean log-loss of the rows of a design under coefficients w."""
    p = np.clip(expit(design.x @ w), 1e-12, 1 - 1e-12)
    return float(np.average(-(design.y * np.log(p) + (1 - design.y) * np.log1p(-p)), weights=design.weight))


def weights_of(rows: pa.Table) -> dict[tuple[str, str], float]:
    return {(row["feature"], row["term"]): row["coefficient"] for row in rows.to_pylist()}


def logits(rows: pa.Table, design: Design, parts: dict) -> NDArray:
    weight = weights_of(rows)
    return design.x @ np.array([weight.get(column, 0.0) for column in design.columns])


def catalogue(rows: pa.Table, space: CatalogueSpace, parts: dict) -> LinearScorer:
    return LinearScorer(weights_of(rows), space)
