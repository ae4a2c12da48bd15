"""Compiled loop that chooses candidates: a sparse product per pool and member, and its best without a full sort.

Nothing is compiled on import; the first call compiles, the cache on disk serves every later process.
"""

import numpy as np
from numba import njit

BUCKETS = 1024  # of scores, when the best are selected
EXCLUDED = np.uint8(255)
MIX_1, MIX_2, MIX_3 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@njit(nogil=True, cache=True, inline="always")
def _draw(member, course):
    """A number in [0, 1) of the member's own number and the course (splitmix64)."""
    z = np.uint64(member) * MIX_3 + np.uint64(course + 1) * MIX_1
    z = (z ^ (z >> np.uint64(30))) * MIX_2
    z = (z ^ (z >> np.uint64(27))) * MIX_3
    return np.float64((z ^ (z >> np.uint64(31))) >> np.uint64(11)) / 9007199254740992.0


@njit(nogil=True, cache=True)
def _mark_best(scores, highest, courses, count, keep, bit, flags, histogram):
    """Marks the courses of the `keep` highest of scores[:count], from 0 to `highest`; equal ones by course number.
    Returns how many had no mark.

    A histogram finds the bucket of the last place; only the courses in it are sorted.
    """
    new = 0
    if count <= keep:
        for i in range(count):
            new += np.int64(flags[courses[i]] == 0)
            flags[courses[i]] |= bit
        return new
    scale = np.float32(BUCKETS - 1) / highest
    histogram[:] = 0
    for i in range(count):
        histogram[np.uint32(scores[i] * scale)] += 1
    bucket, above = BUCKETS - 1, 0
    while above + histogram[bucket] < keep:
        above += histogram[bucket]
        bucket -= 1
    border = np.empty(histogram[bucket], np.uint32)
    score = np.empty(histogram[bucket], np.float32)
    n = 0
    for i in range(count):
        at = np.uint32(scores[i] * scale)
        if at > bucket:
            new += np.int64(flags[courses[i]] == 0)
            flags[courses[i]] |= bit
        elif at == bucket:
            border[n] = courses[i]
            score[n] = scores[i]
            n += 1
    by_course = np.argsort(border)
    best = by_course[np.argsort(-score[by_course], kind="mergesort")]
    for i in range(keep - above):
        course = border[best[i]]
        new += np.int64(flags[course] == 0)
        flags[course] |= bit
    return new


@njit(nogil=True, cache=True)
def merged_candidates(
    offsets, terms, weights, draws, excluded_offsets, excluded, by_term, postings, values, quotas, kept, shared, limit,
    letter, out_courses, out_letters,
):  # fmt: skip
    """Fills out_courses and out_letters, one member behind the other and one place longer than they can become, and
    returns how many each has; the arguments are those of Pools."""
    catalogue = len(shared)
    total = np.zeros(catalogue, np.float32)
    touched = np.empty(catalogue + 1, np.uint32)  # what is written last may be known already
    scores = np.empty(catalogue, np.float32)
    flags = np.zeros(catalogue, np.uint8)
    everybody = np.uint8(1 << len(quotas))
    histogram = np.empty(BUCKETS, np.int64)
    counts = np.empty(len(offsets) - 1, np.int64)
    used = 0
    for m in range(len(offsets) - 1):
        for k in range(excluded_offsets[m], excluded_offsets[m + 1]):
            flags[excluded[k]] = EXCLUDED
        own = 0
        for pool in range(len(quotas)):
            count = 0
            for k in range(offsets[m], offsets[m + 1]):
                weight = np.float32(weights[k])
                for q in range(by_term[pool, terms[k]], by_term[pool, terms[k] + 1]):
                    course = postings[q]
                    # without a branch: whether a course is new cannot be guessed
                    touched[count] = course
                    count += np.int64(total[course] == 0)
                    total[course] += weight * values[q]
            taken, highest = np.int64(0), np.float32(0)  # a literal is a type of its own, to be compiled for
            for i in range(count):
                course = touched[i]
                score = total[course]
                total[course] = 0
                if flags[course] == EXCLUDED or (kept[pool] < 1.0 and _draw(draws[m], course) >= kept[pool]):
                    continue
                touched[taken] = course
                scores[taken] = score
                highest = max(highest, score)
                taken += 1
            own += _mark_best(scores, highest, touched, taken, quotas[pool], np.uint8(1 << pool), flags, histogram)
        for course in shared:
            if own >= limit:
                break
            if flags[course] == 0:
                flags[course] = everybody
                own += 1
        counts[m] = own
        for course in range(catalogue):
            out_courses[used] = course
            out_letters[used] = letter + flags[course]
            used += np.int64((flags[course] > 0) & (flags[course] != EXCLUDED))
        flags[:] = 0
    return counts
