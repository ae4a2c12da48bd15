"""What experiments say: lifts of ratio metrics with their uncertainty, and values of policies from another's log.

All of it starts from sums over members, and sums of products over members, so that SQL can do the counting.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import chisquare
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportions_ztest

ALPHA = 0.05
POWER = 0.8
MISMATCH = 0.001  # sample ratio p-values below it withhold a verdict
LIFT_SPREAD = 0.1  # standard deviation of the lifts that sequential tests are made for
LEAST_EFFECTIVE_SAMPLE = 500.0
NO_VARIANCE = 1e-12  # of the squares it is the difference of: rounding, not variance
NAN = float("nan")

RESULTS = pa.schema(
    [
        *[(name, pa.string()) for name in ("experiment", "channel", "metric", "baseline", "variant")],
        *[(name, pa.float64()) for name in ("coverage", "lift", "lift_low", "lift_high", "p_value")],
        *[(name, pa.float64()) for name in ("minimum_detectable_effect", "true_lift", "sample_ratio_p_value")],
        ("verdict", pa.string()),
        *[(name, pa.float64()) for name in ("baseline_value", "value")],
        *[(name, pa.int64()) for name in ("baseline_members", "members")],
        *[(name, pa.float64()) for name in ("standard_error", "naive_p_value")],
        *[(name, pa.float64()) for name in ("cuped_lift", "cuped_low", "cuped_high", "cuped_p_value")],
        *[(name, pa.float64()) for name in ("variance_left", "sequential_p_value", "adjusted_p_value")],
    ]
)

WANTED = {"rejected": (0.03, 0.07), "covered": (0.93, 0.97)}  # of tests at 5 %, within chance of 500 repetitions

REPEATED = pa.schema(
    [
        *[(name, pa.string()) for name in ("test", "method", "measure")],
        ("repetitions", pa.int64()),
        *[(name, pa.float64()) for name in ("share", "wanted_low", "wanted_high")],
        ("is_as_wanted", pa.bool_()),
    ]
)

POLICY_VALUES = pa.schema(
    [
        ("variant", pa.string()),
        ("channel", pa.string()),
        ("impressions", pa.int64()),
        *[(name + end, pa.float64()) for name in ("ips", "snips", "dr") for end in ("", "_low", "_high")],
        ("direct", pa.float64()),
        ("effective_sample_size", pa.float64()),
        ("refusal", pa.string()),
        ("true_value", pa.float64()),
    ]
)


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over the members of an arm.

    members : how many;  sums : (k,) of each column;  products : (k, k) sums of the products of two columns.
    Columns are numerator x, denominator y, and any covariates (the pre-period's u, v); see `off_policy` for others.
    """

    members: int
    sums: NDArray
    products: NDArray

    @classmethod
    def from_members(cls, *columns: ArrayLike) -> "Moments":
        """columns : (members,) each, in the order x, y, u, v; the last two may be left out."""
        values = np.stack([np.asarray(column, float) for column in columns])
        return cls(values.shape[1], values.sum(1), values @ values.T)

    @classmethod
    def from_rows(cls, member: ArrayLike, *columns: ArrayLike) -> "Moments":
        """member : (n,) whose row it is;  columns : (n,) each, summed by member."""
        names, code = np.unique(member, return_inverse=True)
        return cls.from_members(*(np.bincount(code, np.asarray(c, float), len(names)) for c in columns))

    @classmethod
    def from_sums(cls, row: dict[str, float | None], columns: str = "xyuv") -> "Moments":
        """row : `members`, a sum for each letter of `columns`, and one for each pair of letters in that order."""
        sums = np.array([row[name] for name in columns], float)
        products = np.empty((len(columns), len(columns)))
        for i, first in enumerate(columns):
            for j, second in enumerate(columns[i:], start=i):
                product = row[first + second]
                products[i, j] = products[j, i] = NAN if product is None else product
        return cls(int(row["members"] or 0), sums, products)

    @property
    def value(self) -> float:
        """Sum of x / sum of y, nan without y."""
        return self.ratio(0, 1)[0]

    def ratio(self, numerator: int, denominator: int) -> tuple[float, NDArray]:
        """Ratio of two columns' sums, and the weights (k,) of the columns in a member's influence on it.

        The delta method: the ratio deviates from its expectation as the mean over members of
        (numerator - ratio denominator) / mean denominator does. nan without a denominator.
        """
        top, bottom = float(self.sums[numerator]), float(self.sums[denominator])
        value = top / bottom if bottom else NAN
        weights = np.zeros(len(self.sums))
        if math.isfinite(value):
            weights[numerator] += self.members / bottom
            weights[denominator] -= value * self.members / bottom
        return value, weights

    def covariance_of_means(self) -> NDArray:
        """(k, k), between columns' means over members; at least two members."""
        centred = self.products - np.outer(self.sums, self.sums) / self.members
        return centred / (self.members - 1) / self.members

    def variance(self, weights: NDArray) -> float:
        """Of the mean over members of the columns' weighted sum; nan where there is none beyond rounding."""
        used = np.flatnonzero(weights)  # columns of nulls may stand among the others
        if self.members < 2 or not len(used):
            return NAN
        weights, products = weights[used], self.products[np.ix_(used, used)]
        variance = weights @ self.covariance_of_means()[np.ix_(used, used)] @ weights
        squares = np.abs(weights) @ np.abs(products) @ np.abs(weights) / self.members**2
        return float(variance) if variance > NO_VARIANCE * squares else NAN


@dataclass(frozen=True)
class Comparison:
    """Of a variant with a baseline; what cannot be told is nan, never infinite.

    standard_error : of the lift were the true one nothing, so that p_value is that of lift / standard_error.
    variance_left : variance of the difference with covariates / without.
    """

    baseline_value: float
    value: float
    difference: float = NAN
    difference_low: float = NAN
    difference_high: float = NAN
    lift: float = NAN
    lift_low: float = NAN
    lift_high: float = NAN
    standard_error: float = NAN
    p_value: float = NAN
    variance_left: float = NAN


def compare(baseline: Moments, variant: Moments, alpha: float = ALPHA, covariates: bool = False) -> Comparison:
    """Difference and lift (value / baseline value - 1) of a ratio metric, with 1 - alpha intervals and a p-value.

    Members are the unit of assignment, so variances are those of sums over members (delta method). The interval of the
    lift is Fieller's: all ratios r for which value - r baseline value is not significant. It is asymmetric as a ratio
    of estimates is, needs no logarithm (arms may be near zero, or below it with covariates), and holds a lift of
    nothing exactly when the interval of the difference holds zero and when p >= alpha; the delta method on a logarithm
    or on the ratio agrees with neither. Its ends are nan where it is unbounded: the baseline may be zero.

    covariates : CUPED. Columns after the second are what members did before the experiment. Both values are moved to
    the covariates' mean over both arms by a coefficient shared by the arms: least squares of the members' influence on
    the covariates within arms, each arm weighted as in the variance of the difference, which therefore cannot grow.
    Constant or missing covariates are left out, collinear ones share the coefficient.

    All but the two values is nan with fewer than two members, no denominator, or no variance in an arm. Sources: Deng,
    Knoblich & Lu 2018 (delta method); Fieller 1954; Deng, Xu, Kohavi & Walker 2013 (CUPED).
    """
    arms = baseline, variant
    values, weights = zip(*(arm.ratio(0, 1) for arm in arms), strict=True)
    plain = sum(arm.variance(weight) for arm, weight in zip(arms, weights, strict=True))
    if math.isnan(plain):
        return Comparison(*values)
    coefficient = _coefficient(arms, weights) if covariates else np.zeros(len(baseline.sums))
    (baseline_value, value), joint = _moved(arms, values, weights, coefficient)
    difference = value - baseline_value
    variance = float(joint[0, 0] + joint[1, 1] - 2 * joint[0, 1])
    left = variance / plain
    if not left > NO_VARIANCE:
        return Comparison(baseline_value, value, variance_left=max(left, 0.0))
    error, quantile = math.sqrt(variance), -float(ndtri(alpha / 2))
    low, high = _fieller(baseline_value, value, joint * quantile**2)
    return Comparison(
        baseline_value=baseline_value,
        value=value,
        difference=difference,
        difference_low=difference - quantile * error,
        difference_high=difference + quantile * error,
        lift=difference / baseline_value if baseline_value else NAN,
        lift_low=low - 1,
        lift_high=high - 1,
        standard_error=error / abs(baseline_value) if baseline_value else NAN,
        p_value=float(2 * ndtr(-abs(difference) / error)),
        variance_left=left,
    )


def _coefficient(arms: Sequence[Moments], weights: Sequence[NDArray]) -> NDArray:
    """(k,) of the covariates in the pooled least squares of `compare`, zero for x and y and what is left out."""
    count = len(arms[0].sums)
    covariances = [arm.covariance_of_means() for arm in arms]
    within = sum(covariances)
    against = sum(c[:, :2] @ w[:2] for c, w in zip(covariances, weights, strict=True))
    squares = sum(np.diag(arm.products) / arm.members**2 for arm in arms)
    spread = np.diag(within)
    varies = (np.arange(count) >= 2) & (spread > NO_VARIANCE * squares) & np.isfinite(against)
    coefficient = np.zeros(count)
    if varies.any():
        scale = np.sqrt(spread[varies])
        correlation = within[np.ix_(varies, varies)] / np.outer(scale, scale)
        coefficient[varies] = np.linalg.lstsq(correlation, against[varies] / scale, rcond=1e-9)[0] / scale
    return coefficient


def _moved(
    arms: Sequence[Moments], values: Sequence[float], weights: Sequence[NDArray], coefficient: NDArray
) -> tuple[tuple[float, float], NDArray]:
    """(baseline value, value) at the covariates' mean over both arms, and their covariance (2, 2)."""
    used = np.r_[0, 1, np.flatnonzero(coefficient)]  # what is left out may be null
    coefficient = coefficient[used]
    means = [arm.sums[used] / arm.members for arm in arms]
    shares = np.array([arm.members for arm in arms]) / sum(arm.members for arm in arms)
    gap = float(coefficient @ (means[1] - means[0]))
    joint = np.zeros((2, 2))
    for place, sign in enumerate((-1, 1)):
        # a member's influence on both values: each arm has a share in the mean they are moved to
        influence = np.outer(sign * coefficient, [shares[1], -shares[0]])
        influence[:, place] += weights[place][used]
        joint += influence.T @ arms[place].covariance_of_means()[np.ix_(used, used)] @ influence
    return (float(values[0] + shares[1] * gap), float(values[1] - shares[0] * gap)), joint


def _fieller(bottom: float, top: float, joint: NDArray) -> tuple[float, float]:
    """Ratios r with (top - r bottom)^2 <= the joint covariance's part in it; nan where they have no bounds."""
    a, b, c = bottom**2 - joint[0, 0], bottom * top - joint[0, 1], top**2 - joint[1, 1]
    if not a > 0:
        return NAN, NAN
    root = math.sqrt(max(b**2 - a * c, 0.0))
    return (b - root) / a, (b + root) / a


def naive_p_value(baseline: Moments, variant: Moments) -> float:
    """Two-proportion z-test as if each unit of the denominator were independent, which a member's are not.

    It shows how often such tests are wrong. nan where the values are no proportions strictly between 0 and 1.
    """
    x, y = (np.array([arm.sums[column] for arm in (variant, baseline)]) for column in (0, 1))
    if not ((y > 0).all() and (x >= 0).all() and (x <= y).all() and 0 < x.sum() < y.sum()):
        return NAN
    return float(proportions_ztest(x, y)[1])


def sample_ratio_p_value(members: Sequence[int], shares: Sequence[float]) -> float:
    """Chi-square test of the arms' members against their intended shares (any scale); nan without two arms, members or
    shares. Below 0.001 something other than chance assigned the members or lost them."""
    members, shares = np.asarray(members, float), np.asarray(shares, float)
    if len(members) < 2 or not members.sum() > 0 or not (shares > 0).all():
        return NAN
    return float(chisquare(members, members.sum() * shares / shares.sum()).pvalue)


def minimum_detectable_effect(standard_error: float, alpha: float = ALPHA, power: float = POWER) -> float:
    """True lift (or difference: the unit is standard_error's) that a two-sided test finds with `power`; nan without a
    standard error."""
    usable = math.isfinite(standard_error) and standard_error > 0
    return standard_error * _detectable(alpha, power) if usable else NAN


@lru_cache(maxsize=64)
def _detectable(alpha: float, power: float) -> float:
    """Detectable effect in standard errors."""
    return float(NormalIndPower().solve_power(nobs1=1, alpha=alpha, power=power, ratio=0))


def members_needed(
    effect: float, members: int, standard_error: float, alpha: float = ALPHA, power: float = POWER
) -> float:
    """Members for `effect` to be the detectable one, where `members` gave `standard_error`; nan without either."""
    detectable = minimum_detectable_effect(standard_error, alpha, power)
    if math.isnan(detectable) or not effect:
        return NAN
    return float(math.ceil(round(members * (detectable / effect) ** 2, 6)))


def sequential_p_value(
    estimates: Sequence[float], standard_errors: Sequence[float], spread: float = LIFT_SPREAD
) -> NDArray:
    """(looks,) always-valid p-values of lifts: whenever one looks, it is below alpha by chance at most so often.

    estimates, standard_errors : (looks,), cumulative. The mixture sequential probability ratio test: the likelihood of
    the estimate were true lifts normal with mean 0 and standard deviation `spread`, over that of no lift; p is the
    least of the inverse ratios so far. Looks without an estimate are passed over, nan before the first.

    spread : fixed beforehand, in the estimates' unit: by rule a lift of the size worth finding, 10 %. Were it taken
    from the data seen, p would not be valid; a bad guess only costs power. Source: Johari, Koomen, Pekelis & Walsh
    2017.
    """
    estimate, variance = np.asarray(estimates, float), np.asarray(standard_errors, float) ** 2
    variance = np.where(variance > 0, variance, NAN)
    total = variance + spread**2
    log_ratio = 0.5 * np.log(variance / total) + spread**2 * estimate**2 / (2 * variance * total)
    return np.exp(-np.maximum(np.fmax.accumulate(log_ratio), 0.0))


def adjusted_p_values(p_values: Sequence[float]) -> NDArray:
    """(n,) Benjamini-Hochberg: rejecting those below alpha, at most alpha of the rejected are chance. nan stays nan and
    does not count."""
    adjusted = np.array(p_values, float)
    present = ~np.isnan(adjusted)
    if present.any():
        adjusted[present] = multipletests(adjusted[present], method="fdr_bh")[1]
    return adjusted


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval; nan where it has none: refused, fewer than two members, or no variance."""

    value: float = NAN
    low: float = NAN
    high: float = NAN


@dataclass(frozen=True)
class PolicyValue:
    """Three estimates of one value; refusal : why there are none, where the effective sample is too small."""

    ips: Estimate
    snips: Estimate
    dr: Estimate
    effective_sample_size: float
    refusal: str | None = None


def off_policy(
    moments: Moments, squared_weights: float, least_effective_sample: float = LEAST_EFFECTIVE_SAMPLE
) -> PolicyValue:
    """Mean reward a row had a policy chosen, from the log of another one.

    A row's weight is the policy's probability of the action taken over the logging policy's. SQL sums over a member's
    rows, then over members, one row a policy: `Moments.from_sums(row, "nwrd")` of
        n  rows
        w  weights
        r  weight * reward
        d  direct + weight * (reward - predicted); direct: the model's expected reward under the policy, predicted: that
           of the action taken; both 0 without a model
        nn, nw, nr, nd, ww, wr, wd, rr, rd, dd  sums over members of products of the members' sums
    and squared_weights, the sum over rows of weight * weight (ww is of members' sums).

    IPS = r / n is unbiased, SNIPS = r / w steadier and slightly biased, DR = d / n unbiased and narrower the better the
    model. Each is a ratio of sums over members, with their clustered variance and a normal interval. The effective
    sample size is w^2 / squared_weights: below the least one a few rows decide, the interval is not to be trusted and
    all estimates are refused. Sources: Horvitz & Thompson 1952; Swaminathan & Joachims 2015; Dudik, Langford & Li 2011;
    Kish 1965.
    """
    size = float(moments.sums[1] ** 2 / squared_weights) if squared_weights and squared_weights > 0 else 0.0
    if not size >= least_effective_sample:
        refusal = f"effective sample size {size:.0f} is below {least_effective_sample:.0f}"
        return PolicyValue(Estimate(), Estimate(), Estimate(), size, refusal)
    return PolicyValue(*(_estimate(moments, *ratio) for ratio in ((2, 0), (2, 1), (3, 0))), size)


def off_policy_of_rows(
    member: ArrayLike,
    weight: ArrayLike,
    reward: ArrayLike,
    direct: ArrayLike = 0.0,
    predicted: ArrayLike = 0.0,
    least_effective_sample: float = LEAST_EFFECTIVE_SAMPLE,
) -> PolicyValue:
    """`off_policy` from logged rows, (n,) each; member : whose row it is."""
    weight, reward = np.asarray(weight, float), np.asarray(reward, float)
    robust = np.asarray(direct, float) + weight * (reward - np.asarray(predicted, float))
    moments = Moments.from_rows(member, np.ones(len(weight)), weight, weight * reward, robust)
    return off_policy(moments, float(weight @ weight), least_effective_sample)


def _estimate(moments: Moments, numerator: int, denominator: int) -> Estimate:
    value, weights = moments.ratio(numerator, denominator)
    margin = -float(ndtri(0.025)) * math.sqrt(moments.variance(weights))
    return Estimate() if math.isnan(margin) else Estimate(value, value - margin, value + margin)


def off_policy_values(moments) -> pa.Table:
    """One row of POLICY_VALUES per row of off_policy_moments.

    moments : variant, channel, the sums that `off_policy` takes, `direct` (what the direct model expects of the policy,
    summed over rows) and true_value; a table, or a relation."""
    table = moments if isinstance(moments, pa.Table) else moments.to_arrow_table()
    rows = []
    for row in sorted(table.to_pylist(), key=lambda row: (row["channel"], row["variant"])):
        value = off_policy(Moments.from_sums(row, "nwrd"), row["squared_weights"])
        result = {"variant": row["variant"], "channel": row["channel"], "impressions": round(row["n"])}
        for name in ("ips", "snips", "dr"):
            estimate = getattr(value, name)
            result |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
        result |= {
            "direct": row["direct"] / row["n"],
            "effective_sample_size": value.effective_sample_size,
            "refusal": value.refusal,
            "true_value": row["true_value"],
        }
        rows.append({name: _rounded(each) for name, each in result.items()})
    return pa.Table.from_pylist(rows, schema=POLICY_VALUES)


def experiment_results(moments) -> pa.Table:
    """One row of RESULTS per experiment, metric and variant that is not the baseline, from rows of experiment_moments.

    moments : a table, or a relation. All is of the last look, but sequential_p_value. p-values are adjusted over the
    rows of a metric. Verdicts: 'withheld: sample ratio mismatch', 'no data' where there is no p-value, 'better' or
    'worse' where the adjusted p-value is below 0.05, else 'no significant change'.
    """
    table = moments if isinstance(moments, pa.Table) else moments.to_arrow_table()
    experiments = defaultdict(list)
    for row in table.to_pylist():
        experiments[row["experiment"], row["channel"], row["metric"]].append(row)
    results = [result for key in experiments for result in _variant_results(key, experiments[key])]
    results.sort(key=lambda row: [str(row[name]) for name in ("experiment", "channel", "metric", "variant")])
    for metric in {row["metric"] for row in results}:
        rows = [row for row in results if row["metric"] == metric]
        for row, p in zip(rows, adjusted_p_values([row["p_value"] for row in rows]), strict=True):
            row["adjusted_p_value"] = float(p)
            row["verdict"] = _verdict(row)
    rounded = [{name: _rounded(value) for name, value in row.items()} for row in results]
    return pa.Table.from_pylist(rounded, schema=RESULTS)


def repeated_results(moments) -> pa.Table:
    """How often tests reject a lift that there is not (A/A), and how often intervals cover the one that there is.

    moments : rows of repeated_moments: test, repetition, is_baseline, the sums of `Moments.from_sums`, and whole_value,
    the arm's value in all members. -> REPEATED, one row per test, method and measure. An arm that has too little for a
    p-value counts as not rejected, an interval without ends as covering nothing.
    """
    table = moments if isinstance(moments, pa.Table) else moments.to_arrow_table()
    arms = {(row["test"], row["repetition"], row["is_baseline"]): row for row in table.to_pylist()}
    counts: dict[tuple[str, str, str], list[bool]] = defaultdict(list)
    for test, repetition, is_baseline in sorted(arms):
        if is_baseline or (test, repetition, True) not in arms:
            continue
        base_row, row = arms[test, repetition, True], arms[test, repetition, False]
        base, arm = Moments.from_sums(base_row), Moments.from_sums(row)
        lift = row["whole_value"] / base_row["whole_value"] - 1
        by_member = {"by member": compare(base, arm), "CUPED": compare(base, arm, covariates=True)}
        if not lift:
            counts[test, "by impression", "rejected"].append(naive_p_value(base, arm) < ALPHA)
            for method, comparison in by_member.items():
                counts[test, method, "rejected"].append(comparison.p_value < ALPHA)
        for method, comparison in by_member.items():
            counts[test, method, "covered"].append(comparison.lift_low <= lift <= comparison.lift_high)
    rows = [
        {
            "test": test,
            "method": method,
            "measure": measure,
            "repetitions": len(hits),
            "share": round(float(np.mean(hits)), 9),
            **dict(zip(("wanted_low", "wanted_high"), WANTED[measure], strict=True)),
            "is_as_wanted": bool(WANTED[measure][0] <= np.mean(hits) <= WANTED[measure][1]),
        }
        for (test, method, measure), hits in sorted(counts.items())
    ]
    return pa.Table.from_pylist(rows, schema=REPEATED)


def _variant_results(key: tuple[str, str, str], rows: list[dict]) -> Iterable[dict]:
    """Results of one experiment and metric, before adjustment and verdict."""
    last = {row["variant"]: row for row in rows if row["is_last_look"]}
    arms = {(row["variant"], row["look"]): Moments.from_sums(row) for row in rows}
    looks = sorted({row["look"] for row in rows})
    baseline = next((name for name, row in last.items() if row["is_baseline"]), None)
    absent = Moments(0, np.zeros(4), np.zeros((4, 4)))
    shares = [NAN if row["share"] is None else row["share"] for row in last.values()]
    sample_ratio = sample_ratio_p_value([row["members"] or 0 for row in last.values()], shares)
    for variant, row in last.items():
        if row["is_baseline"]:
            continue
        base_row = last.get(baseline, {"look": None, "true_value": None})
        base, arm = arms.get((baseline, base_row["look"]), absent), arms[variant, row["look"]]
        plain, adjusted = compare(base, arm), compare(base, arm, covariates=True)
        cumulative = [compare(arms.get((baseline, look), absent), arms.get((variant, look), absent)) for look in looks]
        sequential = sequential_p_value([c.lift for c in cumulative], [c.standard_error for c in cumulative])
        true, base_true = row["true_value"], base_row["true_value"]
        yield {
            **dict(zip(("experiment", "channel", "metric"), key, strict=True)),
            "baseline": baseline,
            "variant": variant,
            "coverage": row["coverage"],
            "lift": plain.lift,
            "lift_low": plain.lift_low,
            "lift_high": plain.lift_high,
            "p_value": plain.p_value,
            "minimum_detectable_effect": minimum_detectable_effect(plain.standard_error),
            "true_lift": true / base_true - 1 if true is not None and base_true else None,
            "sample_ratio_p_value": sample_ratio,
            "baseline_value": plain.baseline_value,
            "value": plain.value,
            "baseline_members": base.members if baseline else None,
            "members": arm.members,
            "standard_error": plain.standard_error,
            "naive_p_value": naive_p_value(base, arm),
            "cuped_lift": adjusted.lift,
            "cuped_low": adjusted.lift_low,
            "cuped_high": adjusted.lift_high,
            "cuped_p_value": adjusted.p_value,
            "variance_left": adjusted.variance_left,
            "sequential_p_value": float(sequential[-1]),
        }


def _verdict(row: dict) -> str:
    if row["sample_ratio_p_value"] < MISMATCH:
        return "withheld: sample ratio mismatch"
    if math.isnan(row["p_value"]):
        return "no data"
    if row["adjusted_p_value"] < ALPHA:
        return "better" if row["value"] > row["baseline_value"] else "worse"
    return "no significant change"


def _rounded(value):
    """Numbers to nine decimals, without the sign of a zero; nan is null."""
    if not isinstance(value, float):
        return value
    return None if math.isnan(value) else round(value, 9) + 0.0
