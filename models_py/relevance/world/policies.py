"""The recommenders that the simulated platform ran while its log was written: recency, affinity, a first regression.

They see only what the platform saw (profiles, tags, logged clicks), never the truth. Their lists are logged, not
evaluated: the project's own models are trained on the log and compared against the truth.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from relevance.world.config import AREAS, AUTHORS, CHANNELS, LIST_LENGTH
from relevance.world.draws import sigmoid, stream
from relevance.world.latents import World
from relevance.world.taxonomy import INDUSTRIES

BLOCK = 4096  # members scored at once
CLICK_RATE_DAYS = 14
TRAINING_ROWS = 200_000


@dataclass(frozen=True)
class Mappings:
    """Skill mappings as the platform had them: (courses, skills) and (members, skills), weights in [0, 1]."""

    cs01: csr_matrix
    cs03: csr_matrix
    cs04: csr_matrix
    ms01: csr_matrix
    ms02: csr_matrix


@dataclass(frozen=True)
class Log:
    """Columns of the impressions so far."""

    day: NDArray
    member: NDArray
    course: NDArray
    channel: NDArray
    is_click: NDArray


def platform_mappings(world: World, ms01: csr_matrix) -> Mappings:
    """cs03 and cs04 find part of what a course teaches and add false tags; ms02 adds the cohort of title, industry."""
    rng = stream(world.config, "platform_mappings")
    cs01 = world.courses.curated
    return Mappings(
        cs01=cs01,
        cs03=_imperfect_tags(rng, world, recall=0.30, false_tags=3.0, own_category=0.5),
        cs04=_imperfect_tags(rng, world, recall=0.33, false_tags=3.0, own_category=0.6),
        ms01=ms01,
        ms02=(ms01 + 0.45 * _cohort_skills(world, ms01)).tocsr(),
    )


def _imperfect_tags(
    rng: np.random.Generator, world: World, recall: float, false_tags: float, own_category: float
) -> csr_matrix:
    true = world.courses.skills.tocoo()
    found = rng.random(true.nnz) < recall
    courses, skills = true.shape
    count = rng.poisson(false_tags, courses)
    row = np.repeat(np.arange(courses), count)
    near = world.courses.category[row] * world.taxonomy.per_category + rng.integers(
        0, world.taxonomy.per_category, len(row)
    )
    column = np.where(rng.random(len(row)) < own_category, near, rng.integers(0, skills, len(row)))
    tags = csr_matrix(
        (
            np.full(found.sum() + len(row), 0.8, np.float32),
            (np.r_[true.row[found], row], np.r_[true.col[found], column]),
        ),
        true.shape,
    )
    tags.data[:] = np.minimum(tags.data, 0.8)
    return world.courses.curated.maximum(tags).tocsr()


def _cohort_skills(world: World, ms01: csr_matrix, minimum: int = 3, keep: int = 25) -> csr_matrix:
    """(members, skills): mean profile skills of the members with the same function and industry."""
    members = world.members
    cohort = members.function * len(INDUSTRIES) + members.industry
    cohorts = int(cohort.max()) + 1
    seen = np.flatnonzero(members.has_skills & members.has_title)
    size = np.bincount(cohort[seen], minlength=cohorts)
    gather = csr_matrix((np.ones(len(seen), np.float32), (cohort[seen], seen)), (cohorts, len(cohort)))
    mean = (diags(1.0 / np.maximum(size, 1)) @ (gather @ ms01)).tocsr().astype(np.float32)
    for c in range(cohorts):
        values = mean.data[mean.indptr[c] : mean.indptr[c + 1]]
        if size[c] < minimum:
            values[:] = 0
        elif len(values) > keep:
            values[values < np.partition(values, -keep)[-keep]] = 0
    mean.eliminate_zeros()
    titled = np.flatnonzero(members.has_title)
    spread = csr_matrix((np.ones(len(titled), np.float32), (titled, cohort[titled])), (len(cohort), cohorts))
    return (spread @ mean).tocsr()


def _normalised(tags: csr_matrix) -> csr_matrix:
    """Unit-length courses, so that a long list of tags does not win by its length."""
    length = np.sqrt(np.maximum(np.asarray(tags.power(2).sum(axis=1)).ravel(), 1e-6))
    return (diags(1.0 / length) @ tags).tocsr().astype(np.float32)


def _best(score: NDArray, length: int) -> NDArray:
    """Column indices of the largest `length` entries of each row, best first; ties by column."""
    top = np.sort(np.argpartition(-score, length - 1, axis=1)[:, :length], axis=1)
    order = np.argsort(-np.take_along_axis(score, top, axis=1), axis=1, kind="stable")
    return np.take_along_axis(top, order, axis=1).astype(np.int32)


def _recency(world: World, day: int) -> NDArray:
    """(courses,) in (0, 1], highest for the latest release; minus a million before release."""
    release = world.courses.release_day
    newest_first = np.argsort(-np.where(release <= day, release, -(10**7)), kind="stable")
    rank = np.empty(len(release))
    rank[newest_first] = np.arange(len(release))
    return np.where(release <= day, 1.0 / (1.0 + rank), -1e6).astype(np.float32)


def recency_list(world: World, day: int, members: NDArray) -> NDArray:
    """(members, LIST_LENGTH): the same list for everybody, latest release first (m001)."""
    best = np.argsort(-_recency(world, day), kind="stable")[:LIST_LENGTH].astype(np.int32)
    return np.broadcast_to(best, (len(members), LIST_LENGTH))


def affinity_list(world: World, tags: csr_matrix, skills: csr_matrix, day: int, members: NDArray) -> NDArray:
    """(members, LIST_LENGTH) by shared skills, then recency (m002 to m005)."""
    by_skill = _normalised(tags).T.tocsr()
    recency = _recency(world, day)
    blocks = []
    for start in range(0, len(members), BLOCK):
        affinity = (skills[members[start : start + BLOCK]] @ by_skill).toarray()
        affinity[:, world.courses.release_day > day] = 0
        blocks.append(_best(100.0 * affinity + recency, LIST_LENGTH))
    return np.concatenate(blocks) if blocks else np.empty((0, LIST_LENGTH), np.int32)


class LearnedPolicy:
    """Logistic regression on affinity, click rates and attributes, over candidates, trained on the log so far."""

    def __init__(self, world: World, mappings: Mappings, log: Log, since: int, day: int, with_click_rate: bool):
        self.world, self.day, self.with_click_rate = world, day, with_click_rate
        self.tags = [_normalised(mappings.cs01), _normalised(mappings.cs04)]
        self.skills = mappings.ms02
        self._count(log, since)
        chosen = np.flatnonzero(log.day >= since)
        rng = stream(world.config, "learned_policy", day)
        if len(chosen) > TRAINING_ROWS:
            chosen = np.sort(rng.choice(chosen, TRAINING_ROWS, replace=False))
        design = self._design(log.member[chosen], log.course[chosen], log.day[chosen].astype(int), log.channel[chosen])
        self.weights = _fit(design, log.is_click[chosen].astype(float))

    def logits(self, member: NDArray, course: NDArray, channel: NDArray) -> NDArray:
        """(n,) click logits of pairs as of the day of training; `lists` orders by the parts that differ by course."""
        return self._design(member, course, np.full(len(member), self.day), channel) @ self.weights

    def _design(self, member: NDArray, course: NDArray, day: NDArray, channel: NDArray) -> NDArray:
        affinities = [self._pair_affinity(tags, member, course) for tags in self.tags]
        return np.column_stack(
            [
                *self._affinity_terms(affinities),
                self._course_rows(course, day),
                self._member_rows(member),
                *[channel == c for c in range(1, len(CHANNELS))],
                np.ones(len(member)),
            ]
        ).astype(np.float64)

    def _count(self, log: Log, since: int) -> None:
        config = self.world.config
        shape = (config.days + 1, config.courses)
        cell = log.day.astype(np.int64) * config.courses + log.course
        shown = np.cumsum(np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape), axis=0)
        clicks = np.cumsum(
            np.bincount(cell, weights=log.is_click, minlength=shape[0] * shape[1]).reshape(shape), axis=0
        )
        overall = clicks[-1].sum() / max(shown[-1].sum(), 1)

        def window(total: NDArray) -> NDArray:  # counts of the days before each day
            recent = np.zeros_like(total)
            recent[1:] = total[:-1]
            recent[CLICK_RATE_DAYS + 1 :] -= total[: -CLICK_RATE_DAYS - 1]
            return recent

        def log_rate(clicked: NDArray, seen: NDArray, prior: float) -> NDArray:
            return np.log((clicked + prior * overall) / (seen + prior) / overall).astype(np.float32)

        clicks, shown = window(clicks), window(shown)
        self.click_rate = log_rate(clicks, shown, 20)
        of_author = csr_matrix(
            (np.ones(config.courses), (np.arange(config.courses), self.world.courses.author)), (config.courses, AUTHORS)
        )
        self.author_click_rate = log_rate(clicks @ of_author, shown @ of_author, 40)
        clicked = np.flatnonzero(log.is_click)
        categories = len(self.world.taxonomy.category_names)
        cell = log.member[clicked].astype(np.int64) * categories + self.world.courses.category[log.course[clicked]]
        self.engaged = np.bincount(cell, minlength=config.members * categories).reshape(config.members, categories)
        before = log.day < since  # a member's own counts may not hold the labels
        self.member_shown = np.bincount(log.member[before], minlength=config.members)
        self.member_clicks = np.bincount(log.member[before & log.is_click], minlength=config.members)

    @staticmethod
    def _affinity_terms(affinities: list[NDArray]) -> list[NDArray]:
        return [term for a in affinities for term in (np.log1p(2 * a), a > 0)]

    def _pair_affinity(self, tags: csr_matrix, member: NDArray, course: NDArray) -> NDArray:
        return np.asarray(self.skills[member].multiply(tags[course]).sum(axis=1)).ravel()

    def _course_rows(self, course: NDArray, day: NDArray) -> NDArray:
        """(n, features) of course attributes on a day."""
        courses = self.world.courses
        area = self.world.taxonomy.area[courses.category[course]]
        columns = [
            self.click_rate[day, course] if self.with_click_rate else np.zeros(len(course)),
            self.author_click_rate[day, courses.author[course]],
            courses.difficulty[course] == 1,
            courses.difficulty[course] == 2,
            np.log(courses.duration_minutes[course]) - 4.3,
            np.log1p(np.maximum(day - courses.release_day[course], 0)) - 5,
            courses.is_editors_pick[course],
            *[area == a for a in range(1, AREAS)],
        ]
        return np.column_stack(columns)

    def _member_rows(self, member: NDArray) -> NDArray:
        members = self.world.members
        return np.column_stack(
            [
                np.log1p(self.member_clicks[member]),
                np.log1p(self.member_shown[member]),
                members.seniority[member] - 2.0,
                members.subscription[member] == 1,
                members.subscription[member] == 2,
            ]
        )

    def lists(self, members: NDArray) -> NDArray:
        """(members, LIST_LENGTH): the best of each member's candidates."""
        world, day = self.world, self.day
        courses = world.courses
        every = np.arange(world.config.courses)
        attributes = self._course_rows(every, np.full(len(every), day))
        affinity_weights = self.weights[: 2 * len(self.tags)]
        course_part = (attributes @ self.weights[2 * len(self.tags) :][: attributes.shape[1]]).astype(np.float32)
        by_skill = [tags.T.tocsr() for tags in self.tags]
        fresh = 0.12 * np.exp(-np.maximum(day - courses.release_day, 0) / 30.0)
        popular = 0.15 * sigmoid(self.click_rate[day]) if self.with_click_rate else 0.0
        base = np.where(courses.release_day <= day, fresh + popular, -9.0).astype(np.float32)
        blocks = []
        for start in range(0, len(members), BLOCK):
            rows = members[start : start + BLOCK]
            affinities = [(self.skills[rows] @ matrix).toarray() for matrix in by_skill]
            wanted = 2.0 * affinities[0] + affinities[1]
            wanted /= 1e-6 + wanted.max(axis=1, keepdims=True)
            if self.with_click_rate:
                wanted += (0.6 * np.minimum(self.engaged[rows], 2)).astype(np.float32)[:, courses.category]
            wanted += base
            pool = np.sort(
                np.argpartition(-wanted, world.config.candidates - 1, axis=1)[:, : world.config.candidates], axis=1
            )
            score = course_part[pool]
            for k, affinity in enumerate(affinities):
                value = np.take_along_axis(affinity, pool, axis=1)
                score = (
                    score + affinity_weights[2 * k] * np.log1p(2 * value) + affinity_weights[2 * k + 1] * (value > 0)
                )
            score = np.where(courses.release_day[pool] <= day, score, -1e6)
            blocks.append(np.take_along_axis(pool, _best(score, LIST_LENGTH), axis=1).astype(np.int32))
        return np.concatenate(blocks) if blocks else np.empty((0, LIST_LENGTH), np.int32)


def _fit(design: NDArray, label: NDArray, l2: float = 20.0) -> NDArray:
    """Newton's method for L2 logistic regression; the last column is the free intercept."""
    ridge = np.full(design.shape[1], l2)
    ridge[-1] = 1e-6
    weights = np.zeros(design.shape[1])
    for _ in range(12):
        p = sigmoid(design @ weights)
        hessian = (design * (p * (1 - p))[:, None]).T @ design + np.diag(ridge)
        step = np.linalg.solve(hessian, design.T @ (label - p) - ridge * weights)
        weights += step
        if np.abs(step).max() < 1e-6:
            break
    return weights
