"""Writes the published file and swaps it in; one row: the version readers see now."""

from relevance.publication import publish


def model(dbt, session):
    dbt.ref("quarantine")  # nothing is published from data that staging refused
    return publish(
        session,
        folder=dbt.config.get("published_path"),
        keep=int(dbt.config.get("published_versions")),
        tables={
            "recommendation_store": dbt.ref("recommendation_store"),
            "course_cards": dbt.ref("course_cards"),
            "skill_names": dbt.ref("skill_names"),
            "reason_texts": dbt.ref("reason_texts"),
            "dismissals": dbt.ref("dismissals"),
        },
        functions=dbt.ref("serving_functions"),
        as_of_date=dbt.ref("as_of_date"),
        assignments=dbt.ref("assignments"),
    )
