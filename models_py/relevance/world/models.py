"""The calls of the dbt models of the world: parameters as a one-row table in, one table out."""

import pyarrow as pa

from relevance.world.config import WorldConfig
from relevance.world.feedback import feedback_generations
from relevance.world.tables import world_table


def world_model(parameters, schema: str, name: str) -> pa.Table:
    """Table `schema.name` of the world that the one row of `parameters` (seed, members, courses, days) describes."""
    return world_table(_config(parameters), schema, name)


def feedback_model(parameters) -> pa.Table:
    """Generations of a platform that learns from its own log, with the seed and size of the world in `parameters`."""
    return feedback_generations(_config(parameters))


def _config(parameters) -> WorldConfig:
    (row,) = parameters.to_arrow_table().to_pylist()
    return WorldConfig(**row)
