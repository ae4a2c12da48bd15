"""One row per variant, split and kind of traffic of the feed: how well it ranks days it did not learn from."""

from relevance.metrics import offline_metrics_by_traffic


def model(dbt, session):
    return offline_metrics_by_traffic(dbt.ref("example_scores"), dbt.ref("variants"))
