"""Offline metrics of ranked scores: ROC AUC with a member-clustered interval, log-loss, NDCG."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import expit

RESAMPLES = 200
METRICS = pa.schema(
    [
        ("variant", pa.string()),
        ("split", pa.string()),
        ("channel", pa.string()),
        ("roc_auc", pa.float64()),
        ("roc_auc_low", pa.float64()),
        ("roc_auc_high", pa.float64()),
        ("log_loss", pa.float64()),
        ("ndcg_at_10", pa.float64()),
        ("rows", pa.int64()),
    ]
)


def roc_auc(y: NDArray, score: NDArray, weight: NDArray | None = None) -> float:
    """Weighted probability that a positive scores above a negative, ties count half; nan if a class has no weight.

    y : (n,) in {0, 1};  score : (n,);  weight : (n,) >= 0, default 1.
    """
    weight = np.ones(len(y)) if weight is None else weight
    order = np.argsort(score, kind="stable")
    return _auc_sorted(y[order], _ties(score[order]), weight[order])


def _ties(sorted_score: NDArray) -> NDArray:
    """(n,) number of the group of equal scores each row is in."""
    return np.cumsum(np.r_[False, np.diff(sorted_score) != 0]) if len(sorted_score) else np.zeros(0, int)


def _auc_sorted(y: NDArray, tie: NDArray, weight: NDArray) -> float:
    """AUC of rows sorted by score, given the group of equal scores of each."""
    groups = int(tie[-1]) + 1 if len(tie) else 0
    positive = np.bincount(tie, weights=weight * y, minlength=groups)
    negative = np.bincount(tie, weights=weight * (1 - y), minlength=groups)
    below = np.cumsum(negative) - negative
    total = positive.sum() * negative.sum()
    return float((positive * (below + 0.5 * negative)).sum() / total) if total > 0 else float("nan")


def auc_interval(
    y: NDArray, score: NDArray, weight: NDArray, member: NDArray, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """95 % bootstrap interval of the AUC, resampling members: a member's rows are not independent."""
    _, code = np.unique(member, return_inverse=True)
    order = np.argsort(score, kind="stable")
    rng = np.random.default_rng(seed)
    members = int(code.max()) + 1 if len(code) else 0
    if members == 0:
        return float("nan"), float("nan")
    y, code, weight, tie = y[order], code[order], weight[order], _ties(score[order])
    share = np.full(members, 1.0 / members)
    values = [_auc_sorted(y, tie, weight * rng.multinomial(members, share)[code]) for _ in range(resamples)]
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


def offline_metrics(scores, learned: set[str]) -> pa.Table:
    """One row per variant, split and channel (and channel 'all').

    scores : relation with variant, split, channel, example_id, member_id, label, weight, score. `learned` variants have
    scores that are logits, so they get a log-loss.
    """
    table = scores.order("variant, split, example_id").to_arrow_table()
    columns = {name: table.column(name).to_numpy(zero_copy_only=False) for name in table.column_names}
    rows = []
    for variant in np.unique(columns["variant"].astype(str)):
        for split in ("validation", "test"):
            here = np.flatnonzero((columns["variant"] == variant) & (columns["split"] == split))
            if not len(here):
                continue
            whole = _metrics(columns, here, variant in learned)
            channels = np.unique(columns["channel"][here].astype(str))
            for channel in ["all", *channels]:
                chosen = here[columns["channel"][here] == channel]
                metrics = (
                    whole if channel == "all" or len(channels) == 1 else _metrics(columns, chosen, variant in learned)
                )
                rows.append({"variant": variant, "split": split, "channel": channel, **metrics})
    return pa.Table.from_pylist(rows, schema=METRICS)


def _metrics(columns: dict[str, NDArray], chosen: NDArray, is_learned: bool) -> dict[str, float | int | None]:
    y, score = columns["label"][chosen].astype(float), columns["score"][chosen]
    weight, member = columns["weight"][chosen], columns["member_id"][chosen]
    low, high = auc_interval(y, score, weight, member)
    loss = None
    if is_learned:
        p = np.clip(expit(score), 1e-12, 1 - 1e-12)
        loss = float(np.average(-(y * np.log(p) + (1 - y) * np.log1p(-p)), weights=weight))
    _, group = np.unique(member, return_inverse=True)
    values = {
        "roc_auc": roc_auc(y, score, weight),
        "roc_auc_low": low,
        "roc_auc_high": high,
        "log_loss": loss,
        "ndcg_at_10": ndcg(y, score, group),
    }
    rounded = {name: None if v is None or np.isnan(v) else round(v, 9) for name, v in values.items()}
    return {"rows": len(chosen), **rounded}
