"""Scores candidates on the fly (section 4.2): course data in memory, member data streamed, nothing stored between."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from relevance.catalogue import CatalogueSpace, Column, Shard
from relevance.engine import engine
from relevance.learning import EFFECTS, learner, models_of

SHARD_MEMBERS = 512


def catalogue_space(
    terms: pa.Table, pair_terms: pa.Table, courses: pa.Table, features: pa.Table, steps: pa.Table, buckets: pa.Table
) -> CatalogueSpace:
    """terms, pair_terms : feature, term by number;  courses : course_id by number;  features : course_id, feature,
    term, value;  steps, buckets : rows of `transformations` and `feature_buckets`."""
    course_ids = courses.column("course_id").combine_chunks()
    known = pc.index_in(features.column("course_id"), value_set=course_ids)
    features, number = features.filter(known.is_valid()), known.drop_null().to_numpy()
    by_column: dict[Column, list[tuple[int, float]]] = {}
    for feature, term, value, course in zip(
        features.column("feature").to_pylist(), features.column("term").to_pylist(),
        features.column("value").to_pylist(), number.tolist(), strict=True,
    ):  # fmt: skip
        by_column.setdefault((feature, term), []).append((course, value))
    return CatalogueSpace(
        terms=list(zip(terms.column("feature").to_pylist(), terms.column("term").to_pylist(), strict=True)),
        pair_terms=list(
            zip(pair_terms.column("feature").to_pylist(), pair_terms.column("term").to_pylist(), strict=True)
        ),
        course_ids=course_ids,
        course_values={
            column: (np.array([c for c, _ in entries]), np.array([v for _, v in entries]))
            for column, entries in sorted(by_column.items())
        },
        steps={row["feature"]: row for row in steps.to_pylist() if row["side"] == "interaction"},
        buckets={(row["feature"], row["term"]): (row["low"], row["high"]) for row in buckets.to_pylist()},
    )


def catalogue_scorers(coefficients: pa.Table, variants: pa.Table, space: CatalogueSpace) -> dict:
    """variant -> object with logits(shard), of every learned variant."""
    scorers: dict[str, object] = {}

    def build(name: str, model) -> object:
        if name not in scorers:
            parts = {part: build(part, inner) for part, inner in model.parts.items()}
            scorers[name] = learner(model.learner).catalogue(model.rows, space, parts)
        return scorers[name]

    for name, model in models_of(coefficients, variants).items():
        build(name, model)
    return scorers


def _ragged(column: pa.ChunkedArray) -> tuple[NDArray, NDArray]:
    """(offsets, flat values) of a list column."""
    array = column.combine_chunks()
    offsets = array.offsets.to_numpy()
    return offsets - offsets[0], array.flatten().to_numpy(zero_copy_only=False)


def score_shard(shard: pa.Table, scorers: dict, space: CatalogueSpace, keep: int, schema: pa.Schema) -> pa.Table:
    """The best `keep` candidates of every member of a shard, for each variant assigned to the member.

    shard : member_id, variants, courses, terms, term_values, pair_courses, pair_terms, pair_values (rows of
    `scoring_groups`). Ties go to the lower course number.
    """
    members, courses = shard.num_rows, len(space.course_ids)
    offsets, candidate = _ragged(shard.column("courses"))
    candidates = np.zeros((members, courses), bool)
    candidates[np.repeat(np.arange(members), np.diff(offsets)), candidate] = True
    term_offsets, term = _ragged(shard.column("terms"))
    _, value = _ragged(shard.column("term_values"))
    features = csr_matrix((value, term, term_offsets), (members, len(space.terms)))
    pair_offsets, pair_course = _ragged(shard.column("pair_courses"))
    _, pair_term = _ragged(shard.column("pair_terms"))
    _, pair_value = _ragged(shard.column("pair_values"))
    pair_member = np.repeat(np.arange(members), np.diff(pair_offsets))
    pairs = {}
    for number in np.unique(pair_term).tolist():
        here = pair_term == number
        places = (pair_member[here], pair_course[here])
        pairs[number] = csr_matrix((pair_value[here], places), (members, courses))
    assigned = shard.column("variants").to_pylist()
    ids = shard.column("member_id").cast(pa.string()).to_pylist()
    out = []
    for name, scorer in scorers.items():
        chosen = np.flatnonzero([name in names for names in assigned])
        if not len(chosen):
            continue
        part = Shard(
            space,
            features[chosen],
            {number: matrix[chosen] for number, matrix in pairs.items()},
            candidates[chosen],
            [ids[i] for i in chosen.tolist()],
        )
        effects = scorer.effects(part) if hasattr(scorer, "effects") else {}
        full = np.where(part.candidates, sum(effects.values()) if effects else scorer.logits(part), -np.inf)
        top = np.argsort(-np.round(full, 9), axis=1, kind="stable")[:, : min(keep, courses)]
        best = np.take_along_axis(full, top, axis=1)
        which, rank = np.nonzero(np.isfinite(best))
        out.append(
            pa.table(
                {
                    "variant": pa.array([name] * len(which), pa.string()),
                    "member_id": shard.column("member_id").take(pa.array(chosen[which])),
                    "course_id": space.course_ids.take(pa.array(top[which, rank])),
                    "score": best[which, rank],
                    **{
                        f"{effect}_score": effects[effect][which, top[which, rank]]
                        if effects
                        else pa.nulls(len(which), pa.float64())
                        for effect in EFFECTS
                    },
                },
                schema=schema,
            )
        )
    return pa.concat_tables(out) if out else schema.empty_table()


def learned_scores(
    session, groups, coefficients, variants, terms, pair_terms, courses, features, steps, buckets, keep: int
) -> pa.RecordBatchReader:
    """Streams (variant, member_id, course_id, score, and the effects' parts of it) of all learned variants; the
    arguments are relations."""
    verbs = engine(session)
    space = catalogue_space(
        verbs.collect(terms, order=["term_number"]), verbs.collect(pair_terms, order=["term_number"]),
        verbs.collect(courses, order=["course_number"]),
        verbs.collect(features, order=["course_id", "feature", "term"]), verbs.collect(steps), verbs.collect(buckets),
    )  # fmt: skip
    scorers = catalogue_scorers(verbs.collect(coefficients), verbs.collect(variants), space)
    member_type = groups.limit(0).to_arrow_table().schema.field("member_id").type
    schema = pa.schema(
        [
            ("variant", pa.string()),
            ("member_id", member_type),
            ("course_id", space.course_ids.type),
            ("score", pa.float64()),
            *[(f"{effect}_score", pa.float64()) for effect in EFFECTS],
        ]
    )
    return verbs.map_groups(
        groups, "member_id", lambda shard: score_shard(shard, scorers, space, keep, schema), schema, SHARD_MEMBERS
    )
