"""m105_p95_member: m105_history with plays as long as one in twenty of the member as positives (section 6.1)."""

from relevance.learning import fit_variant


def model(dbt, session):
    return fit_variant(dbt.this, session, dbt.ref("variants"), dbt.ref("training_rows"))
