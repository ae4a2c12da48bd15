"""One row per column of a raw table that is there, and what to read it from; stops where a required one is missing."""

from relevance.raw import find_raw_tables


def model(dbt, session):
    return find_raw_tables(dbt.config.get("raw_location"), dbt.ref("raw_contract"), session)
