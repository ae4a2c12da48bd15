"""glmix_per_course: m105 and models per course (table 7)."""

from relevance.learners.glmix import fit_mixed


def model(dbt, session):
    return fit_mixed(
        dbt.this,
        session,
        dbt.ref("variants"),
        dbt.ref("mixed_examples"),
        dbt.ref("effect_features"),
        dbt.ref("training_rows"),
        dbt.ref("m105"),
    )
