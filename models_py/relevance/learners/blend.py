"""A stacked blend: logistic regression on the scores of its parts, learned on the validation days, which they did not
learn from (section 4: "combination of the above")."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from relevance.design import INTERCEPT, Design
from relevance.learning import LearningError, NothingToLearnError, Task, coefficient_rows
from relevance.logistic import fit_logistic

IS_PROBABILITY = True
L2 = 1.0


def fit(task: Task) -> pa.Table:
    """One row per part, its weight, and the intercept: effect `blend`, the part as feature."""
    if not task.parts:
        raise LearningError(
            "a blend without parts. Remedy: give two or more as `parts` in the registry and in its file"
        )
    design = task.validation
    if len(np.unique(design.y)) < 2:
        raise NothingToLearnError(f"{len(design.y)} validation examples of one class")
    names = list(task.parts)
    scores = np.column_stack([np.ones(len(design.y)), *[task.parts[name].logits(design) for name in names]])
    columns = [(INTERCEPT, ""), *[(name, "") for name in names]]
    w, errors = fit_logistic(Design(csr_matrix(scores), design.y, design.weight, columns, design.examples), L2)
    return coefficient_rows(task.variant, "blend", [INTERCEPT, *names], [""] * len(columns), w, errors)


def _weights(rows: pa.Table) -> dict[str, float]:
    return {row["feature"]: row["coefficient"] for row in rows.to_pylist()}


def logits(rows: pa.Table, design: Design, parts: dict) -> NDArray:
    weight = _weights(rows)
    total = np.full(len(design.y), weight.pop(INTERCEPT))
    for name, coefficient in sorted(weight.items()):
        total += coefficient * parts[name].logits(design)
    return total


class _BlendScorer:
    def __init__(self, weight: dict[str, float], scorers: dict):
        self.intercept = weight.pop(INTERCEPT)
        self.terms = [(coefficient, scorers[name]) for name, coefficient in sorted(weight.items())]

    def logits(self, shard) -> NDArray:
        return self.intercept + sum(coefficient * shard.logits_of(scorer) for coefficient, scorer in self.terms)


def catalogue(rows: pa.Table, space, parts: dict) -> _BlendScorer:
    return _BlendScorer(_weights(rows), parts)
