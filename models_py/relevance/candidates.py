"""Candidates of a member (section 4.2): the best of a few pools, each a sparse product, then what everybody gets."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from relevance.candidate_kernels import merged_candidates
from relevance.engine import CORES, engine, list_array, ragged, type_of

POOLS = ("skill_affinity", "thinned_skill_affinity", "similar_to_engaged")
# pools of a candidate: the character LETTER + the sum of 2^i for pool i, 2^len(POOLS) for what everybody gets; a text
# is written in a sixth of the time of a list
LETTER = 64
BATCH_MEMBERS = 2048


@dataclass(frozen=True)
class Pools:
    """What candidates are chosen from.

    by_term : (pools, terms + 1) where the postings of each pool and term begin;  courses, weights : the postings;
    quotas : (pools,) courses taken of each pool;  kept : (pools,) share of a pool's courses that take part, drawn by
    member and course;  shared : course numbers for everybody, best first;  limit : candidates of a member.
    """

    by_term: NDArray
    courses: NDArray
    weights: NDArray
    quotas: NDArray
    kept: NDArray
    shared: NDArray
    limit: int

    def of(
        self,
        members: tuple[NDArray, NDArray, NDArray],
        draws: NDArray,
        excluded: tuple[NDArray, NDArray] | None = None,
    ) -> tuple[NDArray, ...]:
        """Candidates of m members with sparse rows (offsets (m + 1,), terms, weights), a number each that courses are
        drawn by, and lists (offsets (m + 1,), course numbers) of what they are not to get -> counts (m,), then for
        each candidate, ascending by member and course, the course number and the letter of its pools."""
        offsets = members[0]
        if excluded is None:
            excluded = (np.zeros_like(offsets), np.zeros(0, np.int32))
        courses = np.empty((len(offsets) - 1) * self.limit + 1, np.int32)
        letters = np.empty((len(offsets) - 1) * self.limit + 1, np.uint8)
        counts = merged_candidates(
            *members, draws, *excluded, self.by_term, self.courses, self.weights, self.quotas, self.kept,
            self.shared, self.limit, LETTER, courses, letters,
        )  # fmt: skip
        return counts, courses[: counts.sum()], letters[: counts.sum()]


def pools_of(postings: list[csr_matrix], quotas: list[int], kept: list[float], shared: NDArray, limit: int) -> Pools:
    """postings : a (terms, courses) matrix per pool. Raises ValueError unless weights are from 1e-12 to 1e12."""
    for matrix in postings:
        bad = ~((matrix.data >= 1e-12) & (matrix.data <= 1e12))  # single precision multiplies them
        if bad.any():
            raise ValueError(
                f"{bad.sum()} weights of postings, such as {matrix.data[bad][0]}, are not from 1e-12 to 1e12"
            )
    first = np.cumsum([0, *(matrix.nnz for matrix in postings)])
    return Pools(
        np.vstack([matrix.indptr.astype(np.int64) + start for matrix, start in zip(postings, first, strict=False)]),
        np.concatenate([matrix.indices.astype(np.uint32) for matrix in postings]),
        np.concatenate([matrix.data.astype(np.float32) for matrix in postings]),
        np.array(quotas, np.int64),
        np.array(kept, float),
        shared.astype(np.int32),
        limit,
    )


def candidate_lists(session, members, postings, terms, courses, pools, limit: int) -> pa.RecordBatchReader:
    """Streams (member_id, courses: numbers ascending, pools: a letter each), one row per member; the arguments are
    relations. `limit` candidates a member where the catalogue has so many, a pool's share of them at most from it.

    Raises ValueError if `pools` are not those of POOLS, or share out more than all places.
    """
    verbs = engine(session)
    catalogue = verbs.collect(courses, order=["course_number"])
    settings = {row["pool"]: row for row in verbs.collect(pools).to_pylist()}
    if set(settings) != set(POOLS):
        raise ValueError(
            f"seed candidate_pools has {', '.join(sorted(settings))}. Remedy: keep the pools {', '.join(POOLS)}"
        )
    if sum(row["share"] for row in settings.values()) > 1 + 1e-9:
        raise ValueError("seed candidate_pools: the shares add up to more than 1. Remedy: lower some of them")
    shape = (verbs.collect(terms.aggregate("count(*) as terms"))["terms"][0].as_py(), catalogue.num_rows)
    rows = verbs.collect(postings, order=["pool", "term_number", "course_number"])
    matrices = []
    for pool in POOLS:
        of = rows.filter(pc.equal(rows.column("pool"), pool))
        places = (of.column("term_number").to_numpy(), of.column("course_number").to_numpy())
        matrices.append(csr_matrix((of.column("weight").to_numpy(), places), shape))
    chosen = pools_of(
        matrices,
        [int(settings[pool]["share"] * limit) for pool in POOLS],
        [settings[pool]["kept_share"] for pool in POOLS],
        np.argsort(catalogue.column("shared_rank").to_numpy(), kind="stable"),
        limit,
    )
    schema = pa.schema(
        [("member_id", type_of(members, "member_id")), ("courses", pa.list_(pa.int32())), ("pools", pa.string())]
    )

    def lists(batch: pa.Table) -> pa.Table:
        offsets, term = ragged(batch.column("terms"))
        rows = (offsets, term, ragged(batch.column("weights"))[1])
        counts, course, letters = chosen.of(rows, batch.column("draw").to_numpy(), ragged(batch.column("excluded")))
        listed = list_array(counts, course)
        pools_of_each = pa.StringArray.from_buffers(len(counts), listed.offsets.buffers()[1], pa.py_buffer(letters))
        return pa.table([batch.column("member_id"), listed, pools_of_each], schema=schema)

    return verbs.map_groups(members, None, lists, schema, BATCH_MEMBERS, workers=CORES)
