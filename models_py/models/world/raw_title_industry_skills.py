"""raw.title_industry_skills of the simulated world: none, its platform derives them from profiles."""

from relevance.world.models import world_model


def model(dbt, session):
    return world_model(dbt.ref("world_parameters"), dbt.this.schema, dbt.this.identifier)
