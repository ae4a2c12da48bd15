"""One row per variant, split and class of the member's history: how well it ranks days it did not learn from."""

from relevance.metrics import offline_metrics_by_history


def model(dbt, session):
    return offline_metrics_by_history(dbt.ref("example_scores"), dbt.ref("variants"))
