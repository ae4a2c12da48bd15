"""truth.channels of the simulated world: one row per channel, with its weights and examination of slots."""

from relevance.world.models import world_model


def model(dbt, session):
    return world_model(dbt.ref("world_parameters"), dbt.this.schema, dbt.this.identifier)
