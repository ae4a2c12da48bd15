"""One row per member of the off-policy log: what the direct model expects of all courses that somebody shows."""

from relevance.scoring import learned_lists


def model(dbt, session):
    return learned_lists(
        session,
        groups=dbt.ref("direct_groups"),
        coefficients=dbt.ref("coefficients"),
        variants=dbt.ref("variants"),
        terms=dbt.ref("scoring_terms"),
        pair_terms=dbt.ref("scoring_pair_terms"),
        courses=dbt.ref("candidate_courses"),
        features=dbt.ref("scoring_course_features"),
        steps=dbt.ref("transformations"),
        buckets=dbt.ref("feature_buckets"),
        keep=int(dbt.config.get("list_length")),
        with_parts=False,
    )
