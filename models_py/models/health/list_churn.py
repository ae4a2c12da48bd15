"""How far the lists moved since the last published version of an earlier day: a row per measure and channel."""

from relevance.list_churn import list_churn


def model(dbt, session):
    return list_churn(session, dbt.ref("publication"))
