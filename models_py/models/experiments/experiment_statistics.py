"""One row per experiment, metric and variant that is not the baseline: lift, interval, p-values and verdict."""

from relevance.experiments import experiment_results


def model(dbt, session):
    return experiment_results(dbt.ref("experiment_moments"))
