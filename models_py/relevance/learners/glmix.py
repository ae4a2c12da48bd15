"""GLMix (section 5): on top of a global effect, models per member of course features, per course of member features."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from relevance.catalogue import CatalogueSpace, LinearScorer, Product, Shard
from relevance.design import INTERCEPT, Design, column_codes, design_of, keyed_matrix, places, rows_at, with_empty_row
from relevance.engine import engine, is_spark
from relevance.glmix import Effect, Features, GLMix, Pass, Rows, Settings, Trial, choose_l2, fit_glmix
from relevance.glmix_shards import Layout, ShardedProblem, ids_of, pack
from relevance.learners.logistic import weights_of
from relevance.learning import (
    COEFFICIENTS,
    DECIMALS,
    EFFECTS,
    LearningError,
    NothingToLearnError,
    chosen_l2,
    coefficient_rows,
    learned,
    models_given,
    search_rows,
)

IS_PROBABILITY = True
INTERCEPT_COLUMN = (INTERCEPT, "")
INTERCEPTS = (1.0, 10.0, 100.0, 1000.0)  # multiples of the chosen penalty that are tried for intercepts
# effect -> whose models they are, and what the features hang on that they read
ENTITIES = {"member": ("member_id", "course_day_id"), "course": ("course_id", "request_id")}
DRIVER_EXAMPLES = (
    5_000_000  # with more of them, Spark's workers fit the models per member and per course of a variant with a part
)
SHARD_EXAMPLES = 50_000


def fit(task) -> pa.Table:
    raise LearningError("its random effects are learned by fit_mixed. Remedy: write its file as glmix.py is written")


def fit_mixed(
    this,
    session,
    variants,
    mixed_examples,
    effect_features,
    training_rows,
    *parts,
) -> pa.Table:
    """Rows of COEFFICIENTS of a variant with random effects; the arguments but the first two are relations.

    With a part, the global effect is that variant's and stays as it is; without, it is learned with the others. The
    penalties are chosen on the validation days, or are those of the model to begin with. Beside the effects, `search`
    holds the penalties tried and `fit` the passes. Raises LearningError naming the variant.
    """

    def fit(row: dict, before: pa.Table | None) -> pa.Table:
        models = models_given(row, variants, parts)
        for name, model in models.items():
            if model.learner != "logistic":
                raise LearningError(f"its part {name} is no logistic regression, whose logit could be a global effect")
        variant = row["variant"]
        if parts and is_spark(session):
            rows = mixed_examples.filter(f"variant = '{variant}'")
            if rows.aggregate("count(*) as examples").fetchall()[0][0] > DRIVER_EXAMPLES:
                read = effect_features.filter(f"variant = '{variant}'")
                return fit_sharded(engine(session), row, rows, read, list(models.values()))
        examples = (
            mixed_examples.filter(f"variant = '{variant}'")
            .project("example_id, split, label, weight, member_id, course_id, request_id, course_day_id, global_logit")
            .order("example_id")
            .to_arrow_table()
        )
        features = {}
        if not parts:
            rows = training_rows.filter(f"variant = '{variant}' and split in ('train', 'validation')")
            design = design_of(rows.project("example_id, label, weight, feature, term, value").to_arrow_table())
            features["global"] = _without_intercept(design)
        for effect in row["random_effects"].split("|"):
            read = effect_features.filter(f"variant = '{variant}' and effect = '{effect}'")
            features[effect] = _features(
                read.project("key_id, feature, term, value").to_arrow_table(), examples, *ENTITIES[effect]
            )
        return _fit(row, examples, features, list(models.values()), before)

    return learned(this, session, variants, fit)


def _without_intercept(design: Design) -> Features:
    kept = [i for i, column in enumerate(design.columns) if column != INTERCEPT_COLUMN]
    return Features(design.x[:, kept], columns=[design.columns[i] for i in kept])


def _features(read: pa.Table, examples: pa.Table, entity: str, key: str) -> Features:
    keys, x, columns = keyed_matrix(read, "key_id")
    ids = examples.column(entity).to_numpy(zero_copy_only=False)
    return Features(rows_at(x, places(keys, examples.column(key).to_numpy())), ids, columns)


def _fit(
    row: dict, examples: pa.Table, features: dict[str, Features], parts: Sequence, before: pa.Table | None
) -> pa.Table:
    is_train = np.asarray(examples.column("split").to_numpy(zero_copy_only=False) == "train")
    y = examples.column("label").to_numpy().astype(float)
    offset = examples.column("global_logit").to_numpy().astype(float) if parts else np.zeros(len(y))

    rows = Rows(features, y, examples.column("weight").to_numpy(), offset)
    train, validation = rows.at(np.flatnonzero(is_train)), rows.at(np.flatnonzero(~is_train))
    if len(np.unique(train.y)) < 2:
        raise NothingToLearnError(f"{len(train.y)} examples of one class")
    grid = sorted(float(value) for value in row["l2"].split("|"))
    settings = {name: Settings(grid[len(grid) // 2]) for name in features}
    start, trials = None, []
    if set(known := chosen_l2(before)) >= set(features):
        settings = {name: Settings(*known[name]) for name in features}
        trials = [Trial(name, *known[name], np.nan, np.nan, True) for name in features]
        start = _model_of(before, train)
    elif len(grid) > 1 and len(np.unique(validation.y)) == 2:
        settings, trials = choose_l2(train, validation, {name: grid for name in features}, settings, INTERCEPTS)
    model = fit_glmix(train, settings, validation if len(validation.y) else None, start=start, variances=True)
    chosen = ", ".join(f"{name} {s.l2:g} (intercepts {s.intercept_l2 or 0:g})" for name, s in settings.items())
    print(
        f"{row['variant']}: l2 {chosen}; {len(model.passes)} passes, at most {model.certificate / model.objective:.1e} "
        "above the optimum"
    )
    of_parts = [_renamed(part.rows, row["variant"]) for part in parts]
    return pa.concat_tables(
        [
            *of_parts,
            *(_effect_rows(row["variant"], name, effect) for name, effect in model.effects.items()),
            _protocol(row["variant"], model, trials),
        ]
    )


def fit_sharded(verbs, row: dict, examples, read, parts: Sequence):
    """The same on shards of whole members, on top of a part: rows of COEFFICIENTS, those of members streamed.

    examples, read : relations, the variant's rows of mixed_examples and of effect_features;  parts : one Model.
    """
    variant, effects = row["variant"], row["random_effects"].split("|")
    columns: dict[str, list] = {}
    rows = examples.project(
        "member_id, course_id, request_id, course_day_id, label, weight, global_logit as logit, "
        "split = 'train' as is_train"
    )
    for effect in effects:
        of = read.filter(f"effect = '{effect}'").project("key_id, feature, term, value")
        names = verbs.collect(of.project("feature, term").distinct())
        columns[effect] = sorted(zip(names["feature"].to_pylist(), names["term"].to_pylist(), strict=True))
        features, terms = zip(*columns[effect], strict=True) if columns[effect] else ((), ())
        numbers = pa.table(
            {
                "feature": pa.array(features, pa.string()),
                "term": pa.array(terms, pa.string()),
                "place": pa.array(range(len(terms)), pa.int32()),
            }
        )
        numbered = of.join(verbs.relation(numbers), "feature, term")
        key = ENTITIES[effect][1]
        listed = verbs.lists(numbered, "key_id", ["place", "value"], ["place"]).project(
            f"key_id as {key}, place as {effect}_columns, value as {effect}_values"
        )
        rows = rows.join(listed, key, how="left")
    courses = verbs.collect(examples.filter("split = 'train'").project("course_id").distinct())["course_id"]
    layout = Layout(columns.get("member"), columns.get("course"), np.unique(ids_of(courses)))
    schema = pa.schema([("shard", pa.binary())])
    shards = verbs.keep(verbs.map_groups(rows, "member_id", lambda table: pack(table, layout), schema, SHARD_EXAMPLES))
    problem = ShardedProblem(verbs, shards, layout)
    grid = sorted(float(value) for value in row["l2"].split("|"))
    penalties, tried = problem.choose_l2({effect: grid for effect in effects}, INTERCEPTS)
    fitted = problem.fit(penalties)
    passes = [Pass(number, "profile", *one, np.nan, np.nan) for number, one in enumerate(fitted.passes, 1)]
    value, certificate = fitted.passes[-1]
    trials = [Trial(effect, *of, loss, np.nan, is_chosen) for effect, of, loss, is_chosen in tried]
    protocol = _protocol(variant, GLMix({}, passes, value, certificate, "certificate", {}), trials)
    head = [*(_renamed(part.rows, variant) for part in parts), protocol]
    if fitted.courses is not None:
        head.append(_effect_rows(variant, "course", fitted.courses))
    if "member" not in penalties:
        return pa.concat_tables(head)
    of_members = problem.member_effects(
        fitted.c, penalties["member"], lambda effect: _effect_rows(variant, "member", effect), COEFFICIENTS
    )
    return verbs.with_rows(pa.concat_tables(head), of_members)


def _renamed(rows: pa.Table, variant: str) -> pa.Table:
    """The coefficients of another variant as this one's."""
    rows = rows.filter(pc.field("effect") == "global")
    return rows.set_column(0, "variant", pa.array([variant] * rows.num_rows, pa.string())).cast(COEFFICIENTS)


def _model_of(rows: pa.Table, train: Rows) -> GLMix:
    """A model to begin with: the coefficients in these rows of the entities and columns of `train`."""
    effects = {}
    for name, features in train.effects.items():
        columns = [INTERCEPT_COLUMN, *features.columns]
        if features.entity is None:
            weight = weights_of(rows)
            theta = csr_matrix([[weight.get(column, 0.0) for column in columns]])
            entities = None
        else:
            entities = np.unique(np.asarray(features.entity))
            theta = _of_each(*_table(rows, name, columns), entities.astype(str))
        effects[name] = Effect(entities, list(features.columns), theta, None, np.zeros(theta.shape[0], np.int64))
    return GLMix(effects, [], np.nan, np.nan, "", {})


def _effect_rows(variant: str, name: str, effect: Effect) -> pa.Table:
    coefficients = effect.coefficients.tocoo()
    order = np.lexsort((coefficients.col, coefficients.row))
    variance = np.asarray(effect.variances.tocsr()[coefficients.row, coefficients.col]).ravel()[order]
    columns = [INTERCEPT_COLUMN, *effect.columns]
    number = pa.array(coefficients.col[order])
    entities = pa.nulls(len(order), pa.string())
    if effect.entities is not None:
        entities = pa.array(effect.entities.astype(str)).take(pa.array(coefficients.row[order]))
    return pa.table(
        {
            "variant": pa.array([variant]).take(pa.array(np.zeros(len(order), np.int64))),
            "effect": pa.array([name]).take(pa.array(np.zeros(len(order), np.int64))),
            "entity_id": entities,
            "feature": pa.array([feature for feature, _ in columns]).take(number),
            "term": pa.array([term for _, term in columns]).take(number),
            "coefficient": np.round(coefficients.data[order], DECIMALS),
            "standard_error": np.round(np.sqrt(variance), DECIMALS),
        },
        schema=COEFFICIENTS,
    )


def _protocol(variant: str, model: GLMix, trials: list[Trial]) -> pa.Table:
    """The passes as effect `fit` (step, quantity, pass), and the penalties tried."""
    entries = []
    for one in model.passes:
        values = {"objective": one.objective, "certificate": one.certificate, "roc_auc": one.roc_auc,
                  "log_loss": one.log_loss}  # fmt: skip
        values["is_converged"] = float(one is model.passes[-1] and model.stopped_by == "certificate")
        entries += [(one.step, name, str(one.number), value) for name, value in values.items() if np.isfinite(value)]
    steps, names, numbers, values = zip(*entries, strict=True)
    fit = coefficient_rows(variant, "fit", names, numbers, np.array(values), entities=steps)
    tried = [
        (t.effect, t.l2, t.intercept_l2,
         {"log_loss": t.log_loss, "roc_auc": t.roc_auc, "is_chosen": float(t.is_chosen)})
        for t in trials
    ]  # fmt: skip
    return pa.concat_tables([fit, search_rows(variant, tried)])


def _table(rows: pa.Table, effect: str, columns: Sequence[tuple[str, str]]) -> tuple[NDArray, csr_matrix]:
    """entities (E,) ascending as texts, and their coefficients (E, columns); columns it does not know count nothing."""
    of = rows.filter(pc.equal(rows.column("effect"), effect))
    if not of.num_rows:
        return np.array([], str), csr_matrix((0, len(columns)))
    encoded = of.column("entity_id").combine_chunks().dictionary_encode()
    names = np.asarray(encoded.dictionary.to_pylist(), str)
    order = np.argsort(names)
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names))
    code, known = column_codes(of)
    where = {column: i for i, column in enumerate(columns)}
    column = np.array([where.get(name, -1) for name in known])[code]
    is_known = column >= 0
    entity = place[encoded.indices.to_numpy()]
    value = of.column("coefficient").to_numpy()
    theta = csr_matrix((value[is_known], (entity[is_known], column[is_known])), (len(names), len(columns)))
    return names[order], theta


def _of_each(names: NDArray, theta: csr_matrix, ids: Sequence[str]) -> csr_matrix:
    """(n, columns) the coefficients of each id; nothing where it has no model."""
    return rows_at(theta, places(names, np.asarray(ids, str)))


def effects(rows: pa.Table, design: Design) -> dict[str, NDArray]:
    weight = weights_of(rows)
    parts = {"global": design.x @ np.array([weight.get(column, 0.0) for column in design.columns])}
    for effect in EFFECTS[1:]:
        theta = _of_each(*_table(rows, effect, design.columns), design.entities[effect])
        parts[effect] = np.asarray(design.x.multiply(theta).sum(axis=1)).ravel()
    return parts


def logits(rows: pa.Table, design: Design, parts: dict) -> NDArray:
    return sum(effects(rows, design).values())


class MixedScorer:
    """A member's coefficients times the courses' features, the member's features times the courses' coefficients."""

    def __init__(self, rows: pa.Table, space: CatalogueSpace):
        self.fixed = LinearScorer(weights_of(rows), space)
        courses = len(space.course_ids)
        columns = space.member_columns
        self.variant = rows["variant"][0].as_py()
        self.members, of_members = _table(rows, "member", columns)
        self.of_members = with_empty_row(of_members)
        pieces = [(np.arange(courses), np.ones(courses)), *space.course_values.values()]
        row = np.repeat(np.arange(len(pieces)), [len(course) for course, _ in pieces])
        self.course_features = Product(
            csr_matrix(
                (np.concatenate([v for _, v in pieces]), (row, np.concatenate([c for c, _ in pieces]))),
                (len(columns), courses),
            )
        )
        names, theta = _table(rows, "course", [INTERCEPT_COLUMN, *space.terms])
        of_courses = _of_each(names, theta, [str(course) for course in space.course_ids.to_pylist()]).T.tocsr()
        self.course_intercepts, self.of_courses = of_courses[[0]].toarray().ravel(), Product(of_courses[1:])

    def effects(self, shard: Shard) -> dict[str, NDArray]:
        """effect -> (pairs,) its part of the logit."""
        member, course = shard.zeros(), self.course_intercepts[shard.courses]
        if shard.own is None:
            of_members = self.of_members[places(self.members, np.asarray(shard.member_ids, str))]
        else:
            of_members = shard.own[self.variant]
        self.course_features.add_to(member, of_members, shard)
        self.of_courses.add_to(course, shard.members, shard)
        return {"global": self.fixed.logits(shard), "member": member, "course": course}

    def logits(self, shard: Shard) -> NDArray:
        return sum(self.effects(shard).values())


def catalogue(rows: pa.Table, space: CatalogueSpace, parts: dict) -> MixedScorer:
    return MixedScorer(rows, space)
