"""One row per course without visible tags and course with them that has one of the most similar transcripts."""

from relevance.skill_models import transcript_neighbours


def model(dbt, session):
    return transcript_neighbours(dbt.ref("cs04_terms"), dbt.ref("course_splits"))
