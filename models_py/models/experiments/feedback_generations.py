"""One row per traffic and generation of a simulated platform that learns from its own log (insight 5)."""

from relevance.world.models import feedback_model


def model(dbt, session):
    return feedback_model(dbt.ref("world_parameters"))
