"""glmix_short: glmix learned on the last weeks of the feed (insight 8)."""

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
