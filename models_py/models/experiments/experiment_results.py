"""One row per experiment, metric and variant that is not the baseline: lift, interval, p-values and verdict."""

from relevance import experiments


def model(dbt, session):
    return experiments.experiment_results(dbt.ref("experiment_moments"))
