"""One row per member and course of a list, with its best position: the collection within which reasons are ranked."""

from relevance.reasons import recommended_pairs


def model(dbt, session):
    return recommended_pairs(session, lists=dbt.ref("listed_scores"), courses=dbt.ref("candidate_courses"))
