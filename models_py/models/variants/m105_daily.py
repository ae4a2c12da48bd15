"""m105_daily: m105_history and the day of the week, alone and by category (section 6.3)."""

from relevance.learning import fit_variant


def model(dbt, session):
    return fit_variant(dbt.this, session, dbt.ref("variants"), dbt.ref("training_rows"))
