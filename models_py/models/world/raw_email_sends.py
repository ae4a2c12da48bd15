"""raw.email_sends of the simulated world: one row per weekly e-mail to a member."""

from relevance.world.models import world_model


def model(dbt, session):
    return world_model(dbt.ref("world_parameters"), dbt.this.schema, dbt.this.identifier)
