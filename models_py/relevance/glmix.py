"""GLMix: generalised linear mixed models, global + per-member + per-course, trained to the optimum (section 5).

    z_i  = offset_i + sum over effects k of theta_k[entity_k(i)] . [1, x_ik]
    F    = sum_i weight_i (log(1 + exp(z_i)) - y_i z_i) + 1/2 sum_k sum_e sum_j l2_kj (theta_kej - prior_kej)^2

An effect without entities is global (fixed): one set of coefficients, its intercept free unless told otherwise. A
random effect has a set per entity, every coefficient penalised: then F is strictly convex and has one finite minimum.

Trained by two passes of block coordinate descent, whose blocks fall into small independent problems, and then Newton
steps of all blocks together by conjugate gradients. The fit ends with its distance from the
optimum: F(theta) - F* is at most

    F(theta) - F(theta') + 1/2 sum_j g_j(theta')^2 / l2_j

for any theta' with its free intercept at its optimum, by strong convexity; the Newton steps are the thetas'.

Source: Rao et al., section 5, equation 2; Zhang et al., GLMix: Generalized Linear Mixed Models for Large-Scale
Response Prediction (KDD 2016).
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_matrix, hstack, issparse
from scipy.special import expit
from threadpoolctl import threadpool_limits

from relevance import glmix_kernels as kernels
from relevance.design import places
from relevance.logistic import log_loss
from relevance.metrics import roc_auc

SMALLEST_L2 = 1e-12
LARGEST = 1e100  # value of a feature: its square must be a number
WIDE = 512  # coefficients from which an entity is solved by LAPACK
SAMPLE_SPACE_ROWS = 64  # rows up to which an entity may be solved in the space of its rows
CONJUGATE_STEPS = 200
BLOCK_PASSES = 2  # of block coordinate descent before the Newton steps of all blocks together
BLOCK_STEPS = 3  # Newton steps per block in the first pass
COMMON_COLUMNS = 3_000  # columns of all effects up to which the second level of the preconditioner is used
DECREMENT = 1e-6  # of Newton's method, at which an entity has arrived: what the step leaves is about its square
FORCING = 1e-4  # of the squared residual that conjugate gradients leave
STILL, STILL_PASSES = 1e-4, 2  # a fit by validation stops after so many passes that raise the AUC by no more


@dataclass(frozen=True)
class Features:
    """What one effect reads of n rows.

    x : (n, d) scipy sparse matrix or array, without an intercept;  entity : (n,) ids, numbers or texts, whose
    coefficients apply; None for a global effect;  columns : d names, default 0, 1, ....
    """

    x: csr_matrix | NDArray
    entity: ArrayLike | None = None
    columns: Sequence | None = None


@dataclass(frozen=True)
class Rows:
    """n rows to learn from or to score.

    effects : name -> Features, in the order in which they are updated;  y : (n,) in {0, 1}, None to score;
    weight : (n,) >= 0, default 1; rows of weight 0 are not learned from;  offset : (n,) given logits, default 0.
    """

    effects: Mapping[str, Features]
    y: ArrayLike | None = None
    weight: ArrayLike | None = None
    offset: ArrayLike | None = None

    def at(self, chosen: NDArray) -> "Rows":
        """The rows that a mask (n,), or places, choose; x given as matrices or arrays."""

        def of(values: ArrayLike | None) -> NDArray | None:
            return None if values is None else np.asarray(values)[chosen]

        effects = {name: Features(f.x[chosen], of(f.entity), f.columns) for name, f in self.effects.items()}
        return Rows(effects, of(self.y), of(self.weight), of(self.offset))


@dataclass(frozen=True)
class Settings:
    """How one effect is learned.

    l2 : > 0, penalty of every coefficient;  intercept_l2 : penalty of the intercept; default 0 for a global effect
    (where 0 is allowed), l2 for a random one;  is_scaled : penalise the coefficients of columns divided by their
    standard deviation, which is returned to the units of the columns (not centred: designs stay sparse);
    minimum_rows : an entity with fewer rows (of those that maximum_rows leaves) has no model;
    maximum_rows : of an entity with more rows a sample of so many stays, weighted up; the rows left out are left out of
    the whole problem, so that it keeps one objective;
    is_locked : the effect of `start` is added to the logits and stays as it is;
    prior : an earlier effect with variances; its coefficients are the prior's means, 1 / variance its precisions.
    """

    l2: float = 1.0
    intercept_l2: float | None = None
    is_scaled: bool = False
    minimum_rows: int = 1
    maximum_rows: int | None = None
    is_locked: bool = False
    prior: "Effect | None" = None


@dataclass(frozen=True)
class Effect:
    """A learned effect.

    entities : (E,) ids, ascending; None for a global effect (E = 1);  columns : names of the d columns;
    coefficients : (E, 1 + d), the intercept first; what is not stored is 0;  variances : diagonals of the inverse of
    each entity's Hessian, where coefficients are stored; None if not asked for;  rows : (E,) rows learned from.
    """

    entities: NDArray | None
    columns: list
    coefficients: csr_matrix
    variances: csr_matrix | None
    rows: NDArray

    def scores(self, features: Features) -> NDArray:
        """(n,) the effect's part of the logit; exactly 0 where an entity has no model.

        Raises ValueError if the columns are not those that were learned, or the ids not one per row.
        """
        x = _sparse(features.x, features.columns, "features")
        if _names(features, x) != self.columns:
            raise ValueError(f"{x.shape[1]} columns, the model was learned on {len(self.columns)} others. {_REMEDY}")
        at = _entities_at(self.entities, features.entity, x.shape[0], "features")
        x, scores = _with_intercept(x), np.zeros(x.shape[0])
        has_model = np.flatnonzero(at >= 0)
        for chunk in np.array_split(has_model, max(1, len(has_model) // 200_000)):
            scores[chunk] = np.asarray(x[chunk].multiply(self.coefficients[at[chunk]]).sum(axis=1)).ravel()
        return scores


@dataclass(frozen=True)
class Pass:
    """One pass over the blocks: of `block` or `newton`, F after it, an upper bound of F - F*, and
    the validation's AUC and log-loss (nan without)."""

    number: int
    step: str
    objective: float
    certificate: float
    roc_auc: float
    log_loss: float


@dataclass(frozen=True)
class GLMix:
    """effects : by name;  passes : one per pass;  objective : F;  certificate : >= F - F*;  stopped_by : `certificate`,
    `validation`, `passes`, or `precision` where rounding hides what is left;  settings : as fitted."""

    effects: dict[str, Effect]
    passes: list[Pass]
    objective: float
    certificate: float
    stopped_by: str
    settings: dict[str, Settings]

    def parts(self, rows: Rows) -> dict[str, NDArray]:
        """name -> (n,) part of the logit; with the offset they add up to `logits`."""
        missing = sorted(set(self.effects) - set(rows.effects))
        if missing:
            raise ValueError(f"the rows lack the effects {', '.join(missing)}. {_REMEDY}")
        parts = {name: effect.scores(rows.effects[name]) for name, effect in self.effects.items()}
        lengths = {name: len(part) for name, part in parts.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"the effects have different numbers of rows: {lengths}")
        return parts

    def logits(self, rows: Rows) -> NDArray:
        """(n,) offset + the sum of the parts."""
        total = sum(self.parts(rows).values())
        return total + _vector(rows.offset, 0.0, len(total), "offset")


_REMEDY = "Remedy: give the same columns and effects as to the fit"


def fit_glmix(
    rows: Rows,
    settings: Mapping[str, Settings] | None = None,
    validation: Rows | None = None,
    stop: str = "certificate",
    tolerance: float = 1e-6,
    passes: int = 200,
    start: GLMix | None = None,
    variances: bool = False,
    threads: int | None = None,
) -> GLMix:
    """The minimum of F (see the module).

    settings : by effect, default Settings();  stop : `certificate` at F - F* <= tolerance * F, or `validation` when the
    AUC of `validation` stops rising (the best pass is kept);  passes : at most;  start : a model to begin with; its
    entities without rows keep their coefficients, effects locked by `settings` are taken from it;  variances : also
    diagonals of the inverse Hessians;  threads : default all processors; the result does not depend on it.

    Raises ValueError naming the effect and the column for values that are not finite, labels other than 0 and 1,
    negative weights, missing entity ids, penalties that are not positive, one class where the intercept is free.
    """
    if stop not in ("certificate", "validation"):
        raise ValueError(f"stop = '{stop}'. Remedy: give certificate or validation")
    if stop == "validation" and validation is None:
        raise ValueError("stop = 'validation' without validation rows. Remedy: give them, or stop = 'certificate'")
    problem = Problem(rows, settings, validation, start, threads)
    return problem.fit(stop, tolerance, passes, variances)


@dataclass(frozen=True)
class Trial:
    """Penalties tried by choose_l2: the validation's log-loss and AUC with them."""

    effect: str
    l2: float
    intercept_l2: float
    log_loss: float
    roc_auc: float
    is_chosen: bool


def choose_l2(
    rows: Rows,
    validation: Rows,
    grids: Mapping[str, Sequence[float]],
    settings: Mapping[str, Settings] | None = None,
    intercepts: Sequence[float] = (1.0,),
    start: GLMix | None = None,
    threads: int | None = None,
) -> tuple[dict[str, Settings], list[Trial]]:
    """The penalties with the lowest log-loss on `validation`, one effect after the other, strongest first, the others
    held as they are: each trial solves one block and begins where the one before ended.

    grids : effect -> penalties;  intercepts : multiples of it that are then tried for the intercepts of random effects.
    Returns the settings with the chosen penalties, and all that was tried.
    """
    problem = Problem(rows, settings, validation, start, threads)
    for name, grid in grids.items():
        if name not in problem.free:
            raise ValueError(f"penalties for {name}, which is not among the effects to learn: {problem.free}")
        if not len(grid) or not all(SMALLEST_L2 <= l2 < np.inf for l2 in grid):
            raise ValueError(f"effect {name}: penalties {list(grid)}. Remedy: give positive numbers")
    if validation is None:
        raise ValueError("penalties are chosen on validation rows. Remedy: give them")
    trials: list[Trial] = []
    with threadpool_limits(1):
        for name in [name for name in problem.free if name not in grids]:
            problem.sweep(BLOCK_STEPS, name)
        for name, grid in grids.items():
            tried: dict[tuple[float, float], tuple[float, float, NDArray]] = {}

            def best(tried=tried) -> tuple[float, float]:
                return min(tried, key=lambda penalties: (tried[penalties][0], [-p for p in penalties]))

            def attempt(l2: float, intercept_l2: float, name=name, tried=tried) -> None:
                problem.set_l2(name, l2, intercept_l2)
                problem.sweep(BLOCK_STEPS, name)
                auc, loss = problem.measured()
                tried[l2, intercept_l2] = (loss, auc, problem.theta.copy())

            is_global = rows.effects[name].entity is None
            for l2 in sorted(grid, reverse=True):
                attempt(l2, (problem.settings[name].intercept_l2 or 0.0) if is_global else l2)
            l2, _ = best()
            for multiple in sorted(intercepts):
                if not is_global and (l2, l2 * multiple) not in tried:
                    attempt(l2, l2 * multiple)
            chosen = best()
            problem.set_l2(name, *chosen)
            problem.move_to(tried[chosen][2])
            trials += [Trial(name, *p, loss, auc, p == chosen) for p, (loss, auc, _) in tried.items()]
    return dict(problem.settings), trials


def coordinate_features(
    row: ArrayLike, column: ArrayLike, value: ArrayLike, n: int, entity: ArrayLike | None = None
) -> Features:
    """Features of n rows from coordinates: row : (nnz,) in 0..n-1;  column : (nnz,) names;  value : (nnz,)."""
    names, code = np.unique(np.asarray(column), return_inverse=True)
    x = csr_matrix((np.asarray(value, float), (np.asarray(row), code)), (n, len(names)))
    return Features(x, entity, names.tolist())


def _names(features: Features, x: csr_matrix) -> list:
    named = features.columns if features.columns is not None else getattr(features.x, "columns", None)
    return list(range(x.shape[1]) if named is None else named)


def _sparse(x, columns: Sequence | None, effect: str) -> csr_matrix:
    if not issparse(x):
        x = np.asarray(x, float)
        if x.ndim != 2:
            raise ValueError(f"effect {effect}: x has {x.ndim} dimensions. Remedy: give rows x columns")
    x = csr_matrix(x).astype(float)
    if columns is not None and len(columns) != x.shape[1]:
        raise ValueError(f"effect {effect}: {len(columns)} names for {x.shape[1]} columns")
    if not x.has_canonical_format:
        x = x.copy()
        x.sum_duplicates()
    finite = np.abs(x.data) <= LARGEST  # false for NaN
    if not finite.all():
        column = x.indices[~finite][0]
        name = column if columns is None else list(columns)[column]
        raise ValueError(
            f"effect {effect}: column {name} has {(~finite[x.indices == column]).sum()} values that are not finite "
            f"numbers up to {LARGEST:g}. Remedy: fill or scale them, or leave the rows out"
        )
    return x


def _vector(values: ArrayLike | None, default: float, n: int, name: str) -> NDArray:
    if values is None:
        return np.full(n, default)
    vector = np.array(values, float, order="C")
    if vector.shape != (n,):
        raise ValueError(f"{name} has shape {vector.shape}, the rows are {n}")
    if not np.isfinite(vector).all():
        raise ValueError(f"{name} has {(~np.isfinite(vector)).sum()} values that are not finite numbers")
    return vector


def _labelled(rows: Rows, n: int) -> tuple[NDArray, NDArray, NDArray]:
    """(n,) labels, weights and offsets of rows, checked."""
    if rows.y is None:
        raise ValueError("rows without labels cannot be learned from")
    y = _vector(rows.y, 0.0, n, "y")
    if not np.isin(y, (0.0, 1.0)).all():
        raise ValueError(f"y has {(~np.isin(y, (0.0, 1.0))).sum()} values other than 0 and 1")
    weight = _vector(rows.weight, 1.0, n, "weight")
    if (weight < 0).any():
        raise ValueError(f"weight has {(weight < 0).sum()} negative values")
    if not (weight > 0).any():
        raise ValueError("no row has a positive weight. Remedy: give rows to learn from")
    return y, weight, _vector(rows.offset, 0.0, n, "offset")


def _ids(entity: ArrayLike, n: int, effect: str, is_fit: bool = True) -> NDArray:
    """Ids as int64, or as texts; whole numbers that came as floats are integers. Missing ones are refused in a fit, and
    empty texts, which no model has, in scoring."""
    ids = np.asarray(entity)
    if ids.shape != (n,):
        raise ValueError(f"effect {effect}: entity has shape {ids.shape}, the rows are {n}")
    if ids.dtype.kind == "i" or (ids.dtype.kind == "u" and (not n or ids.max() < 2**63)):
        return ids.astype(np.int64)
    if ids.dtype.kind in "US":
        return ids.astype(str)
    missing = np.array([value is None or value != value for value in ids.tolist()], bool)
    if missing.any() and is_fit:
        raise ValueError(f"effect {effect}: {missing.sum()} entity ids are missing. Remedy: leave those rows out")
    known = ids[~missing]
    if ids.dtype.kind == "f":
        if (known != np.round(known)).any():
            raise ValueError(f"effect {effect}: entity ids are fractional numbers. Remedy: give whole ones, or texts")
        known = known.astype(np.int64)
        if not missing.any():
            return known
    texts = np.full(n, "", dtype=object)
    texts[~missing] = known.astype(str)
    return texts.astype(str)


def _found(keys: NDArray, wanted: NDArray) -> NDArray:
    """Place of each of `wanted` among distinct keys in any order, -1 where it is not; numbers and texts of them are the
    same."""
    if keys.dtype.kind != wanted.dtype.kind:
        keys, wanted = keys.astype(str), wanted.astype(str)
    order = np.argsort(keys, kind="stable")
    at = places(keys[order], wanted)
    return np.where(at >= 0, np.append(order, -1)[at], -1)


def _entities_at(entities: NDArray | None, entity: ArrayLike | None, n: int, effect: str) -> NDArray:
    """(n,) place among `entities` of each row's entity, -1 where it has no model; 0 of a global effect."""
    if entities is None:
        return np.zeros(n, np.int64)
    if entity is None:
        raise ValueError(f"effect {effect}: rows without entity ids. {_REMEDY}")
    return _found(entities, _ids(entity, n, effect, is_fit=False))


def _with_intercept(x: csr_matrix) -> csr_matrix:
    """[1, x], without a copy through coordinates."""
    n = x.shape[0]
    indptr = x.indptr + np.arange(n + 1)
    data, indices = np.empty(x.nnz + n), np.empty(x.nnz + n, np.int64)
    is_one = np.zeros(x.nnz + n, bool)
    is_one[indptr[:-1]] = True
    data[is_one], indices[is_one] = 1.0, 0
    data[~is_one], indices[~is_one] = x.data, x.indices.astype(np.int64) + 1
    return csr_matrix((data, indices, indptr), (n, x.shape[1] + 1))


def _step_length(slope: float, slope_at: Callable[[float], float]) -> float:
    """How far to go along a step: all of it, unless the slope at its end tells that it went too far.

    slope : the fall of F along the step at its beginning;  slope_at : length -> the rise of F there.
    """
    length = 1.0
    for _ in range(kernels.TRIES):
        end = slope_at(length)
        if end <= 0.5 * slope + kernels.ROUNDING:
            break
        length *= min(slope / (slope + end), 0.5)
    return length


class _Block:
    """An effect's rows, sorted by entity, and where its coefficients stand.

    design : (rows, coefficients) csr, each row in the coefficients of its entity alone;  rows : place of each in the
    problem;  ptr : (E + 1,) rows of an entity;  first : (E + 1,) coefficients of an entity;  column : (coefficients,)
    0 the intercept, then 1 + the feature's.
    """

    def __init__(self, name: str, features: Features, settings: Settings, weight: NDArray):
        n = len(weight)
        self.name, self.is_global = name, features.entity is None
        x = _sparse(features.x, features.columns, name)
        if x.shape[0] != n:
            raise ValueError(f"effect {name}: {x.shape[0]} rows of features, {n} of the others")
        self.names = _names(features, x)
        self.d = 1 + x.shape[1]
        active = weight > 0
        if self.is_global:
            self.entities = None
            code = np.zeros(n, np.int64)
            counts = np.array([active.sum()])
        else:
            self.entities, code = np.unique(_ids(features.entity, n, name), return_inverse=True)
            counts = np.bincount(code[active], minlength=len(self.entities))
            has_model = counts >= max(settings.minimum_rows, 1)
            active = active & has_model[code]
            number = np.cumsum(has_model) - 1
            self.entities, code, counts = self.entities[has_model], number[code], counts[has_model]
        self.counts = counts
        rows = np.flatnonzero(active)
        self.rows = rows[np.argsort(code[rows], kind="stable")]
        self.ptr = np.r_[0, np.cumsum(counts)].astype(np.int64)
        self.scale = np.ones(self.d)
        if settings.is_scaled and len(rows):
            self.scale[1:] = _deviations(x[rows])
        design = _with_intercept(x[self.rows])
        position = np.empty(design.nnz, np.int64)
        first = np.zeros(len(counts) + 1, np.int64)
        column = np.empty(max(design.nnz, 1), np.int64)
        size = kernels.localise(
            self.ptr, design.indptr.astype(np.int64), design.indices.astype(np.int64), self.d, position, first, column
        )
        self.first, self.column = first, column[:size].copy()
        self.size = size
        self.design = csr_matrix(
            (design.data, position.astype(np.int32), design.indptr.astype(np.int32)), (len(self.rows), size)
        )
        self.design.sort_indices()
        self.owner = np.repeat(np.arange(len(counts)), np.diff(first))
        self._plan()

    def places(self, entity: NDArray, column: NDArray) -> NDArray:
        """Where the coefficients of pairs of an entity's place, or -1, and a column stand; -1 where there is none."""
        at = _found(self.owner * self.d + self.column, entity * self.d + column)
        return np.where(entity >= 0, at, -1)

    def stored(self, matrix: csr_matrix, entities: NDArray | None, default: float) -> NDArray:
        """(coefficients,) what `matrix` (an Effect's) stores for this block's coefficients."""
        values = np.full(self.size, default)
        coordinates = matrix.tocoo()
        owner = coordinates.row if entities is None else _found(self.entities, entities)[coordinates.row]
        at = self.places(owner.astype(np.int64), coordinates.col)
        values[at[at >= 0]] = coordinates.data[at >= 0]
        return values

    def ridge(self, settings: Settings) -> NDArray:
        """(coefficients,) penalties."""
        intercept = settings.intercept_l2
        if intercept is None:
            intercept = 0.0 if self.is_global else settings.l2
        penalty = settings.l2 * self.scale**2
        penalty[0] = intercept
        ridge = penalty[self.column]
        if settings.prior is not None:
            variance = self.stored(settings.prior.variances, settings.prior.entities, np.nan)
            ridge = np.where(np.isnan(variance), ridge, 1.0 / variance)
        return ridge

    def _plan(self) -> None:
        """Which entities are solved in which space, in batches for the threads."""
        n, m = np.diff(self.ptr), np.diff(self.first)
        in_samples = (n <= np.minimum(np.maximum(1.25 * m, 8), SAMPLE_SPACE_ROWS)) & (not self.is_global)
        chosen = np.flatnonzero(in_samples)
        chosen = chosen[np.argsort(n[chosen], kind="stable")]
        padded = np.full(-(-len(chosen) // kernels.LANES) * kernels.LANES, -1, np.int64)
        padded[: len(chosen)] = chosen
        self.sample_batches = _pieces(padded, n[padded] ** 2 * (padded >= 0), kernels.LANES)
        self.wide = np.flatnonzero(~in_samples & (m > WIDE))
        others = np.flatnonzero(~in_samples & (m <= WIDE))
        self.coefficient_batches = _pieces(others, n[others] + m[others], 1)


def _deviations(x: csr_matrix) -> NDArray:
    """(d,) standard deviations of the columns, 1 where a column is constant."""
    n, x = x.shape[0], x.tocsc()
    mean = np.asarray(x.sum(axis=0)).ravel() / n
    largest = np.asarray(abs(x).max(axis=0).todense()).ravel()
    column = np.repeat(np.arange(x.shape[1]), np.diff(x.indptr))
    square = np.bincount(column, weights=(x.data - mean[column]) ** 2, minlength=x.shape[1])
    deviation = np.sqrt((square + (n - np.diff(x.indptr)) * mean**2) / n)
    return np.where(deviation > 1e-10 * largest, deviation, 1.0)


def _pieces(items: NDArray, cost: NDArray, unit: int, pieces: int = 16) -> list[NDArray]:
    """Items in runs of about equal cost, whole units; the runs do not depend on the number of threads."""
    if not len(items):
        return []
    total = np.cumsum(np.maximum(cost, 1).reshape(-1, unit).sum(axis=1))
    cuts = np.searchsorted(total, total[-1] * np.arange(1, pieces) / pieces) * unit
    return [piece for piece in np.split(items, cuts) if len(piece)]


class Problem:
    """Rows and settings, laid out once: what fit_glmix and choose_l2 work on."""

    def __init__(
        self,
        rows: Rows,
        settings: Mapping[str, Settings] | None = None,
        validation: Rows | None = None,
        start: GLMix | None = None,
        threads: int | None = None,
    ):
        if not rows.effects:
            raise ValueError("no effects. Remedy: give at least one")
        if threads is not None and threads < 1:
            raise ValueError(f"threads = {threads}. Remedy: give 1 or more")
        self.threads = threads or os.cpu_count() or 1
        self.settings = {name: Settings() for name in rows.effects} | dict(settings or {})
        unknown = sorted(set(self.settings) - set(rows.effects))
        if unknown:
            raise ValueError(f"settings for {', '.join(unknown)}, which the rows do not have")
        n = np.shape(next(iter(rows.effects.values())).x)[0]
        self.y, self.weight, self.offset = _labelled(rows, n)
        for name in rows.effects:
            self._check(name, rows.effects[name].entity is None, start)
        for number, (name, features) in enumerate(rows.effects.items()):
            self._thin(features, self.settings[name], name, number)
        self.rows, self.validation, self.start = rows, validation, start
        self.fixed: dict[str, Effect] = {}  # locked effects and means of priors: added to the offsets
        for name, features in rows.effects.items():
            s = self.settings[name]
            known = start.effects[name] if s.is_locked else s.prior
            if known is not None:
                self.fixed[name] = known
                self.offset += known.scores(features)
        self.free = [name for name in rows.effects if not self.settings[name].is_locked]
        self.blocks = [_Block(name, rows.effects[name], self.settings[name], self.weight) for name in self.free]
        self.at = np.r_[0, np.cumsum([block.size for block in self.blocks])].astype(int)
        self.ridge = np.concatenate([np.zeros(0), *[b.ridge(self.settings[b.name]) for b in self.blocks]])
        self._check_free()
        self.theta = np.zeros(self.at[-1])
        if start is not None:
            for block, part in self._parts(self.theta):
                if block.name in start.effects:
                    known = start.effects[block.name]
                    if known.columns != block.names:
                        raise ValueError(f"effect {block.name}: `start` has other columns. {_REMEDY}")
                    part[:] = block.stored(known.coefficients, known.entities, 0.0)
                    if block.name in self.fixed:
                        prior = self.fixed[block.name]
                        part -= block.stored(prior.coefficients, prior.entities, 0.0)
        self._prepare_validation()
        with np.errstate(over="ignore"):
            self._centred(self.theta, self.logits(self.theta))
        self.move_to(self.theta)

    # -- what is given

    def _check(self, name: str, is_global: bool, start: GLMix | None) -> None:
        s = self.settings[name]
        if not (np.isfinite(s.l2) and s.l2 >= SMALLEST_L2):
            raise ValueError(f"effect {name}: l2 = {s.l2}. Remedy: give a positive number")
        low = 0.0 if is_global else SMALLEST_L2
        if s.intercept_l2 is not None and not (np.isfinite(s.intercept_l2) and s.intercept_l2 >= low):
            raise ValueError(f"effect {name}: intercept_l2 = {s.intercept_l2}. Remedy: give a positive number")
        if s.maximum_rows is not None and s.maximum_rows < 1:
            raise ValueError(f"effect {name}: maximum_rows = {s.maximum_rows}. Remedy: give 1 or more")
        if s.is_locked and (start is None or name not in start.effects):
            raise ValueError(f"effect {name} is locked, but `start` does not have it")
        for known in (s.prior, start.effects.get(name) if start else None):
            if known is not None and (known.entities is None) != is_global:
                raise ValueError(f"effect {name}: global here and random in what it begins with, or the reverse")
        if s.prior is not None and s.prior.variances is None:
            raise ValueError(f"effect {name}: its prior has no variances. Remedy: fit it with variances=True")
        if s.prior is not None and not (s.prior.variances.data > 0).all():
            raise ValueError(f"effect {name}: variances of its prior are not positive")

    def _check_free(self) -> None:
        used = self.weight > 0
        if (self.ridge == 0).sum() > 1:
            raise ValueError("two global effects have a free intercept. Remedy: intercept_l2 > 0 for one of them")
        if (self.ridge == 0).any() and len(np.unique(self.y[used])) < 2:
            raise ValueError(
                f"the {used.sum()} rows have one class only, and the global intercept is free. "
                "Remedy: give rows of both, or intercept_l2 > 0"
            )

    def _thin(self, features: Features, s: Settings, name: str, number: int) -> None:
        """Rows beyond maximum_rows of an entity get weight 0, the others more: which ones is a hash of their place and
        of the effect's number, so that two effects do not make one choice twice."""
        if s.maximum_rows is None or features.entity is None:
            return
        _, code = np.unique(_ids(features.entity, len(self.y), name), return_inverse=True)
        lot = _mixed(np.arange(len(code), dtype=np.uint64) + (np.uint64(number) << np.uint64(40)))
        rows = np.flatnonzero(self.weight > 0)
        rows = rows[np.lexsort((lot[rows], code[rows]))]
        counts = np.bincount(code[rows], minlength=code.max() + 1)
        rank = np.arange(len(rows)) - np.r_[0, np.cumsum(counts)[:-1]][code[rows]]
        self.weight[rows[rank >= s.maximum_rows]] = 0.0
        kept = rows[rank < s.maximum_rows]
        self.weight[kept] *= np.maximum(counts[code[kept]] / s.maximum_rows, 1.0)

    def set_l2(self, name: str, l2: float, intercept_l2: float) -> None:
        """Other penalties for one effect."""
        self.settings[name] = replace(self.settings[name], l2=l2, intercept_l2=intercept_l2)
        for block, part in self._parts(self.ridge):
            if block.name == name:
                part[:] = block.ridge(self.settings[name])
        self.value = self.objective(self.theta, self.z)

    def _parts(self, vector: NDArray):
        return [(block, vector[self.at[k] : self.at[k + 1]]) for k, block in enumerate(self.blocks)]

    # -- the objective

    def logits(self, theta: NDArray) -> NDArray:
        z = self.offset.copy()
        for block, part in self._parts(theta):
            z[block.rows] += block.design @ part
        return z

    def objective(self, theta: NDArray, z: NDArray) -> float:
        loss = self.weight @ (np.logaddexp(0.0, z) - self.y * z)
        return float(loss + 0.5 * self.ridge @ theta**2)

    def gradient(self, theta: NDArray, z: NDArray) -> NDArray:
        residual = self.weight * (expit(z) - self.y)
        return self._transposed(residual) + self.ridge * theta

    def _transposed(self, rows: NDArray) -> NDArray:
        pieces = [block.design.T @ rows[block.rows] for block in self.blocks]
        return np.concatenate([np.zeros(0), *pieces])

    def _curvature(self, z: NDArray, rows: NDArray | slice = slice(None)) -> NDArray:
        p = expit(z[rows])
        return self.weight[rows] * p * (1 - p)

    def _times_hessian(self, curvature: NDArray, v: NDArray) -> NDArray:
        change = np.zeros(len(self.y))
        for block, part in self._parts(v):
            change[block.rows] += block.design @ part
        return self._transposed(curvature * change) + self.ridge * v

    def move_to(self, theta: NDArray) -> None:
        self.theta = theta
        self.z = self.logits(theta)
        self.value = self.objective(theta, self.z)

    # -- one pass

    def _mapped(self, function: Callable, pieces: list[NDArray]) -> None:
        if self.threads == 1 or len(pieces) < 2:
            for piece in pieces:
                function(piece)
            return
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(function, pieces))

    def sweep(self, steps: int, only: str | None = None) -> None:
        """`steps` Newton steps in every block, or in one, one block after the other."""
        for (block, part), (_, ridge) in zip(self._parts(self.theta), self._parts(self.ridge), strict=True):
            if only in (None, block.name):
                self._solve(block, part, ridge, self.z, steps, DECREMENT)
        self.move_to(self.theta)

    def _solve(self, block: _Block, theta: NDArray, ridge: NDArray, z: NDArray, steps: int, tolerance: float) -> None:
        design = block.design
        shared = (block.ptr, design.indptr, design.indices, design.data, block.rows, self.y, self.weight, z)
        coefficients = (block.first, ridge, theta)
        self._mapped(
            lambda batch: kernels.solve_in_sample_space(batch, *shared, *coefficients, kernels.LANES, steps, tolerance),
            block.sample_batches,
        )
        self._mapped(
            lambda batch: kernels.solve_in_coefficient_space(batch, *shared, *coefficients, steps, tolerance),
            block.coefficient_batches,
        )
        for e in block.wide:
            self._solve_wide(block, e, theta, ridge, z, steps, tolerance)

    def _hessian(self, block: _Block, e: int, ridge: NDArray, z: NDArray) -> NDArray:
        low, high = block.first[e], block.first[e + 1]
        begin, end = block.ptr[e], block.ptr[e + 1]
        curvature = self._curvature(z, block.rows[begin:end])
        hessian = self._summed_hessian(block.design, begin, end, curvature, low, high - low)
        hessian[np.diag_indices(high - low)] += ridge[low:high]
        return hessian

    def _summed_hessian(
        self, design: csr_matrix, begin: int, end: int, curvature: NDArray, low: int, columns: int
    ) -> NDArray:
        """Lower triangle of the sum of curvature x x' over the rows begin:end, for `columns` columns from `low` on."""
        cuts = np.linspace(begin, end, 5).astype(int)
        pieces = [np.zeros((columns, columns)) for _ in cuts[1:]]
        self._mapped(
            lambda k: kernels.add_hessian(
                cuts[k], cuts[k + 1], design.indptr, design.indices, design.data, curvature, begin, low, pieces[k]
            ),
            list(range(len(pieces))),
        )
        return sum(pieces)

    def _solve_wide(
        self, block: _Block, e: int, theta: NDArray, ridge: NDArray, z: NDArray, steps: int, tolerance: float
    ) -> None:
        low, high = block.first[e], block.first[e + 1]
        rows = block.rows[block.ptr[e] : block.ptr[e + 1]]
        x = block.design[block.ptr[e] : block.ptr[e + 1], low:high]
        y, weight, penalty = self.y[rows], self.weight[rows], ridge[low:high]
        for _ in range(steps):
            gradient = x.T @ (weight * (expit(z[rows]) - y)) + penalty * theta[low:high]
            factor = cho_factor(self._hessian(block, e, ridge, z), lower=True, overwrite_a=True, check_finite=False)
            move = -cho_solve(factor, gradient, check_finite=False)
            slope = float(-gradient @ move)
            change, logit, at = x @ move, z[rows], theta[low:high].copy()
            length = _step_length(
                slope,
                lambda s, c=change, v=move, o=logit, t=at: (
                    (weight * (expit(o + s * c) - y)) @ c + (penalty * (t + s * v)) @ v
                ),
            )
            theta[low:high] += length * move
            z[rows] += length * change
            if slope < tolerance:
                break

    # -- to the optimum

    def run(self, stop: str, tolerance: float, passes: int) -> tuple[list[Pass], float, str]:
        """Passes until `stop`; returns them, a lower bound of F* and what ended them."""
        log: list[Pass] = []
        lower, best, steady, stopped_by = -np.inf, (-np.inf, self.theta), 0, "passes"
        while len(log) < passes:
            before = self.value
            if len(log) < BLOCK_PASSES:
                step = "block"
                self.sweep(BLOCK_STEPS if not log else 1)
            else:
                step = "newton"
                lower = max(lower, self.newton())
            log.append(Pass(len(log) + 1, step, self.value, np.inf, *self.measured()))
            if stop == "validation":
                steady = 0 if log[-1].roc_auc > best[0] + STILL else steady + 1
                if log[-1].roc_auc > best[0]:
                    best = (log[-1].roc_auc, self.theta.copy())
                if steady >= STILL_PASSES:
                    stopped_by = "validation"
                    break
            elif self.value - lower <= tolerance * abs(self.value):
                stopped_by = "certificate"
                break
            if step == "newton" and not self.value < before:
                stopped_by = "precision"  # no step lowers F any more
                break
        if stop == "validation":
            self.move_to(best[1])
        return log, lower, stopped_by

    def newton(self) -> float:
        """A Newton step of all blocks together; returns a lower bound of F*."""
        curvature = self._curvature(self.z)
        gradient = self.gradient(self.theta, self.z)
        move = -self._conjugate_gradients(curvature, gradient)
        change = self.logits(move) - self.offset
        length = _step_length(
            float(-gradient @ move),
            lambda s: (
                (self.weight * (expit(self.z + s * change) - self.y)) @ change
                + (self.ridge * (self.theta + s * move)) @ move
            ),
        )
        theta = self.theta + length * move
        z = self._centred(theta, self.logits(theta))
        value, gradient = self.objective(theta, z), self.gradient(theta, z)
        penalised = self.ridge > 0
        # a free intercept stands at its optimum to the last digits; what rounding leaves counts at its distance from 0
        left = float(np.abs(gradient[~penalised]) @ (1 + np.abs(theta[~penalised])))
        lower = value - 0.5 * float(gradient[penalised] ** 2 @ (1 / self.ridge[penalised])) - left
        if value < self.value:
            self.theta, self.z, self.value = theta, z, value
        return lower

    def _centred(self, theta: NDArray, z: NDArray) -> NDArray:
        """The free intercept to its optimum, theta in place; returns the logits. Newton's method within a bracket."""
        for k in np.flatnonzero(self.ridge == 0):
            rows = self.blocks[np.searchsorted(self.at, k, side="right") - 1].rows
            weight, y, logit = self.weight[rows], self.y[rows], z[rows]
            low, high = -1.0 - logit.max() - 50.0, 1.0 - logit.min() + 50.0  # all but sure of 0, and of 1
            shift = 0.0
            for _ in range(200):
                p = expit(logit + shift)
                slope = float(weight @ (p - y))
                low, high = (low, min(high, shift)) if slope > 0 else (max(low, shift), high)
                curvature = float(weight @ (p * (1 - p)))
                following = shift - slope / curvature if curvature > 0 else np.inf
                if not low < following < high:
                    following = 0.5 * (low + high)
                if abs(following - shift) <= 1e-14 * max(1.0, abs(shift)):
                    break
                shift = following
            theta[k] += shift
            z[rows] += shift
        return z

    def _conjugate_gradients(self, curvature: NDArray, gradient: NDArray) -> NDArray:
        """H^-1 gradient, preconditioned on two levels: by the Hessians of the entities, of those with few rows their
        diagonals; and, for what the entities of an effect have in common, which another effect could take over, by the
        Hessian of one set of coefficients per effect."""
        diagonal = self.ridge.copy()
        factors = []
        for block, part in self._parts(diagonal):
            squared = block.design.copy()
            squared.data **= 2
            part += squared.T @ curvature[block.rows]
        for number, (block, ridge) in enumerate(self._parts(self.ridge)):
            for e in block.wide:
                span = slice(self.at[number] + block.first[e], self.at[number] + block.first[e + 1])
                factors.append((span, cho_factor(self._hessian(block, e, ridge, self.z), lower=True)))

        common, place = self._common(curvature)
        narrow = [self._factorised(block, curvature, ridge) for block, ridge in self._parts(self.ridge)]

        def preconditioned(r: NDArray) -> NDArray:
            out = r / diagonal
            for (block, part), (_, whole), (at, held, batches) in zip(
                self._parts(out), self._parts(r), narrow, strict=True
            ):
                self._mapped(
                    lambda batch, b=block, a=at, f=held, w=whole, o=part: kernels.solve_factorised(
                        batch, b.first, a, f, w, o
                    ),
                    batches,
                )
            for span, factor in factors:
                out[span] = cho_solve(factor, r[span], check_finite=False)
            if common is not None:
                summed = np.bincount(place, weights=r, minlength=common[0].shape[0])
                out += cho_solve(common, summed, check_finite=False)[place]
            return out

        x, r = np.zeros_like(gradient), gradient.copy()
        d = preconditioned(r)
        size = first = float(r @ d)
        for _ in range(CONJUGATE_STEPS):
            if size <= FORCING * first:
                break
            h = self._times_hessian(curvature, d)
            length = size / float(d @ h)
            x += length * d
            r -= length * h
            next_d = preconditioned(r)
            following = float(r @ next_d)
            d = next_d + (following / size) * d
            size = following
        return x

    def _factorised(self, block: _Block, curvature: NDArray, ridge: NDArray) -> tuple[NDArray, NDArray, list[NDArray]]:
        """Cholesky factors of the entities with more rows than coefficients, where each begins, and the entities."""
        size = np.diff(block.first)
        entities = np.concatenate([np.zeros(0, np.int64), *block.coefficient_batches])
        at = np.zeros(len(size), np.int64)
        at[entities] = np.r_[0, np.cumsum(size[entities] ** 2)][:-1]
        factors = np.empty(int((size[entities] ** 2).sum()))
        design, of_rows = block.design, curvature[block.rows]
        self._mapped(
            lambda batch: kernels.factorise(
                batch, block.ptr, design.indptr, design.indices, design.data, of_rows, block.first, ridge, at, factors
            ),
            block.coefficient_batches,
        )
        return at, factors, block.coefficient_batches

    def _common(self, curvature: NDArray) -> tuple[tuple | None, NDArray]:
        """Factor of the Hessian where every effect has one set of coefficients, and each coefficient's place in it;
        None where it is too large."""
        begin = np.r_[0, np.cumsum([block.d for block in self.blocks])].astype(int)
        place = np.concatenate([k + block.column for k, block in zip(begin, self.blocks, strict=False)])
        if begin[-1] > COMMON_COLUMNS or len(self.blocks) < 2:
            return None, place
        n = len(self.y)
        pieces = []
        for block in self.blocks:
            lengths = np.zeros(n, np.int64)
            lengths[block.rows] = np.diff(block.design.indptr)
            order = np.argsort(block.rows, kind="stable")
            design = csr_matrix(
                (block.design.data, block.column[block.design.indices], block.design.indptr), (len(order), block.d)
            )[order]
            pieces.append(csr_matrix((design.data, design.indices, np.r_[0, np.cumsum(lengths)]), (n, block.d)))
        whole = hstack(pieces, format="csr")
        whole.sort_indices()
        hessian = self._summed_hessian(whole, 0, n, curvature, 0, whole.shape[1])
        hessian[np.diag_indices(len(hessian))] += np.bincount(place, weights=self.ridge, minlength=len(hessian))
        empty = np.diag(hessian) == 0  # columns that nobody has
        hessian[empty, empty] = 1.0
        return cho_factor(hessian, lower=True, overwrite_a=True), place

    # -- what comes out

    def fit(self, stop: str, tolerance: float, passes: int, variances: bool) -> GLMix:
        if not self.blocks:
            effects = {name: self.start.effects[name] for name in self.rows.effects}
            return GLMix(effects, [], self.value, 0.0, "certificate", dict(self.settings))
        with threadpool_limits(1):
            log, lower, stopped_by = self.run(stop, tolerance, passes)
            if not np.isfinite(self.value):
                raise ValueError("the objective is not finite. Remedy: scale the columns")
            if not np.isfinite(lower):  # the bound without the step: the pass that ranks best stays
                kept = self.theta, self.z, self.value
                lower = self.newton()
                self.theta, self.z, self.value = kept
            effects = {name: self.start.effects[name] for name in self.rows.effects if self.settings[name].is_locked}
            for block, part in self._parts(self.theta):
                effects[block.name] = self._effect(block, part, variances)
        rounding = np.finfo(float).eps * abs(self.value)  # F is not known better than that

        def certificate(value: float) -> float:
            return max(value - lower, rounding)

        passed = [replace(one, certificate=certificate(one.objective)) for one in log]
        return GLMix(
            {name: effects[name] for name in self.rows.effects},
            passed,
            self.value,
            certificate(self.value),
            stopped_by,
            dict(self.settings),
        )

    def _effect(self, block: _Block, theta: NDArray, variances: bool) -> Effect:
        shape = (len(block.counts), block.d)
        learned = csr_matrix((theta, (block.owner, block.column)), shape)
        spread = None
        if variances:
            spread = csr_matrix((self._variances(block), (block.owner, block.column)), shape)
        effect = Effect(block.entities, block.names, learned, spread, block.counts)
        prior = self.fixed.get(block.name)
        if prior is not None:
            effect = _merged(effect, prior, is_sum=True)
        if self.start is not None and block.name in self.start.effects:
            effect = _merged(effect, self.start.effects[block.name], is_sum=False)
        return effect

    def _variances(self, block: _Block) -> NDArray:
        number = self.blocks.index(block)
        ridge = self.ridge[self.at[number] : self.at[number + 1]]
        curvature = self._curvature(self.z, block.rows)
        design, result = block.design, np.empty(block.size)
        narrow = np.setdiff1d(np.arange(len(block.counts)), block.wide)
        self._mapped(
            lambda batch: kernels.variances(
                batch,
                block.ptr,
                design.indptr,
                design.indices,
                design.data,
                curvature,
                block.first,
                ridge,
                result,
            ),
            _pieces(narrow, np.diff(block.first)[narrow] ** 3, 1),
        )
        for e in block.wide:
            hessian = self._hessian(block, e, ridge, self.z)
            inverse = cho_solve(cho_factor(hessian, lower=True), np.eye(len(hessian)))
            result[block.first[e] : block.first[e + 1]] = np.diag(inverse)
        return result

    def _prepare_validation(self) -> None:
        self.held_out = None
        if self.validation is None:
            return
        rows = self.validation
        for name, features in self.rows.effects.items():
            given = rows.effects.get(name)
            if (
                given is None
                or (given.entity is None) != (features.entity is None)
                or _names(given, given.x) != _names(features, features.x)
            ):
                raise ValueError(f"effect {name}: the validation rows lack it or have other columns. {_REMEDY}")
        n = np.shape(next(iter(rows.effects.values())).x)[0]
        y, weight, offset = _labelled(rows, n)
        for name, known in self.fixed.items():
            offset += known.scores(rows.effects[name])
        designs = []
        for block in self.blocks:
            features = rows.effects[block.name]
            x = _with_intercept(_sparse(features.x, features.columns, block.name)).tocoo()
            entity = _entities_at(block.entities, features.entity, n, block.name)
            at = block.places(entity[x.row], x.col)
            known = at >= 0
            designs.append(csr_matrix((x.data[known], (x.row[known], at[known])), (n, block.size)))
        self.held_out = (y, weight, offset, designs)

    def measured(self) -> tuple[float, float]:
        """Weighted AUC and mean log-loss of the validation rows; nan without."""
        if self.held_out is None:
            return float("nan"), float("nan")
        y, weight, offset, designs = self.held_out
        z = offset + sum(design @ part for design, (_, part) in zip(designs, self._parts(self.theta), strict=True))
        return roc_auc(y, z, weight), log_loss(y, z, weight)


def _merged(new: Effect, old: Effect, is_sum: bool) -> Effect:
    """`new` with what `old` knows besides: entities without rows keep their coefficients, a prior's means are added."""
    if new.entities is None:
        old_at, new_at, entities = np.zeros(1, int), np.zeros(1, int), None
        count = 1
    else:
        entities = np.union1d(new.entities, old.entities)
        new_at, old_at = np.searchsorted(entities, new.entities), np.searchsorted(entities, old.entities)
        count = len(entities)

    def placed(matrix: csr_matrix, at: NDArray) -> csr_matrix:
        rows = matrix.tocoo()
        return csr_matrix((rows.data, (at[rows.row], rows.col)), (count, matrix.shape[1]))

    coefficients, before = placed(new.coefficients, new_at), placed(old.coefficients, old_at)
    has_rows = np.zeros(count, bool)
    has_rows[new_at] = True
    rows = np.zeros(count, np.int64)
    rows[old_at] = old.rows
    rows[new_at] = new.rows if not is_sum else rows[new_at] + new.rows
    keep = csr_matrix(before.multiply(~has_rows[:, None])) if not is_sum else before
    spread = None
    if new.variances is not None:
        spread = placed(new.variances, new_at)
        if old.variances is not None:
            known = placed(old.variances, old_at)
            if not is_sum:
                known = csr_matrix(known.multiply(~has_rows[:, None]))
            missing = known.copy()
            missing.data = np.where(np.isin(_keys(known), _keys(spread)), 0.0, missing.data)
            spread = csr_matrix(spread + missing)
            spread.eliminate_zeros()
    return Effect(entities, new.columns, csr_matrix(coefficients + keep), spread, rows)


def _keys(matrix: csr_matrix) -> NDArray:
    rows = matrix.tocoo()
    return rows.row.astype(np.int64) * matrix.shape[1] + rows.col


def _mixed(number: NDArray) -> NDArray:
    """splitmix64: a hash of 64-bit numbers."""
    with np.errstate(over="ignore"):
        number = (number + np.uint64(0x9E3779B97F4A7C15)) & np.uint64(0xFFFFFFFFFFFFFFFF)
        number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return number ^ (number >> np.uint64(31))
