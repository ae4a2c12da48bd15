"""Candidates: the compiled pass over skill postings against a sparse product of scipy and argpartition.

100,000 members with 15 skills, 5,000 courses with 6 of 1,500 skills, the best 750 courses of each member. Prints
members per second of both in memory, interleaved, each with a thread per core, and their ratio; then of
`candidate_lists` from a table to a table of lists, and its ratio to the same in memory.

    .venv/bin/python benchmarks/candidates.py [members, default 100000]
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from scipy.sparse import csr_matrix

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models_py"))

from relevance.candidates import POOLS, candidate_lists, pools_of
from relevance.engine import CORES, in_order, list_array

COURSES, SKILLS, SKILLS_OF_MEMBER, SKILLS_OF_COURSE, KEPT = 5_000, 1_500, 15, 6, 750
BATCH, REPEATS = 2_048, 3


def drawn(rng: np.random.Generator, rows: int, entries: int) -> csr_matrix:
    """(rows, skills) with so many different skills in each row, weights above 0; common skills come often."""
    popularity = 1 / np.arange(1, SKILLS + 1) ** 0.75
    keys = rng.exponential(size=(rows, SKILLS)).astype(np.float32) / popularity.astype(np.float32)
    columns = np.sort(np.argpartition(keys, entries, axis=1)[:, :entries], axis=1)
    return csr_matrix(
        (rng.uniform(0.05, 1, rows * entries), columns.ravel(), np.arange(0, rows * entries + 1, entries)),
        (rows, SKILLS),
    )


def members_of(rng: np.random.Generator, count: int) -> csr_matrix:
    parts = [drawn(rng, min(5_000, count - first), SKILLS_OF_MEMBER) for first in range(0, count, 5_000)]
    return csr_matrix(
        (
            np.concatenate([part.data for part in parts]),
            np.concatenate([part.indices for part in parts]),
            np.arange(0, count * SKILLS_OF_MEMBER + 1, SKILLS_OF_MEMBER),
        ),
        (count, SKILLS),
    )


def by_scipy(members: csr_matrix, of_courses: csr_matrix) -> int:
    """The sparse product, then argpartition of each row."""
    product = members @ of_courses
    kept = 0
    for first, last in zip(product.indptr[:-1], product.indptr[1:], strict=True):
        courses = product.indices[first:last]
        if len(courses) > KEPT:
            courses = courses[np.argpartition(product.data[first:last], -KEPT)[-KEPT:]]
        kept += len(np.sort(courses))
    return kept


def timed(run) -> tuple[int, float]:
    """What the parts add up to, and seconds."""
    start = time.perf_counter()
    return sum(run()), time.perf_counter() - start


def main(count: int) -> None:
    rng = np.random.default_rng(11)
    of_courses = csr_matrix(drawn(rng, COURSES, SKILLS_OF_COURSE).T)
    members = members_of(rng, count)
    nothing = csr_matrix((SKILLS, COURSES))
    pools = pools_of([of_courses, nothing, nothing], [KEPT, 0, 0], [1, 1, 1], np.arange(COURSES), KEPT)
    draws = np.arange(count)
    slices = [slice(first, min(first + BATCH, count)) for first in range(0, count, BATCH)]

    def compiled(part: slice) -> int:
        rows = members[part]
        return len(pools.of((rows.indptr.astype(np.int64), rows.indices, rows.data), draws[part])[1])

    compiled(slices[0])
    triples = np.diff(of_courses.indptr)[members.indices].sum() / count
    print(f"{triples:,.0f} pairs of a skill and a course for each member")
    ways = {
        "compiled": lambda: in_order(compiled, slices, CORES),
        "scipy": lambda: in_order(lambda part: by_scipy(members[part], of_courses), slices, CORES),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(REPEATS):
        for name, run in ways.items():
            kept, taken = timed(run)
            times[name].append(taken)
            print(f"  {name:9} {kept:,} candidates in {taken:.2f} s")
    rate = {name: count / statistics.median(taken) for name, taken in times.items()}
    print(
        f"in memory, members per second: compiled {rate['compiled']:,.0f}, scipy + argpartition {rate['scipy']:,.0f},"
    )
    print(f"  ratio {rate['compiled'] / rate['scipy']:.2f} (2 or more is wanted)")

    with tempfile.TemporaryDirectory() as folder, duckdb.connect(f"{folder}/warehouse.duckdb") as session:
        nobody = list_array(np.zeros(count), np.zeros(0, np.int32))
        lists = [list_array(np.full(count, SKILLS_OF_MEMBER), values) for values in (members.indices, members.data)]
        session.register(
            "given",
            pa.table(
                {
                    "member_id": np.arange(count),
                    "draw": draws,
                    "terms": lists[0],
                    "weights": lists[1],
                    "excluded": nobody,
                }
            ),
        )
        entries = of_courses.tocoo()
        rows = pa.table(
            {
                "pool": pa.array([POOLS[0]] * entries.nnz),
                "term_number": entries.row,
                "course_number": entries.col,
                "weight": entries.data,
            }
        )
        courses = pa.table({"course_number": np.arange(COURSES), "shared_rank": np.arange(COURSES)})
        shares = pa.table({"pool": POOLS, "share": [1.0, 0.0, 0.0], "kept_share": [1.0, 1.0, 1.0]})
        terms = pa.table({"term_number": np.arange(SKILLS)})
        session.execute("create table members as from given")
        written = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            relations = [session.from_arrow(table) for table in (rows, terms, courses, shares)]
            session.register("streamed", candidate_lists(session, session.table("members"), *relations, KEPT))
            session.execute("create or replace table lists as from streamed")
            session.execute("checkpoint")
            written.append(time.perf_counter() - start)
            print(f"  from table to table {written[-1]:.2f} s")
        ((kept,),) = session.execute("select sum(len(courses)) from lists").fetchall()
    each = count / statistics.median(written)
    print(f"from a table to a table of lists, {kept:,} candidates: {each:,.0f} members per second (12,000 are wanted),")
    print(f"  {rate['compiled'] / each:.1f} x the time in memory")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
