"""One row per variant, split and channel: how well it ranks days it did not learn from."""

from relevance.metrics import offline_metrics


def model(dbt, session):
    return offline_metrics(dbt.ref("example_scores"), dbt.ref("variants"))
