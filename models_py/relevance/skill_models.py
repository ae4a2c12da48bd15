"""Course -> skill by learning (section 3.1): the one classifier of all pairs (cs03), the classifier per skill (cs04).

cs04 fits every skill at once. A skill's classifier is a ridge regression of its labels on the TF-IDF of the words, so
all skills share one Gram matrix and one factorisation, whatever their number, and the value that a course would get
from the models that left it out is known in closed form. These left-out values train the calibration that turns values
into probabilities, and later choose the threshold; no course is judged by a model that saw its labels.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_matrix
from scipy.special import expit
from threadpoolctl import threadpool_limits

from relevance.design import INTERCEPT, Design
from relevance.logistic import fit_logistic

BLOCK = 2048  # courses densified at once
RIDGE = 1.0  # of unit-length rows
PAIR_L2 = 1.0
CALIBRATION_L2 = 1e-3
NEIGHBOURS = 10
KEEP_PROBABILITY = 0.02  # pairs below are not stored
RESAMPLES = 1000


@dataclass(frozen=True)
class SkillModels:
    """coefficients : (d + 1, s) of the words and, last, of the constant;  left_out : (n, s) value that each course gets
    from the models fitted without it."""

    coefficients: NDArray
    left_out: NDArray


def fit_skill_models(x: csr_matrix, y: NDArray, l2: float = RIDGE) -> SkillModels:
    """Minimise  sum_is (y_is - x_i.w_s - b_s)^2 + l2 sum_s (||w_s||^2 + b_s^2)  for all skills s in one factorisation.

    x : (n, d) rows of at most unit length;  y : (n, s) in [0, 1];  l2 : > 0.  Left-out values are exact:
    y_i - (y_i - f_i) / (1 - h_i) with the leverage h_i = x_i.(X'X + l2 I)^-1 x_i.
    Raises ValueError if shapes disagree or l2 is not positive. Cost: one d x d factorisation, linear in n and in s.
    """
    if x.shape[0] != len(y):
        raise ValueError(f"{x.shape[0]} rows of words, {len(y)} rows of labels")
    if not l2 > 0:
        raise ValueError(f"l2 = {l2}: give a positive number")
    d = x.shape[1] + 1
    gram, moments = l2 * np.eye(d), np.zeros((d, y.shape[1]))
    with threadpool_limits(1):  # sums in one order: the same result on any number of threads
        for rows, block in _blocks(x):
            gram += block.T @ block
            moments += block.T @ y[rows]
        factor = cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)
        coefficients = cho_solve(factor, moments, check_finite=False)
        left_out = np.empty(y.shape)
        for rows, block in _blocks(x):
            leverage = np.einsum("ij,ji->i", block, cho_solve(factor, block.T, check_finite=False))
            residual = y[rows] - block @ coefficients
            left_out[rows] = y[rows] - residual / np.maximum(1 - leverage, 1e-9)[:, None]
    return SkillModels(coefficients, left_out)


def _blocks(x: csr_matrix):
    """Slices of rows and their dense rows with a constant 1 behind."""
    for start in range(0, x.shape[0], BLOCK):
        rows = slice(start, min(start + BLOCK, x.shape[0]))
        dense = x[rows].toarray()
        yield rows, np.hstack([dense, np.ones((len(dense), 1))])


@dataclass(frozen=True)
class Calibration:
    """p = sigmoid(intercept_s + slope_s * value): one logistic regression on the value, the log of the skill's share of
    courses and their product, so that skills with few labels borrow strength from the others."""

    intercept: NDArray
    slope: NDArray

    def probability(self, value: NDArray) -> NDArray:
        return expit(self.intercept + self.slope * value)


def calibrate(value: NDArray, label: NDArray, weight: NDArray, skill: NDArray, share: NDArray) -> Calibration:
    """value, label, weight, skill : (m,) left-out values of labelled pairs and the skill of each;
    share : (s,) in (0, 1), of the courses with the skill.

    Raises ValueError if the labels hold one class.
    """
    log_share = np.log(share)
    design = Design(
        x=csr_matrix(np.column_stack([np.ones(len(value)), value, log_share[skill], value * log_share[skill]])),
        y=label.astype(float),
        weight=weight,
        columns=[(INTERCEPT, ""), ("value", ""), ("log_share", ""), ("value_x_log_share", "")],
        examples=np.arange(len(value)),
    )
    w, _ = fit_logistic(design, CALIBRATION_L2)
    return Calibration(intercept=w[0] + w[2] * log_share, slope=w[1] + w[3] * log_share)


# ------------------------------------------------------------------------------------------------ cs03


PAIR_COEFFICIENTS = pa.schema(
    [("feature", pa.string()), ("coefficient", pa.float64()), ("standard_error", pa.float64())]
)


def pair_coefficients(pairs, features) -> pa.Table:
    """One row per feature and the intercept: logistic regression of the label of a pair on its binary features.

    pairs : relation (course_id, skill_id, label);  features : relation (course_id, skill_id, 0/1 columns). No rows
    where there is nothing to learn from: no taxonomist tagged a course.
    """
    names = [name for name in features.columns if name not in ("course_id", "skill_id")]
    columns = ", ".join(names)
    counts = (
        features.set_alias("features")
        .join(pairs.set_alias("pairs"), "course_id, skill_id")
        .aggregate(f"label, {columns}, count(*) as pairs", f"label, {columns}")
        .order(f"label, {columns}")
        .to_arrow_table()
    )
    return _coefficients("cs03", counts, names)


def candidate_coefficients(candidates) -> pa.Table:
    """One row per feature and the intercept: is a candidate of a picked profile entry the skill that was picked.

    candidates : relation profile_entry_candidates; only picked entries (label 0 or 1) of members not held out count. No
    rows where nothing was picked, or nothing picked had a second candidate.
    """
    others = ("member_id", "entry_number", "skill_id", "is_held_out", "label")
    names = [name for name in candidates.columns if name not in others]
    columns = ", ".join(names)
    counts = (
        candidates.filter("label is not null and not is_held_out")
        .aggregate(f"label, {columns}, count(*) as pairs", f"label, {columns}")
        .order(f"label, {columns}")
        .to_arrow_table()
    )
    return _coefficients("ms01", counts, names)


def _coefficients(mapping: str, counts: pa.Table, names: list[str]) -> pa.Table:
    """counts : table (label, features, pairs), a row per kind of pair."""
    label = counts.column("label").to_numpy()
    if len(np.unique(label)) < 2:
        print(f"{mapping}: {counts.num_rows} kinds of pairs, of one class; nothing to learn yet")
        return PAIR_COEFFICIENTS.empty_table()
    x = np.column_stack([np.ones(len(label)), *[counts.column(name).to_numpy() for name in names]])
    design = Design(
        x=csr_matrix(x.astype(float)),
        y=label.astype(float),
        weight=counts.column("pairs").to_numpy().astype(float),
        columns=[(INTERCEPT, ""), *[(name, "") for name in names]],
        examples=np.arange(len(label)),
    )
    w, errors = fit_logistic(design, PAIR_L2)
    return pa.table(
        {"feature": [INTERCEPT, *names], "coefficient": np.round(w, 9), "standard_error": np.round(errors, 9)},
        schema=PAIR_COEFFICIENTS,
    )


# ------------------------------------------------------------------------------------------------ cs04


@dataclass(frozen=True)
class Transcripts:
    """courses : (n,) ids, ascending;  words : (d,), ascending;  x : (n, d) TF-IDF, rows of unit length."""

    courses: pa.Array
    words: pa.Array
    x: csr_matrix


@dataclass(frozen=True)
class FittedSkills:
    """skills : (s,) ids, ascending;  fitted : the rows of transcripts.x that the models are fitted on."""

    transcripts: Transcripts
    skills: pa.Array
    fitted: NDArray
    models: SkillModels
    calibration: Calibration


def _codes(values: pa.ChunkedArray) -> tuple[pa.Array, NDArray]:
    """Distinct values, ascending, and the place of each value among them."""
    distinct = pc.unique(values)
    distinct = distinct.take(pc.sort_indices(distinct))
    return distinct, pc.index_in(values, value_set=distinct).to_numpy()


def read_transcripts(terms) -> Transcripts:
    """terms : relation (course_id, term, value)."""
    table = terms.to_arrow_table()
    courses, row = _codes(table.column("course_id"))
    words, column = _codes(table.column("term"))
    x = csr_matrix((table.column("value").to_numpy(), (row, column)), (len(courses), len(words)))
    x.sort_indices()
    return Transcripts(courses, words, x)


def fit_transcripts(terms, labels, splits) -> FittedSkills | None:
    """The classifiers of all skills with labels; None where no transcript has one.

    terms, labels, splits : relations of the models cs04_terms, cs04_labels, course_splits. Courses of the split `test`
    take part only where a label was propagated to them, and never in the calibration.
    """
    transcripts = read_transcripts(terms)
    table = labels.order("skill_id, course_id").to_arrow_table()
    row = pc.index_in(table.column("course_id"), value_set=transcripts.courses)
    table, row = table.filter(row.is_valid()), row.drop_null().to_numpy()
    label = table.column("label").to_numpy()
    visible = splits.filter("split <> 'test'").to_arrow_table().column("course_id")
    is_visible = pc.is_in(transcripts.courses, value_set=visible.combine_chunks()).to_numpy(zero_copy_only=False)
    judged = np.flatnonzero(is_visible[row])
    if len(np.unique(label[judged])) < 2:
        print(f"cs04: {len(judged)} labelled transcripts, of one class; nothing to learn yet")
        return None
    skills, skill = _codes(table.column("skill_id"))
    fitted = is_visible.copy()
    fitted[row[label == 1]] = True
    fitted = np.flatnonzero(fitted)
    place = np.full(len(is_visible), -1)
    place[fitted] = np.arange(len(fitted))
    y = np.zeros((len(fitted), len(skills)))
    y[place[row], skill] = table.column("strength").to_numpy()
    models = fit_skill_models(transcripts.x[fitted], y)

    share = (np.bincount(skill[judged], weights=label[judged], minlength=len(skills)) + 0.5) / (is_visible.sum() + 1)
    calibration = calibrate(
        models.left_out[place[row[judged]], skill[judged]],
        label[judged],
        table.column("weight").to_numpy()[judged],
        skill[judged],
        share,
    )
    return FittedSkills(transcripts, skills, fitted, models, calibration)


def skill_scores(terms, labels, splits) -> pa.Table:
    """Rows (course_id, skill_id, probability), probabilities from KEEP_PROBABILITY up.

    Courses that the models are fitted on get the probability of the models that left them out.
    """
    fit = fit_transcripts(terms, labels, splits)
    ids = splits.to_arrow_table().schema.field("course_id").type
    schema = pa.schema([("course_id", ids), ("skill_id", ids), ("probability", pa.float64())])
    if fit is None:
        return schema.empty_table()
    value = np.empty((fit.transcripts.x.shape[0], len(fit.skills)))
    with threadpool_limits(1):
        for rows, block in _blocks(fit.transcripts.x):
            value[rows] = block @ fit.models.coefficients
    value[fit.fitted] = fit.models.left_out
    probability = np.round(fit.calibration.probability(value), 6)
    row, skill = np.nonzero(probability >= KEEP_PROBABILITY)
    return pa.table(
        {
            "course_id": fit.transcripts.courses.take(pa.array(row)),
            "skill_id": fit.skills.take(pa.array(skill)),
            "probability": probability[row, skill],
        },
        schema=schema,
    )


def skill_coefficients(terms, labels, splits) -> pa.Table:
    """Rows (skill_id, term, coefficient) of each skill's logit, with a row `intercept` per skill: the probability of a
    course that was not learned from is sigmoid(intercept + sum of coefficient * TF-IDF)."""
    fit = fit_transcripts(terms, labels, splits)
    ids = splits.to_arrow_table().schema.field("course_id").type
    schema = pa.schema([("skill_id", ids), ("term", pa.string()), ("coefficient", pa.float64())])
    if fit is None:
        return schema.empty_table()
    logit = fit.models.coefficients * fit.calibration.slope
    logit[-1] += fit.calibration.intercept
    terms_and_constant = pa.concat_arrays([fit.transcripts.words, pa.array([INTERCEPT])])
    skill, term = np.divmod(np.arange(logit.size), len(logit))
    return pa.table(
        {
            "skill_id": fit.skills.take(pa.array(skill)),
            "term": terms_and_constant.take(pa.array(term)),
            "coefficient": np.round(logit.T.ravel(), 6),
        },
        schema=schema,
    )


def transcript_neighbours(terms, splits) -> pa.Table:
    """Rows (course_id, neighbour_id, similarity): for every course outside train and validation the NEIGHBOURS courses
    inside whose words are most similar by cosine; ties by id."""
    transcripts = read_transcripts(terms)
    ids = transcripts.courses.type
    schema = pa.schema([("course_id", ids), ("neighbour_id", ids), ("similarity", pa.float64())])
    visible = splits.filter("split <> 'test'").to_arrow_table().column("course_id").combine_chunks()
    is_visible = pc.is_in(transcripts.courses, value_set=visible).to_numpy(zero_copy_only=False)
    inside, outside = np.flatnonzero(is_visible), np.flatnonzero(~is_visible)
    keep = min(NEIGHBOURS, len(inside))
    tables = [schema.empty_table()]
    if keep == 0:
        return tables[0]
    others = transcripts.x[inside].astype(np.float32).toarray().T
    for start in range(0, len(outside), BLOCK):
        rows = outside[start : start + BLOCK]
        with threadpool_limits(1):
            cosine = np.round(transcripts.x[rows].astype(np.float32).toarray() @ others, 5)
        best = np.argsort(-cosine, axis=1, kind="stable")[:, :keep]
        course, similarity = np.repeat(rows, keep), np.take_along_axis(cosine, best, axis=1).ravel().astype(float)
        tables.append(
            pa.table(
                {
                    "course_id": transcripts.courses.take(pa.array(course)),
                    "neighbour_id": transcripts.courses.take(pa.array(inside[best.ravel()])),
                    "similarity": np.round(similarity, 5),
                },
                schema=schema,
            ).filter(pa.array(similarity > 0))
        )
    return pa.concat_tables(tables)


# ------------------------------------------------------------------------------------------------ quality


QUALITY = pa.schema(
    [
        ("mapping", pa.string()),
        *[(name, pa.float64()) for name in ("precision", "recall", "f1")],
        *[(name, pa.float64()) for name in ("precision_low", "precision_high", "recall_low", "recall_high")],
        *[(name, pa.int64()) for name in ("predicted", "true_positives", "positives", "courses")],
    ]
)


def precision_recall(true_positives: float, predicted: float, positives: float) -> tuple[float, float, float]:
    """Precision, recall and F1 of counts over (course, skill) pairs; nan where nothing was predicted or positive."""
    precision = true_positives / predicted if predicted else float("nan")
    recall = true_positives / positives if positives else float("nan")
    f1 = 2 * true_positives / (predicted + positives) if predicted + positives else float("nan")
    return precision, recall, f1


def resampled_counts(counts: NDArray) -> NDArray:
    """counts : (k, n) of each course  ->  (k, RESAMPLES) their sums over courses drawn with replacement."""
    courses = counts.shape[1]
    if courses == 0:
        return np.zeros((len(counts), RESAMPLES))
    draws = np.random.default_rng(0).multinomial(courses, np.full(courses, 1 / courses), RESAMPLES)
    return counts @ draws.T


def course_skill_quality(truth, splits, predictions: dict) -> pa.Table:
    """One row per mapping: micro-averaged precision and recall on the test courses, with 95 % intervals by a bootstrap
    over courses.

    truth : relation (course_id, skill_id, ...);  splits : relation (course_id, split);
    predictions : mapping -> relation (course_id, skill_id, ...), whose rows of source 'taxonomist' are no predictions.
    """
    test = splits.filter("split = 'test'").order("course_id").to_arrow_table().column("course_id").combine_chunks()
    positives = _pairs(truth, test)
    rows = []
    for mapping, relation in predictions.items():
        found = relation.filter("source <> 'taxonomist'") if "source" in relation.columns else relation
        predicted = _pairs(found, test)
        counts = np.zeros((3, len(test)))
        for row, pairs in enumerate((predicted & positives, predicted, positives)):
            np.add.at(counts[row], [course for course, _ in pairs], 1)
        precision, recall, f1 = precision_recall(*counts.sum(axis=1))
        resampled = resampled_counts(counts)
        with np.errstate(invalid="ignore", divide="ignore"):
            intervals = [
                np.nanquantile(resampled[0] / resampled[of], [0.025, 0.975]) if counts[of].sum() else np.full(2, np.nan)
                for of in (1, 2)
            ]
        values = [precision, recall, f1, *intervals[0], *intervals[1]]
        rows.append(
            {"mapping": mapping}
            | dict(zip(QUALITY.names[1:8], [None if np.isnan(v) else round(float(v), 9) for v in values], strict=True))
            | dict(zip(QUALITY.names[8:], [int(counts[i].sum()) for i in (1, 0, 2)] + [len(test)], strict=True))
        )
    return pa.Table.from_pylist(rows, schema=QUALITY)


def _pairs(relation, courses: pa.Array) -> set[tuple[int, object]]:
    """Distinct (place of the course, skill) pairs of those courses."""
    table = relation.project("course_id, skill_id").distinct().to_arrow_table()
    place = pc.index_in(table.column("course_id"), value_set=courses)
    kept = table.filter(place.is_valid())
    return set(zip(place.drop_null().to_pylist(), kept.column("skill_id").to_pylist(), strict=True))


NOISE_SWEEP = pa.schema([(n, pa.float64()) for n in ("replaced_share", "precision", "recall", "f1")])


def noise_sweep(pairs, features, truth, splits) -> pa.Table:
    """One row per value of features.replaced_share: cs03 learned, decided on validation and measured on test from them.

    features : relation (replaced_share, course_id, skill_id, 0/1 columns);  the others as in the models of that name.
    """
    rows = []
    of_split = {name: splits.filter(f"split = '{name}'").project("course_id") for name in ("validation", "test")}
    positives = truth.project("course_id, skill_id, 1 as is_positive")
    totals = {name: _count(truth.join(courses, "course_id")) for name, courses in of_split.items()}
    for (share,) in features.project("replaced_share").distinct().order("replaced_share").fetchall():
        columns = ", ".join(name for name in features.columns if name != "replaced_share")
        noisy = features.filter(f"replaced_share = {share}").project(columns)
        coefficients = pair_coefficients(pairs, noisy)
        if coefficients.num_rows == 0:
            continue
        names = coefficients.column("feature").to_pylist()[1:]
        w = coefficients.column("coefficient").to_numpy()
        counts = {}
        for name, courses in of_split.items():
            scored = (
                noisy.join(courses, "course_id").join(positives, "course_id, skill_id", how="left").to_arrow_table()
            )
            logit = np.round(w[0] + sum(w[i + 1] * scored.column(n).to_numpy() for i, n in enumerate(names)), 9)
            hit = scored.column("is_positive").is_valid().to_numpy()
            counts[name] = (logit, hit)
        threshold = _best_threshold(*counts["validation"], totals["validation"])
        logit, hit = counts["test"]
        found = logit >= threshold
        values = precision_recall(int(hit[found].sum()), int(found.sum()), totals["test"])
        rounded = [None if np.isnan(v) else round(v, 9) for v in values]
        rows.append(dict(zip(NOISE_SWEEP.names, [share, *rounded], strict=True)))
    return pa.Table.from_pylist(rows, schema=NOISE_SWEEP)


def _count(relation) -> int:
    return relation.aggregate("count(*)").fetchall()[0][0]


def _best_threshold(value: NDArray, hit: NDArray, positives: int) -> float:
    """The threshold with the best F1; of equal ones the highest."""
    order = np.argsort(-value, kind="stable")
    value, hits = value[order], np.cumsum(hit[order])
    last = np.flatnonzero(np.r_[value[1:] != value[:-1], True])  # equal values are taken together
    f1 = 2 * hits[last] / (last + 1 + positives)
    return float(value[last[f1.argmax()]])
