"""m101: the first supervised model, logistic regression on member, course and interaction features (table 5)."""

from relevance.learning import fit_variant


def model(dbt, session):
    return fit_variant(dbt.this, session, dbt.ref("variants"), dbt.ref("training_rows"))
