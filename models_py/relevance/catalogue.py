"""Features of a shard of members against the whole catalogue, without a row per pair (section 4.2).

The logit of a linear variant is a sum of a member part, a course part and interactions. Crosses of a member's and a
course's features fold into one sparse product; dot products and cosines are one sparse product each; what is stored of
pairs is added where it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from relevance.design import INTERCEPT
from relevance.transformations import TERM

Column = tuple[str, str]  # feature, term


@dataclass(frozen=True)
class CatalogueSpace:
    """What does not change between shards.

    terms : columns that members carry, by number;  pair_terms : columns stored of pairs, by number;
    course_ids : courses by number;
    course_values : column -> (course numbers, values);
    steps : feature -> row of `transformations` on the side of interactions;  buckets : (feature, term) -> (low, high).
    """

    terms: list[Column]
    pair_terms: list[Column]
    course_ids: pa.Array
    course_values: dict[Column, tuple[NDArray, NDArray]]
    steps: dict[str, dict]
    buckets: dict[Column, tuple[float, float]]

    @cached_property
    def term_number(self) -> dict[Column, int]:
        return {column: i for i, column in enumerate(self.terms)}

    @cached_property
    def pair_number(self) -> dict[Column, int]:
        return {column: i for i, column in enumerate(self.pair_terms)}

    @cached_property
    def _products(self) -> dict[str, csr_matrix]:
        return {}

    def product(self, feature: str) -> csr_matrix:
        """(terms, courses): a member's row times it is the dot product; for cosines, with courses of length 1."""
        if feature not in self._products:
            step = self.steps[feature]
            rows, columns, values = [], [], []
            square = np.zeros(len(self.course_ids))
            for (name, term), (course, value) in self.course_values.items():
                if name != step["right_feature"]:
                    continue
                np.add.at(square, course, value**2)
                number = self.term_number.get((step["left_feature"], term))
                if number is not None:
                    rows.append(np.full(len(course), number))
                    columns.append(course)
                    values.append(value)
            if step["operation"] == "cosine":
                length = np.sqrt(np.where(square > 0, square, 1.0))
                values = [value / length[course] for value, course in zip(values, columns, strict=True)]
            self._products[feature] = self.by_course(rows, columns, values)
        return self._products[feature]

    def by_course(self, rows: list[NDArray], courses: list[NDArray], values: list[NDArray]) -> csr_matrix:
        """(terms, courses) matrix of entries given piece by piece."""
        shape = (len(self.terms), len(self.course_ids))
        if not rows:
            return csr_matrix(shape)
        return csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(courses))), shape)

    def numbers_of(self, feature: str) -> list[tuple[int, str]]:
        """(number, term) of the member columns of a feature."""
        return [(i, term) for i, (name, term) in enumerate(self.terms) if name == feature]


@dataclass(frozen=True)
class Shard:
    """members : (m, terms);  pairs : by pair term (m, courses);  candidates : (m, courses), what is to be scored;
    member_ids : m texts, whose effects apply."""

    space: CatalogueSpace
    members: csr_matrix
    pairs: dict[int, csr_matrix]
    candidates: NDArray
    member_ids: Sequence[str] = ()

    @cached_property
    def _values(self) -> dict[Column, NDArray]:
        return {}

    def interaction(self, column: Column) -> NDArray:
        """(m, courses) values of a column of the side of interactions."""
        if column not in self._values:
            self._values[column] = self._computed(column)
        return self._values[column]

    def _computed(self, column: Column) -> NDArray:
        feature, term = column
        step = self.space.steps.get(feature)
        if step is None:
            stored = self.pairs.get(self.space.pair_number.get(column, -1))
            return np.zeros(self.candidates.shape) if stored is None else stored.toarray()
        if step["operation"] == "log":
            value = self.interaction((step["left_feature"], ""))
            return np.round(np.sign(value) * np.log(1 + np.abs(value)), 12)
        if step["operation"] == "bucket":
            low, high = self.space.buckets[column]
            value = self.interaction((step["left_feature"], ""))
            return ((value >= low) & (value < high) & (value != 0)).astype(float)
        if step["operation"] == "cross":
            return self._crossed(step, term)
        value = (self.members @ self.space.product(feature)).toarray()
        if step["operation"] == "cosine":
            numbers = [number for number, _ in self.space.numbers_of(step["left_feature"])]
            square = np.asarray(self.members[:, numbers].multiply(self.members[:, numbers]).sum(axis=1))
            value /= np.sqrt(np.where(square > 0, square, 1.0))
        return np.round(value, 12)

    def _crossed(self, step: dict, term: str) -> NDArray:
        value = np.zeros(self.candidates.shape)
        for number, left_term in self.space.numbers_of(step["left_feature"]):
            right = (step["right_feature"], term.removeprefix(left_term + TERM))
            if term.startswith(left_term + TERM) and right in self.space.course_values:
                course, course_value = self.space.course_values[right]
                value[:, course] += self.members[:, [number]].toarray() * course_value
        return value


class LinearScorer:
    """weights : column -> coefficient."""

    def __init__(self, weights: dict[Column, float], space: CatalogueSpace):
        courses = len(space.course_ids)
        self.member_weights = np.array([weights.get(column, 0.0) for column in space.terms])
        self.course_scores = np.full(courses, weights.get((INTERCEPT, ""), 0.0))
        for column, (course, value) in space.course_values.items():
            np.add.at(self.course_scores, course, weights.get(column, 0.0) * value)
        crossed = [f for f in {feature for feature, _ in weights} if space.steps.get(f, {}).get("operation") == "cross"]
        self.crosses = sum(
            (_crosses(weights, feature, space) for feature in sorted(crossed)), csr_matrix((len(space.terms), courses))
        )
        self.interactions = [
            (weight, column)
            for column, weight in sorted(weights.items())
            if weight and column[0] not in crossed and (column[0] in space.steps or column in space.pair_number)
        ]

    def logits(self, shard: Shard) -> NDArray:
        """(m, courses)."""
        total = (shard.members @ self.member_weights)[:, None] + self.course_scores[None, :]
        if self.crosses.nnz:
            total += (shard.members @ self.crosses).toarray()
        for weight, column in self.interactions:
            total += weight * shard.interaction(column)
        return total


def _crosses(weights: dict[Column, float], feature: str, space: CatalogueSpace) -> csr_matrix:
    """(terms, courses): coefficient of the cross times the value of the course."""
    step = space.steps[feature]
    rows, columns, values = [], [], []
    right = [(term, at) for (name, term), at in space.course_values.items() if name == step["right_feature"]]
    for number, left_term in space.numbers_of(step["left_feature"]):
        for right_term, (course, value) in right:
            weight = weights.get((feature, left_term + TERM + right_term), 0.0)
            if weight:
                rows.append(np.full(len(course), number))
                columns.append(course)
                values.append(weight * value)
    return space.by_course(rows, columns, values)
