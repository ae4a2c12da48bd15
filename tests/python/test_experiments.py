"""Experiment statistics against statsmodels and scipy, by simulation, and on real experiments where their data is."""

import math
import os
import warnings
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy.stats import norm
from statsmodels.stats.power import normal_sample_size_one_tail
from statsmodels.stats.proportion import proportions_ztest

from conftest import ROOT
from relevance.experiments import (
    RESULTS,
    Moments,
    adjusted_p_values,
    compare,
    experiment_results,
    members_needed,
    minimum_detectable_effect,
    naive_p_value,
    off_policy,
    off_policy_of_rows,
    sample_ratio_p_value,
    sequential_p_value,
)

DATA = Path(os.environ.get("EXPERIMENT_DATA", ROOT / ".." / "shared" / "data"))

has_data = pytest.mark.skipif(
    not (DATA / "ab_tests").is_dir() or not (DATA / "obd_men").is_dir(),
    reason=f"no real experiments in {DATA}; EXPERIMENT_DATA can name a folder",
)


@pytest.fixture(autouse=True)
def _no_warnings():
    """Null results are decided, not stumbled into."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def columns(rng, shape: tuple[int, ...], effect: float = 1.0) -> NDArray:
    """(*shape, 4) clicks, impressions, and those of the pre-period: log-normal activity, beta click propensity.

    The propensity does not depend on the activity, so the ratio of the sums is proportional to `effect`.
    """
    activity = 5 * rng.lognormal(size=shape)
    propensity = 0.8 * rng.beta(0.5, 8, size=shape)
    y, v = 1 + rng.poisson(activity), rng.poisson(activity)
    return np.stack([rng.binomial(y, propensity * effect), y, rng.binomial(v, propensity), v], -1).astype(float)


def arms(members: NDArray) -> list[Moments]:
    """Moments of each repetition; members : (repetitions, members, columns)."""
    products = members.swapaxes(1, 2) @ members
    return [Moments(members.shape[1], *sums) for sums in zip(members.sum(1), products, strict=True)]


def arm(rng, members: int, effect: float = 1.0) -> Moments:
    return Moments.from_members(*columns(rng, (members,), effect).T)


@pytest.fixture(scope="module")
def same() -> list[tuple[Moments, Moments]]:
    """A/A tests."""
    rng = np.random.default_rng(1)
    return list(zip(arms(columns(rng, (1000, 1000))), arms(columns(rng, (1000, 1000))), strict=True))


@pytest.fixture(scope="module")
def lifted() -> list[tuple[Moments, Moments]]:
    """A/B tests of a lift of 20 %, arms of unequal size."""
    rng = np.random.default_rng(2)
    return list(zip(arms(columns(rng, (1000, 1200))), arms(columns(rng, (1000, 800), 1.2)), strict=True))


# one comparison


def test_moments_of_members_are_sums_and_sums_of_products():
    moments = Moments.from_members(np.array([1.0, 2]), np.array([3.0, 5]))
    assert (moments.members, moments.sums.tolist()) == (2, [3, 8])
    assert moments.products.tolist() == [[5, 13], [13, 34]]
    assert moments.value == 3 / 8


def test_moments_of_rows_add_up_each_member():
    moments = Moments.from_rows(np.array(["b", "a", "b"]), np.array([1.0, 0, 1]), np.ones(3))
    assert (moments.members, moments.sums.tolist(), moments.products.tolist()) == (2, [2, 3], [[4, 4], [4, 5]])


def test_a_comparison_by_hand():
    # values 2/4 and 4/4; deviations x - value y: (.5, -.5), (1, -1); mean y: 2, 2
    result = compare(
        Moments.from_members(np.array([1.0, 1]), np.array([1.0, 3])),
        Moments.from_members(np.array([3.0, 1]), np.array([2.0, 2])),
    )
    variances = 0.5 / 2 / 4, 2.0 / 2 / 4  # sample variance / members / (mean y)^2
    error = math.sqrt(sum(variances))
    assert (result.baseline_value, result.value, result.difference, result.lift) == pytest.approx((0.5, 1, 0.5, 1))
    assert result.p_value == pytest.approx(2 * norm.sf(0.5 / error))
    assert result.difference_low == pytest.approx(0.5 - norm.isf(0.025) * error)
    assert result.difference_high == pytest.approx(0.5 + norm.isf(0.025) * error)
    assert result.standard_error == pytest.approx(error / 0.5)


def test_the_difference_is_that_of_a_regression_on_impressions_with_errors_clustered_by_member():
    rng = np.random.default_rng(3)
    members = columns(rng, (2, 300))
    x, y = members[..., 0].ravel(), members[..., 1].ravel()
    is_variant = np.repeat([0.0, 1.0], 300)
    fit = sm.WLS(x / y, sm.add_constant(is_variant), weights=y).fit(
        cov_type="cluster", cov_kwds={"groups": np.arange(600), "use_correction": False}
    )
    result = compare(*arms(members))
    assert result.difference == pytest.approx(fit.params[1], rel=1e-10)
    error = (result.difference_high - result.difference) / norm.isf(0.025)
    assert error == pytest.approx(fit.bse[1] * math.sqrt(300 / 299), rel=1e-9)
    assert result.p_value == pytest.approx(2 * norm.sf(abs(fit.params[1] / error)), rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("covariates", [False, True])
def test_the_ends_of_the_lift_are_the_ratios_that_are_just_not_rejected(seed, covariates):
    rng = np.random.default_rng(seed)
    baseline, variant = columns(rng, (200,)), columns(rng, (300,), 1.2)
    result = compare(Moments.from_members(*baseline.T), Moments.from_members(*variant.T), 0.1, covariates)
    assert result.lift_low < result.lift < result.lift_high
    for end in (result.lift_low, result.lift_high):
        if not covariates:  # with them the coefficient is another one after scaling
            scaled = Moments.from_members(*(baseline * [1 + end, 1, 1, 1]).T)
            assert compare(scaled, Moments.from_members(*variant.T)).p_value == pytest.approx(0.1, abs=1e-9)
    level = compare(Moments.from_members(*baseline.T), Moments.from_members(*variant.T), result.p_value, covariates)
    nearest = min(abs(level.lift_low), abs(level.lift_high))
    assert nearest == pytest.approx(0, abs=1e-9)
    assert min(abs(level.difference_low), abs(level.difference_high)) == pytest.approx(0, abs=1e-12)


def test_the_units_of_the_metric_change_neither_lift_nor_p_value():
    rng = np.random.default_rng(4)
    members = columns(rng, (2, 300))
    for covariates in (False, True):
        one, other = (compare(*arms(m), covariates=covariates) for m in (members, members * [1e6, 1e-3, 10, 1e5]))
        assert (other.lift, other.lift_low, other.lift_high, other.p_value) == pytest.approx(
            (one.lift, one.lift_low, one.lift_high, one.p_value), rel=1e-6
        )


def test_a_baseline_that_may_be_zero_has_no_interval_of_the_lift_but_one_of_the_difference():
    rng = np.random.default_rng(5)
    y = np.ones(400)
    baseline = Moments.from_members((np.arange(400) < 2).astype(float), y)
    result = compare(baseline, Moments.from_members((rng.random(400) < 0.1).astype(float), y))
    assert math.isnan(result.lift_low)
    assert math.isnan(result.lift_high)
    assert result.lift > 0
    assert 0 < result.difference_low < result.difference < result.difference_high
    assert result.p_value < 0.05


ONES = np.ones(4)
HALF = Moments.from_members(np.array([0.0, 1, 0, 1]), ONES, ONES, ONES)
EMPTY = np.zeros(0)
UNUSABLE = {
    "no members": Moments.from_members(EMPTY, EMPTY, EMPTY, EMPTY),
    "one member": Moments.from_members(*np.ones((4, 1))),
    "nothing shown": Moments.from_members(*np.zeros((4, 4))),
    "no click": Moments.from_members(np.zeros(4), ONES, ONES, ONES),
    "always a click": Moments.from_members(ONES * 0.1, ONES * 0.3, ONES, ONES),
    "nulls": Moments(4, np.full(4, np.nan), np.full((4, 4), np.nan)),
}


@pytest.mark.parametrize("name", UNUSABLE)
@pytest.mark.parametrize("covariates", [False, True])
@pytest.mark.parametrize("is_variant", [False, True])
def test_without_members_denominator_or_variance_nothing_is_inferred(name, covariates, is_variant):
    pair = (HALF, UNUSABLE[name]) if is_variant else (UNUSABLE[name], HALF)
    result = compare(*pair, covariates=covariates)
    inferred = {k: v for k, v in vars(result).items() if k not in ("baseline_value", "value")}
    assert len(inferred) == 9
    assert all(math.isnan(value) for value in inferred.values())
    assert not math.isinf(result.value)


# covariates


def test_covariates_with_a_constant_denominator_are_those_of_a_regression():
    rng = np.random.default_rng(6)
    members = columns(rng, (2, 500))
    members[..., 1] = 1
    x, u, v = (members[..., i].ravel() for i in (0, 2, 3))
    fit = sm.OLS(x, sm.add_constant(np.c_[np.repeat([0.0, 1.0], 500), u, v])).fit()
    result = compare(*arms(members), covariates=True)
    assert result.difference == pytest.approx(fit.params[1], rel=1e-8)
    assert result.variance_left < 0.9
    plain = compare(*arms(members))
    widths = [r.difference_high - r.difference_low for r in (plain, result)]
    assert result.variance_left == pytest.approx((widths[1] / widths[0]) ** 2)


@pytest.mark.parametrize(
    "pre_period", [(0, 0), (1, 1), (np.nan, np.nan), (0.1, 0.3)], ids=["zeros", "ones", "nulls", "inexact constants"]
)
def test_without_a_pre_period_covariates_change_nothing(pre_period):
    rng = np.random.default_rng(7)
    members = columns(rng, (2, 300))
    members[..., 2:] = pre_period
    plain, adjusted = compare(*arms(members)), compare(*arms(members), covariates=True)
    assert adjusted.variance_left == 1
    assert {**vars(adjusted), "variance_left": 0} == {**vars(plain), "variance_left": 0}


def test_a_covariate_twice_counts_once():
    rng = np.random.default_rng(8)
    members = columns(rng, (2, 300))
    members[..., 3] = 0
    once = compare(*arms(members), covariates=True)
    members[..., 3] = 3 * members[..., 2]
    assert compare(*arms(members), covariates=True).p_value == pytest.approx(once.p_value, rel=1e-9)


def test_covariates_never_add_variance(lifted):
    left = np.array([compare(*pair, covariates=True).variance_left for pair in lifted])
    assert ((left > 0) & (left <= 1)).all()
    assert np.median(left) < 0.85


def test_covariates_that_tell_all_leave_nothing_to_infer():
    rng = np.random.default_rng(9)
    members = columns(rng, (2, 300))
    members[..., 1] = 1
    members[..., 2:] = members[..., :2]
    result = compare(*arms(members), covariates=True)
    assert math.isnan(result.p_value)
    assert result.variance_left == pytest.approx(0, abs=1e-9)


# error rates


def test_a_test_of_the_same_with_the_same_rejects_as_often_as_it_says(same):
    plain = np.mean([compare(*pair).p_value < 0.05 for pair in same])
    adjusted = np.mean([compare(*pair, covariates=True).p_value < 0.05 for pair in same])
    naive = np.mean([naive_p_value(*pair) < 0.05 for pair in same])
    assert 0.03 <= plain <= 0.07
    assert 0.03 <= adjusted <= 0.07
    assert naive > 0.15


@pytest.mark.parametrize("covariates", [False, True])
def test_the_interval_covers_a_true_lift(lifted, covariates):
    results = [compare(*pair, covariates=covariates) for pair in lifted]
    assert 0.93 <= np.mean([result.lift_low <= 0.2 <= result.lift_high for result in results]) <= 0.97
    assert np.mean([result.lift for result in results]) == pytest.approx(0.2, abs=0.02)


def test_naive_p_value_is_that_of_statsmodels_and_null_where_there_is_no_proportion():
    y = np.array([10.0, 20])
    one, other = (Moments.from_members(np.array(x), y) for x in ([3.0, 5], [6.0, 9]))
    assert naive_p_value(one, other) == pytest.approx(proportions_ztest([15, 8], [30, 30])[1])
    for x in ([0.0, 0], [10.0, 20], [40.0, 20], [-1.0, 0]):
        assert math.isnan(naive_p_value(*[Moments.from_members(np.array(x), y)] * 2))
    assert math.isnan(naive_p_value(one, UNUSABLE["nothing shown"]))
    assert math.isnan(naive_p_value(one, UNUSABLE["nulls"]))


# allocation


def test_a_mismatch_of_the_sample_ratio_is_seen_and_a_good_split_is_not():
    assert sample_ratio_p_value([20_800, 19_200], [0.5, 0.5]) < 1e-10
    assert sample_ratio_p_value([60, 40], [1, 1]) == pytest.approx(2 * norm.sf(2.0))  # chi-square of 4 = z of 2
    assert sample_ratio_p_value([50, 30, 20], [0.5, 0.3, 0.2]) == pytest.approx(1)
    rng = np.random.default_rng(10)
    p = np.array([sample_ratio_p_value(split, [0.5, 0.5]) for split in rng.multinomial(40_000, [0.5] * 2, 2000)])
    assert (p < 0.001).mean() <= 0.003
    assert 0.03 <= (p < 0.05).mean() <= 0.07


@pytest.mark.parametrize(
    ("members", "shares"),
    [([0, 0], [0.5, 0.5]), ([10], [1.0]), ([], []), ([5, 5], [1.0, 0.0]), ([5, 5], [0.5, math.nan])],
)
def test_a_sample_ratio_without_members_arms_or_shares_is_undefined(members, shares):
    assert math.isnan(sample_ratio_p_value(members, shares))


# power


def test_an_effect_of_the_detectable_size_is_detected_as_often_as_promised():
    rng = np.random.default_rng(11)
    pairs = zip(arms(columns(rng, (400, 1000))), arms(columns(rng, (400, 1000), 1.2)), strict=True)
    results = [compare(*pair) for pair in pairs]
    error = float(np.median([result.standard_error for result in results]))
    power = norm.cdf(0.2 / error - norm.isf(0.025))
    assert np.mean([result.p_value < 0.05 for result in results]) == pytest.approx(power, abs=0.05)
    assert minimum_detectable_effect(error, 0.05, power) == pytest.approx(0.2, rel=1e-3)


def test_detectable_effect_by_its_formula_and_by_statsmodels():
    assert minimum_detectable_effect(0.01) == pytest.approx(0.01 * (norm.isf(0.025) + norm.isf(0.2)), rel=1e-5)
    assert minimum_detectable_effect(0.01, 0.01, 0.9) == pytest.approx(0.01 * (norm.isf(0.005) + norm.isf(0.1)))
    assert members_needed(0.05, 4000, 0.05 / minimum_detectable_effect(1.0)) == 4000
    assert members_needed(0.02, 1000, 0.03) == pytest.approx(
        normal_sample_size_one_tail(0.02, 0.8, 0.025, 0.03 * math.sqrt(1000)), abs=1
    )
    assert members_needed(0.1, 1000, 0.03) * 25 == pytest.approx(members_needed(0.02, 1000, 0.03), abs=25)


def test_power_without_a_standard_error_is_undefined():
    for error in (math.nan, 0.0, math.inf):
        assert math.isnan(minimum_detectable_effect(error))
        assert math.isnan(members_needed(0.05, 100, error))
    assert math.isnan(members_needed(0.0, 100, 0.1))


# many looks, many tests


def test_sequential_p_value_by_hand():
    # variance = mixture variance = 1: likelihood ratio sqrt(1/2) exp(estimate^2 / 4)
    expected = min(1, 1 / (math.sqrt(0.5) * math.exp(9 / 4)))
    assert sequential_p_value([0.0, 3.0, 0.0], [1.0, 1.0, 1.0], 1.0) == pytest.approx([1, expected, expected])
    assert sequential_p_value([50.0], [0.01]) == pytest.approx([0], abs=1e-300)


def test_sequential_p_value_passes_over_looks_without_an_estimate():
    p = sequential_p_value([math.nan, 0.3, math.nan, 0.1], [math.nan, 0.05, 0.0, 0.05])
    assert math.isnan(p[0])
    assert p[1] < 0.05
    assert p[1:].tolist() == [p[1]] * 3
    assert sequential_p_value([], []).tolist() == []


@pytest.mark.parametrize("is_returning", [False, True], ids=["new members each day", "members return each day"])
def test_looking_every_day_does_not_reject_more_often(is_returning):
    rng = np.random.default_rng(12)
    repetitions, members, days = 300, 560, 14
    looks = []
    for _ in range(2):
        activity = rng.lognormal(size=(repetitions, members, 1)) * (1 if is_returning else 5)
        if is_returning:
            y = rng.poisson(activity, size=(repetitions, members, days))
        else:
            first = np.arange(members)[:, None] * days // members == np.arange(days)
            y = (1 + rng.poisson(activity)) * first
        x = rng.binomial(y, 0.8 * rng.beta(0.5, 8, size=activity.shape))
        daily = np.stack([x, y], -1).cumsum(2).astype(float)
        looks.append([arms(daily[:, :, day]) for day in range(days)])
    spreads = (0.1, 0.5)  # the rule's, and one that finds more at this size
    always_valid, peeked = np.zeros(2), 0
    for repetition in range(repetitions):
        results = [compare(looks[0][day][repetition], looks[1][day][repetition]) for day in range(days)]
        sequence = [r.lift for r in results], [r.standard_error for r in results]
        always_valid += [sequential_p_value(*sequence, spread)[-1] < 0.05 for spread in spreads]
        peeked += any(r.p_value < 0.05 for r in results)
    assert (always_valid / repetitions <= 0.05).all()
    assert peeked / repetitions > 0.10


def test_looking_after_every_observation_rejects_nearly_as_often_as_it_may():
    rng = np.random.default_rng(18)
    looks = np.arange(1, 2001)
    means = rng.normal(size=(1000, len(looks))).cumsum(1) / looks
    p = np.array([sequential_p_value(mean, 1 / np.sqrt(looks), 1.0) for mean in means])
    assert (np.diff(p) <= 0).all()
    assert 0.02 <= (p[:, -1] < 0.05).mean() <= 0.05


def test_an_effect_is_found_before_the_last_look():
    errors = 0.1 / np.sqrt(np.arange(1, 15))
    p = sequential_p_value(np.full(14, 0.15), errors)
    assert p[0] > 0.05 > p[6]


def test_adjusted_p_values_by_hand_and_nulls_stay_out():
    assert adjusted_p_values([0.01, math.nan, 0.04, 0.03]).tolist() == pytest.approx(
        [0.03, math.nan, 0.04, 0.04], nan_ok=True
    )
    assert adjusted_p_values([]).tolist() == []
    assert np.isnan(adjusted_p_values([math.nan])).all()


# off-policy


def bandit(rng, members: int) -> tuple[dict[str, NDArray], float]:
    """Rows of a logged bandit with 3 actions, and the value of the target policy; a member's rows share a taste."""
    member = rng.integers(0, members, 8 * members)
    taste = rng.beta([1, 1, 2], [3, 4, 3], size=(members, 3))  # .25, .2, .4 in the mean
    logging, target = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
    action = rng.choice(3, len(member), p=logging)
    reward = (rng.random(len(member)) < taste[member, action]).astype(float)
    guess = np.array([0.2, 0.3, 0.3])  # wrong, which doubly robust estimates bear
    rows = {
        "member": member,
        "weight": (target / logging)[action],
        "reward": reward,
        "direct": np.full(len(member), guess @ target),
        "predicted": guess[action],
    }
    return rows, 0.2 * 0.25 + 0.2 * 0.2 + 0.6 * 0.4


def test_off_policy_values_by_hand():
    rows = np.array([2.0, 0.5, 1, 0]), np.array([1.0, 1, 0, 1]), np.full(4, 0.25), np.array([0.5, 0.5, 0.25, 0.0])
    result = off_policy_of_rows(np.arange(4), *rows, least_effective_sample=1)
    assert result.ips.value == pytest.approx(2.5 / 4)
    assert result.snips.value == pytest.approx(2.5 / 3.5)
    assert result.dr.value == pytest.approx(0.25 + (2 * 0.5 + 0.5 * 0.5 - 0.25) / 4)
    assert result.effective_sample_size == pytest.approx(3.5**2 / 5.25)
    assert result.refusal is None
    error = np.std([2.0, 0.5, 0, 0], ddof=1) / 2
    assert (result.ips.low, result.ips.high) == pytest.approx((0.625 - 1.959964 * error, 0.625 + 1.959964 * error))


def test_off_policy_values_are_unbiased_and_their_intervals_cover():
    rng = np.random.default_rng(13)
    values, covered = [], []
    for _ in range(400):
        rows, truth = bandit(rng, 150)
        result = off_policy_of_rows(**rows)
        estimates = result.ips, result.snips, result.dr
        values.append([e.value for e in estimates])
        covered.append([e.low <= truth <= e.high for e in estimates])
    error = np.std(values, axis=0) / math.sqrt(len(values))
    assert (abs(np.mean(values, axis=0) - truth) < 3.5 * error).all()
    assert (np.mean(covered, axis=0) > 0.92).all()
    assert (np.mean(covered, axis=0) < 0.98).all()
    assert np.std(values, axis=0)[2] < np.std(values, axis=0)[0]  # even a rough guess narrows it


def test_off_policy_from_sums_is_that_from_rows():
    rows, _ = bandit(np.random.default_rng(14), 150)
    with duckdb.connect() as connection:
        connection.register("logged", pa.table(rows))
        query = connection.sql(
            """
            with members as (
                select
                    count(*)::double as n, sum(weight) as w, sum(weight * reward) as r,
                    sum(direct + weight * (reward - predicted)) as d, sum(weight ** 2) as squared_weights
                from logged group by member
            )
            select
                count(*) as members, sum(n) as n, sum(w) as w, sum(r) as r, sum(d) as d,
                sum(n * n) as nn, sum(n * w) as nw, sum(n * r) as nr, sum(n * d) as nd, sum(w * w) as ww,
                sum(w * r) as wr, sum(w * d) as wd, sum(r * r) as rr, sum(r * d) as rd, sum(d * d) as dd,
                sum(squared_weights) as squared_weights
            from members
            """
        )
        (sums,) = query.to_arrow_table().to_pylist()
    one, other = off_policy(Moments.from_sums(sums, "nwrd"), sums["squared_weights"]), off_policy_of_rows(**rows)
    for estimator in ("ips", "snips", "dr"):
        assert vars(getattr(one, estimator)) == pytest.approx(vars(getattr(other, estimator)), rel=1e-9)
    assert one.effective_sample_size == pytest.approx(other.effective_sample_size)


def test_without_a_model_of_the_reward_doubly_robust_is_ips():
    rows, _ = bandit(np.random.default_rng(15), 150)
    result = off_policy_of_rows(rows["member"], rows["weight"], rows["reward"])
    assert result.dr == result.ips


def test_a_policy_unlike_the_logged_one_is_refused_a_value():
    rng = np.random.default_rng(16)
    weight = np.where(np.arange(5000) % 50 == 0, 50.0, 0.0)
    result = off_policy_of_rows(np.arange(5000), weight, (rng.random(5000) < 0.1).astype(float))
    assert result.effective_sample_size == pytest.approx(100)
    assert result.refusal == "effective sample size 100 is below 500"
    for estimate in (result.ips, result.snips, result.dr):
        assert all(math.isnan(value) for value in vars(estimate).values())


def test_a_policy_without_rows_is_refused_a_value():
    for rows in (0, 10):
        result = off_policy_of_rows(np.arange(rows), np.zeros(rows), np.zeros(rows))
        assert math.isnan(result.ips.value)
        assert result.refusal == "effective sample size 0 is below 500"


# the table


SUMS = [*"xyuv", *(a + b for i, a in enumerate("xyuv") for b in "xyuv"[i:])]


def moments_table(rows: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(
        rows,
        schema=pa.schema(
            [
                *[(name, pa.string()) for name in ("experiment", "channel", "metric", "variant")],
                *[("is_baseline", pa.bool_()), ("share", pa.float64()), ("look", pa.int32())],
                *[("is_last_look", pa.bool_()), ("is_log", pa.bool_()), ("coverage", pa.float64())],
                *[("members", pa.int64()), *[(name, pa.float64()) for name in (*SUMS, "true_value")]],
            ]
        ),
    )


def look(arm: Moments, variant: str, day: int = 2, days: int = 2, **other) -> dict:
    sums = dict(zip("xyuv", arm.sums, strict=True))
    products = {a + b: arm.products[i, j] for i, a in enumerate("xyuv") for j, b in enumerate("xyuv") if i <= j}
    return {
        **{"experiment": "e1", "channel": "feed", "metric": "ctr", "variant": variant, "is_baseline": variant == "m1"},
        **{"share": 0.5, "look": day, "is_last_look": day == days, "is_log": False, "coverage": 0.9},
        **{"members": arm.members, "true_value": {"m1": 0.05, "m2": 0.06}.get(variant), **sums, **products},
        **other,
    }


@pytest.fixture(scope="module")
def two_looks() -> dict[tuple[str, int], Moments]:
    rng = np.random.default_rng(17)
    members = {"m1": columns(rng, (4000,)), "m2": columns(rng, (4000,), 1.25)}
    return {(m, day): Moments.from_members(*members[m][: 2000 * day].T) for m in members for day in (1, 2)}


def test_results_hold_what_the_functions_say(two_looks):
    table = moments_table([look(arm, variant, day) for (variant, day), arm in two_looks.items()])
    (row,) = experiment_results(table).to_pylist()
    final = two_looks["m1", 2], two_looks["m2", 2]
    plain, adjusted = compare(*final), compare(*final, covariates=True)
    looks = [compare(two_looks["m1", day], two_looks["m2", day]) for day in (1, 2)]
    texts = {"experiment": "e1", "channel": "feed", "metric": "ctr", "baseline": "m1", "variant": "m2"}
    assert row == {
        **{**texts, "verdict": "better", "coverage": 0.9, "baseline_members": 4000, "members": 4000},
        **{name: round(getattr(plain, name), 9) for name in ("lift", "lift_low", "lift_high", "p_value")},
        **{name: round(getattr(plain, name), 9) for name in ("baseline_value", "value", "standard_error")},
        "minimum_detectable_effect": round(minimum_detectable_effect(plain.standard_error), 9),
        "true_lift": 0.2,
        "sample_ratio_p_value": 1,
        "naive_p_value": round(naive_p_value(*final), 9),
        **{f"cuped_{end}": round(getattr(adjusted, f"lift_{end}"), 9) for end in ("low", "high")},
        **{"cuped_lift": round(adjusted.lift, 9), "cuped_p_value": round(adjusted.p_value, 9)},
        "variance_left": round(adjusted.variance_left, 9),
        "sequential_p_value": round(
            sequential_p_value([r.lift for r in looks], [r.standard_error for r in looks])[-1], 9
        ),
        "adjusted_p_value": round(plain.p_value, 9),
    }


def test_results_do_not_depend_on_the_order_of_rows_and_come_from_relations_too(two_looks):
    rows = [
        look(arm, variant, day, metric=metric)
        for (variant, day), arm in two_looks.items()
        for metric in ("engaged", "ctr")
    ]
    expected = experiment_results(moments_table(rows))
    assert expected.column("metric").to_pylist() == ["ctr", "engaged"]
    assert experiment_results(moments_table(rows[::-1])).equals(expected)
    with duckdb.connect() as connection:
        assert experiment_results(connection.from_arrow(moments_table(rows))).equals(expected)


def test_verdicts_of_a_mismatch_a_loss_no_change_and_no_data(two_looks):
    low, high = two_looks["m1", 2], two_looks["m2", 2]
    nothing = UNUSABLE["nothing shown"]

    def experiment(name: str, *arms: Moments, metric: str | None = None, **other) -> list[dict]:
        return [
            look(arm, f"m{i}", experiment=name, metric=metric or name, **other) for i, arm in enumerate(arms, start=1)
        ]

    rows = [
        *experiment("a loss", high, low),
        *experiment("a mismatch", low, Moments(4400, high.sums, high.products)),
        *experiment("no change", low, low),
        *experiment("no data", nothing, nothing, true_value=None),
        *experiment("nulls", low, high, **dict.fromkeys(SUMS)),
        *experiment("three arms", low, high, low, share=1 / 3),
        *[row for row in experiment("unopposed", low, high) if not row["is_baseline"]],
    ]
    result = experiment_results(moments_table(rows)).to_pylist()
    assert {(row["experiment"], row["variant"]): row["verdict"] for row in result} == {
        ("a loss", "m2"): "worse",
        ("nulls", "m2"): "no data",
        ("a mismatch", "m2"): "withheld: sample ratio mismatch",
        ("no change", "m2"): "no significant change",
        ("no data", "m2"): "no data",
        ("three arms", "m2"): "better",
        ("three arms", "m3"): "no significant change",
        ("unopposed", "m2"): "no data",
    }
    (no_data,) = [row for row in result if row["experiment"] == "no data"]
    numbers = set(no_data) - {"experiment", "channel", "metric", "variant", "baseline", "verdict"}
    assert {name for name in numbers if no_data[name] is not None} == {
        "coverage",
        "baseline_members",
        "members",
        "sample_ratio_p_value",
    }
    assert not any(isinstance(v, float) and not math.isfinite(v) for row in result for v in row.values())


def test_p_values_are_adjusted_over_all_rows_of_the_metric(two_looks):
    low, high = two_looks["m1", 2], two_looks["m2", 2]
    rows = [look(arm, m, metric=metric) for m, arm in (("m1", low), ("m2", high)) for metric in ("ctr", "engaged")]
    rows += [look(low, m, experiment="e2", share=1 / 2) for m in ("m1", "m2")]
    result = {(row["experiment"], row["metric"]): row for row in experiment_results(moments_table(rows)).to_pylist()}
    alone, beside = result["e1", "engaged"], result["e1", "ctr"]
    assert alone["p_value"] == beside["p_value"] == alone["adjusted_p_value"]
    assert beside["adjusted_p_value"] == pytest.approx(2 * beside["p_value"], abs=2e-9)
    assert result["e2", "ctr"]["adjusted_p_value"] == 1


def test_no_moments_give_no_rows_of_the_right_types():
    result = experiment_results(moments_table([]))
    assert (result.num_rows, result.schema) == (0, RESULTS)
    contract = """experiment, channel, metric, baseline, variant, coverage, lift, lift_low, lift_high, p_value,
        minimum_detectable_effect, true_lift, sample_ratio_p_value, verdict, baseline_value, value, baseline_members,
        members, standard_error, naive_p_value, cuped_lift, cuped_low, cuped_high, cuped_p_value, variance_left,
        sequential_p_value, adjusted_p_value"""
    assert result.column_names == [name.strip() for name in contract.split(",")]


# real experiments


@has_data
def test_cookie_cats():
    players = pd.read_parquet(DATA / "ab_tests" / "cookie_cats.parquet")
    gates = [players[players["version"] == version] for version in ("gate_30", "gate_40")]
    assert sample_ratio_p_value([len(gate) for gate in gates], [0.5, 0.5]) == pytest.approx(0.0086, abs=5e-5)
    for day, points, p in ((1, -0.591, 0.0744), (7, -0.820, 0.00155)):
        moments = [Moments.from_members(gate[f"retention_{day}"].to_numpy(float), np.ones(len(gate))) for gate in gates]
        result = compare(*moments)
        assert 100 * result.difference == pytest.approx(points, abs=5e-4)
        assert result.p_value == pytest.approx(p, rel=5e-3)
        assert naive_p_value(*moments) == pytest.approx(p, rel=5e-3)


@has_data
def test_udacity_free_trial_screener():
    days = pd.read_parquet(DATA / "ab_tests" / "udacity_free_trial_screener.parquet")
    known = days.dropna()  # what became of the last days' clicks is not known yet
    assert (len(days), len(known)) == (74, 46)
    for outcome, points, p in (("Enrollments", -2.055, 2.6e-6), ("Payments", None, 0.156)):
        control, experiment = (
            Moments.from_members(arm[outcome].to_numpy(float), arm["Clicks"].to_numpy(float))
            for arm in (known[known["arm"] == name] for name in ("control", "experiment"))
        )
        assert naive_p_value(control, experiment) == pytest.approx(p, rel=0.01)
        result = compare(control, experiment)
        assert points is None or 100 * result.difference == pytest.approx(points, abs=5e-4)
        assert result.p_value > naive_p_value(control, experiment)  # days differ, which clicks do not know


@has_data
def test_open_bandit_men():
    log = pd.read_parquet(DATA / "obd_men" / "log_men.parquet")
    random, thompson = (log[log["behavior_policy"] == policy] for policy in ("random", "bts"))
    for rows, rate in ((random, 0.0046), (thompson, 0.0069)):
        on_policy = off_policy_of_rows(np.arange(len(rows)), np.ones(len(rows)), rows["click"].to_numpy())
        assert (on_policy.ips.value, on_policy.snips.value) == pytest.approx((rate, rate))
        assert on_policy.effective_sample_size == pytest.approx(len(rows))
    shown = thompson.groupby(["position", "item_id"]).size() / thompson.groupby("position").size()
    chance = shown.reindex(pd.MultiIndex.from_frame(random[["position", "item_id"]])).fillna(0).to_numpy()
    weight = chance / random["propensity_score"].to_numpy()
    result = off_policy_of_rows(np.arange(len(random)), weight, random["click"].to_numpy())
    assert result.ips.value == pytest.approx(0.00566, abs=5e-6)
    assert result.snips.value == pytest.approx(0.00574, abs=5e-6)
    assert result.effective_sample_size == pytest.approx(2869, abs=0.5)
    # the reference is not symmetric about its value, as an interval of resampling is not
    assert (result.ips.low, result.ips.high) == pytest.approx((0.00312, 0.00840), abs=2.5e-4)
