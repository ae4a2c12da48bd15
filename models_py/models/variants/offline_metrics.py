"""One row per variant, split and channel: how well it ranks days it did not learn from."""

from relevance.metrics import offline_metrics


def model(dbt, session):
    variants = dbt.ref("variants").filter("learner = 'logistic'").to_arrow_table()
    return offline_metrics(dbt.ref("example_scores"), set(variants.column("variant").to_pylist()))
