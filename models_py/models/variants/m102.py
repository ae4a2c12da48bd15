"""m102: m101 plus purchases, subscription type and job seekers (table 5)."""

from relevance.learning import fit_variant


def model(dbt, session):
    return fit_variant(dbt.this, session, dbt.ref("variants"), dbt.ref("training_rows"))
