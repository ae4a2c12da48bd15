"""raw.member_subscriptions of the simulated world: one row per subscription period of a member."""

from relevance.world.models import world_model


def model(dbt, session):
    return world_model(dbt.ref("world_parameters"), dbt.this.schema, dbt.this.identifier)
