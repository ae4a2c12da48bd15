"""truth.skills of the simulated world: one row per skill, with the category it belongs to."""

from relevance.world.models import world_model


def model(dbt, session):
    return world_model(dbt.ref("world_parameters"), dbt.this.schema, dbt.this.identifier)
