"""One row per share of the tagger's tags that was replaced by random skills: what is left of cs03 (section 3.1)."""

from relevance.skill_models import noise_sweep


def model(dbt, session):
    return noise_sweep(dbt.ref("cs03_pairs"), dbt.ref("noisy_cs03_features"), dbt.ref("cs01"), dbt.ref("course_splits"))
