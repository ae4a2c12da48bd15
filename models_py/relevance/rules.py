"""Lists of the variants that are rules (table 3): by recency, or by the skills that a member and a course share."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from numpy.typing import NDArray

from relevance.engine import CORES, engine, list_array, ragged, type_of

SHARD_LISTS = 512
PRODUCTS, SCORES = 1e12, 1e9  # decimal places that products are added with, and scores have


@njit(nogil=True, cache=True)
def _fill_lists(
    mappings, offsets, skills, weights, excluded_offsets, excluded, by_skill, postings, values, latest, keeps, length,
    out_courses, out_scores,
):  # fmt: skip
    """Fills out_courses and out_scores, one list behind the other; returns how many courses each has."""
    catalogue = len(latest)
    total, state = np.zeros(catalogue), np.zeros(catalogue, np.uint8)  # of a course: 1 shares a skill, 2 is excluded
    counts = np.empty(len(mappings), np.int64)
    used = 0
    for m in range(len(mappings)):
        if mappings[m] >= 0:
            for k in range(offsets[m], offsets[m + 1]):
                for q in range(by_skill[mappings[m], skills[k]], by_skill[mappings[m], skills[k] + 1]):
                    # whole numbers: the sum does not depend on the order
                    total[postings[q]] += np.rint(weights[k] * values[q] * PRODUCTS)
                    state[postings[q]] = 1
        for k in range(excluded_offsets[m], excluded_offsets[m + 1]):
            state[excluded[k]] = 2
        found = np.flatnonzero(state == 1)
        negative = np.empty(len(found))
        for i in range(len(found)):
            negative[i] = -np.floor(total[found[i]] / PRODUCTS * SCORES + 0.5) / SCORES
        order = np.argsort(negative, kind="mergesort")  # equal scores by course number
        count = min(len(found), keeps[m])
        for place in range(count):
            out_courses[used + place] = found[order[place]]
            out_scores[used + place] = -negative[order[place]]
        lowest = 0.0
        if len(found):
            lowest = min(lowest, -negative[order[-1]])
        for rank in range(catalogue):
            if count >= length:
                break
            if state[latest[rank]] == 0:
                out_courses[used + count] = latest[rank]
                out_scores[used + count] = np.floor((lowest - (rank + 1)) * SCORES + 0.5) / SCORES
                count += 1
        counts[m] = count
        used += count
        total[:] = 0.0
        state[:] = 0
    return counts


@dataclass(frozen=True)
class Rules:
    """What lists are made by.

    by_skill : (mappings, skills + 2) where the postings of each mapping and skill begin, the last skill without any;
    courses, weights : the postings;  latest : (courses,) course numbers, latest releases first;  length : of a list.
    """

    by_skill: NDArray
    courses: NDArray
    weights: NDArray
    latest: NDArray
    length: int

    def lists(
        self, mappings: NDArray, members: tuple[NDArray, NDArray, NDArray], excluded: tuple[NDArray, NDArray],
        keeps: NDArray,
    ) -> tuple[NDArray, NDArray, NDArray]:  # fmt: skip
        """Lists of m members -> counts (m,), then for each place the course number and the score, best first.

        mappings : (m,) number of the mapping, -1 for none;  members : sparse rows (offsets (m + 1,), skills, weights);
        excluded : lists (offsets (m + 1,), course numbers);  keeps : (m,) courses kept where so many share a skill.
        Where fewer do than a list is long, the latest releases follow, with scores that go down from the lowest, or 0.
        """
        room = int(np.maximum(keeps, self.length).clip(max=len(self.latest)).sum())
        courses, scores = np.empty(room, np.int32), np.empty(room)
        counts = _fill_lists(
            mappings, *members, *excluded, self.by_skill, self.courses, self.weights, self.latest, keeps, self.length,
            courses, scores,
        )  # fmt: skip
        return counts, courses[: counts.sum()], scores[: counts.sum()]


def rules_of(postings: pa.Table, latest: NDArray, length: int) -> tuple[Rules, pa.Array, pa.Array]:
    """postings : course_skills, skill_id, course_number, weight -> rules, the mappings and the skills by number."""
    mappings = pc.unique(postings["course_skills"].combine_chunks())
    skills = pc.unique(postings["skill_id"].combine_chunks())
    mapping = pc.index_in(postings["course_skills"], value_set=mappings).to_numpy()
    skill = pc.index_in(postings["skill_id"], value_set=skills).to_numpy()
    course = postings["course_number"].to_numpy()
    cell = mapping.astype(np.int64) * (len(skills) + 1) + skill
    order = np.lexsort((course, cell))
    cells = np.arange(len(mappings))[:, None] * (len(skills) + 1) + np.arange(len(skills) + 2)
    by_skill = np.searchsorted(cell[order], cells)
    weights = postings["weight"].to_numpy()[order]
    return Rules(by_skill, course[order].astype(np.int32), weights, latest.astype(np.int32), length), mappings, skills


def rule_lists(session, groups, postings, courses, variants, length: int, discount: float) -> pa.RecordBatchReader:
    """Streams (variant, member_id, courses: numbers, best first, scores), a row per row of `groups` (variant,
    member_id, course_skills, skills, weights, excluded); the arguments are relations.

    Lists have `length` courses where there are so many; those that something moves afterwards, an impression
    `discount` or the variant's boost, all that share a skill.
    """
    verbs = engine(session)
    catalogue = verbs.collect(courses, order=["course_number"])
    latest = np.argsort(catalogue["recency_rank"].to_numpy(), kind="stable")
    rules, mappings, skills = rules_of(verbs.collect(postings), latest, length)
    boosts = {row["variant"]: row["new_course_boost"] for row in verbs.collect(variants).to_pylist()}
    moved = pa.array([name for name, boost in boosts.items() if boost > 0 or discount > 0], pa.string())
    schema = pa.schema(
        [
            ("variant", pa.string()),
            ("member_id", type_of(groups, "member_id")),
            ("courses", pa.list_(pa.int32())),
            ("scores", pa.list_(pa.float64())),
        ]
    )

    def lists(batch: pa.Table) -> pa.Table:
        offsets, skill = ragged(batch["skills"])
        known = pc.fill_null(pc.index_in(pa.array(skill, skills.type), value_set=skills), len(skills)).to_numpy()
        mapping = pc.fill_null(pc.index_in(batch["course_skills"], value_set=mappings), -1).to_numpy()
        keeps = np.where(pc.is_in(batch["variant"], value_set=moved).to_numpy(), len(latest), length)
        members = (offsets, known, ragged(batch["weights"])[1])
        counts, course, score = rules.lists(mapping, members, ragged(batch["excluded"]), keeps)
        columns = [batch["variant"], batch["member_id"], list_array(counts, course), list_array(counts, score)]
        return pa.table(columns, schema=schema)

    return verbs.map_groups(groups, None, lists, schema, SHARD_LISTS, workers=CORES)
