"""The collection within which reasons are ranked (section 3.4): the courses that any list of a member holds.

Grouping the places of all lists takes an engine several times what it takes to walk them member by member.
"""

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from relevance.engine import CORES, engine, ragged, runs, type_of

LISTS = 1 << 13  # read at a time


@njit(nogil=True, cache=True)
def _fill_pairs(ptr, offsets, courses, positions, catalogue, out_courses, out_positions):
    """Fills the pairs, member after member without gaps, by course number; returns how many each member has."""
    counts = np.empty(len(ptr) - 1, np.int64)
    best = np.zeros(catalogue, np.int32)  # 0 is none
    used = 0
    for m in range(len(ptr) - 1):
        first = used
        for place in range(offsets[ptr[m]], offsets[ptr[m + 1]]):
            course = courses[place]
            if best[course] == 0:
                out_courses[used] = course
                used += 1
            if best[course] == 0 or positions[place] < best[course]:
                best[course] = positions[place]
        out_courses[first:used] = np.sort(out_courses[first:used])
        for pair in range(first, used):
            out_positions[pair] = best[out_courses[pair]]
            best[out_courses[pair]] = 0
        counts[m] = used - first
    return counts


def best_positions(
    ptr: NDArray, offsets: NDArray, courses: NDArray, positions: NDArray, catalogue: int
) -> tuple[NDArray, NDArray, NDArray]:
    """Pairs of m members -> counts (m,), then for each pair the course number, rising for a member, and the position.

    ptr : (m + 1,) where the lists of each member begin;  offsets : (lists + 1,) where the places of each list begin;
    courses, positions : (places,) course numbers below `catalogue`, and positions from 1.
    """
    room = min(len(courses), (len(ptr) - 1) * catalogue)
    out_courses, out_positions = np.empty(room, np.int32), np.empty(room, np.int32)
    counts = _fill_pairs(ptr, offsets, courses, positions, catalogue, out_courses, out_positions)
    return counts, out_courses[: counts.sum()], out_positions[: counts.sum()]


def recommended_pairs(session, lists, courses) -> pa.RecordBatchReader:
    """Streams (member_id, course_id, best_position), ordered by member, from the lists of all variants.

    lists : relation (member_id, courses: numbers, positions from 1);  courses : relation (course_id, course_number),
    numbers from 0 without gaps.
    """
    verbs = engine(session)
    course_ids = verbs.collect(courses, ["course_number"])["course_id"].combine_chunks()
    schema = pa.schema(
        [("member_id", type_of(lists, "member_id")), ("course_id", course_ids.type), ("best_position", pa.int32())]
    )

    def pairs(table: pa.Table) -> pa.Table:
        member = table["member_id"].combine_chunks()
        ptr = runs(member)
        (offsets, course), (_, position) = ragged(table["courses"]), ragged(table["positions"])
        counts, course, position = best_positions(ptr, offsets, course, position, len(course_ids))
        columns = [member.take(pa.array(np.repeat(ptr[:-1], counts))), course_ids.take(pa.array(course)), position]
        return pa.table(columns, schema=schema)

    read = lists.project("member_id, courses, positions")
    return verbs.map_groups(read, "member_id", pairs, schema, LISTS, workers=CORES)
