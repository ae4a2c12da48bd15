"""One row per learned variant and example of the days it did not learn from."""

from relevance.evaluation import learned_example_scores


def model(dbt, session):
    return learned_example_scores(
        dbt.ref("coefficients"), dbt.ref("variants"), dbt.ref("evaluation_rows"), dbt.ref("example_keys")
    )
