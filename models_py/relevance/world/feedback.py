"""Generations of one platform that learns from its own log and serves what it learned, with and without random traffic.

What a model learns from and is measured on was chosen by a model (insight 5). Here both sides are known: the ROC AUC
that the platform sees on its own log, and the true click rate of its lists.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from relevance.metrics import roc_auc
from relevance.world.config import PAGES, WorldConfig
from relevance.world.draws import sigmoid, stream
from relevance.world.latents import World, click_logit, examination_table, make_world
from relevance.world.log import (
    Columns,
    in_all_channels,
    joined,
    log_of,
    nothing_seen,
    one_day,
    page_weights,
    sessions,
    slots_of,
)
from relevance.world.policies import LearnedPolicy, Mappings, affinity_list, platform_mappings
from relevance.world.profiles import profile_skills

GENERATIONS = 5
WEEK = 7  # days that a generation is served
MEMBERS = 6_000
PLACES = 24  # of a list, that courses are counted in
REACH = 0.001  # share of the members from which a course counts as shown
TOP = 0.01  # share of the courses that are the top ones

ROWS = pa.schema(
    [
        ("traffic", pa.string()),
        ("generation", pa.int64()),
        *[(name, pa.float64()) for name in ("auc_own_log", "auc_random", "true_click_rate")],
        *[(name, pa.int64()) for name in ("courses_shown", "courses_available")],
        ("top_share", pa.float64()),
        ("impressions", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Platform:
    """A world and what its platform knows before anything is learned."""

    world: World
    mappings: Mappings
    cold_start: NDArray  # (members, LIST_LENGTH) lists by skills

    def served(self, lists: NDArray, first: int, seen: NDArray | None) -> list[Columns]:
        """The impressions of each day of the week in which the lists are served."""
        lists = in_all_channels(lists)
        one_arm = np.zeros(lists.shape[:2], np.int8)
        return [one_day(self.world, self.mappings, day, lists, one_arm, seen)[0] for day in range(first, first + WEEK)]

    def with_random(self, random_sessions: float, slot_exploration: float) -> "Platform":
        config = replace(self.world.config, random_sessions=random_sessions, slot_exploration=slot_exploration)
        return replace(self, world=replace(self.world, config=config))


def platform_of(config: WorldConfig) -> Platform:
    world = make_world(config)
    mappings = platform_mappings(world, profile_skills(world).matrix)
    cold_start = affinity_list(world, mappings.cs04, mappings.ms02, 0, np.arange(config.members))
    return Platform(world, mappings, cold_start)


@threadpool_limits.wrap(limits=1)
def feedback_generations(config: WorldConfig) -> pa.Table:
    """One row per traffic (with the world's random sessions and slots, or without any) and generation.

    The world has the seed, catalogue size and constants of `config`, but its own length of six weeks and at most
    6,000 members: enough for 40,000 impressions a week, and a matter of seconds. In the first week lists by skills are
    served. A generation learns from the impressions of the week before it, and counts clicks over the whole log.
    It is measured on the week in which it is served, after it was trained: its ROC AUC on the clicks of that week's
    log, and on the same week with every slot at random; and the true click rate of its lists in sessions of that week.
    The sessions of the last two, and the random courses, are the same for both traffics.
    """
    config = replace(config, members=min(config.members, MEMBERS), days=WEEK * (1 + GENERATIONS))
    platform = platform_of(config)
    all_random = platform.with_random(1.0, 0.0)

    @cache
    def random_week(first: int) -> Columns:
        return joined(all_random.served(platform.cold_start, first, nothing_seen(platform.world)))

    traffics = {"with random traffic": platform, "without random traffic": platform.with_random(0.0, 0.0)}
    rows = [{"traffic": name, **row} for name, each in traffics.items() for row in _generations(each, random_week)]
    return pa.Table.from_pylist(rows, schema=ROWS)


def _generations(platform: Platform, random_week: Callable[[int], Columns]) -> Iterator[dict[str, float | int]]:
    world, seen = platform.world, nothing_seen(platform.world)
    everyone = np.arange(world.config.members)
    log = platform.served(platform.cold_start, 0, seen)
    for generation in range(1, GENERATIONS + 1):
        first = WEEK * generation
        policy = LearnedPolicy(
            world, platform.mappings, log_of(log), first - WEEK, first, with_click_rate=generation > 1
        )
        lists = policy.lists(everyone)
        week = platform.served(lists, first, seen)
        log += week
        shown = joined(week)
        reach = np.sort(np.bincount(lists[:, :PLACES].ravel(), minlength=world.config.courses))[::-1]
        available = int((world.courses.release_day <= first).sum())
        yield {
            "generation": generation,
            "auc_own_log": round(_auc(policy, shown), 9),
            "auc_random": round(_auc(policy, random_week(first)), 9),
            "true_click_rate": round(true_click_rate(world, lists, first), 9),
            "courses_shown": int((reach >= REACH * len(everyone)).sum()),
            "courses_available": available,
            "top_share": round(float(reach[: max(1, round(TOP * available))].sum() / reach.sum()), 9),
            "impressions": len(shown["day"]),
        }


def _auc(policy: LearnedPolicy, shown: Columns) -> float:
    return roc_auc(shown["is_click"], policy.logits(shown["member"], shown["course"], shown["channel"]))


def true_click_rate(world: World, lists: NDArray, first: int) -> float:
    """Expected clicks per impression of the lists in a week's feed, home and profile sessions, without random courses.

    The sessions are drawn from streams of their own: they are the same for all lists."""
    config = world.config
    examined, weight = examination_table(config), page_weights(config)
    clicks, impressions = 0.0, 0
    for day in range(first, first + WEEK):
        rng = stream(config, "feedback_sessions", day)
        member, channel = sessions(world, day, rng)
        is_mobile = rng.random(len(member)) < world.members.mobile_share[member]
        session, position, width = slots_of(config, channel)
        row = member[session]
        for page in range(PAGES):
            course = lists[row, page * width + position]
            logit = click_logit(world, row, course, day, channel[session], is_mobile[session])
            clicks += weight[page] * (examined[channel[session], position] * sigmoid(logit)).sum()
        impressions += len(session)
    return float(clicks / impressions)
