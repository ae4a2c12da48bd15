"""The calls of the dbt models of the world: parameters as a one-row table in, one table out."""

import pyarrow as pa

from relevance.privacy import without_members
from relevance.world.config import WorldConfig
from relevance.world.feedback import feedback_generations
from relevance.world.tables import world_table


def world_model(parameters, schema: str, name: str) -> pa.Table:
    """Table `schema.name` of the world that the one row of `parameters` (seed, members, courses, days) describes,
    without its `forgotten_members`."""
    config, forgotten = world_config(parameters)
    return without_members(world_table(config, schema, name), forgotten)


def feedback_model(parameters) -> pa.Table:
    """Generations of a platform that learns from its own log, with the seed and size of the world in `parameters`."""
    config, _ = world_config(parameters)
    return feedback_generations(config)


def world_config(parameters) -> tuple[WorldConfig, list[str]]:
    """The configuration of the world, and the hashes of who was forgotten since."""
    (row,) = parameters.to_arrow_table().to_pylist()
    forgotten = row.pop("forgotten_members")
    return WorldConfig(**row), forgotten or []
