"""raw.followed_skills of the simulated world: one row per skill a new member chose to follow at on-boarding."""

from relevance.world.models import world_model


def model(dbt, session):
    return world_model(dbt.ref("world_parameters"), dbt.this.schema, dbt.this.identifier)
