"""One row per member: the courses to be scored, and the pools that each came from."""

from relevance.candidates import candidate_lists


def model(dbt, session):
    return candidate_lists(
        session,
        members=dbt.ref("candidate_members"),
        postings=dbt.ref("candidate_postings"),
        terms=dbt.ref("candidate_terms"),
        courses=dbt.ref("candidate_courses"),
        pools=dbt.ref("candidate_pools"),
        limit=int(dbt.config.get("candidates_per_member")),
    )
