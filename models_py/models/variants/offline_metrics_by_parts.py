"""One row per variant with random effects, split and set of its parts: how well those rank the feed."""

from relevance.metrics import offline_metrics_by_parts


def model(dbt, session):
    return offline_metrics_by_parts(dbt.ref("glmix_part_scores"), dbt.ref("variants"))
