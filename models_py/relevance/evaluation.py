"""Scores of the learned variants on the days they did not learn from."""

import numpy as np
import pyarrow as pa

from relevance.design import design_of
from relevance.learning import models_of

SCORES = pa.schema([("variant", pa.string()), ("example_id", pa.int64()), ("score", pa.float64())])


def learned_example_scores(coefficients, variants, evaluation_rows) -> pa.Table:
    """Rows (variant, example_id, score), the arguments are relations; no rows where nothing was learned."""
    models = models_of(coefficients.to_arrow_table(), variants.to_arrow_table())
    design = design_of(evaluation_rows.to_arrow_table())
    if not len(design.examples):
        return SCORES.empty_table()
    tables = [
        pa.table(
            {
                "variant": [name] * len(design.examples),
                "example_id": design.examples,
                "score": np.round(model.logits(design), 9),
            },
            schema=SCORES,
        )
        for name, model in models.items()
    ]
    return pa.concat_tables([SCORES.empty_table(), *tables])
