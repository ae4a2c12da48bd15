"""Lists of rules: against plain Python on random members, and against SQL over the scores of every pair."""

import numpy as np
import pyarrow as pa
import pytest

from conftest import Warehouse
from relevance.engine import ragged
from relevance.rules import rules_of

COURSES, SKILLS = 30, 12


def random_postings(chance: np.random.Generator) -> pa.Table:
    rows = [
        (mapping, f"s{skill}", course, float(chance.choice([0.0, 0.25, 0.5, 1 / 3])))
        for mapping in ("cs01", "cs04")
        for skill in range(SKILLS)
        for course in range(COURSES)
        if chance.random() < 0.15
    ]
    names = ("course_skills", "skill_id", "course_number", "weight")
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def plain_list(postings: pa.Table, mapping, skills: dict, excluded: set, latest: list, keep: int, length: int) -> list:
    """(course, score) by place, as ranked_lists would have it."""
    scores: dict[int, float] = {}
    for row in postings.to_pylist():
        if row["course_skills"] == mapping and row["skill_id"] in skills and row["course_number"] not in excluded:
            product = round(skills[row["skill_id"]] * row["weight"], 12)
            scores[row["course_number"]] = scores.get(row["course_number"], 0.0) + product
    best = sorted(scores.items(), key=lambda pair: (-round(pair[1], 9), pair[0]))
    rest = [
        (course, min(0.0, *scores.values(), 0.0) - rank)
        for rank, course in enumerate(latest, 1)
        if course not in scores and course not in excluded
    ]
    return best[:keep] + rest[: max(length - len(best), 0)]


@pytest.mark.parametrize(("keep", "length"), [(8, 8), (COURSES, 8), (COURSES, COURSES)])
def test_lists_are_those_of_plain_python(keep: int, length: int) -> None:
    chance = np.random.default_rng(5)
    postings = random_postings(chance)
    latest = chance.permutation(COURSES)
    rules, mappings, skills = rules_of(postings, latest, length)
    number = {name: place for place, name in enumerate(skills.to_pylist())}
    mapping, members, left_out = [], [], []
    for _ in range(200):
        mapping.append(int(chance.integers(-1, 2)))
        own = chance.choice(SKILLS, chance.integers(0, 5), replace=False)
        members.append({f"s{skill}": float(chance.choice([0.1, 0.7, 1.0])) for skill in own} | {"unknown": 1.0})
        left_out.append(sorted(map(int, chance.choice(COURSES, chance.integers(0, COURSES + 1), replace=False))))
    offsets, flat = ragged(pa.chunked_array([[[number.get(name, len(skills)) for name in own] for own in members]]))
    weights = np.array([weight for own in members for weight in own.values()])
    excluded = ragged(pa.chunked_array([pa.array(left_out, pa.list_(pa.int32()))]))
    counts, courses, scores = rules.lists(
        np.array(mapping),
        (offsets, flat, weights),
        excluded,
        np.full(len(members), keep),
    )
    ends = np.cumsum(counts)
    for m, end in enumerate(ends):
        name = None if mapping[m] < 0 else mappings[mapping[m]].as_py()
        expected = plain_list(postings, name, members[m], set(left_out[m]), latest.tolist(), keep, length)
        places = slice(end - counts[m], end)
        assert courses[places].tolist() == [course for course, _ in expected]
        np.testing.assert_allclose(scores[places], [score for _, score in expected], atol=1.1e-9)
    assert {len(own) for own in left_out} >= {0, COURSES}
    assert counts.min() == 0


def test_lists_in_the_world_are_the_best_of_every_pair(ci_world: Warehouse) -> None:
    ((lists, places, wrong),) = ci_world.query(
        """
        with pairs as (
            select scores.variant, scores.member_id, scores.course_id, round(scores.score, 9) as score
            from variants.affinity_scores as scores
            semi join serving.assignments as assignments using (variant, member_id)
            anti join candidates.excluded_courses as excluded using (member_id, course_id)
        ),

        expected as (
            select *, row_number() over (partition by variant, member_id order by score desc, course_id) as place
            from pairs
            qualify place <= 200
        )

        select
            count(distinct (expected.variant, expected.member_id)),
            count(*),
            count(*) filter (scores.position is null or abs(scores.score - expected.score) > 1.1e-9)
        from expected
        left join scoring.scores as scores
            on expected.variant = scores.variant
            and expected.member_id = scores.member_id
            and expected.course_id = scores.course_id
            and expected.place = scores.position
        """
    )
    assert lists > 500
    assert places > 30_000
    assert wrong == 0
    rest = ci_world.query(
        """
        select count(*), count(*) filter (scores.score >= 0)
        from scoring.scores as scores
        anti join variants.affinity_scores as affinity using (variant, member_id, course_id)
        where scores.variant like 'm00%'
        """
    )
    assert rest[0][0] > 10_000
    assert rest[0][1] == 0
