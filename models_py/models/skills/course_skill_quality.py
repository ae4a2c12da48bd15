"""Table 2: one row per mapping, its precision and recall on the held-out courses, with bootstrap intervals."""

from relevance.skill_models import course_skill_quality


def model(dbt, session):
    return course_skill_quality(
        truth=dbt.ref("cs01"),
        splits=dbt.ref("course_splits"),
        predictions={"cs02": dbt.ref("cs02"), "cs03": dbt.ref("cs03"), "cs04": dbt.ref("cs04")},
    )
