"""cs03: the one logistic regression of all (course, skill) pairs (section 3.1). One row per feature."""

from relevance.skill_models import pair_coefficients


def model(dbt, session):
    return pair_coefficients(dbt.ref("cs03_pairs"), dbt.ref("cs03_features"))
