"""The key-value store against the plain layout: bytes of the DuckDB file, raw bytes and seconds to write.

    .venv/bin/python benchmarks/store.py [--members 20000] [--courses 5000] [--rounds 3]

Plain is the layout before (figure 8): a row per member and variant with a list of records (course, reason, skill). Both
layouts are written from the same arrays in memory, turn by turn in one run; the ratios are what to read. Lists of 200
come from a score per member and course that the variants share, plus noise of each. Raw bytes are lengths times widths:
8 for a key and 1 for a reason of the plain layout; 6 for a course, 4 for a reason, 2 for a place of the compact one; 8
for a score.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models_py"))

from relevance.store import StoreRows, encoded

LENGTH = 200
POOL = 500  # candidates of a member
MOST = 8
SKILLS = 300
SHARD = 5_000
NOISE = {"close": 0.15, "middling": 0.35}  # of a variant, beside 1.4 of what they share
REASONS = np.array(["editors_pick", "interest_match", "recommended_for_you", "short_relevant", "skill_match"])
HEADER = """                           bytes/member          one more list      raw     seconds               cpu
variants  courses    plain  compact  ratio    plain  compact  ratio    plain  compact  ratio  ratio"""
CHANNELS = 4  # with two variants each, one of them for a fifth of the members


@dataclass(frozen=True)
class Lists:
    """Members x variants x places: slots of the member's candidates, and scores; what the candidates are, and why."""

    course: NDArray  # (members, POOL) numbers
    reason: NDArray  # (members, POOL) numbers of REASONS
    skill: NDArray  # (members, POOL) number of the skill that the reason names, -1 for none
    is_listed: NDArray  # (members, POOL) in some list
    slot: NDArray  # (members, variants, LENGTH)
    score: NDArray  # (members, variants, LENGTH)


def generated(members: int, courses: int, noise: float, seed: int = 0) -> Lists:
    rng = np.random.default_rng(seed)
    appeal = rng.normal(size=courses).astype(np.float32)
    is_short = rng.random(courses) < 0.25
    taught = rng.integers(0, 8, courses)
    parts = []
    for start in range(0, members, SHARD):
        count = min(SHARD, members - start)
        course = np.argpartition(-rng.random((count, courses), np.float32) - 0.3 * appeal, POOL, axis=1)[:, :POOL]
        course = course.astype(np.int32)
        shared = rng.normal(size=(count, POOL)).astype(np.float32) + appeal[course]
        slot = np.empty((count, MOST, LENGTH), np.uint16)
        score = np.empty((count, MOST, LENGTH))
        for variant in range(MOST):
            logit = shared + noise * rng.standard_normal(shared.shape, np.float32) - 2.5
            slot[:, variant] = np.argsort(-logit, axis=1)[:, :LENGTH]
            top = np.take_along_axis(logit, slot[:, variant].astype(int), axis=1).astype(float)
            score[:, variant] = np.round(top * 1000) / 1000
        chance = rng.random((count, POOL))
        own = rng.integers(0, SKILLS, (count, 8))
        reason = np.select([chance < 0.03, chance < 0.15, chance < 0.17, is_short[course]], [0, 1, 4, 3], 2).astype(
            np.int8
        )
        skill = np.where(np.isin(reason, (1, 4)), np.take_along_axis(own, taught[course], axis=1), -1).astype(np.int16)
        parts.append((course, reason, skill, np.zeros(course.shape, bool), slot, score))
    lists = Lists(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    return replace(lists, is_listed=listed_in(lists, MOST))


def shards(lists: Lists, pushed: NDArray) -> Iterator[tuple[Lists, NDArray, int]]:
    """Parts of the lists, with the (members, variants) that are pushed of them, and their first member."""
    for start in range(0, len(pushed), SHARD):
        part = slice(start, start + SHARD)
        yield Lists(*(getattr(lists, name)[part] for name in Lists.__dataclass_fields__)), pushed[part], start


def listed_in(lists: Lists, pushed: int | NDArray) -> NDArray:
    """(members, POOL): whether a candidate is in a list of the first `pushed` variants, or of those pushed."""
    if isinstance(pushed, int):
        pushed = np.ones((len(lists.slot), pushed), bool)
    listed = np.zeros_like(lists.is_listed)
    for variant in range(pushed.shape[1]):
        there = np.flatnonzero(pushed[:, variant])
        listed[there[:, None], lists.slot[there, variant].astype(int)] = True
    return listed


def variant_names(count: int) -> pa.Array:
    return pa.array([f"m{101 + variant}" for variant in range(count)])


def plain(part: Lists, pushed: NDArray, start: int, keys: tuple[NDArray, NDArray], with_scores: bool) -> pa.Table:
    """member_id, variant, courses: a list of (course_id, reason, skill_id[, score])."""
    member, variant = np.nonzero(pushed)
    slot = part.slot[member, variant].astype(int)
    skill = part.skill[member[:, None], slot].ravel()
    fields = {
        "course_id": pa.array(keys[0][part.course[member[:, None], slot].ravel()]),
        "reason": pa.array(REASONS).take(pa.array(part.reason[member[:, None], slot].ravel())),
        "skill_id": pa.array(keys[1][skill], mask=skill < 0),
    }
    if with_scores:
        fields["score"] = pa.array(part.score[member, variant].ravel())
    records = pa.StructArray.from_arrays(list(fields.values()), names=list(fields))
    offsets = pa.array(np.arange(0, len(member) * LENGTH + 1, LENGTH, dtype=np.int32))
    return pa.table(
        {
            "member_id": pa.array(start + member),
            "variant": variant_names(pushed.shape[1]).take(pa.array(variant)),
            "courses": pa.ListArray.from_arrays(offsets, records),
        }
    )


def compact(part: Lists, pushed: NDArray, start: int, with_scores: bool) -> pa.Table:
    """The records of `relevance.store`."""
    count, variants = pushed.shape
    member, variant = np.nonzero(pushed)
    slot = part.slot[member, variant].astype(int)
    owner, candidate = np.nonzero(part.is_listed)
    number = part.reason[owner, candidate].astype(np.int32) * (SKILLS + 1) + part.skill[owner, candidate] + 1
    # the rows of a member together: places, then reasons
    places = pushed.sum(axis=1) * LENGTH
    reasons = part.is_listed.sum(axis=1)
    ptr = np.concatenate([[0], np.cumsum(places + reasons)])
    at_place = np.arange(slot.size) + np.repeat(np.cumsum(reasons) - reasons, places)
    at_reason = np.arange(len(owner)) + np.repeat(np.cumsum(places), reasons)

    def column(of_places, of_reasons, dtype) -> NDArray:
        rows = np.empty(ptr[-1], dtype)
        rows[at_place] = of_places
        rows[at_reason] = of_reasons
        return rows

    rows = StoreRows(
        ptr=ptr,
        variant=column(np.repeat(variant, LENGTH), -1, np.int16),
        course=column(part.course[member[:, None], slot].ravel(), part.course[owner, candidate], np.int32),
        position=column(np.tile(np.arange(1, LENGTH + 1), len(member)), -1, np.int32),
        score=column(part.score[member, variant].ravel(), 0, float),
        reason=column(-1, number, np.int32),
        channel=np.full(ptr[-1], -1, np.int16),
    )
    records = encoded(pa.array(np.arange(start, start + count)), rows, variant_names(variants), pa.array(["feed"]))
    return records.drop_columns(["treatments"] if with_scores else ["treatments", "scores"])


def written(lists: Lists, pushed: NDArray, layout: Callable[..., pa.Table], **options) -> tuple[float, float, int]:
    """Seconds, CPU-seconds, and bytes of the file."""
    parts = (layout(*shard, **options) for shard in shards(lists, pushed))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.duckdb"
        begin, begin_cpu = time.perf_counter(), time.process_time()
        first = next(parts)
        with duckdb.connect(str(path), config={"threads": 2}) as file:

            def stream() -> Iterator[pa.RecordBatch]:
                yield from first.to_batches()
                for part in parts:
                    yield from part.to_batches()

            file.register("lists", pa.RecordBatchReader.from_batches(first.schema, stream()))
            file.execute("create table store as from lists")
            file.execute("checkpoint")
        return time.perf_counter() - begin, time.process_time() - begin_cpu, path.stat().st_size


def raw_bytes(lists: Lists, pushed: NDArray, with_scores: bool) -> tuple[int, int]:
    """Raw bytes of the plain and of the compact layout."""
    places = int(pushed.sum()) * LENGTH
    courses = reasons = 0
    for part, of_part, start in shards(lists, pushed):
        records = compact(part, of_part, start, with_scores=False)
        courses += len(records["courses"].combine_chunks().flatten())
        reasons += len(records["reasons"].combine_chunks().flatten())
    scores = 8 * places * with_scores
    return 17 * places + scores, 6 * courses + 4 * reasons + 2 * places + scores


def compared(works: dict[str, Callable[[], tuple]], rounds: int) -> dict[str, NDArray]:
    """Medians of (seconds, CPU-seconds, bytes) of several ways to write, turn by turn."""
    taken = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            taken[name].append(work())
    return {name: np.median(of_name, axis=0) for name, of_name in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=20_000)
    parser.add_argument("--courses", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    members = given.members
    rng = np.random.default_rng(1)
    keys = {
        # numbers of a platform that has counted more than its courses
        "keys of 24 bits": (
            np.sort(rng.choice(1 << 24, given.courses, False)),
            np.sort(rng.choice(1 << 16, SKILLS, False)),
        ),
        "keys 1 to n": (np.arange(1, given.courses + 1), np.arange(1, SKILLS + 1)),
    }
    warm = generated(50, given.courses, 0.1)
    written(warm, np.ones((50, MOST), bool), compact, with_scores=True)  # compiles
    for agreement, noise in NOISE.items():
        lists = generated(members, given.courses, noise)
        # every number of variants for one kind of keys without scores, the other cases at two numbers
        for (kind, of_kind), with_scores in product(keys.items(), (False, True)):
            is_main = kind == "keys of 24 bits" and not with_scores
            counts = ((1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (8, 3)) if is_main else ((5, 5), (8, 3))
            scores = "with" if with_scores else "without"
            print(f"\n{agreement} variants, {members:,} members x {LENGTH}, {kind}, {scores} scores")
            print(HEADER)
            before = np.zeros(2)
            for variants, step in counts:
                pushed = np.ones((members, variants), bool)
                part = replace(lists, is_listed=listed_in(lists, variants))
                found = compared(
                    {
                        "plain": partial(written, part, pushed, plain, keys=of_kind, with_scores=with_scores),
                        "compact": partial(written, part, pushed, compact, with_scores=with_scores),
                    },
                    given.rounds,
                )
                seconds, cpu, size = np.stack([found["plain"], found["compact"]]).T
                raw = raw_bytes(part, pushed, with_scores)
                more = (size - before) / members / step
                before = size
                print(
                    f"{variants:8d} {part.is_listed.sum() / members:8.0f} {size[0] / members:8,.0f} "
                    f"{size[1] / members:8,.0f} {size[0] / size[1]:6.2f} {more[0]:8,.0f} {more[1]:8,.0f} "
                    f"{raw[0] / raw[1]:6.2f} {seconds[0]:8.2f} {seconds[1]:8.2f} {seconds[0] / seconds[1]:6.2f} "
                    f"{cpu[0] / cpu[1]:6.2f}",
                    flush=True,
                )
    print(
        f"\npre-filter: {CHANNELS} channels with two variants each, one of them for a fifth of the members; with scores"
    )
    few = rng.random((members, CHANNELS)) < 0.2
    assigned = np.stack([few, ~few], axis=2).reshape(members, 2 * CHANNELS)
    for name, work in (
        ("plain", partial(written, layout=plain, keys=keys["keys of 24 bits"], with_scores=True)),
        ("compact", partial(written, layout=compact, with_scores=True)),
    ):
        found = compared(
            {
                "all": partial(work, lists, np.ones_like(assigned)),
                "assigned": partial(work, replace(lists, is_listed=listed_in(lists, assigned)), assigned),
            },
            given.rounds,
        )
        (all_seconds, _, all_size), (seconds, _, size) = found["all"], found["assigned"]
        print(
            f"{name:8s} all {all_size / members:8,.0f} bytes/member {all_seconds:6.2f} s, "
            f"assigned {size / members:8,.0f} bytes/member {seconds:6.2f} s: "
            f"{all_size / size:.2f} x fewer bytes, {all_seconds / seconds:.2f} x faster"
        )


if __name__ == "__main__":
    main()
