"""One row per member: the record of the key-value store (figure 8), encoded member by member in a stream."""

from relevance.store import encode


def model(dbt, session):
    return encode(session, lists=dbt.ref("store_lists"), keys=dbt.ref("store_keys"))
