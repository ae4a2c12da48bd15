"""cs04: the coefficients of every skill's classifier. One row per skill and word."""

from relevance.skill_models import skill_coefficients


def model(dbt, session):
    return skill_coefficients(dbt.ref("cs04_terms"), dbt.ref("cs04_labels"), dbt.ref("course_splits"))
