"""Compiled loop that chooses candidates: a sparse product per pool and member, and its best without a full sort.

Nothing is compiled on import; the first call compiles, the cache on disk serves every later process.
"""

import numpy as np
from numba import njit

BUCKETS = 1024  # of scores, when the best are selected
MIX_1, MIX_2, MIX_3 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@njit(nogil=True, cache=True, inline="always")
def _draw(member, course):
    """A number in [0, 1) of the member's own number and the course (splitmix64)."""
    z = np.uint64(member) * MIX_3 + np.uint64(course + 1) * MIX_1
    z = (z ^ (z >> np.uint64(30))) * MIX_2
    z = (z ^ (z >> np.uint64(27))) * MIX_3
    return np.float64((z ^ (z >> np.uint64(31))) >> np.uint64(11)) / 9007199254740992.0


@njit(nogil=True, cache=True)
def _mark_best(total, touched, count, keep, bit, flags, histogram):
    """Marks the `keep` highest totals of touched[:count]; equal ones by course number.

    A histogram finds the bucket of the last place; only the courses in it are sorted.
    """
    if count <= keep:
        for i in range(count):
            flags[touched[i]] |= bit
        return
    lowest, highest = np.inf, -np.inf
    for i in range(count):
        lowest = min(lowest, total[touched[i]])
        highest = max(highest, total[touched[i]])
    scale = (BUCKETS - 1) / (highest - lowest) if highest > lowest else 0.0
    histogram[:] = 0
    for i in range(count):
        histogram[np.int64((total[touched[i]] - lowest) * scale)] += 1
    bucket, above = BUCKETS - 1, 0
    while above + histogram[bucket] < keep:
        above += histogram[bucket]
        bucket -= 1
    border = np.empty(histogram[bucket], np.int32)
    n = 0
    for i in range(count):
        course = touched[i]
        at = np.int64((total[course] - lowest) * scale)
        if at > bucket:
            flags[course] |= bit
        elif at == bucket:
            border[n] = course
            n += 1
    border.sort()
    order = np.argsort(-total[border], kind="mergesort")
    for i in range(keep - above):
        flags[border[order[i]]] |= bit


@njit(nogil=True, cache=True)
def merged_candidates(
    offsets, terms, weights, draws, by_term, postings, values, quotas, kept, shared, limit, out_courses, out_bits
):
    """Fills out_courses and out_bits, one member behind the other, and returns how many each has; the arguments are
    those of Pools."""
    catalogue = len(shared)
    total = np.zeros(catalogue)
    touched = np.empty(catalogue + 1, np.int32)  # what is written last may be known already
    flags = np.zeros(catalogue, np.uint8)
    everybody = np.uint8(1 << len(quotas))
    histogram = np.empty(BUCKETS, np.int64)
    counts = np.empty(len(offsets) - 1, np.int64)
    used = 0
    for m in range(len(offsets) - 1):
        for pool in range(len(quotas)):
            count = 0
            for k in range(offsets[m], offsets[m + 1]):
                weight = weights[k]
                for q in range(by_term[pool, terms[k]], by_term[pool, terms[k] + 1]):
                    course = postings[q]
                    # without a branch: whether a course is new cannot be guessed
                    touched[count] = course
                    count += np.int64(total[course] == 0.0)
                    total[course] += weight * values[q]
            if kept[pool] < 1.0:
                drawn = 0
                for i in range(count):
                    course = touched[i]
                    if _draw(draws[m], course) < kept[pool]:
                        touched[drawn] = course
                        drawn += 1
                    else:
                        total[course] = 0.0
                count = drawn
            _mark_best(total, touched, count, quotas[pool], np.uint8(1 << pool), flags, histogram)
            for i in range(count):
                total[touched[i]] = 0.0
        own = 0
        for course in range(catalogue):
            own += np.int64(flags[course] > 0)
        for course in shared:
            if own >= limit:
                break
            if flags[course] == 0:
                flags[course] = everybody
                own += 1
        counts[m] = own
        for course in range(catalogue):
            if flags[course] > 0:
                out_courses[used] = course
                out_bits[used] = flags[course]
                used += 1
            flags[course] = 0
    return counts
