"""Offline metrics against their definitions and against scikit-learn."""

import math

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.metrics import log_loss, ndcg_score, roc_auc_score

from relevance.metrics import (
    auc_interval,
    metrics_schema,
    ndcg,
    offline_metrics,
    offline_metrics_by_history,
    offline_metrics_by_parts,
    offline_metrics_by_traffic,
    roc_auc,
)

EMPTY = np.array([])
SCORES = pa.schema(
    [
        *[(name, pa.string()) for name in ("variant", "split", "channel", "platform")],
        ("is_random", pa.bool_()),
        *[(name, pa.int64()) for name in ("example_id", "member_id")],
        ("label", pa.int32()),
        *[(name, pa.float64()) for name in ("weight", "score")],
        ("is_scored", pa.bool_()),
        ("engagements", pa.int32()),
    ]
)
LEARNERS = {"m001": "recency", "m002": "affinity", "m101": "logistic", "item_item": "item_item"}


def relation(rows: list[dict]) -> duckdb.DuckDBPyRelation:
    return duckdb.from_arrow(pa.Table.from_pylist(rows, schema=SCORES))


def registry() -> duckdb.DuckDBPyRelation:
    return duckdb.from_arrow(pa.table({"variant": list(LEARNERS), "learner": list(LEARNERS.values())}))


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
    """Rows of example_scores: two of three on the feed, one of five of random traffic, one of four not scored."""
    y, score, weight, member = scored(n, 30, seed)
    return [
        {
            "variant": variant,
            "split": split,
            "channel": ("feed", "feed", "home")[i % 3],
            "platform": ("mobile", "desktop")[i % 2],
            "is_random": i % 5 == 0,
            "example_id": i,
            "member_id": int(member[i]),
            "label": int(y[i]),
            "weight": float(weight[i]),
            "score": float(score[i]),
            "is_scored": i % 4 != 0,
            "engagements": int(member[i]) % 14,
        }
        for i in range(n)
    ]


def assert_measured(measured: dict, rows: list[dict]) -> None:
    """That a row of metrics of a logit is what scikit-learn and the definitions make of the scores."""
    y, score, weight, is_scored = (
        np.array([row[name] for row in rows]) for name in ("label", "score", "weight", "is_scored")
    )
    p = expit(score)
    assert measured["rows"] == len(rows)
    assert measured["roc_auc"] == pytest.approx(roc_auc_score(y, score, sample_weight=weight), abs=1e-8)
    assert measured["roc_auc_low"] < measured["roc_auc"] < measured["roc_auc_high"]
    assert measured["log_loss"] == pytest.approx(log_loss(y, p, sample_weight=weight), abs=1e-8)
    assert measured["calibration"] == pytest.approx((weight @ p) / (weight @ y), abs=1e-8)
    assert measured["coverage"] == pytest.approx(is_scored.mean(), abs=1e-8)


def test_offline_metrics_has_a_row_for_each_variant_split_and_channel():
    rows = score_rows(200, "m101", "test", 1) + score_rows(100, "m001", "test", 2) + score_rows(60, "m101", "train", 3)
    table = offline_metrics(relation(rows), registry())
    assert table.schema == metrics_schema("channel")
    found = {(row["variant"], row["split"], row["channel"]): row for row in table.to_pylist()}
    kinds = (("m001", "test"), ("m101", "test"), ("m101", "train"))
    assert set(found) == {(*kind, where) for kind in kinds for where in ("all", "feed", "home")}
    for split in ("test", "train"):
        mine = [row for row in rows if (row["variant"], row["split"]) == ("m101", split)]
        assert_measured(found["m101", split, "all"], mine)
        for channel in ("feed", "home"):
            assert_measured(found["m101", split, channel], [row for row in mine if row["channel"] == channel])


def test_channels_with_equally_many_examples_have_metrics_of_their_own():
    rows = [row | {"channel": ("feed", "home")[i % 2]} for i, row in enumerate(score_rows(400, "m101", "test", 1))]
    for measured in offline_metrics(relation(rows), registry()).to_pylist():
        where = measured["channel"]
        assert_measured(measured, [row for row in rows if where in ("all", row["channel"])])


@pytest.mark.parametrize("variant", ["m001", "m002", "item_item"])
def test_scores_that_are_no_logits_have_no_log_loss_and_no_calibration(variant):
    table = offline_metrics(relation(score_rows(100, variant, "test", 1)), registry()).to_pylist()
    assert {(row["log_loss"], row["calibration"]) for row in table} == {(None, None)}
    assert all(row["roc_auc"] > 0.5 and row["ndcg_at_10"] > 0 for row in table)


def test_calibration_is_the_weighted_sum_of_predictions_over_that_of_clicks():
    draws = [(2.0, 1, math.log(1 / 3)), (1.0, 0, 0.0), (4.0, 0, math.log(3))]  # p = 1/4, 1/2, 3/4
    rows = [
        score_rows(1, "m101", "test", 1)[0] | {"example_id": i, "weight": weight, "label": label, "score": score}
        for i, (weight, label, score) in enumerate(draws)
    ]
    (calibration, *_) = offline_metrics(relation(rows), registry()).column("calibration").to_pylist()
    assert calibration == pytest.approx((2 / 4 + 1 / 2 + 4 * 3 / 4) / 2, abs=1e-9)


def test_examples_without_a_click_have_no_calibration():
    rows = [row | {"label": 0} for row in score_rows(20, "m101", "test", 1)]
    assert set(offline_metrics(relation(rows), registry()).column("calibration").to_pylist()) == {None}


def test_coverage_is_the_share_of_the_channels_examples_that_have_a_score():
    rows = score_rows(30, "m002", "test", 1)
    rows = [row | {"is_scored": row["channel"] == "feed" and i != 0} for i, row in enumerate(rows)]
    table = offline_metrics(relation(rows), registry()).to_pylist()
    assert {row["channel"]: row["coverage"] for row in table} == pytest.approx(
        {"all": 19 / 30, "feed": 19 / 20, "home": 0.0}, abs=1e-9
    )


def test_metrics_by_history_are_those_of_the_members_classes():
    rows = score_rows(900, "m101", "test", 1) + score_rows(600, "m101", "validation", 2)
    table = offline_metrics_by_history(relation(rows), registry())
    assert table.schema == metrics_schema("history")
    classes = {"0": range(0, 1), "1-2": range(1, 3), "3-9": range(3, 10), "10+": range(10, 10**6)}
    found = {(row["split"], row["history"]): row for row in table.to_pylist()}
    assert set(found) == {(split, name) for split in ("test", "validation") for name in classes}
    for (split, name), measured in found.items():
        part = [row for row in rows if row["split"] == split and row["engagements"] in classes[name]]
        assert_measured(measured, part)


@pytest.mark.parametrize(
    ("engagements", "name"),
    [(0, "0"), (1, "1-2"), (2, "1-2"), (3, "3-9"), (9, "3-9"), (10, "10+"), (5000, "10+")],
)
def test_a_number_of_engagements_is_in_its_class(engagements, name):
    rows = [row | {"engagements": engagements} for row in score_rows(20, "m101", "test", 1)]
    table = offline_metrics_by_history(relation(rows), registry()).to_pylist()
    assert [(row["history"], row["rows"]) for row in table] == [(name, 20)]


def test_metrics_by_traffic_are_those_of_the_feed_chosen_by_the_policy_or_drawn():
    rows = score_rows(900, "m101", "test", 1)
    table = offline_metrics_by_traffic(relation(rows), registry())
    assert table.schema == metrics_schema("traffic")
    found = {row["traffic"]: row for row in table.to_pylist()}
    assert set(found) == {"policy", "random"}
    for name, measured in found.items():
        part = [row for row in rows if row["channel"] == "feed" and row["is_random"] == (name == "random")]
        assert_measured(measured, part)
    home = [row | {"channel": "home"} for row in rows]
    assert offline_metrics_by_traffic(relation(home), registry()).num_rows == 0


def test_metrics_by_parts_are_those_of_the_scores_made_of_the_parts():
    rows = {"all": score_rows(600, "m101", "test", 1)}
    rows["global"] = [row | {"score": -row["score"]} for row in rows["all"]]
    schema = SCORES.append(pa.field("parts", pa.string()))
    scores = pa.Table.from_pylist([row | {"parts": name} for name in rows for row in rows[name]], schema=schema)
    table = offline_metrics_by_parts(duckdb.from_arrow(scores), registry())
    assert table.schema == metrics_schema("parts")
    found = {row["parts"]: row for row in table.to_pylist()}
    assert set(found) == {"all", "global"}
    for name, measured in found.items():
        assert_measured(measured, rows[name])
    assert offline_metrics_by_parts(duckdb.from_arrow(scores.slice(0, 0)), registry()).num_rows == 0


@pytest.mark.parametrize("measure", [offline_metrics, offline_metrics_by_history, offline_metrics_by_traffic])
def test_offline_metrics_do_not_depend_on_the_order_of_the_rows(measure):
    rows = score_rows(300, "m101", "test", 1) + score_rows(300, "m101", "validation", 2)
    shuffled = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    table = measure(relation(rows), registry())
    assert table.num_rows >= 4
    assert table.equals(measure(relation(shuffled), registry()))


def test_offline_metrics_of_one_class_has_no_auc_and_of_nothing_has_no_rows():
    rows = [row | {"label": 0} for row in score_rows(20, "m101", "test", 1)]
    measured = offline_metrics(relation(rows), registry()).to_pylist()
    assert len(measured) == 3
    for row in measured:
        assert (row["roc_auc"], row["roc_auc_low"], row["roc_auc_high"], row["ndcg_at_10"]) == (None,) * 4
        assert row["log_loss"] > 0
    for measure in (offline_metrics, offline_metrics_by_history, offline_metrics_by_traffic):
        assert measure(relation([]), registry()).num_rows == 0


def test_an_extreme_logit_has_a_finite_log_loss():
    rows = [row | {"score": -1000.0, "label": 1} for row in score_rows(10, "m101", "test", 1)]
    (loss, *_) = offline_metrics(relation(rows), registry()).column("log_loss").to_pylist()
    assert loss == pytest.approx(-math.log(1e-12))


@pytest.mark.parametrize(
    ("table", "column", "of_score"),
    [
        ("offline_metrics", "channel", "unnest([channel, 'all'])"),
        (
            "offline_metrics_by_history",
            "history",
            "case when engagements = 0 then '0' when engagements < 3 then '1-2' when engagements < 10 then '3-9' "
            "else '10+' end",
        ),
        ("offline_metrics_by_traffic", "traffic", "if(is_random, 'random', 'policy')"),
    ],
)
def test_metrics_of_the_warehouse_are_those_of_its_scores(ci_world, table, column, of_score):
    where = "where channel = 'feed'" if column == "traffic" else ""
    expected = {
        (variant, split, group): columns
        for variant, split, group, *columns in ci_world.query(
            f"""
            select variant, split, part, list(label), list(score), list(weight), avg(is_scored::int),
                sum(weight / (1 + exp(-score))) / sum(weight * label)
            from (select *, {of_score} as part from variants.example_scores {where})
            group by variant, split, part
            """
        )
    }
    learners = dict(ci_world.query("select variant, learner from variants.variants"))
    measured = ci_world.query(
        f"select variant, split, {column}, rows, roc_auc, coverage, calibration from variants.{table}"
    )
    assert {tuple(row[:3]) for row in measured} == set(expected)
    assert len(measured) == len(expected) > 2 * len(learners)
    for variant, split, group, rows, auc, coverage, calibration in measured:
        y, score, weight, scored_share, ratio = expected[variant, split, group]
        assert rows == len(y)
        assert auc == pytest.approx(roc_auc_score(y, score, sample_weight=weight), abs=1e-8)
        assert coverage == pytest.approx(scored_share, abs=1e-8)
        is_logit = learners[variant] not in ("recency", "affinity", "item_item")
        assert calibration == (pytest.approx(ratio, abs=1e-8) if is_logit else None)


def test_scores_of_the_warehouse_are_covered_where_the_two_sides_share_a_skill(ci_world):
    shared = ci_world.query(
        """
        select avg(exists(
            from skills.course_skills as c inner join skills.member_skills as m using (skill_id)
            where c.mapping = 'cs01' and m.mapping = 'ms01'
                and c.course_id = examples.course_id and m.member_id = examples.member_id
        )::int)
        from labels.examples inner join seeds.label_sets using (label_set)
        where is_evaluation and split = 'test'
        """
    )[0][0]
    ((coverage,),) = ci_world.query(
        "select coverage from variants.offline_metrics where variant = 'm002' and split = 'test' and channel = 'all'"
    )
    assert 0 < coverage < 1
    assert coverage == pytest.approx(shared, abs=1e-8)


def test_classes_of_history_of_the_warehouse_count_engagements_before_the_day(ci_world):
    counted = ci_world.query(
        """
        select example_id, scores.engagements, (
            select count(*) from labels.engagements as e
            where e.member_id = examples.member_id and e.engaged_date < examples.served_date
        ) as before
        from variants.example_scores as scores inner join labels.examples using (example_id)
        where variant = 'm105'
        """
    )
    assert len({before for _, _, before in counted}) > 10
    assert [row for row in counted if row[1] != row[2]] == []
