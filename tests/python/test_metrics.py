"""Offline metrics against their definitions and against scikit-learn."""

import math

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.metrics import log_loss, ndcg_score, roc_auc_score

from relevance.metrics import METRICS, auc_interval, ndcg, offline_metrics, roc_auc

EMPTY = np.array([])


class Relation:
    """What `offline_metrics` uses of a DuckDB relation; rows come in any order."""

    def __init__(self, rows: list[dict]):
        self.rows = rows

    def order(self, columns: str) -> "Relation":
        return Relation(sorted(self.rows, key=lambda row: [row[name] for name in columns.split(", ")]))

    def to_arrow_table(self) -> pa.Table:
        return pa.Table.from_pylist(self.rows)


def scored(n: int, members: int, seed: int = 0) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """(y, score, weight, member) with many equal scores."""
    rng = np.random.default_rng(seed)
    score = np.round(rng.normal(size=n), 1)
    y = (rng.random(n) < expit(score - 1)).astype(float)
    return y, score, rng.choice([1.0, 2.0, 4.0], n), rng.integers(0, members, n)


@pytest.mark.parametrize("seed", range(5))
def test_auc_with_ties_and_weights_is_that_of_scikit_learn(seed):
    y, score, weight, _ = scored(400, 40, seed)
    assert len(np.unique(score)) < 100
    assert roc_auc(y, score) == pytest.approx(roc_auc_score(y, score), abs=1e-12)
    assert roc_auc(y, score, weight) == pytest.approx(roc_auc_score(y, score, sample_weight=weight), abs=1e-12)


def test_auc_counts_a_tie_as_half_a_pair_in_order():
    assert roc_auc(np.array([1.0, 0, 0, 0]), np.array([2.0, 2, 1, 3])) == pytest.approx((0.5 + 1 + 0) / 3)


def test_auc_of_a_perfect_a_reversed_and_a_constant_score():
    y = np.array([0.0, 1, 0, 1])
    assert (roc_auc(y, y), roc_auc(y, -y), roc_auc(y, np.zeros(4))) == (1.0, 0.0, 0.5)


def test_auc_without_rows_or_with_one_class_is_undefined():
    assert math.isnan(roc_auc(EMPTY, EMPTY))
    assert math.isnan(roc_auc(np.ones(3), np.arange(3.0)))
    assert math.isnan(roc_auc(np.zeros(3), np.arange(3.0)))
    assert math.isnan(roc_auc(np.array([0.0, 1]), np.arange(2.0), np.array([1.0, 0])))


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_contains_the_point(seed):
    y, score, weight, member = scored(2000, 200, seed)
    low, high = auc_interval(y, score, weight, member)
    assert 0 <= low < roc_auc(y, score, weight) < high <= 1


def test_the_interval_narrows_with_the_square_root_of_the_members():
    widths = []
    for members in (100, 1600):
        y, score, weight, member = scored(10 * members, members)
        low, high = auc_interval(y, score, weight, member)
        widths.append(high - low)
    assert 2.5 < widths[0] / widths[1] < 6.0


def test_copies_of_the_same_members_rows_do_not_narrow_the_interval():
    y, score, weight, member = scored(1000, 100)
    once = auc_interval(y, score, weight, member)
    tenfold = auc_interval(*(np.tile(column, 10) for column in (y, score, weight, member)))
    assert tenfold == pytest.approx(once, abs=1e-12)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    y, score, _, _ = scored(400_000, 1, seed=99)
    truth = roc_auc(y, score)
    covered = 0
    for seed in range(100):
        y, score, _, member = scored(600, 200, seed)
        low, high = auc_interval(y, score, np.ones(600), member, seed=seed)
        covered += low <= truth <= high
    assert 88 <= covered <= 100


def test_the_interval_does_not_depend_on_the_names_of_members():
    y, score, weight, member = scored(500, 50)
    texts = np.array([f"member {m:03d}" for m in member])
    assert auc_interval(y, score, weight, texts) == auc_interval(y, score, weight, member)


def test_the_interval_without_rows_or_with_one_class_is_undefined():
    for y in (EMPTY, np.ones(5), np.zeros(5)):
        n = len(y)
        low, high = auc_interval(y, np.arange(float(n)), np.ones(n), np.arange(n))
        assert math.isnan(low), y
        assert math.isnan(high), y


@pytest.mark.parametrize("at", [1, 3, 10])
def test_ndcg_is_the_mean_of_scikit_learns_over_groups_with_a_positive(at):
    rng = np.random.default_rng(4)
    sizes = [2, 5, 12, 30, 1, 7]
    group = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    score = rng.permutation(len(group)).astype(float)
    y = (rng.random(len(group)) < 0.4).astype(float)
    y[group == 3] = 0.0
    expected = [
        ndcg_score([y[group == g]], [score[group == g]], k=at) if sizes[g] > 1 else 1.0
        for g in range(len(sizes))
        if y[group == g].any()
    ]
    assert 0 < len(expected) < len(sizes)
    assert ndcg(y, score, group, at) == pytest.approx(np.mean(expected), abs=1e-12)


def test_ndcg_by_hand():
    y, score, group = np.array([0.0, 1, 1]), np.array([3.0, 2, 1]), np.zeros(3, int)
    gain = 1 / np.log2(3) + 1 / np.log2(4)
    assert ndcg(y, score, group) == pytest.approx(gain / (1 + 1 / np.log2(3)))
    assert ndcg(y, score, group, at=2) == pytest.approx(1 / np.log2(3) / (1 + 1 / np.log2(3)))
    assert ndcg(y, -score, group) == pytest.approx(1.0)


def test_ndcg_without_rows_or_positives_is_undefined():
    assert math.isnan(ndcg(EMPTY, EMPTY, EMPTY))
    assert math.isnan(ndcg(np.zeros(4), np.arange(4.0), np.array([0, 0, 1, 1])))


def score_rows(n: int, variant: str, split: str, seed: int) -> list[dict]:
    y, score, weight, member = scored(n, 30, seed)
    return [
        {
            "variant": variant,
            "split": split,
            "channel": ("feed", "home")[i % 2],
            "example_id": i,
            "member_id": int(member[i]),
            "label": int(y[i]),
            "weight": float(weight[i]),
            "score": float(score[i]),
        }
        for i in range(n)
    ]


def test_offline_metrics_has_a_row_for_each_variant_split_and_channel():
    rows = score_rows(200, "m101", "test", 1) + score_rows(100, "m001", "test", 2) + score_rows(60, "m101", "train", 3)
    table = offline_metrics(Relation(rows), learned={"m101"})
    assert table.schema == METRICS
    found = {(row["variant"], row["split"], row["channel"]): row for row in table.to_pylist()}
    assert set(found) == {(variant, "test", where) for variant in ("m001", "m101") for where in ("all", "feed", "home")}
    assert [found["m101", "test", where]["rows"] for where in ("all", "feed", "home")] == [200, 100, 100]
    feed = [row for row in rows if row["variant"] == "m101" and row["split"] == "test" and row["channel"] == "feed"]
    y, score, weight = (np.array([row[name] for row in feed]) for name in ("label", "score", "weight"))
    measured = found["m101", "test", "feed"]
    assert measured["roc_auc"] == pytest.approx(roc_auc_score(y, score, sample_weight=weight), abs=1e-8)
    assert measured["log_loss"] == pytest.approx(log_loss(y, expit(score), sample_weight=weight), abs=1e-8)
    assert measured["roc_auc_low"] < measured["roc_auc"] < measured["roc_auc_high"]
    assert {found["m001", "test", where]["log_loss"] for where in ("all", "feed", "home")} == {None}


def test_offline_metrics_does_not_depend_on_the_order_of_the_rows():
    rows = score_rows(300, "m101", "test", 1) + score_rows(300, "m101", "validation", 2)
    shuffled = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    assert offline_metrics(Relation(rows), {"m101"}).equals(offline_metrics(Relation(shuffled), {"m101"}))


def test_offline_metrics_of_one_class_has_no_auc_and_of_nothing_has_no_rows():
    rows = [row | {"label": 0} for row in score_rows(20, "m101", "test", 1)]
    for row in offline_metrics(Relation(rows), {"m101"}).to_pylist():
        assert (row["roc_auc"], row["roc_auc_low"], row["roc_auc_high"], row["ndcg_at_10"]) == (None,) * 4
        assert row["log_loss"] > 0
    nothing = Relation([])
    nothing.to_arrow_table = lambda: pa.Table.from_pylist(rows).slice(0, 0)
    nothing.order = lambda columns: nothing
    assert offline_metrics(nothing, {"m101"}).num_rows == 0


def test_an_extreme_logit_has_a_finite_log_loss():
    rows = [row | {"score": -1000.0, "label": 1} for row in score_rows(10, "m101", "test", 1)]
    (loss, *_) = offline_metrics(Relation(rows), {"m101"}).column("log_loss").to_pylist()
    assert loss == pytest.approx(-math.log(1e-12))


def test_metrics_of_the_warehouse_are_those_of_its_scores(ci_world):
    for variant, split, measured in ci_world.query(
        "select variant, split, roc_auc from variants.offline_metrics where channel = 'all'"
    ):
        rows = ci_world.query(
            "select label, score, weight from variants.example_scores where variant = ? and split = ?", variant, split
        )
        y, score, weight = map(np.array, zip(*rows, strict=True))
        assert measured == pytest.approx(roc_auc_score(y, score, sample_weight=weight), abs=1e-8)
