"""Scores of the learned variants on the days they did not learn from."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from relevance.design import design_of
from relevance.learning import EFFECTS, models_of

SCORES = pa.schema(
    [
        ("variant", pa.string()),
        ("example_id", pa.int64()),
        ("score", pa.float64()),
        *[(f"{effect}_score", pa.float64()) for effect in EFFECTS],
    ]
)


def learned_example_scores(coefficients, variants, evaluation_rows, example_keys) -> pa.Table:
    """Rows (variant, example_id, score, and the effects' parts of it), the arguments are relations; no rows where
    nothing was learned."""
    models = models_of(coefficients.to_arrow_table(), variants.to_arrow_table())
    design = design_of(evaluation_rows.to_arrow_table())
    if not len(design.examples):
        return SCORES.empty_table()
    keys = example_keys.project("example_id, member_id, course_id").order("example_id").to_arrow_table()
    place = np.searchsorted(keys.column("example_id").to_numpy(), design.examples)
    entities = {
        effect: np.asarray(keys.column(f"{effect}_id").cast(pa.string()).take(pa.array(place)).to_pylist(), str)
        for effect in EFFECTS[1:]
    }
    design = replace(design, entities=entities)
    tables = []
    for name, model in models.items():
        effects = model.effects(design)
        parts = {f"{effect}_score": None if effects is None else np.round(effects[effect], 12) for effect in EFFECTS}
        score = model.logits(design) if effects is None else sum(effects.values())
        columns = {"variant": [name] * len(score), "example_id": design.examples, "score": np.round(score, 9)}
        missing = pa.nulls(len(score), pa.float64())
        tables.append(
            pa.table({**columns, **{k: missing if v is None else v for k, v in parts.items()}}, schema=SCORES)
        )
    return pa.concat_tables([SCORES.empty_table(), *tables])
