"""The key-value store: one record per member (section 4.3, figure 8).

A record holds the courses of all rankings of a member once, each with its reason, and per ranking a list of places in
them. Courses and reasons are numbers of small tables; the courses stand in the order of the first ranking, then come
those that are new in the next ones. Lists hold the integers as they are: the engine packs their bits, and differences
from place to place took more room.

Nothing is compiled on import; the first call compiles, the cache on disk serves every later process.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from numpy.typing import NDArray

from relevance.engine import CORES, engine, list_array, list_offsets, runs, type_of

LONGEST = np.iinfo(np.int16).max  # places are 16-bit
COURSE = pa.struct([("course_number", pa.int32()), ("reason", pa.int16())])
LISTS = 1 << 13  # read at a time


@dataclass(frozen=True)
class StoreRows:
    """Rows of whole members: member m owns the rows ptr[m]:ptr[m + 1], in any order.

    A row is a place (variant, course, position from 1, score), the reason of a course (course, reason) or a treatment
    (variant, channel). Numbers count from 0; -1 is none.
    """

    ptr: NDArray  # (members + 1,)
    variant: NDArray
    course: NDArray
    position: NDArray
    score: NDArray
    reason: NDArray
    channel: NDArray


def encode(session, lists, keys) -> pa.RecordBatchReader:
    """Stream of records (member_id, courses, reasons, rankings, scores, treatments), ordered by member.

    lists : relation (member_id, variant_number, channel_number, course_numbers, positions, scores, reason_numbers): a
    list of courses with positions from 1 and scores of a variant; or one of courses with reasons; or, without courses,
    the variant of a channel;  keys : relation (kind, name, number) of variants and channels, and of the reason that a
    course has which is not among those with reasons.
    Raises ValueError as `encoded` does.
    """
    engine_ = engine(session)
    named = engine_.collect(keys, ["kind", "number"])
    names = {
        kind: named.filter(pc.equal(named["kind"], kind))["name"].combine_chunks() for kind in ("variant", "channel")
    }
    other_reason = next(iter(named.filter(pc.equal(named["kind"], "reason"))["number"].to_pylist()), -1)
    schema = record_schema(type_of(lists, "member_id"))

    def records(table: pa.Table) -> pa.Table:
        members, rows = store_rows(table)
        return encoded(members, rows, names["variant"], names["channel"], other_reason)

    return engine_.map_groups(lists, "member_id", records, schema, rows=LISTS, workers=CORES)


def store_rows(lists: pa.Table) -> tuple[pa.Array, StoreRows]:
    """The members of lists as in `encode`, ordered by member, and what they hold as rows."""
    member = lists["member_id"].combine_chunks()
    starts = runs(member)
    lengths = pc.fill_null(pc.list_value_length(lists["course_numbers"]), 0).to_numpy()
    counts = np.where(lists["channel_number"].is_valid().to_numpy(), 1, lengths)  # a treatment is a row of its own
    variant, channel = (
        np.repeat(pc.fill_null(lists[name], -1).to_numpy(), counts) for name in ("variant_number", "channel_number")
    )
    is_reason = variant < 0
    is_place = ~is_reason & (channel < 0)

    def column(rows: NDArray, name: str, none, dtype) -> NDArray:
        of_rows = np.full(len(variant), none, dtype)
        of_rows[rows] = lists[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return of_rows

    rows = StoreRows(
        ptr=np.concatenate([[0], np.cumsum(counts)])[starts],
        variant=variant,
        course=column(channel < 0, "course_numbers", -1, np.int32),
        position=column(is_place, "positions", -1, np.int32),
        score=column(is_place, "scores", 0.0, np.float64),
        reason=column(is_reason, "reason_numbers", -1, np.int32),
        channel=channel,
    )
    return member.take(pa.array(starts[:-1])), rows


def record_schema(member_type: pa.DataType) -> pa.Schema:
    """Columns of a record, for members of that type."""
    return pa.schema(
        [
            ("member_id", member_type),
            ("courses", pa.list_(COURSE)),
            ("reasons", pa.list_(pa.int32())),
            ("rankings", pa.map_(pa.string(), pa.list_(pa.int16()))),
            ("scores", pa.map_(pa.string(), pa.list_(pa.float64()))),
            ("treatments", pa.map_(pa.string(), pa.string())),
        ]
    )


def encoded(
    members: pa.Array, rows: StoreRows, variants: pa.Array, channels: pa.Array, other_reason: int = -1
) -> pa.Table:
    """Records of members; variants and channels are names by number, other_reason is that of courses without a reason.

    Raises ValueError if a ranking skips or repeats a position, holds a course twice or one without a reason, or if a
    member has more than 32,767 courses.
    """
    lengths = _counted(rows.ptr, rows.variant, rows.position, len(variants))
    spans = list_offsets(lengths.reshape(-1))
    listed = lengths > 0
    places = np.empty(spans[-1], np.int16)
    scores = np.empty(spans[-1])
    union_course = np.empty(spans[-1], np.int32)
    union_reason = np.empty(spans[-1], np.int16)
    own_reasons = np.empty(spans[-1], np.int32)
    union_size = np.empty(len(members), np.int32)
    reasons_size = np.empty(len(members), np.int32)
    courses = int(rows.course.max(initial=-1)) + 1
    reasons = int(rows.reason.max(initial=other_reason)) + 1
    code, at = _fill(
        rows.ptr, rows.variant, rows.course, rows.position, rows.score, rows.reason, spans, len(variants), courses,
        reasons, other_reason, places, scores, union_course, union_reason, own_reasons, union_size, reasons_size,
    )  # fmt: skip
    if code:
        member = members[int(at)].as_py()
        raise ValueError(f"the store cannot hold the lists of member {member!r}: {WRONG[code]}")
    courses_of = pa.StructArray.from_arrays(
        [pa.array(union_course[: union_size.sum()]), pa.array(union_reason[: union_size.sum()])], fields=list(COURSE)
    )
    ranked = listed.sum(axis=1)
    own_variants = variants.take(pa.array(np.nonzero(listed)[1]))
    own_spans = list_offsets(lengths[listed])
    treated = np.flatnonzero(rows.channel >= 0)
    owner = np.searchsorted(rows.ptr, treated, "right") - 1
    treated = treated[np.lexsort((rows.channel[treated], owner))]
    treatments = np.bincount(owner, minlength=len(members))
    return pa.table(
        {
            "member_id": members,
            "courses": list_array(union_size, courses_of),
            "reasons": list_array(reasons_size, pa.array(own_reasons[: reasons_size.sum()])),
            "rankings": _maps(ranked, own_variants, pa.ListArray.from_arrays(own_spans, pa.array(places))),
            "scores": _maps(ranked, own_variants, pa.ListArray.from_arrays(own_spans, pa.array(scores))),
            "treatments": _maps(
                treatments,
                channels.take(pa.array(rows.channel[treated])),
                variants.take(pa.array(rows.variant[treated])),
            ),
        }
    )


def _maps(sizes: NDArray, keys: pa.Array, values: pa.Array) -> pa.Array:
    return pa.MapArray.from_arrays(pa.array(list_offsets(sizes)), keys, values)


WRONG = {
    1: "a ranking skips or repeats a position, or holds a course twice. Remedy: build scores again",
    2: "a course has no reason. Remedy: build best_reasons again",
    3: f"they have more than {LONGEST:,} courses. Remedy: keep fewer per list (recommendations_per_member)",
}


@njit(nogil=True, cache=True)
def _counted(ptr, variant, position, variants):
    """(members, variants): places per ranking."""
    lengths = np.zeros((len(ptr) - 1, variants), np.int32)
    for m in range(len(ptr) - 1):
        for i in range(ptr[m], ptr[m + 1]):
            if position[i] > 0:
                lengths[m, variant[i]] += 1
    return lengths


@njit(nogil=True, cache=True)
def _fill(
    ptr, variant, course, position, score, reason, spans, variants, courses, reasons,
    other_reason, places, scores, union_course, union_reason, own_reasons, union_size, reasons_size,
):  # fmt: skip
    """Fills the lists, member after member without gaps; returns what is wrong (0: nothing) and with which member."""
    ranked = np.empty(len(places), np.int32)  # course at each place of each ranking
    ranked[:] = -1
    reason_of = np.full(courses, -1, np.int32)
    place_of = np.full(courses, -1, np.int32)
    listed_in = np.full(courses, -1, np.int64)
    reason_place = np.full(reasons, -1, np.int32)
    first_course = 0
    first_reason = 0
    for m in range(len(ptr) - 1):
        for i in range(ptr[m], ptr[m + 1]):
            if position[i] > 0:
                begin = spans[m * variants + variant[i]]
                slot = begin + position[i] - 1
                if slot >= spans[m * variants + variant[i] + 1] or ranked[slot] >= 0:
                    return 1, m
                ranked[slot] = course[i]
                scores[slot] = score[i]
            elif reason[i] >= 0:
                reason_of[course[i]] = reason[i]
        size = 0
        own = 0
        for v in range(variants):
            for slot in range(spans[m * variants + v], spans[m * variants + v + 1]):
                c = ranked[slot]
                if listed_in[c] == m * variants + v:
                    return 1, m
                listed_in[c] = m * variants + v
                if place_of[c] < 0:
                    r = reason_of[c] if reason_of[c] >= 0 else other_reason
                    if r < 0:
                        return 2, m
                    if size == LONGEST:
                        return 3, m
                    if reason_place[r] < 0:
                        own_reasons[first_reason + own] = r
                        own += 1
                        reason_place[r] = own
                    union_course[first_course + size] = c
                    union_reason[first_course + size] = reason_place[r]
                    size += 1
                    place_of[c] = size
                places[slot] = place_of[c]
        for k in range(first_course, first_course + size):
            place_of[union_course[k]] = -1
        for k in range(first_reason, first_reason + own):
            reason_place[own_reasons[k]] = -1
        for i in range(ptr[m], ptr[m + 1]):
            if reason[i] >= 0:
                reason_of[course[i]] = -1
        union_size[m] = size
        reasons_size[m] = own
        first_course += size
        first_reason += own
    return 0, 0
