"""The call of the world's dbt models: parameters as a one-row table in, one table out."""

import pyarrow as pa

from relevance.world.config import WorldConfig
from relevance.world.tables import world_table


def world_model(parameters, schema: str, name: str) -> pa.Table:
    """Table `schema.name` of the world that the one row of `parameters` (seed, members, courses, days) describes."""
    (row,) = parameters.to_arrow_table().to_pylist()
    return world_table(WorldConfig(**row), schema, name)
