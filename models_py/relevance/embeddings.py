"""Embeddings of texts (section 4.1): any function of this shape may take the place of the SVD."""

import datetime

import numpy as np
import pyarrow as pa
from sklearn.decomposition import TruncatedSVD
from threadpoolctl import threadpool_limits

from relevance.skill_models import read_transcripts

DIMENSIONS = 16


def transcript_embeddings(terms, dimensions: int = DIMENSIONS) -> pa.Table:
    """Rows (feature_date, course_id, feature, term, value): DIMENSIONS coordinates of unit length per course.

    terms : relation (course_id, term, value), TF-IDF. Fewer dimensions where there are fewer words or courses; none
    without transcripts.
    """
    ids = terms.limit(0).to_arrow_table().schema.field("course_id").type
    schema = pa.schema(
        [
            ("feature_date", pa.date32()),
            ("course_id", ids),
            ("feature", pa.string()),
            ("term", pa.string()),
            ("value", pa.float64()),
        ]
    )
    transcripts = read_transcripts(terms)
    kept = min(dimensions, transcripts.x.shape[1] - 1, transcripts.x.shape[0] - 1)
    if kept < 1:
        return schema.empty_table()
    with threadpool_limits(1):  # sums in one order: the same result on any number of threads
        values = TruncatedSVD(kept, algorithm="randomized", n_iter=7, random_state=0).fit_transform(transcripts.x)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    values = np.round(values / np.where(length > 0, length, 1), 6)
    course, dimension = np.nonzero(values)
    n = len(course)
    names = pa.array([f"{place:02}" for place in range(kept)])
    return pa.table(
        {
            "feature_date": pa.array([datetime.date(1970, 1, 1)] * n, pa.date32()),
            "course_id": transcripts.courses.take(pa.array(course)),
            "feature": pa.array(["course_transcript"] * n),
            "term": names.take(pa.array(dimension)),
            "value": values[course, dimension],
        },
        schema=schema,
    )
