"""raw.member_profile_skills of the simulated world: one row per skill entry of a profile, picked or typed."""

from relevance.world.models import world_model


def model(dbt, session):
    return world_model(dbt.ref("world_parameters"), dbt.this.schema, dbt.this.identifier)
