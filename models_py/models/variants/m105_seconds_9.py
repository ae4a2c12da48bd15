"""m105_seconds_9: m105_history with plays of 9 seconds as positives (section 6.1)."""

from relevance.learning import fit_variant


def model(dbt, session):
    return fit_variant(dbt.this, session, dbt.ref("variants"), dbt.ref("training_rows"))
