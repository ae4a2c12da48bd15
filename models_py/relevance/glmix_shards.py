"""GLMix where the rows lie in shards of whole members: on the workers of Spark, or one after the other on DuckDB.

The problem and the certificate are those of relevance.glmix, with an effect per member on top of given logits, and one
per course. The members' coefficients are never in one place. For given coefficients c of the courses every member is
solved alone, where its rows lie, and

    phi(c) = min over the members' coefficients of F(c, .),    d phi / d c = d F / d c at that minimum

is convex in c alone, which is small enough for the driver: the sums over rows that it needs (value, gradient, Hessian
of each course) are added up over the shards. L-BFGS minimises phi in coordinates in which the courses' Hessians at the
start are 1. Then F - F* is at most 1/2 sum_j g_j^2 / l2_j over the coefficients of both effects, as there.
"""

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import expit
from threadpoolctl import threadpool_limits

from relevance.engine import ragged
from relevance.glmix import Effect, Features, Problem, Rows, Settings

MEMBER_STEPS, MEMBER_DECREMENT = 50, 1e-12  # of Newton's method for a member
COURSE_STEPS = 3  # of Newton's method for the courses' block when penalties are tried
TOLERANCE = 1e-10  # of F, at which phi counts as minimised


class Penalties(NamedTuple):
    """Of the coefficients of an effect, and of its intercepts."""

    l2: float
    intercept_l2: float


@dataclass(frozen=True)
class Layout:
    """What the rows of all shards share. member_columns, course_columns : names of the columns of each effect, None
    where there is no such effect;  courses : ids of the courses that have models, ascending."""

    member_columns: list | None
    course_columns: list | None
    courses: NDArray

    @property
    def shape(self) -> tuple[int, int]:
        """(courses, coefficients of a course, the intercept first)."""
        return len(self.courses), 0 if self.course_columns is None else 1 + len(self.course_columns)


def pack(rows: pa.Table, layout: Layout) -> pa.Table:
    """A shard as one row of bytes.

    rows : member_id, course_id, label, weight, logit (of what stays as it is), is_train, and lists of column numbers
    and values: member_columns, member_values, course_columns, course_values; whole members.
    """
    n = rows.num_rows
    course_ids = ids_of(rows.column("course_id"))
    place = np.minimum(np.searchsorted(layout.courses, course_ids), max(len(layout.courses) - 1, 0))
    known = layout.courses[place] == course_ids if len(layout.courses) else np.zeros(n, bool)
    shard = {
        "member": ids_of(rows.column("member_id")),
        "course": np.where(known, place, -1),
        "y": rows.column("label").to_numpy().astype(float),
        "weight": rows.column("weight").to_numpy().astype(float),
        "logit": rows.column("logit").to_numpy().astype(float),
        "is_train": rows.column("is_train").to_numpy(zero_copy_only=False).astype(bool),
    }
    for effect, columns in (("member", layout.member_columns), ("course", layout.course_columns)):
        if columns is not None:
            offsets, column = ragged(rows.column(f"{effect}_columns"))
            _, value = ragged(rows.column(f"{effect}_values"))
            shard[f"{effect}_x"] = csr_matrix((value, column, offsets), (n, len(columns)))
    return pa.table({"shard": pa.array([pickle.dumps(shard)], pa.binary())})


def ids_of(column: pa.ChunkedArray) -> NDArray:
    """Keys as numbers, or as texts of one width."""
    ids = column.to_numpy(zero_copy_only=False)
    return ids.astype(str) if ids.dtype.kind == "O" else ids


class _Solved(NamedTuple):
    problem: Problem | None  # of the members, at their optimum
    logits: NDArray  # (n,) of all rows: what was given and the members' part


def _solved(shard: dict, given: NDArray, members: Penalties | None) -> _Solved:
    """The members of a shard at their optimum, where the rows have the logits `given` besides."""
    if members is None:
        return _Solved(None, given)
    train = shard["is_train"]
    if not (train & (shard["weight"] > 0)).any():
        return _Solved(None, given)
    rows = Rows({"member": Features(shard["member_x"], shard["member"])}, shard["y"], shard["weight"] * train, given)
    problem = Problem(rows, {"member": Settings(members.l2, members.intercept_l2)}, threads=1)
    for (block, theta), (_, ridge) in zip(problem._parts(problem.theta), problem._parts(problem.ridge), strict=True):
        problem._solve(block, theta, ridge, problem.z, MEMBER_STEPS, MEMBER_DECREMENT)
        problem.move_to(problem.theta)
        effect = problem._effect(block, theta, variances=False)
    return _Solved(problem, given + effect.scores(rows.effects["member"]))


def _course_logits(shard: dict, c: NDArray) -> NDArray:
    """(n,) the courses' part; c : (courses, 1 + columns)."""
    if not c.size:
        return np.zeros(len(shard["y"]))
    at = np.append(c, np.zeros((1, c.shape[1])), axis=0)[shard["course"]]
    return at[:, 0] + np.asarray(shard["course_x"].multiply(at[:, 1:]).sum(axis=1)).ravel()


class Sums:
    """What is added up over shards, as one vector: value of F without the courses' penalty, members' part of the
    certificate, log-loss and weight of the validation rows, gradient (courses, d) and Hessians (courses, d, d)."""

    def __init__(self, shape: tuple[int, int], with_hessians: bool):
        courses, d = shape
        self.sizes = [1, 1, 1, 1, courses * d, courses * d * d * with_hessians]
        self.shape = shape

    @property
    def zero(self) -> NDArray:
        return np.zeros(sum(self.sizes))

    def split(self, total: NDArray) -> tuple[float, float, float, NDArray, NDArray]:
        """value, certificate, mean log-loss of validation, gradient, Hessians."""
        value, certificate, loss, weight, gradient, hessians = np.split(total, np.cumsum(self.sizes)[:-1])
        courses, d = self.shape
        shape = (courses, d, d) if len(hessians) else (0, d, d)
        mean = loss[0] / weight[0] if weight[0] else np.nan
        return value[0], certificate[0], mean, gradient.reshape(self.shape), hessians.reshape(shape)

    def of(self, shard: dict, c: NDArray, at: NDArray, members: Penalties | None) -> NDArray:
        """The sums of a shard at courses' coefficients c, its members at their optimum for the coefficients `at`."""
        held = _course_logits(shard, at)
        solved = _solved(shard, shard["logit"] + held, members)
        z = solved.logits if c is at else solved.logits - held + _course_logits(shard, c)
        train, y = shard["is_train"], shard["y"]
        weight, held_out = shard["weight"] * train, shard["weight"] * ~train
        loss = np.logaddexp(0.0, z) - y * z
        value, certificate = weight @ loss, 0.0
        if (problem := solved.problem) is not None:
            value += 0.5 * problem.ridge @ problem.theta**2
            certificate = 0.5 * float(problem.gradient(problem.theta, problem.z) ** 2 @ (1 / problem.ridge))
        p = expit(z)
        courses, d = self.shape
        pieces = [[value], [certificate], [held_out @ loss], [held_out.sum()], np.zeros(courses * d), np.zeros(0)]
        if courses * d:
            rows = np.flatnonzero((weight > 0) & (shard["course"] >= 0))
            x, course = shard["course_x"][rows], shard["course"][rows]
            owner = np.repeat(np.arange(len(rows)), np.diff(x.indptr))
            # the entries of each row, the intercept among them, in the coefficients of its course
            entry_row = np.r_[np.arange(len(rows)), owner]
            entry_at = np.r_[course * d, course[owner] * d + 1 + x.indices]
            entry_value = np.r_[np.ones(len(rows)), x.data]
            residual, curvature = (weight * (p - y))[rows], (weight * p * (1 - p))[rows]
            pieces[4] = np.bincount(entry_at, weights=entry_value * residual[entry_row], minlength=courses * d)
            if self.sizes[5]:
                pieces[5] = _hessians(entry_row, entry_at, entry_value, curvature, courses, d)
        return np.concatenate(pieces)


def _hessians(row: NDArray, at: NDArray, value: NDArray, curvature: NDArray, courses: int, d: int) -> NDArray:
    """(courses * d * d,) sums of curvature x x' of each course's rows, from the entries of x."""
    order = np.argsort(row, kind="stable")
    row, at, value = row[order], at[order], value[order]
    counts = np.bincount(row, minlength=len(curvature))
    first = np.r_[0, np.cumsum(counts)[:-1]]
    # every entry with every entry of its row
    left = np.repeat(np.arange(len(row)), counts[row])
    inner = np.arange(len(left)) - np.repeat(np.r_[0, np.cumsum(counts[row])[:-1]], counts[row])
    right = first[row[left]] + inner
    places = at[left] * d + at[right] % d
    return np.bincount(places, weights=value[left] * value[right] * curvature[row[left]], minlength=courses * d * d)


class Fit(NamedTuple):
    """courses : the courses' effect, None without;  passes : (value of F, certificate) of each step of L-BFGS;
    c : (courses, d) its coefficients, for `member_effect`."""

    courses: Effect | None
    passes: list[tuple[float, float]]
    c: NDArray


class ShardedProblem:
    """A fit over shards. verbs, shards : an engine and what it kept of `pack`."""

    def __init__(self, verbs, shards, layout: Layout):
        self._verbs, self._shards, self.layout = verbs, shards, layout

    def _sums(self, c: NDArray, at: NDArray, members: Penalties | None, hessians: bool = False):
        sums = Sums(self.layout.shape, hessians)

        def of_batch(batch: pa.Table) -> NDArray:
            total = sums.zero
            with threadpool_limits(1):
                for shard in batch.column("shard").to_pylist():
                    total += sums.of(pickle.loads(shard), c, at, members)
            return total

        return sums.split(self._verbs.reduce(self._shards, of_batch, sums.zero))

    def _ridge(self, courses: Penalties) -> NDArray:
        """(courses, d) penalties."""
        ridge = np.full(self.layout.shape, courses.l2)
        ridge[:, 0] = courses.intercept_l2
        return ridge

    def choose_l2(
        self, grids: dict[str, Sequence[float]], intercepts: Sequence[float]
    ) -> tuple[dict[str, Penalties], list[tuple[str, Penalties, float, bool]]]:
        """As choose_l2 of relevance.glmix: the penalties with the lowest log-loss on validation; and all that were
        tried, as (effect, penalties, log-loss, is it chosen)."""
        zero, chosen, trials = np.zeros(self.layout.shape), {}, []
        for effect, grid in grids.items():
            tried: dict[Penalties, float] = {}
            c = zero

            def attempt(penalties: Penalties, effect=effect, tried=tried) -> None:
                nonlocal c
                if effect == "member":
                    tried[penalties] = self._sums(zero, zero, penalties)[2]
                    return
                ridge = self._ridge(penalties)
                for _ in range(COURSE_STEPS):
                    _, _, _, gradient, hessians = self._sums(c, zero, chosen.get("member"), hessians=True)
                    c = c - _solve_each(hessians, ridge, gradient + ridge * c)
                tried[penalties] = self._sums(c, zero, chosen.get("member"))[2]

            def best(tried=tried) -> Penalties:
                return min(tried, key=lambda one: (tried[one], [-p for p in one]))

            for l2 in sorted(grid, reverse=True):
                attempt(Penalties(l2, l2))
            l2 = best().l2
            for multiple in sorted(intercepts):
                if Penalties(l2, l2 * multiple) not in tried:
                    attempt(Penalties(l2, l2 * multiple))
            chosen[effect] = best()
            trials += [(effect, penalties, loss, penalties == chosen[effect]) for penalties, loss in tried.items()]
        return chosen, trials

    def fit(self, penalties: dict[str, Penalties], tolerance: float = TOLERANCE, steps: int = 500) -> Fit:
        """The minimum of F, to a certificate of `tolerance` of it where rounding allows."""
        members, shape = penalties.get("member"), self.layout.shape
        c = np.zeros(shape)
        if "course" not in penalties:
            value, certificate, *_ = self._sums(c, c, members)
            return Fit(None, [(value, certificate)], c)
        ridge = self._ridge(penalties["course"])
        *_, hessians = self._sums(c, c, members, hessians=True)
        factors = np.linalg.cholesky(hessians + _diagonals(ridge))
        passes: list[tuple[float, float]] = []
        last: dict = {}

        def phi(u: NDArray) -> tuple[float, NDArray]:
            c = np.linalg.solve(factors.transpose(0, 2, 1), u.reshape(*shape, 1))[..., 0]
            value, certificate, _, gradient, _ = self._sums(c, c, members)
            gradient = gradient + ridge * c
            value += 0.5 * float((ridge * c**2).sum())
            last.update(c=c, value=value, certificate=certificate + 0.5 * float((gradient**2 / ridge).sum()))
            return value, np.linalg.solve(factors, gradient[..., None]).ravel()

        def arrived(_: NDArray) -> None:
            passes.append((last["value"], last["certificate"]))
            if last["certificate"] <= tolerance * abs(last["value"]):
                raise StopIteration

        options = {"maxiter": steps, "maxcor": 30, "ftol": 0.0, "gtol": 0.0}
        minimize(phi, np.zeros(c.size), jac=True, method="L-BFGS-B", callback=arrived, options=options)
        c = last["c"]
        *_, hessians = self._sums(c, c, members, hessians=True)
        return Fit(self._course_effect(c, hessians, ridge), passes or [(last["value"], last["certificate"])], c)

    def _course_effect(self, c: NDArray, hessians: NDArray, ridge: NDArray) -> Effect:
        variance = np.diagonal(np.linalg.inv(hessians + _diagonals(ridge)), axis1=1, axis2=2)
        has = np.diagonal(hessians, axis1=1, axis2=2) > 0  # the columns that rows of the course have
        learned = has[:, 0]
        course, column = np.nonzero(has[learned])
        shape = (int(learned.sum()), c.shape[1])
        return Effect(
            self.layout.courses[learned],
            self.layout.course_columns,
            csr_matrix((c[learned][course, column], (course, column)), shape),
            csr_matrix((variance[learned][course, column], (course, column)), shape),
            np.zeros(shape[0], np.int64),
        )

    def member_effects(self, c: NDArray, members: Penalties, made: Callable[[Effect], pa.Table], schema: pa.Schema):
        """Rows `made(effect)` of the members of every shard, streamed; their coefficients have variances."""
        columns = self.layout.member_columns

        def of_batch(batch: pa.Table) -> pa.Table:
            out = []
            with threadpool_limits(1):
                for packed in batch.column("shard").to_pylist():
                    shard = pickle.loads(packed)
                    problem = _solved(shard, shard["logit"] + _course_logits(shard, c), members).problem
                    if problem is not None:
                        ((block, theta),) = problem._parts(problem.theta)
                        out.append(made(replace(problem._effect(block, theta, variances=True), columns=columns)))
            return pa.concat_tables(out) if out else schema.empty_table()

        return self._verbs.map_groups(self._shards, None, of_batch, schema, rows=1)


def _diagonals(ridge: NDArray) -> NDArray:
    """(courses, d) -> (courses, d, d)."""
    return np.eye(ridge.shape[1]) * ridge[:, None, :]


def _solve_each(hessians: NDArray, ridge: NDArray, gradient: NDArray) -> NDArray:
    return np.linalg.solve(hessians + _diagonals(ridge), gradient[..., None])[..., 0]
