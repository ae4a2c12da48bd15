"""From a line of the registry to a model as rows, and from rows back to scores.

A learner is a module of `relevance.learners`, chosen by its name in the registry, with

    fit(task)                      Task -> rows of COEFFICIENTS
    logits(rows, design, parts)    rows, (n, d) Design, {part: Model} -> (n,) scores
    catalogue(rows, space, parts)  rows, CatalogueSpace, {part: scorer} -> what has logits(shard), (members, courses)
    effects(rows, design)          where the logit is a sum of effects: effect -> (n,) its part, for EFFECTS
    IS_PROBABILITY                 whether sigmoid(score) is a probability
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from relevance import learners
from relevance.design import Design, design_of
from relevance.engine import engine

COEFFICIENTS = pa.schema(
    [
        ("variant", pa.string()),
        ("effect", pa.string()),
        ("entity_id", pa.string()),
        ("feature", pa.string()),
        ("term", pa.string()),
        ("coefficient", pa.float64()),
        ("standard_error", pa.float64()),
    ]
)
DECIMALS = 12
EFFECTS = ("global", "member", "course")


class LearningError(RuntimeError):
    """Which variant cannot be learned, and the remedy."""


class NothingToLearnError(RuntimeError):
    """There are no examples of both classes yet."""


@dataclass(frozen=True)
class Model:
    """A learned variant: its learner, its rows of COEFFICIENTS, and the models it is made of."""

    learner: str
    rows: pa.Table
    parts: dict[str, "Model"] = field(default_factory=dict)

    def logits(self, design: Design) -> NDArray:
        """(n,) scores of the rows of a design; columns it does not know count nothing."""
        return learner(self.learner).logits(self.rows, design, self.parts)

    def effects(self, design: Design) -> dict[str, NDArray] | None:
        """effect -> (n,) its part of the score; None where the score is not a sum of effects."""
        of = getattr(learner(self.learner), "effects", None)
        return of and of(self.rows, design)


@dataclass(frozen=True)
class Task:
    """What a learner gets. train, validation : designs over the same columns;  l2 : penalties to choose from;
    parts : the models a blend combines."""

    variant: str
    l2: tuple[float, ...]
    train: Design
    validation: Design
    parts: dict[str, Model]


def learner(name: str) -> ModuleType:
    """Raises LearningError if there is no such learner."""
    known = sorted(module.name for module in iter_modules(learners.__path__))
    if name not in known:
        raise LearningError(f"no learner '{name}'. Remedy: give one of {', '.join(known)}")
    return import_module(f"relevance.learners.{name}")


def coefficient_rows(
    variant: str,
    effect: str,
    features: Sequence[str],
    terms: Sequence[str],
    coefficients: NDArray,
    standard_errors: NDArray | None = None,
    entities: Sequence[str] | None = None,
    decimals: int | None = DECIMALS,
) -> pa.Table:
    """Rows of COEFFICIENTS, rounded to 12 decimals; not rounded with None."""
    n = len(features)
    if decimals is not None:
        coefficients = np.round(coefficients, decimals)
    return pa.table(
        {
            "variant": [variant] * n,
            "effect": [effect] * n,
            "entity_id": pa.nulls(n, pa.string()) if entities is None else pa.array(entities, pa.string()),
            "feature": pa.array(features, pa.string()),
            "term": pa.array(terms, pa.string()),
            "coefficient": coefficients,
            "standard_error": pa.nulls(n, pa.float64())
            if standard_errors is None
            else np.round(standard_errors, DECIMALS),
        },
        schema=COEFFICIENTS,
    )


def search_rows(variant: str, trials: Sequence[tuple[str, float, float, dict[str, float]]]) -> pa.Table:
    """Penalties tried, as rows of effect `search`: the entity is the effect they are of, the feature a quantity, the
    term `l2|l2 of intercepts`. trials : (effect, l2, l2 of intercepts, {quantity: value}), is_chosen among them."""
    entries = [
        (effect, quantity, f"{l2:g}|{intercept_l2:g}", value)
        for effect, l2, intercept_l2, values in trials
        for quantity, value in values.items()
        if np.isfinite(value)
    ]
    effects, quantities, terms, values = zip(*entries, strict=True) if entries else ((), (), (), ())
    return coefficient_rows(variant, "search", quantities, terms, np.array(values, float), entities=effects)


def chosen_l2(rows: pa.Table | None) -> dict[str, tuple[float, float]]:
    """effect -> (l2, l2 of intercepts) that the fit of these rows took; empty without a search."""
    if rows is None:
        return {}
    chosen = rows.filter(
        (pc.field("effect") == "search") & (pc.field("feature") == "is_chosen") & (pc.field("coefficient") == 1.0)
    )
    return {row["entity_id"]: tuple(map(float, row["term"].split("|"))) for row in chosen.to_pylist()}


def fit_variant(this, session, variants, training_rows, *parts) -> pa.Table:
    """Rows (variant, effect, entity_id, feature, term, coefficient, standard_error) of a variant of the registry.

    this, session : of the dbt model, named as the variant;  variants, training_rows : relations of the models of that
    name;  parts : relations of the variants that it combines.
    Learns from the split `train` and chooses on `validation`. Without a positive and a negative example there is
    nothing to learn: no rows, and the variant serves affinity lists. Raises LearningError naming the variant.
    """

    def fit(row: dict, _: pa.Table | None) -> pa.Table:
        rows = (
            training_rows.filter(f"variant = '{row['variant']}' and split in ('train', 'validation')")
            .project("example_id, label, weight, feature, term, value, split = 'train' as is_train")
            .to_arrow_table()
        )
        return learner(row["learner"]).fit(_task(row, rows, models_given(row, variants, parts)))

    return learned(this, session, variants, fit)


def learned(this, session, variants, fit: Callable[[dict, pa.Table | None], pa.Table]) -> pa.Table:
    """The rows of the variant that is named as `this`, by the column `learning` of its row of the registry:

    anew : `fit(row, None)`;  warm : `fit(row, rows of the build before)`, None where it left none. No rows where there
    is nothing to learn from. Raises LearningError naming the variant, also where the last build kept its model: then
    there are no examples for it.
    """
    (row,) = variants.filter(f"variant = '{this.identifier}'").to_arrow_table().to_pylist()
    if row["learning"] == "kept":
        raise LearningError(
            f"{this.identifier}: the last build was a day, which made no examples for it. Remedy: dbt build -s "
            f"+{this.identifier}+"
        )
    before = engine(session).before(this) if row["learning"] == "warm" else None
    try:
        return fit(row, before if before is not None and before.num_rows else None)
    except NothingToLearnError as error:
        print(f"{this.identifier}: {error}; nothing to learn yet")
        return COEFFICIENTS.empty_table()
    except (LearningError, ValueError, RuntimeError) as error:
        raise LearningError(f"{this.identifier}: {error}") from error


def models_given(row: dict, variants, parts: Sequence) -> dict[str, Model]:
    """The models among the relations `parts`, which must be those that the registry names."""
    tables = [part.to_arrow_table() for part in parts]
    learners_of = dict(zip(*variants.project("variant, learner").to_arrow_table().to_pydict().values(), strict=True))
    models = {
        table.column("variant")[0].as_py(): Model(learners_of[table.column("variant")[0].as_py()], table)
        for table in tables
        if table.num_rows
    }
    declared = set(_parts(row["parts"]))
    if len(parts) != len(declared) or not declared.issuperset(models):
        raise LearningError(
            f"the registry names the parts {', '.join(sorted(declared)) or 'none'}, its file gives {len(parts)}: "
            f"{', '.join(sorted(models)) or 'none that learned'}. Remedy: name the same in both"
        )
    if parts and not models:
        raise NothingToLearnError("none of its parts learned anything")
    return models


def _task(row: dict, rows: pa.Table, parts: dict[str, Model]) -> Task:
    whole = design_of(rows)
    train_ids = np.unique(rows.filter(rows.column("is_train")).column("example_id").to_numpy())
    in_train = np.isin(whole.examples, train_ids)
    return Task(
        variant=row["variant"],
        l2=tuple(float(value) for value in row["l2"].split("|")),
        train=whole.rows(in_train),
        validation=whole.rows(~in_train),
        parts=dict(sorted(parts.items())),
    )


def _parts(text: str | None) -> list[str]:
    return text.split("|") if text else []


def names_with_parts(names: Sequence[str], variants: pa.Table) -> list[str]:
    """Those variants and all that they are made of, in order."""
    parts = dict(zip(variants.column("variant").to_pylist(), variants.column("parts").to_pylist(), strict=True))
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _parts(parts.get(name))
    return sorted(found)


def models_of(coefficients: pa.Table, variants: pa.Table) -> dict[str, Model]:
    """Every learned variant that has rows, by name; parts before what is made of them."""
    names = coefficients.column("variant")
    registry = {row["variant"]: row for row in variants.to_pylist()}
    found: dict[str, Model] = {}

    def build(name: str) -> Model | None:
        if name not in found:
            rows = coefficients.filter(pc.equal(names, name))
            if rows.num_rows == 0:
                return None
            row = registry[name]
            parts = {part: build(part) for part in _parts(row["parts"])}
            found[name] = Model(row["learner"], rows, {part: model for part, model in parts.items() if model})
        return found[name]

    for name in sorted(set(names.to_pylist())):
        build(name)
    return dict(sorted(found.items()))
