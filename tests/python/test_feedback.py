"""A platform that learns from its own log, generation by generation, with random traffic and without (insight 5)."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from relevance.world.config import CHANNELS, LIST_LENGTH, WorldConfig
from relevance.world.feedback import (
    GENERATIONS,
    PLACES,
    WEEK,
    Platform,
    feedback_generations,
    platform_of,
    true_click_rate,
)
from relevance.world.log import EMAIL, Columns, joined, log_of
from relevance.world.policies import LearnedPolicy

SMALL = WorldConfig(members=2000, courses=300, days=14)


@pytest.fixture(scope="module")
def generations() -> pd.DataFrame:
    return feedback_generations(SMALL).to_pandas().set_index(["traffic", "generation"])


@pytest.fixture(scope="module")
def platform() -> Platform:
    return platform_of(SMALL).with_random(0.0, 0.0)


@pytest.fixture(scope="module")
def policy(platform) -> LearnedPolicy:
    log = log_of(platform.served(platform.cold_start, 0, None))
    return LearnedPolicy(platform.world, platform.mappings, log, 0, WEEK, with_click_rate=False)


@pytest.fixture(scope="module")
def week(platform, policy) -> tuple[Columns, NDArray]:
    """The impressions of the week in which the policy is served, and its lists."""
    lists = policy.lists(np.arange(SMALL.members))
    return joined(platform.served(lists, WEEK, None)), lists


def test_the_same_world_gives_the_same_rows(generations):
    again = feedback_generations(SMALL).to_pandas().set_index(["traffic", "generation"])
    pd.testing.assert_frame_equal(generations, again, check_exact=True)


def test_every_traffic_has_every_generation_with_finite_measures_in_their_bounds(generations):
    assert list(generations.index) == [
        (traffic, generation)
        for traffic in ("with random traffic", "without random traffic")
        for generation in range(1, GENERATIONS + 1)
    ]
    assert np.isfinite(generations.to_numpy()).all()
    assert (generations["courses_shown"] <= generations["courses_available"]).all()
    assert (generations["courses_available"] <= SMALL.courses).all()
    assert (generations["courses_shown"] >= PLACES).all()
    for name in ("auc_own_log", "auc_random"):
        assert generations[name].between(0.5, 0.9).all(), name
    for name in ("true_click_rate", "top_share"):
        assert generations[name].between(0, 1, inclusive="neither").all(), name
    assert (generations["impressions"] > 1000).all()


def test_what_does_not_depend_on_the_traffic_is_the_same_for_both(generations):
    with_random, without = (generations.loc[traffic] for traffic in generations.index.unique("traffic"))
    assert (with_random["courses_available"] == without["courses_available"]).all()
    assert (with_random["auc_own_log"] != without["auc_own_log"]).all()


def test_the_own_log_flatters_the_policy_that_wrote_it(generations):
    mean = generations.loc["with random traffic"].mean()
    assert mean["auc_own_log"] > mean["auc_random"]


def test_the_lists_are_in_the_order_of_the_logits(policy, week):
    _, lists = week
    member = np.repeat(np.arange(SMALL.members), LIST_LENGTH)
    for channel in range(len(CHANNELS)):
        logits = policy.logits(member, lists.ravel(), np.full(lists.size, channel)).reshape(lists.shape)
        assert (np.diff(logits, axis=1) < 1e-5).all()  # lists are ordered in single precision
        assert (logits[:, 0] > logits[:, -1]).all()


def test_the_true_click_rate_is_that_of_serving_the_lists_without_random_traffic(policy, week):
    shown, lists = week
    clicks, n = shown["is_click"][shown["channel"] != EMAIL].sum(), (shown["channel"] != EMAIL).sum()
    rate = true_click_rate(policy.world, lists, WEEK)
    assert n > 10_000
    assert abs(clicks / n - rate) < 4 * np.sqrt(2 * rate * (1 - rate) / n)  # the sessions are others
    assert true_click_rate(policy.world, lists[:, ::-1], WEEK) < rate
