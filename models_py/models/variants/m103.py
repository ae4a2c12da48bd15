"""m103: m102 plus the skills of the jobs the member viewed (table 5)."""

from relevance.learning import fit_variant


def model(dbt, session):
    return fit_variant(dbt.this, session, dbt.ref("variants"), dbt.ref("training_rows"))
