"""glmix_joint: glmix_short with its global effect learned together with the others."""

from relevance.learners.glmix import fit_mixed


def model(dbt, session):
    return fit_mixed(
        dbt.this,
        session,
        dbt.ref("variants"),
        dbt.ref("mixed_examples"),
        dbt.ref("effect_features"),
        dbt.ref("training_rows"),
    )
