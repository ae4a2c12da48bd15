"""Offline metrics of ranked scores: ROC AUC with a member-clustered interval, log-loss, NDCG."""

from functools import lru_cache

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray
from scipy.special import expit

from relevance.learning import learner
from relevance.logistic import log_loss

RESAMPLES = 100
HISTORIES = ((0, "0"), (1, "1-2"), (3, "3-9"), (10, "10+"))  # engagements from, name


def metrics_schema(group: str) -> pa.Schema:
    return pa.schema(
        [
            *[(name, pa.string()) for name in ("variant", "split", group)],
            *[(name, pa.float64()) for name in ("roc_auc", "roc_auc_low", "roc_auc_high", "log_loss", "calibration")],
            *[(name, pa.float64()) for name in ("ndcg_at_10", "coverage")],
            ("rows", pa.int64()),
        ]
    )


def roc_auc(y: NDArray, score: NDArray, weight: NDArray | None = None) -> float:
    """Weighted probability that a positive scores above a negative, ties count half; nan if a class has no weight.

    y : (n,) in {0, 1};  score : (n,);  weight : (n,) >= 0, default 1.
    """
    weight = np.ones(len(y)) if weight is None else weight
    return float(_aucs(y, score, weight, np.zeros(len(y), int), np.ones((1, 1), np.uint16))[0])


def _aucs(y: NDArray, score: NDArray, weight: NDArray, member: NDArray, draws: NDArray) -> NDArray:
    """(resamples,) AUC of the rows, each as often as its member is drawn.

    member : (n,) numbers of members;  draws : (members, resamples) how often each is drawn.
    """
    order = np.argsort(score, kind="stable")
    columns = (column[order] for column in (y > 0, score, weight.astype(float), member))
    in_order, positives, negatives = _pairs(*columns, draws)
    with np.errstate(invalid="ignore"):
        return in_order / (positives * negatives)


@njit(nogil=True, cache=True)
def _pairs(is_positive, score, weight, member, draws):
    """Weight of the pairs of a positive above a negative, of positives and of negatives, (resamples,) each.

    All resamples in one pass over the rows by score: a row costs a few operations on vectors."""
    resamples = draws.shape[1]
    in_order, positives, negatives = np.zeros(resamples), np.zeros(resamples), np.zeros(resamples)
    tied_positives, tied_negatives = np.zeros(resamples), np.zeros(resamples)
    for i in range(len(score)):
        drawn = draws[member[i]]
        if is_positive[i]:  # a loop each: one over the array that is chosen would not be vectorised
            for r in range(resamples):
                tied_positives[r] += weight[i] * drawn[r]
        else:
            for r in range(resamples):
                tied_negatives[r] += weight[i] * drawn[r]
        if i + 1 == len(score) or score[i + 1] != score[i]:
            for r in range(resamples):
                in_order[r] += tied_positives[r] * (negatives[r] + 0.5 * tied_negatives[r])
                positives[r] += tied_positives[r]
                negatives[r] += tied_negatives[r]
                tied_positives[r] = tied_negatives[r] = 0.0
    return in_order, positives, negatives


@lru_cache(maxsize=8)
def _draws(members: int, seed: int, resamples: int) -> NDArray:
    """(members, resamples) how often each member is drawn."""
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(members, np.full(members, 1.0 / members), size=resamples).astype(np.uint16)
    return np.ascontiguousarray(draws.T)


def auc_interval(
    y: NDArray, score: NDArray, weight: NDArray, member: NDArray, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """95 % bootstrap interval of the AUC, resampling members: a member's rows are not independent."""
    if not len(member):
        return float("nan"), float("nan")
    names, number = np.unique(member, return_inverse=True)
    values = _aucs(y, score, weight, number, _draws(len(names), seed, resamples))
    if np.isnan(values).all():
        return float("nan"), float("nan")
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)


def ndcg(y: NDArray, score: NDArray, group: NDArray, at: int = 10) -> float:
    """Mean NDCG@at over groups with a positive; ties keep the order of the rows. nan without such a group."""
    order = np.lexsort((-score, group))
    y, group = y[order], group[order]
    start = np.flatnonzero(np.r_[True, group[1:] != group[:-1]]) if len(group) else np.zeros(0, int)
    size = np.diff(np.r_[start, len(group)])
    rank = np.arange(len(group)) - np.repeat(start, size)
    gain = np.where(rank < at, y / np.log2(rank + 2.0), 0.0)
    owner = np.repeat(np.arange(len(start)), size)
    dcg = np.bincount(owner, weights=gain, minlength=len(start))
    positives = np.bincount(owner, weights=y, minlength=len(start)).astype(int)
    ideal = np.r_[0.0, np.cumsum(1.0 / np.log2(np.arange(at) + 2.0))][np.minimum(positives, at)]
    return float(np.mean(dcg[positives > 0] / ideal[positives > 0])) if (positives > 0).any() else float("nan")


def offline_metrics(scores, variants) -> pa.Table:
    """One row per variant, split and channel, and channel `all` beside them.

    scores, variants : relations of example_scores and variants. Variants whose scores are logits get a log-loss and a
    calibration.
    """
    return _grouped(scores, variants, "channel", lambda columns: columns["channel"].astype(str), whole="all")


def offline_metrics_by_history(scores, variants) -> pa.Table:
    """One row per variant, split, and class of the member's engagements before the day."""
    starts, names = zip(*HISTORIES, strict=True)

    def history(columns: dict[str, NDArray]) -> NDArray:
        return np.array(names)[np.searchsorted(starts, columns["engagements"], side="right") - 1]

    return _grouped(scores, variants, "history", history)


def offline_metrics_by_traffic(scores, variants) -> pa.Table:
    """One row per variant, split and kind of traffic of the feed: chosen by the policy, or drawn at random."""
    feed = scores.filter("channel = 'feed'")
    return _grouped(feed, variants, "traffic", lambda columns: np.where(columns["is_random"], "random", "policy"))


def offline_metrics_by_parts(scores, variants) -> pa.Table:
    """One row per variant, split and set of parts; scores : relation of glmix_part_scores."""
    return _grouped(scores, variants, "parts", lambda columns: columns["parts"].astype(str))


def _codes(column: pa.ChunkedArray) -> tuple[list[str], NDArray]:
    """Distinct texts, and the place of each row's among them."""
    encoded = column.combine_chunks().dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy()


def _grouped(scores, variants, group: str, group_of, whole: str | None = None) -> pa.Table:
    table = scores.order("variant, split, example_id").to_arrow_table()
    columns = {
        name: table.column(name).to_numpy(zero_copy_only=False)
        for name in table.column_names
        if name not in ("variant", "split", "platform")
    }
    groups = group_of(columns)
    variant_names, variant_code = _codes(table.column("variant"))
    split_names, split_code = _codes(table.column("split"))
    rules = ("recency", "affinity")
    is_probability = {
        row["variant"]: row["learner"] not in rules and learner(row["learner"]).IS_PROBABILITY
        for row in variants.to_arrow_table().to_pylist()
    }
    rows = []
    for variant in sorted(variant_names):
        for split in sorted(split_names, reverse=True):
            here = np.flatnonzero(
                (variant_code == variant_names.index(variant)) & (split_code == split_names.index(split))
            )
            if not len(here):
                continue
            present = np.unique(groups[here]).tolist()
            parts = {name: here[groups[here] == name] for name in present}
            if whole:
                parts = {whole: here} | parts
            measured = None
            for name, chosen in parts.items():
                if measured is None or len(present) > 1:  # the whole and its only part are measured once
                    measured = _metrics(columns, chosen, is_probability[variant])
                rows.append({"variant": variant, "split": split, group: name, **measured})
    return pa.Table.from_pylist(rows, schema=metrics_schema(group))


def _metrics(columns: dict[str, NDArray], chosen: NDArray, is_probability: bool) -> dict[str, float | int | None]:
    y, score = columns["label"][chosen].astype(float), columns["score"][chosen]
    weight, member = columns["weight"][chosen], columns["member_id"][chosen]
    low, high = auc_interval(y, score, weight, member)
    loss = calibration = None
    if is_probability:
        p = np.clip(expit(score), 1e-12, 1 - 1e-12)
        loss = log_loss(y, score, weight)
        positives = float((weight * y).sum())
        calibration = float((weight * p).sum() / positives) if positives else None
    _, group = np.unique(member, return_inverse=True)
    values = {
        "roc_auc": roc_auc(y, score, weight),
        "roc_auc_low": low,
        "roc_auc_high": high,
        "log_loss": loss,
        "calibration": calibration,
        "ndcg_at_10": ndcg(y, score, group),
        "coverage": float(columns["is_scored"][chosen].mean()),
    }
    rounded = {name: None if v is None or np.isnan(v) else round(v, 9) for name, v in values.items()}
    return {"rows": len(chosen), **rounded}
