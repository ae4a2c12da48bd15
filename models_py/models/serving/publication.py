"""Writes the published file and swaps it in; one row: the version readers see now."""

from relevance.publication import publish


def model(dbt, session):
    dbt.ref("quarantine")  # nothing is published from data that staging refused
    return publish(
        session,
        folder=dbt.config.get("published_path"),
        keep=int(dbt.config.get("published_versions")),
        tables={
            "recommendation_store": dbt.ref("recommendation_store"), "course_cards": dbt.ref("course_cards"),
            "reason_cards": dbt.ref("reason_cards"), "similar_courses": dbt.ref("similar_courses"),
            "followed_skill_courses": dbt.ref("followed_skill_courses"), "day_shifts": dbt.ref("day_shifts"),
            "explained_members": dbt.ref("explained_members"), "explained_courses": dbt.ref("explained_courses"),
            "explained_models": dbt.ref("explained_models"), "explained_terms": dbt.ref("explained_terms"),
            "explained_coefficients": dbt.ref("explained_coefficients"), "explained_steps": dbt.ref("explained_steps"),
            "explained_buckets": dbt.ref("explained_buckets"), "feature_names": dbt.ref("feature_names"),
            "skill_names": dbt.ref("skill_names"), "main.live_dismissals": dbt.ref("live_dismissals"),
            "main.live_followed_skills": dbt.ref("live_followed_skills"),
            "main.live_impressions": dbt.ref("live_impressions"),
        },
        functions=dbt.ref("serving_functions"),
        as_of_date=dbt.ref("as_of_date"), assignments=dbt.ref("assignments"), by_member=["explained_members"],
    )  # fmt: skip
