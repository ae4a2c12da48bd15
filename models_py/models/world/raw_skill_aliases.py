"""raw.skill_aliases of the simulated world: one row per other spelling of a skill."""

from relevance.world.models import world_model


def model(dbt, session):
    return world_model(dbt.ref("world_parameters"), dbt.this.schema, dbt.this.identifier)
