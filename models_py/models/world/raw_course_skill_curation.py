"""raw.course_skill_curation of the simulated world: one row per verdict of the taxonomists on a course and a skill."""

from relevance.world.models import world_model


def model(dbt, session):
    return world_model(dbt.ref("world_parameters"), dbt.this.schema, dbt.this.identifier)
