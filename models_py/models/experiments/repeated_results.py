"""One row per test that is repeated, method and measure: how often it rejects what is true or covers it."""

from relevance.experiments import repeated_results


def model(dbt, session):
    return repeated_results(dbt.ref("repeated_moments"))
