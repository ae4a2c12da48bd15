"""One row per bucket of a derived feature."""

from relevance.transformations import feature_buckets


def model(dbt, session):
    return feature_buckets(dbt.ref("features"), dbt.ref("feature_transformations"))
