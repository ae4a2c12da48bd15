"""cs04: the probability of each skill by its own classifier of transcripts. One row per course and skill."""

from relevance.skill_models import skill_scores


def model(dbt, session):
    return skill_scores(dbt.ref("cs04_terms"), dbt.ref("cs04_labels"), dbt.ref("course_splits"))
