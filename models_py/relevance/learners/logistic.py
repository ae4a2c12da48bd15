"""Logistic regression with L2 (section 4.1); the weight of the penalty is chosen on the validation days."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from relevance.catalogue import CatalogueSpace, LinearScorer
from relevance.design import Design
from relevance.learning import NothingToLearnError, Task, coefficient_rows, search_rows
from relevance.logistic import fit_logistic, log_loss

IS_PROBABILITY = True


def fit(task: Task) -> pa.Table:
    """One row per column of the design, the intercept too: effect `global`; and the penalties tried: `search`."""
    if len(np.unique(task.train.y)) < 2:
        raise NothingToLearnError(f"{len(task.train.y)} examples of one class")
    held_out = task.validation
    chosen, w, trials = task.l2[0], None, []
    if len(task.l2) > 1 and len(held_out.y):
        tried = {}
        for l2 in sorted(task.l2, reverse=True):  # each begins where the stronger penalty ended
            w, _ = fit_logistic(task.train, l2, errors=False, start=w)
            tried[l2] = (round(log_loss(held_out.y, held_out.x @ w, held_out.weight), 9), w)
        chosen = min(tried, key=lambda l2: (tried[l2][0], -l2))
        w = tried[chosen][1]
        trials = [
            ("global", l2, 0.0, {"log_loss": loss, "is_chosen": float(l2 == chosen)}) for l2, (loss, _) in tried.items()
        ]
        print(
            f"{task.variant}: l2 = {chosen:g} of {', '.join(f'{l2:g}: {loss:.5f}' for l2, (loss, _) in tried.items())}"
        )
    w, errors = fit_logistic(task.train, chosen, start=w)
    features, terms = zip(*task.train.columns, strict=True)
    rows = coefficient_rows(task.variant, "global", features, terms, w, errors)
    return pa.concat_tables([rows, search_rows(task.variant, trials)])


def weights_of(rows: pa.Table) -> dict[tuple[str, str], float]:
    """(feature, term) -> coefficient of a global effect."""
    rows = rows.filter(pc.field("effect") == "global")
    return {(row["feature"], row["term"]): row["coefficient"] for row in rows.to_pylist()}


def _along(weight: dict[tuple[str, str], float], design: Design) -> NDArray:
    """(d,) coefficients of a design's columns; 0 for those without."""
    return np.array([weight.get(column, 0.0) for column in design.columns])


def logits(rows: pa.Table, design: Design, parts: dict) -> NDArray:
    return design.x @ _along(weights_of(rows), design)


def catalogue(rows: pa.Table, space: CatalogueSpace, parts: dict) -> LinearScorer:
    return LinearScorer(weights_of(rows), space)
