"""Item-item collaborative filtering: courses are close that the same members engaged with (Linden et al. 2003).

Learned from the positives of the training days, each with the courses the member had engaged with before:
similarity(a, b) = together(a, b) / sqrt(n(a) n(b)), shrunk towards 0 where courses came together seldom. The score is
log(1 + sum of similarities of the courses engaged with to the candidate).
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from relevance.catalogue import CatalogueSpace, Product, Shard
from relevance.design import Design
from relevance.learning import LearningError, NothingToLearnError, Task, coefficient_rows

IS_PROBABILITY = False
HISTORY, COURSE = "member_engaged_course", "course_identity"
SHRINKAGE = 5.0  # co-occurrences at which a similarity counts half
NEIGHBOURS = 100  # kept per course


def _courses(design: Design, feature: str) -> tuple[list[str], csr_matrix]:
    """The terms of a feature and its columns, as 0/1."""
    places = [i for i, (name, _) in enumerate(design.columns) if name == feature]
    x = design.x[:, places].copy()
    x.data[:] = 1.0
    return [design.columns[i][1] for i in places], x


def fit(task: Task) -> pa.Table:
    """One row per pair of close courses: effect `course`, the candidate as entity, the course engaged with as term."""
    history, before = _courses(task.train, HISTORY)
    candidates, now = _courses(task.train, COURSE)
    if not candidates and len(task.train.y):
        raise LearningError(f"item_item needs the features {HISTORY} and {COURSE}. Remedy: add them to the registry")
    positive = task.train.y > 0
    names = sorted(set(history) | set(candidates))
    place = {name: i for i, name in enumerate(names)}

    def widened(x: csr_matrix, columns: list[str]) -> csr_matrix:
        rows = x[positive].tocoo()
        where = np.array([place[name] for name in columns], dtype=np.int64)
        return csr_matrix(
            (rows.data, (rows.row, where[rows.col] if len(where) else rows.col)), (x[positive].shape[0], len(names))
        )

    before, now = widened(before, history), widened(now, candidates)
    together = (before.T @ now).tocsr()
    together = together + together.T
    together.setdiag(0)
    together.eliminate_zeros()
    if together.nnz == 0:
        raise NothingToLearnError("no member engaged with two courses")
    total = np.asarray(together.sum(axis=1)).ravel()
    scale = diags(1 / np.sqrt(np.maximum(total, 1)))
    similarity = (scale @ together @ scale).tocoo()
    counts = together.tocoo()
    value = similarity.data * counts.data / (counts.data + SHRINKAGE)
    order = np.lexsort((similarity.col, -np.round(value, 12), similarity.row))
    row, column, value = similarity.row[order], similarity.col[order], value[order]
    rank = np.arange(len(row)) - np.searchsorted(row, row, side="left")
    kept = rank < NEIGHBOURS
    return coefficient_rows(
        task.variant,
        "course",
        [HISTORY] * int(kept.sum()),
        [names[i] for i in column[kept]],
        value[kept],
        entities=[names[i] for i in row[kept]],
    )


def _similarities(rows: pa.Table, history: list[str], candidates: list[str]) -> csr_matrix:
    """(history, candidates) similarities."""
    left = {name: i for i, name in enumerate(history)}
    right = {name: i for i, name in enumerate(candidates)}
    entries = [
        (left[row["term"]], right[row["entity_id"]], row["coefficient"])
        for row in rows.to_pylist()
        if row["term"] in left and row["entity_id"] in right
    ]
    return csr_matrix(
        ([e[2] for e in entries], ([e[0] for e in entries], [e[1] for e in entries])), (len(history), len(candidates))
    )


def logits(rows: pa.Table, design: Design, parts: dict) -> NDArray:
    history, before = _courses(design, HISTORY)
    candidates, now = _courses(design, COURSE)
    if not history or not candidates:
        return np.zeros(len(design.y))
    product = (before @ _similarities(rows, history, candidates)).multiply(now)
    return np.log1p(np.asarray(product.sum(axis=1)).ravel())


class _ItemScorer:
    def __init__(self, matrix: csr_matrix):
        self.similarities = Product(matrix)

    def logits(self, shard: Shard) -> NDArray:
        members = shard.members.copy()
        members.data[:] = 1.0
        total = shard.zeros()
        self.similarities.add_to(total, members, shard)
        return np.log1p(total)


def catalogue(rows: pa.Table, space: CatalogueSpace, parts: dict) -> _ItemScorer:
    history = [term if feature == HISTORY else "\0" for feature, term in space.terms]
    return _ItemScorer(_similarities(rows, history, [str(course) for course in space.course_ids]))
