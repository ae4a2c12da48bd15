"""ms01: the model that standardises free text (section 3.2). One row per feature."""

from relevance.skill_models import candidate_coefficients


def model(dbt, session):
    return candidate_coefficients(dbt.ref("profile_entry_candidates"))
