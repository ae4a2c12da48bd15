"""Scoring on the fly, end to end: read members from a table, score 750 candidates, keep 200, write a table.

5,000 courses and members with vectors of 64 dimensions, whose product is the score (a learned coefficient of a dot
product, as the project's variants have them). Prints, in one run,

- members per second end to end, and the ratio of its time to two yardsticks in memory, interleaved with it: the bare
  product of all members with all courses (GEMM, single precision), and the bare kernels of the scorer on arrays;
- seconds and peak memory of a process that does it, for 100,000, 200,000 and 400,000 members, under a limit of 500 MB
  for the engine: whether memory stays flat and seconds grow in line.

    .venv/bin/python benchmarks/scoring.py [members, default 100000]
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models_py"))

from relevance.catalogue_kernels import add_dense_products, best_pairs
from relevance.engine import CORES, in_order, list_array
from relevance.publication import ROW_GROUP
from relevance.scoring import learned_lists
from row_group_plugin import attach_again

COURSES, DIMENSIONS, CANDIDATES, KEPT = 5_000, 64, 750, 200
REPEATS, BATCH = 3, 512
SIZES = (1, 2, 4)


def warehouse(file: str) -> duckdb.DuckDBPyConnection:
    """The file as dbt opens it."""
    session = duckdb.connect(file)
    attach_again(session, file, Path(file).stem, ROW_GROUP)
    return session


def course_vectors() -> np.ndarray:
    return np.random.default_rng(3).standard_normal((COURSES, DIMENSIONS))


def members_of(first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(count, candidates) course numbers, ascending, and (count, dimensions) vectors."""
    rng = np.random.default_rng([5, first])
    drawn = np.argpartition(rng.random((count, COURSES), dtype=np.float32), CANDIDATES, axis=1)[:, :CANDIDATES]
    return np.sort(drawn, axis=1), rng.standard_normal((count, DIMENSIONS))


def fill(session: duckdb.DuckDBPyConnection, members: int) -> None:
    """Rows of scoring_groups, and what else the scorer reads."""
    terms = [str(d) for d in range(DIMENSIONS)]
    session.register("drawn", pa.RecordBatchReader.from_batches(*_batches(members)))
    session.execute("create table groups as from drawn")
    vectors = course_vectors()
    tables = {
        "coefficients": {"variant": ["m900"], "effect": ["global"], "entity_id": pa.nulls(1, pa.string()),
                         "feature": ["affinity"], "term": [""], "coefficient": [0.5]},
        "variants": {"variant": ["m900"], "learner": ["logistic"], "parts": pa.nulls(1, pa.string())},
        "terms": {"feature": ["member_vector"] * DIMENSIONS, "term": terms, "term_number": range(DIMENSIONS)},
        "pair_terms": {"feature": pa.nulls(0, pa.string()), "term": pa.nulls(0, pa.string()),
                       "term_number": pa.nulls(0, pa.int32())},
        "courses": {"course_id": np.arange(COURSES), "course_number": np.arange(COURSES)},
        "features": {"course_id": np.repeat(np.arange(COURSES), DIMENSIONS),
                     "feature": ["course_vector"] * vectors.size, "term": terms * COURSES, "value": vectors.ravel()},
        "steps": {"feature": ["affinity"], "operation": ["dot"], "side": ["interaction"],
                  "left_feature": ["member_vector"], "right_feature": ["course_vector"]},
        "buckets": {"feature": pa.nulls(0, pa.string()), "term": pa.nulls(0, pa.string()),
                    "low": pa.nulls(0, pa.float64()), "high": pa.nulls(0, pa.float64())},
    }  # fmt: skip
    for name, columns in tables.items():
        session.register("given", pa.table({key: pa.array(values) for key, values in columns.items()}))
        session.execute(f"create table {name} as from given")
    session.execute("checkpoint")


def _batches(members: int):
    def batch(first: int) -> pa.RecordBatch:
        count = min(BATCH, members - first)
        courses, vectors = members_of(first, count)
        empty = {name: list_array(np.zeros(count), np.array([], kind)) for name, kind in
                 (("pair_courses", "i4"), ("pair_terms", "i4"), ("pair_values", "f8"))}  # fmt: skip
        return pa.RecordBatch.from_pydict(
            {
                "member_id": np.arange(first, first + count),
                "variants": list_array(np.ones(count), pa.array(["m900"] * count)),
                "courses": list_array(np.full(count, CANDIDATES), courses.ravel().astype(np.int32)),
                "terms": list_array(np.full(count, DIMENSIONS), np.tile(np.arange(DIMENSIONS, dtype=np.int32), count)),
                "term_values": list_array(np.full(count, DIMENSIONS), vectors.ravel()),
                **empty,
            }
        )

    return batch(0).schema, in_order(batch, range(0, members, BATCH), CORES)


def end_to_end(session: duckdb.DuckDBPyConnection, members: int) -> int:
    """Scores the first members; returns the rows written."""
    names = ("coefficients", "variants", "terms", "pair_terms", "courses", "features", "steps", "buckets")
    groups = session.table("groups").filter(f"member_id < {members}")
    session.register("streamed", learned_lists(session, groups, *map(session.table, names), KEPT))
    session.execute("create or replace table scores as from streamed")
    session.execute("checkpoint")
    session.unregister("streamed")
    ((rows,),) = session.execute("select count(*) from scores").fetchall()
    return rows


def product_of_all(vectors: np.ndarray, of_courses: np.ndarray) -> None:
    """GEMM, a batch at a time by a thread per core."""
    for _ in in_order(lambda i: (vectors[i : i + 256] @ of_courses).shape, range(0, len(vectors), 256), CORES):
        pass


def bare_kernels(courses: np.ndarray, vectors: np.ndarray, matrix: np.ndarray) -> None:
    """Dot products at the candidates and the best of them, arrays in memory."""
    place = np.arange(DIMENSIONS)

    def batch(first: int) -> int:
        x = vectors[first : first + BATCH]
        of = courses[first : first + BATCH].ravel()
        offsets = np.arange(0, len(of) + 1, CANDIDATES)
        out, best = np.zeros(len(of)), np.empty(len(of), np.int64)
        rows = (np.arange(0, x.size + 1, DIMENSIONS), np.tile(place, len(x)), x.ravel())
        add_dense_products(*rows, place, matrix, offsets, of, out)
        return int(best_pairs(offsets, out, KEPT, best).sum())

    for _ in in_order(batch, range(0, len(vectors), BATCH), CORES):
        pass


def seconds(run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def one_process(file: str, members: int) -> None:
    """Scores in this process and prints seconds and the peak of its memory."""
    with warehouse(file) as session:
        session.execute("set memory_limit = '500MB'")
        taken = seconds(lambda: end_to_end(session, members))
    # not ru_maxrss: it begins with the size of the process that started this one
    (peak,) = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
    print(json.dumps({"seconds": taken, "peak_mb": int(peak) / 1e3}))


def main(members: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/warehouse.duckdb"
        with warehouse(file) as session:
            fill(session, SIZES[-1] * members)
            courses, vectors = zip(
                *(members_of(i, min(BATCH, members - i)) for i in range(0, members, BATCH)), strict=True
            )
            courses, vectors = np.concatenate(courses), np.concatenate(vectors)
            matrix = course_vectors()
            single, of_courses = vectors.astype(np.float32), np.ascontiguousarray(matrix.T, dtype=np.float32)
            end_to_end(session, BATCH)  # compiles
            ways = {
                "end to end": lambda: end_to_end(session, members),
                "product of all courses": lambda: product_of_all(single, of_courses),
                "bare kernels": lambda: bare_kernels(courses, vectors, matrix),
            }
            times: dict[str, list[float]] = {name: [] for name in ways}
            with threadpool_limits(1):
                for _ in range(REPEATS):
                    for name, run in ways.items():
                        times[name].append(seconds(run))
                        print(f"  {name:23} {times[name][-1]:6.2f} s", flush=True)
        taken = {name: statistics.median(each) for name, each in times.items()}
        for name, each in taken.items():
            print(f"{name:23} {members / each:9,.0f} members per second")
        print(
            f"end to end is {taken['end to end'] / taken['product of all courses']:.2f} x the product of all courses,"
        )
        print(f"  {taken['end to end'] / taken['bare kernels']:.2f} x the bare kernels (2.5 or less is wanted)")
        runs = {}
        for size in SIZES:
            command = [sys.executable, __file__, "one", file, str(size * members)]
            runs[size] = json.loads(
                subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
            )
            print(f"{size * members:9,} members: {runs[size]['seconds']:6.1f} s, peak {runs[size]['peak_mb']:,.0f} MB")
        print(f"peak memory with {SIZES[-1]} times the members: x {runs[4]['peak_mb'] / runs[1]['peak_mb']:.2f} (1.25)")
        first, second = ((runs[b]["seconds"] - runs[a]["seconds"]) / (b - a) for a, b in ((1, 2), (2, 4)))
        print(
            f"seconds for as many members more: {first:.2f}, then {second:.2f}: x {second / first:.2f} (0.85 to 1.15)"
        )


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "one":
        one_process(sys.argv[2], int(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
