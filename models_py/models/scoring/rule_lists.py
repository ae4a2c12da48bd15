"""One row per variant whose lists a rule makes, and member it is assigned to: the whole list; streamed by shard."""

from relevance.rules import rule_lists


def model(dbt, session):
    return rule_lists(
        session,
        groups=dbt.ref("rule_groups"),
        postings=dbt.ref("rule_postings"),
        courses=dbt.ref("candidate_courses"),
        variants=dbt.ref("variants"),
        length=int(dbt.config.get("recommendations_per_member")),
        discount=float(dbt.config.get("impression_discount")),
    )
