"""glmix_joint: glmix_short with its global effect learned together with the others."""

from relevance.learners.glmix import fit_mixed


def model(dbt, session):
    return fit_mixed(
        dbt.this.identifier,
        dbt.ref("variants"),
        dbt.ref("variant_features"),
        dbt.ref("mixed_examples"),
        dbt.ref("request_features"),
        dbt.ref("course_day_features"),
        dbt.ref("training_rows"),
    )
