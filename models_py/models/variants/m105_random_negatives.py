"""m105_random_negatives: m105_history with random negatives."""

from relevance.learning import fit_variant


def model(dbt, session):
    return fit_variant(dbt.this, session, dbt.ref("variants"), dbt.ref("training_rows"))
