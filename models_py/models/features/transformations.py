"""One row per derived feature, inner expressions among them: the declarations of feature_transformations, parsed."""

from relevance.transformations import transformations


def model(dbt, session):
    return transformations(dbt.ref("features"), dbt.ref("feature_transformations"))
