"""GLMix against independent joint fits, and what happens at its edges."""

import subprocess
import sys
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import expit

from relevance.design import INTERCEPT, Design
from relevance.glmix import Features, Problem, Rows, Settings, choose_l2, coordinate_features, fit_glmix
from relevance.logistic import fit_logistic
from relevance.metrics import roc_auc


@dataclass
class Case:
    rows: Rows
    settings: dict = field(default_factory=dict)


def _drawn(seed=0, n=600, members=40, courses=15, d=3, sparse=0.0):
    rng = np.random.default_rng(seed)
    member, course = rng.integers(0, members, n), rng.integers(0, courses, n)
    course_x, member_x = rng.normal(size=(courses, d)), rng.normal(size=(members, d))
    x_of_course, x_of_member = course_x[course], member_x[member]
    if sparse:
        x_of_course = x_of_course * (rng.random(x_of_course.shape) > sparse)
    x = np.hstack([x_of_course, x_of_member])
    alpha, beta = rng.normal(size=(members, d + 1)), 0.6 * rng.normal(size=(courses, d + 1))
    z = -0.5 + x @ (0.4 * rng.normal(size=2 * d)) + alpha[member, 0] + (x_of_course * alpha[member, 1:]).sum(axis=1)
    z += beta[course, 0] + (x_of_member * beta[course, 1:]).sum(axis=1)
    y = (rng.random(n) < expit(z)).astype(float)
    effects = {"global": Features(x), "member": Features(x_of_course, member), "course": Features(x_of_member, course)}
    return effects, y, rng


def _plain():
    effects, y, _ = _drawn()
    return Case(Rows(effects, y))


def _weights_and_offsets():
    effects, y, rng = _drawn(1)
    weight = rng.exponential(size=len(y)) * (rng.random(len(y)) > 0.2)
    return Case(Rows(effects, y, weight, rng.normal(size=len(y))), {"member": Settings(0.3), "course": Settings(5.0)})


def _one_row_and_one_class():
    effects, y, _ = _drawn(2, n=300, members=150)
    member = np.asarray(effects["member"].entity)
    y = np.where(member % 3 == 0, 1.0, np.where(member % 3 == 1, 0.0, y))
    return Case(Rows(effects, y), {"member": Settings(0.01), "course": Settings(0.1)})


def _separated():
    effects, _, _ = _drawn(3)
    y = (effects["global"].x[:, 0] > 0).astype(float)
    return Case(Rows(effects, y), {"global": Settings(0.01), "member": Settings(0.01), "course": Settings(0.01)})


def _intercept_penalties():
    effects, y, _ = _drawn(4)
    settings = {
        "global": Settings(1.0, intercept_l2=3.0),
        "member": Settings(2.0, intercept_l2=0.1),
        "course": Settings(0.5, intercept_l2=20.0),
    }
    return Case(Rows(effects, y), settings)


def _scaled():
    effects, y, _ = _drawn(5)
    x = effects["global"].x * np.array([100.0, 1.0, 0.01, 1.0, 5.0, 1.0])
    member = Features(effects["member"].x * np.array([0.02, 1.0, 30.0]), effects["member"].entity)
    settings = {name: Settings(2.0, is_scaled=True) for name in effects}
    return Case(Rows({**effects, "global": Features(x), "member": member}, y), settings)


def _duplicate_and_constant_columns():
    effects, y, _ = _drawn(6)
    x = effects["member"].x
    twice = np.hstack([x, x[:, :1], np.ones((len(y), 1)), np.zeros((len(y), 1))])
    return Case(Rows({**effects, "member": Features(twice, effects["member"].entity)}, y))


def _three_random_effects_with_texts():
    effects, y, rng = _drawn(7)
    author = np.array([f"author {i}" for i in rng.integers(0, 7, len(y))])
    return Case(Rows({**effects, "author": Features(csr_matrix((len(y), 0)), author)}, y))


def _no_global():
    effects, y, _ = _drawn(8, sparse=0.6)
    return Case(Rows({name: effects[name] for name in ("member", "course")}, y))


def _many_rows_per_entity():
    effects, y, _ = _drawn(9, n=3000, members=5, courses=3)
    return Case(Rows(effects, y), {"member": Settings(10.0)})


def _wide_global():
    effects, y, rng = _drawn(10, n=900)
    wide = csr_matrix((np.ones(900), (np.arange(900), rng.integers(0, 600, 900))), (900, 600))
    return Case(Rows({**effects, "global": Features(wide)}, y))


def _rare_positives():
    effects, _, rng = _drawn(11, n=2000)
    return Case(Rows(effects, (rng.random(2000) < 0.01).astype(float)), {"global": Settings(0.1)})


CASES = [
    _plain, _weights_and_offsets, _one_row_and_one_class, _separated, _intercept_penalties, _scaled,
    _duplicate_and_constant_columns, _three_random_effects_with_texts, _no_global, _many_rows_per_entity, _wide_global,
    _rare_positives,
]  # fmt: skip


def _expanded(case):
    """The same problem as one dense design with a column per entity and feature: design, penalties."""
    n = len(case.rows.y)
    weight = np.ones(n) if case.rows.weight is None else case.rows.weight
    blocks, penalties = [], []
    for name, features in case.rows.effects.items():
        s = case.settings.get(name, Settings())
        x = np.asarray(features.x.todense()) if hasattr(features.x, "todense") else features.x
        scale = np.ones(x.shape[1])
        if s.is_scaled:
            scale = x[weight > 0].std(axis=0)
        with_one = np.hstack([np.ones((n, 1)), x])
        entity = np.zeros(n, int) if features.entity is None else np.unique(features.entity, return_inverse=True)[1]
        wide = np.zeros((n, entity.max() + 1, with_one.shape[1]))
        wide[np.arange(n), entity] = with_one
        free = 0.0 if features.entity is None else s.l2
        penalty = np.r_[free if s.intercept_l2 is None else s.intercept_l2, s.l2 * scale**2]
        blocks.append(wide.reshape(n, -1))
        penalties.append(np.tile(penalty, entity.max() + 1))
    return np.hstack(blocks), np.concatenate(penalties)


def _joint(case):
    """The minimum of F by scipy on the expanded design."""
    x, penalty = _expanded(case)
    y = case.rows.y
    weight = np.ones(len(y)) if case.rows.weight is None else case.rows.weight
    offset = np.zeros(len(y)) if case.rows.offset is None else case.rows.offset

    def value(theta):
        z = offset + x @ theta
        return weight @ (np.logaddexp(0, z) - y * z) + 0.5 * penalty @ theta**2

    def gradient(theta):
        return x.T @ (weight * (expit(offset + x @ theta) - y)) + penalty * theta

    def times_hessian(theta, v):
        p = expit(offset + x @ theta)
        return x.T @ (weight * p * (1 - p) * (x @ v)) + penalty * v

    found = minimize(value, np.zeros(x.shape[1]), jac=gradient, hessp=times_hessian, method="trust-ncg",
                     options={"gtol": 1e-7, "maxiter": 2000})  # fmt: skip
    assert np.abs(found.jac).max() < 1e-5, found.message
    return found.fun


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__.strip("_"))
def test_reaches_the_joint_optimum_and_knows_how_far_it_is(make):
    case = make()
    best = _joint(case)
    model = fit_glmix(case.rows, case.settings)
    assert model.stopped_by == "certificate"
    assert model.objective == pytest.approx(best, rel=1e-6)
    assert model.certificate <= 1e-6 * model.objective
    for one in [*model.passes, model]:
        assert one.certificate >= one.objective - best - 1e-9 * best
    falls = np.diff([one.objective for one in model.passes])
    assert (falls < 1e-9).all()
    # as long as it has not arrived, the bound tells that too
    short = fit_glmix(case.rows, case.settings, passes=1)
    assert short.stopped_by == "passes"
    assert short.certificate >= short.objective - best - 1e-9 * best


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__.strip("_"))
def test_scores_are_the_offset_and_the_parts(make):
    case = make()
    model = fit_glmix(case.rows, case.settings, tolerance=1e-9)
    parts = model.parts(case.rows)
    offset = 0 if case.rows.offset is None else case.rows.offset
    np.testing.assert_allclose(model.logits(case.rows), offset + sum(parts.values()), atol=1e-12)


def test_gradient_is_the_slope_of_the_objective():
    case = _weights_and_offsets()
    problem = Problem(case.rows, case.settings)
    rng = np.random.default_rng(0)
    theta = rng.normal(size=len(problem.theta))
    gradient = problem.gradient(theta, problem.logits(theta))
    for _ in range(10):
        direction = rng.normal(size=len(theta))
        high, low = (
            problem.objective(t, problem.logits(t)) for t in (theta + 1e-5 * direction, theta - 1e-5 * direction)
        )
        assert (high - low) / 2e-5 == pytest.approx(gradient @ direction, rel=1e-6)


def test_recovers_the_coefficients_that_drew_the_labels():
    rng = np.random.default_rng(3)
    n, members = 200_000, 50
    member, x = rng.integers(0, members, n), rng.normal(size=(n, 3))
    w, alpha = np.array([0.5, -1.0, 0.2]), rng.normal(size=(members, 4))
    alpha -= alpha.mean(axis=0)
    z = -0.3 + x @ w + alpha[member, 0] + (x * alpha[member, 1:]).sum(axis=1)
    y = (rng.random(n) < expit(z)).astype(float)
    rows = Rows({"global": Features(x), "member": Features(x, member)}, y)
    model = fit_glmix(rows, {"global": Settings(1e-3), "member": Settings(1.0)}, variances=True)
    learned = model.effects["global"].coefficients.toarray()[0]
    theirs = model.effects["member"].coefficients.toarray()
    np.testing.assert_allclose(learned + theirs, np.r_[-0.3, w] + alpha, atol=0.2)
    z_score = (learned + theirs - np.r_[-0.3, w] - alpha) / np.sqrt(model.effects["member"].variances.toarray())
    assert 0.8 < z_score.std() < 1.2


def test_without_random_effects_it_is_logistic_regression():
    effects, y, rng = _drawn(12)
    weight = rng.exponential(size=len(y))
    x = effects["global"].x
    columns = [(INTERCEPT, ""), *[("x", str(i)) for i in range(x.shape[1])]]
    design = Design(csr_matrix(np.hstack([np.ones((len(y), 1)), x])), y, weight, columns, np.arange(len(y)))
    expected, errors = fit_logistic(design, 0.7)
    model = fit_glmix(Rows({"global": effects["global"]}, y, weight), {"global": Settings(0.7)}, tolerance=1e-12,
                      variances=True)  # fmt: skip
    np.testing.assert_allclose(model.effects["global"].coefficients.toarray()[0], expected, atol=1e-7)
    np.testing.assert_allclose(np.sqrt(model.effects["global"].variances.toarray()[0]), errors, rtol=1e-6)
    # an effect whose entities all have too few rows changes nothing
    nobody = {"global": Settings(0.7), "member": Settings(minimum_rows=10**6)}
    rows = Rows({"global": effects["global"], "member": effects["member"]}, y, weight)
    same = fit_glmix(rows, nobody, tolerance=1e-12)
    np.testing.assert_allclose(same.logits(rows), model.logits(Rows({"global": effects["global"]})), atol=1e-9)
    assert (same.parts(rows)["member"] == 0).all()


def test_an_entity_without_a_model_counts_exactly_nothing():
    effects, y, _ = _drawn(13, n=200, members=100)
    member = np.asarray(effects["member"].entity)
    model = fit_glmix(Rows(effects, y), {"member": Settings(minimum_rows=3)})
    few = np.bincount(member, minlength=100)[member] < 3
    assert few.any()
    part = model.parts(Rows(effects))["member"]
    assert (part[few] == 0).all()
    assert (part[~few] != 0).all()
    new = {**effects, "member": Features(effects["member"].x, np.full(len(y), 12345))}
    assert (model.parts(Rows(new))["member"] == 0).all()
    assert model.effects["member"].rows.min() >= 3


def test_rows_of_weight_zero_are_scored_and_not_learned_from():
    effects, y, rng = _drawn(14)
    left_out = rng.random(len(y)) < 0.3
    weighted = fit_glmix(Rows(effects, np.where(left_out, 1 - y, y), (~left_out).astype(float)), tolerance=1e-12)
    alone = fit_glmix(Rows(effects, y).at(~left_out), tolerance=1e-12)
    np.testing.assert_allclose(weighted.logits(Rows(effects)), alone.logits(Rows(effects)), atol=1e-6)


def test_a_sample_of_rows_is_the_same_each_time_and_weighted_up():
    effects, y, _ = _drawn(15, n=3000, members=10)
    settings = {"member": Settings(maximum_rows=150)}
    problem = Problem(Rows(effects, y), settings)
    member = np.asarray(effects["member"].entity)
    counts = np.bincount(member)
    assert (np.bincount(member[problem.weight > 0]) == 150).all()
    np.testing.assert_allclose(np.bincount(member, weights=problem.weight), counts)
    np.testing.assert_array_equal(problem.weight, Problem(Rows(effects, y), settings).weight)
    whole, part = fit_glmix(Rows(effects, y)), fit_glmix(Rows(effects, y), settings)
    difference = whole.logits(Rows(effects)) - part.logits(Rows(effects))
    assert 0 < np.abs(difference).mean() < 0.7


def test_samples_of_two_effects_are_two_choices():
    rng = np.random.default_rng(27)
    member = np.where(rng.random(40_000) < 0.5, 0, rng.integers(1, 5_000, 40_000))
    course = rng.integers(0, 20, 40_000)
    y = (rng.random(40_000) < np.where(member == 0, 0.8, 0.2)).astype(float)
    nothing = csr_matrix((40_000, 0))
    rows = Rows({"member": Features(nothing, member), "course": Features(nothing, course)}, y)
    problem = Problem(rows, {"member": Settings(maximum_rows=4_000), "course": Settings(maximum_rows=500)})
    assert problem.weight.sum() == pytest.approx(40_000, rel=0.03)
    assert np.average(y, weights=problem.weight) == pytest.approx(y.mean(), abs=0.03)
    assert np.average(member == 0, weights=problem.weight) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("x", [np.ones(50), np.full(50, 0.1), np.full(50, 1e8), np.zeros(50)])
def test_scaling_knows_a_constant_column(x):
    other = np.random.default_rng(28).normal(size=50) + 1e8
    rows = Rows({"member": Features(np.column_stack([x, other]), np.arange(50) % 5)}, np.arange(50) % 2)
    scale = Problem(rows, {"member": Settings(is_scaled=True)}).blocks[0].scale
    assert scale[1] == 1.0
    assert scale[2] == pytest.approx(other.std(), rel=1e-6)


@pytest.mark.parametrize("shift", [10.0, -12.0, 50.0, 1e4, -1e4])
def test_a_constant_offset_only_shifts_the_free_intercept(shift):
    effects, y, _ = _drawn(29)
    plain = fit_glmix(Rows(effects, y), tolerance=1e-10)
    moved = fit_glmix(Rows(effects, y, offset=np.full(len(y), shift)), tolerance=1e-10)
    assert moved.objective == pytest.approx(plain.objective, rel=1e-8)
    difference = (moved.effects["global"].coefficients - plain.effects["global"].coefficients).toarray()[0]
    assert difference[0] == pytest.approx(-shift, abs=1e-3)
    np.testing.assert_allclose(difference[1:], 0, atol=1e-3)


def test_the_objective_is_that_of_the_coefficients_whatever_the_scales():
    effects, y, _ = _drawn(30)
    x = effects["member"].x * np.array([1e6, 1.0, 1e-6])
    rows = Rows({"global": effects["global"], "member": Features(x, effects["member"].entity)}, y)
    model = fit_glmix(rows)
    z = model.logits(rows)
    loss = (np.logaddexp(0, z) - y * z).sum() + 0.5 * (model.effects["member"].coefficients.data ** 2).sum()
    loss += 0.5 * (model.effects["global"].coefficients.toarray()[0, 1:] ** 2).sum()
    assert model.objective == pytest.approx(loss, rel=1e-12)


def test_ids_are_the_same_as_numbers_texts_or_whole_floats():
    effects, y, _ = _drawn(31)
    model = fit_glmix(Rows(effects, y))
    part = model.parts(Rows(effects))["member"]
    ids = np.asarray(effects["member"].entity)
    for same in (ids.astype(str), ids.astype(float), ids.astype(np.int32), ids.astype(object), ids.astype(np.uint64)):
        again = model.parts(Rows({**effects, "member": Features(effects["member"].x, same)}))["member"]
        np.testing.assert_array_equal(again, part)
    texts = fit_glmix(Rows({**effects, "member": Features(effects["member"].x, ids.astype(str))}, y))
    np.testing.assert_allclose(texts.parts(Rows(effects))["member"], part, atol=1e-4)
    unknown = np.array([None, "nobody", "9" * 30, *ids[3:]], object)
    part_of_unknown = model.parts(Rows({**effects, "member": Features(effects["member"].x, unknown)}))["member"]
    assert (part_of_unknown[:3] == 0).all()
    np.testing.assert_array_equal(part_of_unknown[3:], part[3:])
    for wrong, message in ((ids + 0.5, "fractional"), (ids[:50], "entity has shape"), (None, "without entity ids")):
        with pytest.raises(ValueError, match=message):
            model.logits(Rows({**effects, "member": Features(effects["member"].x, wrong)}))


def test_columns_of_a_frame_keep_their_names():
    effects, y, _ = _drawn(32)
    frame = pd.DataFrame(effects["member"].x, columns=["a", "b", "c"])
    model = fit_glmix(Rows({"member": Features(frame, effects["member"].entity)}, y.tolist()))
    assert model.effects["member"].columns == ["a", "b", "c"]
    with pytest.raises(ValueError, match="columns"):
        model.logits(Rows({"member": Features(frame[["c", "b", "a"]], effects["member"].entity)}))
    lists = fit_glmix(Rows({"member": Features(effects["member"].x.tolist(), effects["member"].entity)}, y))
    assert lists.objective == model.objective


def test_everything_locked_is_nothing_to_fit():
    effects, y, _ = _drawn(33)
    model = fit_glmix(Rows(effects, y))
    same = fit_glmix(Rows(effects, y), {name: Settings(is_locked=True) for name in effects}, start=model)
    np.testing.assert_allclose(same.logits(Rows(effects)), model.logits(Rows(effects)))
    assert same.passes == []


def test_warm_start_goes_on_where_it_ended_and_keeps_who_has_no_new_rows():
    effects, y, _ = _drawn(16)
    first = fit_glmix(Rows(effects, y), tolerance=1e-10)
    again = fit_glmix(Rows(effects, y), start=first, tolerance=1e-6)
    assert again.passes[0].objective == pytest.approx(first.objective, rel=1e-9)
    member = np.asarray(effects["member"].entity)
    of_some = member < 10
    later = fit_glmix(Rows(effects, y).at(of_some), start=first)
    before, after = first.effects["member"], later.effects["member"]
    assert after.entities.tolist() == before.entities.tolist()
    old = before.entities >= 10
    np.testing.assert_array_equal(after.coefficients[old].toarray(), before.coefficients[old].toarray())
    assert np.abs((after.coefficients - before.coefficients)[~old]).max() > 0.01


def test_a_locked_effect_stays_and_counts():
    effects, y, _ = _drawn(17)
    base = fit_glmix(Rows({"global": effects["global"]}, y), tolerance=1e-10)
    model = fit_glmix(Rows(effects, y), {"global": Settings(is_locked=True)}, start=base)
    assert model.effects["global"] is base.effects["global"]
    offset = base.logits(Rows({"global": effects["global"]}))
    others = {name: effects[name] for name in ("member", "course")}
    given = fit_glmix(Rows(others, y, offset=offset))
    np.testing.assert_allclose(model.logits(Rows(effects)), given.logits(Rows(others, offset=offset)), atol=1e-9)


def test_yesterdays_posterior_as_a_prior():
    effects, y, rng = _drawn(18, n=2000)
    half = rng.random(len(y)) < 0.5
    rows = Rows({name: effects[name] for name in ("global", "member")}, y)
    first = fit_glmix(rows.at(half), variances=True)
    settings = {"member": Settings(prior=first.effects["member"])}
    second = fit_glmix(rows.at(~half), settings)
    both = fit_glmix(rows)
    alone = fit_glmix(rows.at(~half))
    target = both.effects["member"].coefficients.toarray()
    with_prior = np.abs(second.effects["member"].coefficients.toarray() - target).mean()
    assert with_prior < 0.6 * np.abs(alone.effects["member"].coefficients.toarray() - target).mean()
    # a prior that is nearly certain wins over the rows, in every coefficient
    sure = first.effects["member"]
    certain = type(sure)(sure.entities, sure.columns, sure.coefficients, sure.variances * 1e-9, sure.rows)
    kept = fit_glmix(rows.at(~half), {"member": Settings(prior=certain)})
    np.testing.assert_allclose(kept.effects["member"].coefficients.toarray(), sure.coefficients.toarray(), atol=1e-5)
    with pytest.raises(ValueError, match="no variances"):
        fit_glmix(rows.at(~half), {"member": Settings(prior=alone.effects["member"])})


def test_variances_are_the_diagonal_of_the_inverse_hessian():
    effects, y, _ = _drawn(19, n=400, members=8)
    model = fit_glmix(Rows(effects, y), {"member": Settings(0.5, intercept_l2=2.0)}, variances=True)
    p = expit(model.logits(Rows(effects)))
    member = np.asarray(effects["member"].entity)
    for place, entity in enumerate(model.effects["member"].entities):
        mine = member == entity
        x = np.hstack([np.ones((mine.sum(), 1)), effects["member"].x[mine]])
        hessian = x.T @ (x * (p * (1 - p))[mine, None]) + np.diag([2.0, 0.5, 0.5, 0.5])
        np.testing.assert_allclose(
            model.effects["member"].variances[[place]].toarray()[0], np.diag(np.linalg.inv(hessian))
        )


def test_ends_when_the_validation_stops_getting_better():
    effects, y, rng = _drawn(20, n=4000)
    held_out = rng.random(len(y)) < 0.3
    train, validation = Rows(effects, y).at(~held_out), Rows(effects, y).at(held_out)
    model = fit_glmix(train, validation=validation, stop="validation")
    assert model.stopped_by == "validation"
    best = max(one.roc_auc for one in model.passes)
    assert roc_auc(validation.y, model.logits(validation)) == pytest.approx(best, abs=2e-4)
    assert model.certificate >= 0
    with pytest.raises(ValueError, match="without validation rows"):
        fit_glmix(train, stop="validation")
    with pytest.raises(ValueError, match="give certificate or validation"):
        fit_glmix(train, stop="sometime")


def test_chooses_the_penalty_that_validates_best():
    effects, y, rng = _drawn(21, n=6000, members=200)
    held_out = rng.random(len(y)) < 0.3
    train, validation = Rows(effects, y).at(~held_out), Rows(effects, y).at(held_out)
    grids = {"member": [0.01, 1.0, 100.0], "course": [0.1, 1000.0]}
    settings, trials = choose_l2(train, validation, grids)
    assert settings["member"].l2 == 1.0  # the labels were drawn with coefficients of variance 1
    assert settings["course"].l2 == 0.1
    assert [(t.effect, t.l2) for t in trials] == [("member", 100.0), ("member", 1.0), ("member", 0.01),
                                                 ("course", 1000.0), ("course", 0.1)]  # fmt: skip
    assert all(t.intercept_l2 == t.l2 for t in trials)
    for effect in grids:
        losses = {t.l2: t.log_loss for t in trials if t.effect == effect}
        assert [t.l2 for t in trials if t.effect == effect and t.is_chosen] == [min(losses, key=losses.get)]


def test_chooses_a_penalty_of_their_own_for_intercepts():
    effects, y, rng = _drawn(26, n=6000, members=200)
    level = rng.normal(size=200)[np.asarray(effects["member"].entity)]  # given already: intercepts find nothing more
    effects = {"member": effects["member"]}
    y = (rng.random(len(y)) < expit(level + effects["member"].x[:, 0])).astype(float)
    held_out = rng.random(len(y)) < 0.3
    rows = Rows(effects, y, offset=level)
    train, validation = rows.at(~held_out), rows.at(held_out)
    settings, trials = choose_l2(train, validation, {"member": [1.0]}, intercepts=(1.0, 1000.0))
    assert settings["member"].intercept_l2 == 1000.0
    assert [(t.l2, t.intercept_l2, t.is_chosen) for t in trials] == [(1.0, 1.0, False), (1.0, 1000.0, True)]
    assert fit_glmix(train, settings).objective == pytest.approx(_joint(Case(train, settings)), rel=1e-6)


def test_the_number_of_threads_changes_nothing():
    effects, y, _ = _drawn(22, n=20_000, members=900)
    one, two = (fit_glmix(Rows(effects, y), threads=threads, variances=True) for threads in (1, 2))
    assert one.objective == two.objective
    for name in effects:
        np.testing.assert_array_equal(one.effects[name].coefficients.data, two.effects[name].coefficients.data)
        np.testing.assert_array_equal(one.effects[name].variances.data, two.effects[name].variances.data)


def test_the_order_of_the_rows_changes_nothing_but_the_last_digits():
    effects, y, rng = _drawn(23)
    order = rng.permutation(len(y))
    first, second = (fit_glmix(rows, tolerance=1e-12) for rows in (Rows(effects, y), Rows(effects, y).at(order)))
    np.testing.assert_allclose(second.logits(Rows(effects)), first.logits(Rows(effects)), atol=1e-5)


def test_rows_as_coordinates():
    features = coordinate_features([0, 0, 2], ["sql", "python", "sql"], [1.0, 2.0, 3.0], 3, entity=["a", "b", "a"])
    assert features.columns == ["python", "sql"]
    np.testing.assert_array_equal(features.x.toarray(), [[2, 1], [0, 0], [0, 3]])
    model = fit_glmix(Rows({"member": features}, [1, 0, 1]))
    assert model.effects["member"].entities.tolist() == ["a", "b"]


def test_nothing_is_compiled_on_import():
    code = (
        "import relevance.glmix_kernels as k; import relevance.glmix; from numba.core.dispatcher import Dispatcher; "
        "print([n for n, f in vars(k).items() if isinstance(f, Dispatcher) and f.signatures])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="models_py")
    assert done.stdout.strip() == "[]"


def _with(**changed):
    effects, y, _ = _drawn(24)
    given = {"effects": effects, "y": y} | changed
    return Rows(**given)


def _features(value):
    effects, _, _ = _drawn(24)
    x = effects["member"].x.copy()
    x[3, 1] = value
    return {**effects, "member": Features(x, effects["member"].entity, ["a", "b", "c"])}


def _missing_ids():
    effects, _, _ = _drawn(24)
    ids = np.array([str(i) for i in effects["member"].entity], object)
    ids[:2] = None
    return {**effects, "member": Features(effects["member"].x, ids)}


@pytest.mark.parametrize(
    ("rows", "settings", "message"),
    [
        (lambda: _with(effects=_features(np.nan)), {}, "effect member: column b has 1 values that are not finite"),
        (lambda: _with(effects=_features(np.inf)), {}, "effect member: column b has 1 values"),
        (lambda: _with(effects=_missing_ids()), {}, "effect member: 2 entity ids are missing"),
        (lambda: _with(y=np.full(600, 2.0)), {}, "y has 600 values other than 0 and 1"),
        (lambda: _with(y=np.full(600, np.nan)), {}, "y has 600 values that are not finite"),
        (lambda: _with(y=np.ones(600)), {}, "one class only"),
        (lambda: _with(y=np.ones(5)), {}, "y has shape"),
        (lambda: _with(weight=-np.ones(600)), {}, "weight has 600 negative values"),
        (lambda: _with(weight=np.zeros(600)), {}, "no row has a positive weight"),
        (lambda: _with(offset=np.full(600, np.inf)), {}, "offset has 600 values"),
        (lambda: _with(effects={}), {}, "no effects"),
        (lambda: _with(y=None), {}, "without labels"),
        (_with, {"member": Settings(0.0)}, "effect member: l2 = 0.0"),
        (_with, {"member": Settings(1.0, intercept_l2=0.0)}, "effect member: intercept_l2 = 0.0"),
        (_with, {"member": Settings(maximum_rows=0)}, "effect member: maximum_rows = 0"),
        (_with, {"members": Settings()}, "settings for members"),
        (lambda: _with(effects=_features(1e200)), {}, "effect member: column b has 1 values that are not finite"),
        (
            lambda: _with(effects={"one": _drawn()[0]["global"], "two": _drawn()[0]["global"]}),
            {},
            "two global effects have a free intercept",
        ),
        (_with, {"member": Settings(is_locked=True)}, "effect member is locked"),
    ],
)
def test_bad_input_is_named(rows, settings, message):
    with pytest.raises(ValueError, match=message):
        fit_glmix(rows(), settings)


def test_penalties_are_not_chosen_on_nothing():
    effects, y, _ = _drawn(34)
    rows = Rows(effects, y)
    for validation, grids, message in (
        (None, {"member": [1.0]}, "chosen on validation rows"),
        (Rows(effects), {"member": [1.0]}, "without labels"),
        (Rows(effects, y, np.zeros(len(y))), {"member": [1.0]}, "no row has a positive weight"),
        (rows, {"members": [1.0]}, "not among the effects"),
        (rows, {"member": []}, "give positive numbers"),
        (rows, {"member": [-1.0, 1.0]}, "give positive numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            choose_l2(rows, validation, grids)


def test_scoring_other_columns_is_an_error():
    effects, y, _ = _drawn(25)
    for other in ({}, {**effects, "member": Features(np.ones((len(y), 9)), effects["member"].entity)}):
        with pytest.raises(ValueError, match="validation rows lack it or have other columns"):
            fit_glmix(Rows(effects, y), validation=Rows(other, y))
    model = fit_glmix(Rows(effects, y))
    with pytest.raises(ValueError, match="columns"):
        model.logits(Rows({**effects, "member": Features(np.ones((len(y), 9)), effects["member"].entity)}))
    with pytest.raises(ValueError, match="lack the effects course"):
        model.logits(Rows({name: effects[name] for name in ("global", "member")}))
