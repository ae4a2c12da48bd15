"""One row per learned variant, member it is assigned to, and course of its top list; streamed by member shard."""

from relevance.scoring import learned_scores


def model(dbt, session):
    return learned_scores(
        session,
        groups=dbt.ref("scoring_groups"),
        coefficients=dbt.ref("coefficients"),
        terms=dbt.ref("scoring_terms"),
        courses=dbt.ref("scoring_courses"),
        features=dbt.ref("latest_course_features"),
        transformations=dbt.ref("feature_transformations"),
        keep=int(dbt.config.get("recommendations_per_member")),
    )
