"""Scores candidates on the fly (section 4.2): course data in memory, member data streamed, nothing stored between.

The logit of a linear variant is a sum of a member part, a course part and one weighted dot product per declared
transformation; a shard of members needs one sparse product each, over the whole catalogue.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from relevance.design import INTERCEPT
from relevance.engine import engine

SHARD_MEMBERS = 1024


@dataclass(frozen=True)
class LinearVariant:
    """One learned variant over numbered terms and courses.

    member_weights : (terms,);  course_scores : (courses,) intercept included;
    dots : (weight, course matrix (terms, courses)) per transformation, entering as weight * log(1 + product).
    """

    name: str
    member_weights: NDArray
    course_scores: NDArray
    dots: list[tuple[float, csr_matrix]]

    def logits(self, members: csr_matrix) -> NDArray:
        """(members, courses) logits for members given as (members, terms)."""
        total = (members @ self.member_weights)[:, None] + self.course_scores[None, :]
        for weight, courses in self.dots:
            total += weight * np.log1p((members @ courses).toarray())
        return total


def linear_variants(
    coefficients: pa.Table, terms: pa.Table, courses: pa.Table, features: pa.Table, transformations: pa.Table
) -> dict[str, LinearVariant]:
    """The learned variants by name.

    coefficients : rows of `coefficients`;  terms : feature, term, term_number;  courses : course_id, course_number;
    features : course_id, feature, term, value;  transformations : rows of `feature_transformations`.
    Raises ValueError for a transformation other than `dot`.
    """
    number = {(row["feature"], row["term"]): row["term_number"] for row in terms.to_pylist()}
    place = {row["course_id"]: row["course_number"] for row in courses.to_pylist()}
    by_feature: dict[str, list[tuple[int, str, float]]] = {}
    for row in features.to_pylist():
        if row["course_id"] in place:
            by_feature.setdefault(row["feature"], []).append((place[row["course_id"]], row["term"], row["value"]))
    products = {}
    for row in transformations.to_pylist():
        if row["transformation"] != "dot":
            raise ValueError(f"feature_transformations, {row['feature']}: no transformation '{row['transformation']}'")
        entries = [
            (number[row["left_feature"], term], course, value)
            for course, term, value in by_feature.get(row["right_feature"], [])
            if (row["left_feature"], term) in number
        ]
        products[row["feature"]] = csr_matrix(
            ([e[2] for e in entries], ([e[0] for e in entries], [e[1] for e in entries])), (len(number), len(place))
        )
    variants = {}
    rows = coefficients.to_pylist()
    for name in sorted({row["variant"] for row in rows}):
        weight = {(row["feature"], row["term"]): row["coefficient"] for row in rows if row["variant"] == name}
        course_scores = np.full(len(place), weight.get((INTERCEPT, ""), 0.0))
        for feature, values in by_feature.items():
            for course, term, value in values:
                course_scores[course] += weight.get((feature, term), 0.0) * value
        member_weights = np.zeros(len(number))
        for key, i in number.items():
            member_weights[i] = weight.get(key, 0.0)
        dots = [(weight[feature, ""], matrix) for feature, matrix in products.items() if (feature, "") in weight]
        variants[name] = LinearVariant(name, member_weights, course_scores, dots)
    return variants


def _ragged(column: pa.ChunkedArray) -> tuple[NDArray, NDArray]:
    """(offsets, flat values) of a list column."""
    array = column.combine_chunks()
    offsets = array.offsets.to_numpy()
    return offsets - offsets[0], array.flatten().to_numpy(zero_copy_only=False)


def score_shard(
    shard: pa.Table, variants: dict[str, LinearVariant], course_ids: pa.Array, keep: int, schema: pa.Schema
) -> pa.Table:
    """The best `keep` candidates of every member of a shard, for each variant assigned to the member.

    shard : member_id, variants, courses, terms, term_values (rows of `scoring_groups`). Ties go to the lower number.
    """
    members, courses = shard.num_rows, len(course_ids)
    offsets, candidate = _ragged(shard.column("courses"))
    mask = np.full((members, courses), -np.inf)  # added to a logit: nothing, or out of the list
    mask[np.repeat(np.arange(members), np.diff(offsets)), candidate] = 0.0
    term_offsets, term = _ragged(shard.column("terms"))
    _, value = _ragged(shard.column("term_values"))
    assigned = shard.column("variants").to_pylist()
    out = []
    for name, variant in variants.items():
        chosen = np.flatnonzero([name in names for names in assigned])
        if not len(chosen):
            continue
        features = csr_matrix((value, term, term_offsets), (members, len(variant.member_weights)))[chosen]
        full = mask[chosen] + variant.logits(features)
        top = np.argsort(-np.round(full, 9), axis=1, kind="stable")[:, : min(keep, courses)]
        best = np.take_along_axis(full, top, axis=1)
        which, rank = np.nonzero(np.isfinite(best))
        out.append(
            pa.table(
                {
                    "variant": pa.array([name] * len(which), pa.string()),
                    "member_id": shard.column("member_id").take(pa.array(chosen[which])),
                    "course_id": course_ids.take(pa.array(top[which, rank])),
                    "score": best[which, rank],
                },
                schema=schema,
            )
        )
    return pa.concat_tables(out) if out else schema.empty_table()


def learned_scores(
    session, groups, coefficients, terms, courses, features, transformations, keep: int
) -> pa.RecordBatchReader:
    """Streams (variant, member_id, course_id, score) of all learned variants; the arguments are relations."""
    verbs = engine(session)
    numbered = verbs.collect(courses, order=["course_number"])
    variants = linear_variants(
        verbs.collect(coefficients), verbs.collect(terms, order=["term_number"]), numbered,
        verbs.collect(features, order=["course_id", "feature", "term"]), verbs.collect(transformations),
    )  # fmt: skip
    course_ids = numbered.column("course_id").combine_chunks()
    member_type = groups.limit(0).to_arrow_table().schema.field("member_id").type
    schema = pa.schema(
        [("variant", pa.string()), ("member_id", member_type), ("course_id", course_ids.type), ("score", pa.float64())]
    )
    return verbs.map_groups(
        groups, "member_id", lambda shard: score_shard(shard, variants, course_ids, keep, schema), schema, SHARD_MEMBERS
    )
