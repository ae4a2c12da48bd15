"""Scores candidates on the fly (section 4.2): course data in memory, member data streamed, nothing stored between."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_matrix

from relevance.catalogue import CatalogueSpace, Shard
from relevance.catalogue_kernels import best_pairs
from relevance.design import column_codes
from relevance.engine import CORES, Progress, engine, is_spark, list_array, ragged, type_of
from relevance.learning import EFFECTS, learner, models_of, names_with_parts

SHARD_MEMBERS = 512


def catalogue_space(
    terms: pa.Table, pair_terms: pa.Table, courses: pa.Table, features: pa.Table, steps: pa.Table, buckets: pa.Table
) -> CatalogueSpace:
    """terms, pair_terms : feature, term by number;  courses : course_id by number;  features : course_id, feature,
    term, value;  steps, buckets : rows of `transformations` and `feature_buckets`."""
    course_ids = courses.column("course_id").combine_chunks()
    known = pc.index_in(features.column("course_id"), value_set=course_ids)
    features, number = features.filter(known.is_valid()), known.drop_null().to_numpy()
    code, columns = column_codes(features)
    order = np.argsort(code, kind="stable")
    edges = np.searchsorted(code[order], np.arange(len(columns) + 1))
    number, value = number[order], features.column("value").to_numpy()[order]
    return CatalogueSpace(
        terms=list(zip(terms.column("feature").to_pylist(), terms.column("term").to_pylist(), strict=True)),
        pair_terms=list(
            zip(pair_terms.column("feature").to_pylist(), pair_terms.column("term").to_pylist(), strict=True)
        ),
        course_ids=course_ids,
        course_values={
            column: (number[first:last], value[first:last])
            for column, (first, last) in zip(columns, pairwise(edges.tolist()), strict=True)
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


def shard_of(groups: pa.Table, space: CatalogueSpace, own: Sequence[str] | None = None) -> Shard:
    """groups : member_id, courses, terms, term_values, pair_courses, pair_terms, pair_values (rows of
    `scoring_groups`), and, with the names of variants `own`, lists of their coefficients (`with_coefficients`)."""
    offsets, courses = ragged(groups.column("courses"))
    term_offsets, terms = ragged(groups.column("terms"))
    _, term_values = ragged(groups.column("term_values"))
    stored_offsets, stored_courses = ragged(groups.column("pair_courses"))
    return Shard(
        space,
        csr_matrix((term_values, terms, term_offsets), (groups.num_rows, len(space.terms))),
        offsets,
        courses,
        (
            stored_offsets,
            stored_courses,
            *(ragged(groups.column(name))[1] for name in ("pair_terms", "pair_values")),
        ),
        groups.column("member_id").cast(pa.string()).to_pylist(),
        None if own is None else _own(groups, space, own),
    )


def _own(groups: pa.Table, space: CatalogueSpace, names: Sequence[str]) -> dict[str, csr_matrix]:
    offsets, variant = ragged(groups.column("own_variants"))
    (_, column), (_, value) = (ragged(groups.column(name)) for name in ("own_columns", "own_values"))
    member = np.repeat(np.arange(groups.num_rows), np.diff(offsets))
    shape = (groups.num_rows, len(space.member_columns))
    return {
        name: csr_matrix((value[variant == number], (member[variant == number], column[variant == number])), shape)
        for number, name in enumerate(names)
    }


def with_coefficients(verbs, groups, coefficients, space: CatalogueSpace, names: Sequence[str]):
    """The relation `groups` with the coefficients of each member's own models in the variants `names`, as lists: they
    come to the members, where nobody could hold those of all."""
    features, terms = zip(*space.member_columns, strict=True)
    columns = {"feature": features, "term": terms, "own_columns": range(len(terms))}
    variants = {"variant": names, "own_variants": range(len(names))}
    own = coefficients.filter("effect = 'member'").project(
        "variant, entity_id, feature, term, coefficient as own_values"
    )
    own = own.join(verbs.relation(pa.table(columns)), "feature, term")
    own = own.join(verbs.relation(pa.table(variants)), "variant")
    order = ["own_variants", "own_columns"]
    listed = verbs.lists(own, "entity_id", [*order, "own_values"], order)
    return groups.project("*, cast(member_id as string) as entity_id").join(listed, "entity_id", how="left")


def score_shard(
    groups: pa.Table, scorers: dict, space: CatalogueSpace, keep: int, schema: pa.Schema,
    own: Sequence[str] | None = None,
) -> pa.Table:  # fmt: skip
    """The lists of the best `keep` candidates of every member of a shard, one for each variant assigned to the member.

    groups : rows of `scoring_groups`, as in shard_of, with `variants`;  schema : `lists_schema`. Ties go to the lower
    course number. Raises ValueError if a variant's scores are not finite.
    """
    shard = shard_of(groups, space, own)
    assigned_offsets, assigned = ragged(groups.column("variants"))
    assigned_member = np.repeat(np.arange(groups.num_rows), np.diff(assigned_offsets))
    out = []
    for name, scorer in scorers.items():
        chosen = assigned_member[assigned == name]
        if not len(chosen):
            continue
        part = shard.only(chosen)
        effects = scorer.effects(part) if hasattr(scorer, "effects") else {}
        scores = sum(effects.values()) if effects else part.logits_of(scorer)
        if not np.isfinite(scores.sum()):
            bad = int((~np.isfinite(scores)).sum())
            raise ValueError(f"variant {name}: {bad} scores are not finite numbers. Remedy: look at its coefficients")
        best = np.empty(len(scores), np.int64)
        scores = np.round(scores, 9)  # a third less to write, too
        counts = best_pairs(part.offsets, scores, keep, best)
        best = best[: counts.sum()]
        columns = {
            "variant": [name] * len(chosen),
            "member_id": groups.column("member_id").take(pa.array(chosen)),
            "courses": list_array(counts, part.courses[best]),
            "scores": list_array(counts, scores[best]),
        }
        for effect in EFFECTS if f"{EFFECTS[0]}_scores" in schema.names else ():
            columns[f"{effect}_scores"] = list_array(counts, effects[effect][best]) if effects else [None] * len(chosen)
        out.append(pa.table(columns, schema=schema))
    return pa.concat_tables(out) if out else schema.empty_table()


def lists_schema(member_type: pa.DataType, with_parts: bool = True) -> pa.Schema:
    """One row per variant and member: course numbers, best first, their scores, and the effects' parts of these, null
    where a score is no sum of effects; without parts the scores are of single precision."""
    numbers = pa.list_(pa.float64())
    return pa.schema(
        [
            ("variant", pa.string()),
            ("member_id", member_type),
            ("courses", pa.list_(pa.int32())),
            ("scores", numbers if with_parts else pa.list_(pa.float32())),
            *[(f"{effect}_scores", numbers) for effect in EFFECTS if with_parts],
        ]
    )


def learned_lists(
    session, groups, coefficients, variants, terms, pair_terms, courses, features, steps, buckets, keep: int,
    with_parts: bool = True,
) -> pa.RecordBatchReader:  # fmt: skip
    """Streams rows of `lists_schema` of the variants that groups name, printing how far it is; the arguments are
    relations."""
    verbs = engine(session)
    space = catalogue_space(
        verbs.collect(terms, order=["term_number"]), verbs.collect(pair_terms, order=["term_number"]),
        verbs.collect(courses, order=["course_number"]),
        verbs.collect(features, order=["course_id", "feature", "term"]), verbs.collect(steps), verbs.collect(buckets),
    )  # fmt: skip
    registry = verbs.collect(variants)
    assigned = pc.unique(verbs.collect(groups.project("variants").distinct())["variants"].combine_chunks().flatten())
    names = names_with_parts(assigned.to_pylist(), registry)
    needed = ", ".join(f"'{name}'" for name in names)
    coefficients, own = coefficients.filter(f"variant in ({needed or 'null'})"), None
    if is_spark(session):
        groups, own = with_coefficients(verbs, groups, coefficients, space, names), names
        coefficients = coefficients.filter("effect <> 'member'")
    scorers = catalogue_scorers(verbs.collect(coefficients), registry, space)
    schema = lists_schema(type_of(groups, "member_id"), with_parts)
    progress = Progress("members scored", verbs.collect(groups.aggregate("count(*) as members"))["members"][0].as_py())

    def score(shard: pa.Table) -> pa.Table:
        lists = score_shard(shard, scorers, space, keep, schema, own)
        progress.add(shard.num_rows)
        return lists

    return verbs.map_groups(groups, None, score, schema, SHARD_MEMBERS, workers=CORES)
