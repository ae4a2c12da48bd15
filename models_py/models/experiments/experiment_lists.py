"""One row per learned variant of the experiments and member with a session: the top list; streamed by member shard."""

from relevance.scoring import learned_lists


def model(dbt, session):
    return learned_lists(
        session,
        groups=dbt.ref("experiment_groups"),
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
