"""GLMix over shards against the fit of all rows together, with one shard and with many."""

from collections.abc import Callable

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix

from relevance.engine import engine, list_array
from relevance.glmix import Features, GLMix, Rows, Settings, choose_l2, fit_glmix
from relevance.glmix_shards import Layout, Penalties, ShardedProblem, ids_of, pack

SHARD = pa.schema([("shard", pa.binary())])
MEMBER_ROWS = pa.schema(
    [("member_id", pa.string()), ("column", pa.int64()), ("theta", pa.float64()), ("variance", pa.float64())]
)
GRID = (1.0, 4.0, 16.0)
INTERCEPTS = (1.0, 10.0)
SETTINGS = {"member": Penalties(4.0, 40.0), "course": Penalties(2.0, 2.0)}


def world(members: int = 120, courses: int = 15, n: int = 3_000) -> tuple[Rows, np.ndarray]:
    """Rows with a member's and a course's effect, one course without training rows; and which rows are for training."""
    rng = np.random.default_rng(5)
    member, course = rng.integers(0, members, n) * 3 + 1, rng.integers(0, courses, n) * 2 + 10
    of_member = csr_matrix((rng.random((n, 3)) < 0.5) * rng.normal(size=(n, 3)))
    of_course = csr_matrix(np.eye(4)[rng.integers(0, 4, n)])
    offset = rng.normal(size=n) - 1
    logit = offset + rng.normal(size=1000)[member] + of_member @ rng.normal(size=3) + rng.normal(size=100)[course]
    y = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(float)
    rows = Rows(
        {"member": Features(of_member, member, list("abc")), "course": Features(of_course, course, list("wxyz"))},
        y,
        rng.choice([1.0, 2.0], n),
        offset,
    )
    return rows, (rng.random(n) < 0.8) & (course != 12)


def sharded(rows: Rows, is_train: np.ndarray, effects: tuple[str, ...], size: int, texts: bool) -> ShardedProblem:
    key = (lambda ids: pa.array(ids.astype(str))) if texts else pa.array
    columns = {"label": rows.y, "weight": rows.weight, "logit": rows.offset, "is_train": is_train}
    for effect, features in rows.effects.items():
        columns[f"{effect}_id"] = key(features.entity)
        counts = np.diff(features.x.indptr)
        columns[f"{effect}_columns"] = list_array(counts, features.x.indices)
        columns[f"{effect}_values"] = list_array(counts, features.x.data)
    table = pa.table(columns)
    layout = Layout(
        rows.effects["member"].columns if "member" in effects else None,
        rows.effects["course"].columns if "course" in effects else None,
        np.unique(ids_of(table.filter(pa.array(is_train))["course_id"])),
    )
    connection = duckdb.connect()
    verbs = engine(connection)
    stream = verbs.map_groups(connection.from_arrow(table), "member_id", lambda part: pack(part, layout), SHARD, size)
    return ShardedProblem(verbs, verbs.keep(stream), layout)


def together(rows: Rows, is_train: np.ndarray, effects: tuple[str, ...]) -> GLMix:
    chosen = Rows({name: rows.effects[name] for name in effects}, rows.y, rows.weight, rows.offset)
    settings = {name: Settings(*SETTINGS[name]) for name in effects}
    return fit_glmix(chosen.at(np.flatnonzero(is_train)), settings, tolerance=1e-12, variances=True)


def member_rows(effect) -> pa.Table:
    learned = effect.coefficients.tocoo()
    variance = np.asarray(effect.variances.tocsr()[learned.row, learned.col]).ravel()
    ids = pa.array(effect.entities.astype(str)[learned.row])
    return pa.table([ids, learned.col.astype(np.int64), learned.data, variance], schema=MEMBER_ROWS)


@pytest.mark.parametrize("effects", [("member", "course"), ("member",), ("course",)])
@pytest.mark.parametrize(("size", "texts"), [(500, False), (10**6, True)])
def test_the_optimum_is_that_of_all_rows_together(effects: tuple[str, ...], size: int, texts: bool) -> None:
    rows, is_train = world()
    problem = sharded(rows, is_train, effects, size, texts)
    model = together(rows, is_train, effects)
    fitted = problem.fit({name: SETTINGS[name] for name in effects})
    value, certificate = fitted.passes[-1]
    assert value == pytest.approx(model.objective, rel=1e-9)
    assert certificate < 1e-8 * value
    if "course" in effects:
        expected = model.effects["course"]
        assert fitted.courses.entities.astype(int).tolist() == expected.entities.tolist()
        assert 12 not in expected.entities
        assert abs(fitted.courses.coefficients - expected.coefficients).max() < 1e-4
        assert abs(fitted.courses.variances - expected.variances).max() < 1e-6
        assert fitted.courses.coefficients.nnz == expected.coefficients.nnz
    if "member" in effects:
        expected = model.effects["member"]
        found = problem.member_effects(fitted.c, SETTINGS["member"], member_rows, MEMBER_ROWS).read_all()
        at = np.searchsorted(expected.entities, found["member_id"].to_numpy().astype(int))
        places = (at, found["column"].to_numpy())
        theta, variance = (
            csr_matrix((found[name].to_numpy(), places), expected.coefficients.shape) for name in ("theta", "variance")
        )
        assert found.num_rows == expected.coefficients.nnz
        assert abs(theta - expected.coefficients).max() < 1e-4
        assert abs(variance - expected.variances).max() < 1e-6


def test_penalties_are_chosen_as_of_all_rows_together() -> None:
    rows, is_train = world()
    train, validation = (rows.at(np.flatnonzero(chosen)) for chosen in (is_train, ~is_train))
    grids = {"member": GRID, "course": GRID}
    settings, trials = choose_l2(train, validation, grids, intercepts=INTERCEPTS)
    chosen, tried = sharded(rows, is_train, ("member", "course"), 500, False).choose_l2(grids, INTERCEPTS)
    assert chosen == {name: Penalties(one.l2, one.intercept_l2) for name, one in settings.items()}
    assert [(one.effect, one.l2, one.intercept_l2, one.is_chosen) for one in trials] == [
        (effect, *penalties, is_chosen) for effect, penalties, _, is_chosen in tried
    ]
    assert [loss for _, _, loss, _ in tried] == pytest.approx([one.log_loss for one in trials], abs=1e-4)


def test_shards_do_not_change_the_fit() -> None:
    rows, is_train = world()
    fits: list[Callable] = []
    for size in (200, 1_000):
        fits.append(sharded(rows, is_train, ("member", "course"), size, False).fit(SETTINGS))
    assert abs(fits[0].c - fits[1].c).max() < 1e-4
