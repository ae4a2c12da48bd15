"""The key-value store against the plain layout: bytes of the DuckDB file, raw bytes and seconds to write.

    .venv/bin/python benchmarks/store.py [--members 100000] [--courses 5000] [--rounds 3]

Plain is the layout before (figure 8): a row per member and variant with a list of records (course, reason, skill). Both
layouts are written from the same arrays in memory, turn by turn in one run; the ratios are what to read. Lists of 200 come
from a score per member and course that the variants share, plus noise of each. Raw bytes are lengths times widths: 8 for a
key, 1 for a reason of the plain layout; 6 for a course, 4 for a reason, 2 for a place of the compact one; 8 for a score.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
        is_listed = np.zeros((count, MOST + 1, POOL), bool)
        for variant in range(MOST):
            logit = shared + noise * rng.standard_normal(shared.shape, np.float32) - 2.5
            slot[:, variant] = np.argsort(-logit, axis=1)[:, :LENGTH]
            np.put_along_axis(is_listed[:, variant], slot[:, variant].astype(int), True, axis=1)
            top = np.take_along_axis(logit, slot[:, variant].astype(int), axis=1).astype(float)
            score[:, variant] = np.round(top * 1000) / 1000
        chance = rng.random((count, POOL))
        own = rng.integers(0, SKILLS, (count, 8))
        reason = np.select([chance < 0.03, chance < 0.15, chance < 0.17, is_short[course]], [0, 1, 4, 3], 2).astype(
            np.int8
        )
        skill = np.where(np.isin(reason, (1, 4)), np.take_along_axis(own, taught[course], axis=1), -1).astype(np.int16)
        parts.append((course, reason, skill, is_listed.any(axis=1), slot, score))
    return Lists(*(np.concatenate(part) for part in zip(*parts)))


def shards(lists: Lists, pushed: NDArray) -> Iterator[tuple[Lists, NDArray, int]]:
    """Parts of the lists, with the (members, variants) that are pushed of them, and their first member."""
    for start in range(0, len(pushed), SHARD):
        part = slice(start, start + SHARD)
        yield Lists(*(getattr(lists, name)[part] for name in Lists.__dataclass_fields__)), pushed[part], start


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


def written(lists: Lists, pushed: NDArray, layout: Callable[..., pa.Table], **options) -> tuple[float, int]:
    """Seconds, and bytes of the file."""
    parts = (layout(*shard, **options) for shard in shards(lists, pushed))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.duckdb"
        begin = time.perf_counter()
        first = next(parts)
        batches = (batch for part in (first, *()) for batch in part.to_batches())
        with duckdb.connect(str(path), config={"threads": 2}) as file:

            def stream() -> Iterator[pa.RecordBatch]:
                yield from batches
                for part in parts:
                    yield from part.to_batches()

            file.register("lists", pa.RecordBatchReader.from_batches(first.schema, stream()))
            file.execute("create table store as from lists")
            file.execute("checkpoint")
        return time.perf_counter() - begin, path.stat().st_size


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


def compared(lists: Lists, pushed: NDArray, keys: tuple, with_scores: bool, rounds: int) -> dict:
    """Medians of both layouts, written turn by turn."""
    taken = {"plain": [], "compact": []}
    size = {}
    for _ in range(rounds):
        for name, layout, options in (("plain", plain, {"keys": keys}), ("compact", compact, {})):
            seconds, size[name] = written(lists, pushed, layout, with_scores=with_scores, **options)
            taken[name].append(seconds)
    return {name: (statistics.median(taken[name]), size[name]) for name in taken}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=100_000)
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
        for kind, of_kind in keys.items():
            for with_scores in (False, True):
                print(
                    f"\n{agreement} variants, {members:,} members x {LENGTH}, {kind}, with{'' if with_scores else 'out'} scores"
                )
                print(
                    "variants  courses  bytes/member plain  compact  ratio  one more: plain  compact  raw ratio  seconds plain  compact  ratio"
                )
                before = (0, 0)
                for variants in (1, 2, 3, 4, 5, 8):
                    pushed = np.ones((members, variants), bool)
                    listed = np.zeros_like(lists.is_listed)
                    for variant in range(variants):
                        np.put_along_axis(listed, lists.slot[:, variant].astype(int), True, axis=1)
                    part = Lists(lists.course, lists.reason, lists.skill, listed, lists.slot, lists.score)
                    found = compared(part, pushed, of_kind, with_scores, given.rounds)
                    (plain_seconds, plain_bytes), (seconds, size) = found["plain"], found["compact"]
                    raw_plain, raw_compact = raw_bytes(part, pushed, with_scores)
                    step = variants - {1: 0, 8: 5}.get(variants, variants - 1)
                    print(
                        f"{variants:8d} {listed.sum() / members:8.0f} {plain_bytes / members:19,.0f} {size / members:8,.0f} "
                        f"{plain_bytes / size:6.2f} {(plain_bytes - before[0]) / members / step:16,.0f} "
                        f"{(size - before[1]) / members / step:8,.0f} {raw_plain / raw_compact:10.2f} "
                        f"{plain_seconds:14.2f} {seconds:8.2f} {plain_seconds / seconds:6.2f}",
                        flush=True,
                    )
                    before = (plain_bytes, size)
    print(f"\npre-filter: {CHANNELS} channels with two variants each, one of them for a fifth of the members")
    chance = rng.random((members, CHANNELS)) < 0.2
    assigned = np.stack([chance, ~chance], axis=2).reshape(members, 2 * CHANNELS)
    everything = np.ones_like(assigned)
    for name, layout, options in (("plain", plain, {"keys": keys["keys of 24 bits"]}), ("compact", compact, {})):
        taken = {"all": [], "assigned": []}
        size = {}
        for _ in range(given.rounds):
            for what, pushed in (("all", everything), ("assigned", assigned)):
                seconds, size[what] = written(lists, pushed, layout, with_scores=True, **options)
                taken[what].append(seconds)
        seconds = {what: statistics.median(of_what) for what, of_what in taken.items()}
        print(
            f"{name:8s} all {size['all'] / members:8,.0f} bytes/member {seconds['all']:6.2f} s, assigned "
            f"{size['assigned'] / members:8,.0f} bytes/member {seconds['assigned']:6.2f} s: "
            f"{size['all'] / size['assigned']:.2f} x fewer bytes, {seconds['all'] / seconds['assigned']:.2f} x faster"
        )


if __name__ == "__main__":
    main()
