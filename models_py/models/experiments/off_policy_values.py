"""One row per variant and channel: what it is worth by the log of another policy (section 4.4)."""

from relevance.experiments import off_policy_values


def model(dbt, session):
    return off_policy_values(dbt.ref("off_policy_moments"))
