"""One row per course and dimension of its transcript embedding: a truncated SVD of the TF-IDF of its words."""

from relevance.embeddings import transcript_embeddings


def model(dbt, session):
    return transcript_embeddings(dbt.ref("cs04_terms"))
