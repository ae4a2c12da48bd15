"""Features of a shard of members against their candidates, without a row per pair and feature (section 4.2).

The logit of a linear variant is a sum of a member part, a course part and interactions. Crosses of a member's and a
course's features fold into one product with a sparse matrix; dot products and cosines are a product each; what is
stored of pairs is added where it is. Products are taken at the candidates only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from relevance.catalogue_kernels import add_dense_products, add_sparse_products, add_stored, read_only
from relevance.design import INTERCEPT
from relevance.transformations import TERM

Column = tuple[str, str]  # feature, term
DENSE = 0.25  # share of filled entries from which a product reads the matrix by course, not by term


class Product:
    """A (terms, courses) matrix that rows of terms are multiplied with, at candidates."""

    def __init__(self, matrix: csr_matrix):
        matrix = csr_matrix(matrix)
        matrix.sum_duplicates()
        self.shape = matrix.shape
        self._terms = np.flatnonzero(np.diff(matrix.indptr))
        self._postings = (matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data.astype(float))
        self._dense = None
        if matrix.nnz > DENSE * len(self._terms) * matrix.shape[1]:
            place = np.full(matrix.shape[0], -1)
            place[self._terms] = np.arange(len(self._terms))
            self._dense = (place, np.ascontiguousarray(matrix[self._terms].toarray().T))

    def add_to(self, out: NDArray, rows: csr_matrix, shard: "Shard") -> None:
        """out (pairs,) += row of the pair's member (m, terms) . column of its course."""
        if not len(self._terms):
            return
        left = (rows.indptr, read_only(rows.indices), read_only(rows.data))
        courses = read_only(shard.courses)
        if self._dense is not None:
            add_dense_products(*left, *self._dense, shard.offsets, courses, out)
        else:
            add_sparse_products(*left, *self._postings, shard.offsets, courses, self.shape[1], out)


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
    def member_columns(self) -> list[Column]:
        """The columns of models per member: the intercept and what courses have."""
        return [(INTERCEPT, ""), *self.course_values]

    def course_column(self, column: Column) -> NDArray:
        """(courses,) values of a column of the courses."""
        values = np.zeros(len(self.course_ids))
        course, value = self.course_values[column]
        np.add.at(values, course, value)
        return values

    @cached_property
    def _products(self) -> dict[str, Product]:
        return {}

    def product(self, feature: str) -> Product:
        """A member's row times it is the dot product; for cosines, with courses of length 1."""
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
            self._products[feature] = Product(self.by_course(rows, columns, values))
        return self._products[feature]

    def by_course(self, rows: list[NDArray], courses: list[NDArray], values: list[NDArray]) -> csr_matrix:
        """(terms, courses) matrix of entries given piece by piece."""
        shape = (len(self.terms), len(self.course_ids))
        if not rows:
            return csr_matrix(shape)
        return csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(courses))), shape)

    @cached_property
    def _numbers(self) -> dict[str, list[tuple[int, str]]]:
        numbers: dict[str, list[tuple[int, str]]] = {}
        for i, (feature, term) in enumerate(self.terms):
            numbers.setdefault(feature, []).append((i, term))
        return numbers

    def numbers_of(self, feature: str) -> list[tuple[int, str]]:
        """(number, term) of the member columns of a feature."""
        return self._numbers.get(feature, [])


@dataclass(frozen=True)
class Shard:
    """Some members and their candidates.

    members : (m, terms), sorted;  offsets : (m + 1,) where each member's pairs begin;  courses : (pairs,) numbers,
    ascending for each member;  stored : (offsets (m + 1,), courses, pair terms, values) of what is stored of members
    and courses;  member_ids : m texts, whose effects apply;  own : variant -> (m, member columns) their coefficients,
    where these come with the members; None where the scorers have them.
    """

    space: CatalogueSpace
    members: csr_matrix
    offsets: NDArray
    courses: NDArray
    stored: tuple[NDArray, NDArray, NDArray, NDArray]
    member_ids: Sequence[str] = ()
    own: Mapping[str, csr_matrix] | None = None
    whole: tuple["Shard", NDArray] | None = None  # the shard this is a part of, and the places of its pairs there

    def only(self, chosen: NDArray) -> "Shard":
        """Some of the members; what the whole shard has computed is not computed again."""
        if len(chosen) == len(self.offsets) - 1:
            return self
        offsets, pairs = _of_members(self.offsets, chosen)
        stored_offsets, places = _of_members(self.stored[0], chosen)
        return replace(
            self,
            members=self.members[chosen],
            offsets=offsets,
            courses=self.courses[pairs],
            stored=(stored_offsets, *(values[places] for values in self.stored[1:])),
            member_ids=[self.member_ids[i] for i in chosen.tolist()] if self.member_ids else (),
            own=None if self.own is None else {name: theta[chosen] for name, theta in self.own.items()},
            whole=(self, pairs),
        )

    def zeros(self) -> NDArray:
        """(pairs,)."""
        return np.zeros(len(self.courses))

    def of_members(self, values: NDArray) -> NDArray:
        """(m,) -> (pairs,)."""
        return np.repeat(values, np.diff(self.offsets))

    def stored_times(self, weights: NDArray) -> NDArray:
        """(pairs,) what is stored of the pairs times weights (pair terms,)."""
        total = self.zeros()
        stored, courses = map(read_only, self.stored), read_only(self.courses)
        add_stored(*stored, weights, self.offsets, courses, len(self.space.course_ids), total)
        return total

    @cached_property
    def _values(self) -> dict[Column, NDArray]:
        return {}

    @cached_property
    def _logits(self) -> dict[int, NDArray]:
        return {}

    def logits_of(self, scorer) -> NDArray:
        """(pairs,) logits of a scorer, computed once: a blend asks for those of its parts, which are variants too."""
        if id(scorer) not in self._logits:
            self._logits[id(scorer)] = scorer.logits(self)
        return self._logits[id(scorer)]

    def interaction(self, column: Column) -> NDArray:
        """(pairs,) values of a column of the side of interactions."""
        if self.whole is not None:
            shard, pairs = self.whole
            return shard.interaction(column)[pairs]
        if column not in self._values:
            self._values[column] = self._computed(column)
        return self._values[column]

    def _computed(self, column: Column) -> NDArray:
        feature, term = column
        step = self.space.steps.get(feature)
        if step is None:
            weights = np.zeros(len(self.space.pair_terms))
            if column in self.space.pair_number:
                weights[self.space.pair_number[column]] = 1.0
            return self.stored_times(weights)
        if step["operation"] == "log":
            value = self.interaction((step["left_feature"], ""))
            return np.round(np.sign(value) * np.log(1 + np.abs(value)), 12)
        if step["operation"] == "bucket":
            low, high = self.space.buckets[column]
            value = self.interaction((step["left_feature"], ""))
            return ((value >= low) & (value < high) & (value != 0)).astype(float)
        if step["operation"] == "cross":
            return self._crossed(step, term)
        value = self.zeros()
        self.space.product(feature).add_to(value, self.members, self)
        if step["operation"] == "cosine":
            numbers = [number for number, _ in self.space.numbers_of(step["left_feature"])]
            square = np.asarray(self.members[:, numbers].multiply(self.members[:, numbers]).sum(axis=1)).ravel()
            value /= self.of_members(np.sqrt(np.where(square > 0, square, 1.0)))
        return np.round(value, 12)

    def _crossed(self, step: dict, term: str) -> NDArray:
        value = self.zeros()
        for number, left_term in self.space.numbers_of(step["left_feature"]):
            right = (step["right_feature"], term.removeprefix(left_term + TERM))
            if term.startswith(left_term + TERM) and right in self.space.course_values:
                of_courses = self.space.course_column(right)
                value += self.of_members(self.members[:, [number]].toarray().ravel()) * of_courses[self.courses]
        return value


def _of_members(offsets: NDArray, chosen: NDArray) -> tuple[NDArray, NDArray]:
    """Offsets of some members, and the places of what they own."""
    counts = np.diff(offsets)[chosen]
    of_chosen = np.concatenate([[0], np.cumsum(counts)])
    return of_chosen, np.repeat(offsets[chosen] - of_chosen[:-1], counts) + np.arange(of_chosen[-1])


class LinearScorer:
    """weights : column -> coefficient."""

    def __init__(self, weights: dict[Column, float], space: CatalogueSpace):
        courses = len(space.course_ids)
        self.member_weights = np.array([weights.get(column, 0.0) for column in space.terms])
        self.course_scores = np.full(courses, weights.get((INTERCEPT, ""), 0.0))
        for column, (course, value) in space.course_values.items():
            np.add.at(self.course_scores, course, weights.get(column, 0.0) * value)
        crossed = [f for f in {feature for feature, _ in weights} if space.steps.get(f, {}).get("operation") == "cross"]
        self.crosses = Product(
            sum(
                (_crosses(weights, feature, space) for feature in sorted(crossed)),
                csr_matrix((len(space.terms), courses)),
            )
        )
        self.stored_weights = np.array([weights.get(column, 0.0) for column in space.pair_terms])
        self.interactions = [
            (weight, column)
            for column, weight in sorted(weights.items())
            if weight and column[0] not in crossed and column[0] in space.steps
        ]

    def logits(self, shard: Shard) -> NDArray:
        """(pairs,)."""
        total = shard.of_members(shard.members @ self.member_weights) + self.course_scores[shard.courses]
        self.crosses.add_to(total, shard.members, shard)
        if self.stored_weights.any():
            total += shard.stored_times(self.stored_weights)
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
