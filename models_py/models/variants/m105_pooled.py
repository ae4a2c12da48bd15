"""m105_pooled: m105_history learned on all channels."""

from relevance.learning import fit_variant


def model(dbt, session):
    return fit_variant(dbt.this, session, dbt.ref("variants"), dbt.ref("training_rows"))
