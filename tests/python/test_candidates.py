"""Candidates against a full sort, and those of the simulated world against plain SQL."""

from itertools import pairwise

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix, random_array

from relevance.candidates import LETTER, POOLS, candidate_lists, pools_of

TERMS, COURSES, MEMBERS = 40, 90, 60
EVERYBODY = 1 << len(POOLS)


def drawn(seed: int, shape: tuple[int, int], density: float = 0.2) -> csr_matrix:
    """Weights of few kinds, so that totals tie."""
    rng = np.random.default_rng(seed)
    matrix = csr_matrix(random_array(shape, density=density, rng=rng))
    matrix.data = rng.choice([0.25, 0.5, 1.0], matrix.nnz)
    matrix.sort_indices()
    return matrix


@pytest.fixture
def members() -> csr_matrix:
    return drawn(1, (MEMBERS, TERMS))


@pytest.fixture
def postings() -> list[csr_matrix]:
    return [drawn(seed, (TERMS, COURSES)) for seed in (2, 3, 4)]


def lists(pools, members: csr_matrix, draws=None, excluded=None) -> list[dict[int, int]]:
    """Per member, course -> bits of its pools."""
    draws = np.arange(members.shape[0]) if draws is None else draws
    counts, courses, letters = pools.of(
        (members.indptr.astype(np.int64), members.indices, members.data), draws, excluded
    )
    pairs = list(zip(courses.tolist(), (letters - LETTER).tolist(), strict=True))
    edges = np.concatenate([[0], np.cumsum(counts)]).tolist()
    found = [pairs[first:last] for first, last in pairwise(edges)]
    assert all([course for course, _ in of] == sorted(course for course, _ in of) for of in found)
    return [dict(of) for of in found]


@pytest.mark.parametrize("quotas", [(20, 10, 15), (5, 0, 40), (0, 0, 0), (45, 0, 0)])
def test_candidates_are_the_best_of_each_pool_then_what_everybody_gets(members, postings, quotas):
    limit, shared = 45, np.random.default_rng(9).permutation(COURSES)
    found = lists(pools_of(postings, quotas, [1, 1, 1], shared, limit), members)
    products = [(members @ matrix).toarray() for matrix in postings]
    ties = 0
    for member, candidates in enumerate(found):
        expected: dict[int, int] = {}
        for bit, (product, quota) in enumerate(zip(products, quotas, strict=True)):
            row = product[member]
            best = [course for course in np.argsort(-row, kind="stable")[:quota].tolist() if row[course] > 0]
            ties += 0 < quota < (row > 0).sum() and sorted(row)[-quota] == sorted(row)[-quota - 1]
            for course in best:
                expected[course] = expected.get(course, 0) | 1 << bit
        for course in shared.tolist():
            if len(expected) < limit:
                expected.setdefault(course, EVERYBODY)
        assert candidates == expected, member
        assert len(candidates) == limit
    assert ties > 20 or max(quotas) in (0, 45)


def test_a_member_with_nothing_gets_the_list_for_everybody(postings):
    shared = np.arange(COURSES)[::-1]
    (found,) = lists(pools_of(postings, (20, 10, 15), [1, 1, 1], shared, 45), csr_matrix((1, TERMS)))
    assert found == dict.fromkeys(range(45, 90), EVERYBODY)


def test_all_courses_are_candidates_where_the_catalogue_is_smaller_than_the_limit(members, postings):
    found = lists(pools_of(postings, (200, 100, 150), [1, 1, 1], np.arange(COURSES), 500), members)
    assert {len(candidates) for candidates in found} == {COURSES}


def test_a_thinned_pool_keeps_its_share_drawn_by_member_and_course_and_the_best_of_it(members, postings):
    quotas = (0, COURSES, 0)
    whole, thinned = (
        lists(pools_of(postings, quotas, [1, share, 1], np.arange(COURSES), COURSES), members) for share in (1, 0.3)
    )
    all_of, kept = ([{course for course, bits in of.items() if bits & 2} for of in found] for found in (whole, thinned))
    assert all(some <= every for some, every in zip(kept, all_of, strict=True))
    share = sum(map(len, kept)) / sum(map(len, all_of))
    assert 0.26 < share < 0.34
    best = lists(pools_of(postings, (0, 6, 0), [1, 0.3, 1], np.arange(COURSES), 6), members)
    product = (members @ postings[1]).toarray()
    for member, candidates in enumerate(best):
        mine = {course for course, bits in candidates.items() if bits & 2}
        order = sorted(kept[member], key=lambda course, row=product[member]: (-row[course], course))
        assert mine == set(order[:6])
    again = lists(pools_of(postings, quotas, [1, 0.3, 1], np.arange(COURSES), COURSES), members[30:], np.arange(30, 60))
    assert again == thinned[30:]
    other = lists(pools_of(postings, quotas, [1, 0.3, 1], np.arange(COURSES), COURSES), members, np.arange(60) + 1000)
    assert other != thinned


def test_what_a_member_is_not_to_get_leaves_its_place_to_the_next(members, postings):
    rng = np.random.default_rng(2)
    gone = [rng.choice(COURSES, 30, replace=False) for _ in range(MEMBERS)]
    excluded = (np.arange(0, 30 * MEMBERS + 1, 30), np.concatenate(gone))
    pools = pools_of(postings, (20, 10, 15), [1, 1, 1], np.arange(COURSES), 45)
    for member, found in enumerate(lists(pools, members, excluded=excluded)):
        without = [matrix.toarray() for matrix in postings]
        for matrix in without:
            matrix[:, gone[member]] = 0
        rest = np.setdiff1d(np.arange(COURSES), gone[member])
        shared = np.concatenate([rest, gone[member]])
        (expected,) = lists(
            pools_of([csr_matrix(matrix) for matrix in without], (20, 10, 15), [1, 1, 1], shared, 45), members[[member]]
        )
        assert found == expected
        assert len(found) == 45


@pytest.mark.parametrize("weight", [np.nan, np.inf, 0.0, -1.0])
def test_weights_of_postings_that_are_no_weights_are_refused(postings, weight):
    postings[1].data[3] = weight
    with pytest.raises(ValueError, match="1 weights of postings"):
        pools_of(postings, (1, 1, 1), [1, 1, 1], np.arange(COURSES), 5)


@pytest.mark.parametrize(
    ("pools", "message"),
    [
        ({"pool": list(POOLS), "share": [0.5, 0.4, 0.2], "kept_share": [1.0] * 3}, "add up to more than 1"),
        ({"pool": [*POOLS[:2], "mine"], "share": [0.1] * 3, "kept_share": [1.0] * 3}, "keep the pools skill_affinity"),
    ],
)
def test_a_wrong_seed_of_pools_is_refused(pools, message):
    with duckdb.connect() as session:
        courses = pa.table({"course_number": [0], "shared_rank": [1]})
        tables = [pa.table({"x": [1]}), pa.table({"x": [1]}), courses, pa.table(pools)]
        members, postings, courses, pools = (session.from_arrow(table) for table in tables)
        with pytest.raises(ValueError, match=message):
            candidate_lists(session, members, postings, members, courses, pools, 5)


# ------------------------------------------------------------------------------------------- the simulated world

AFFINITIES = """
with weights as (
    select member_id, cast(skill_id as varchar) as skill, weight from skills.ms02
    union all
    select member_id, term, value from features.latest_member_features where feature = 'member_interest'
)
select member_id, course_id, sum(weights.weight * courses.weight) as affinity
from weights inner join skills.cs01 as courses on weights.skill = cast(courses.skill_id as varchar)
inner join candidates.candidate_courses using (course_id)
anti join candidates.excluded_courses using (member_id, course_id)
group by all
"""


def test_the_precise_pool_is_that_of_plain_sql(ci_world):
    ((pairs, wrong, quota),) = ci_world.query(
        f"""
        with affinities as ({AFFINITIES}),
        ranked as (
            select *, row_number() over (partition by member_id order by affinity desc, course_id) as place,
            from affinities
        ),
        compared as (
            select coalesce(is_skill_affinity, false) as is_candidate, affinity,
                max(affinity) filter (where place = 251) over (partition by member_id) as border
            from ranked left join candidates.candidates using (member_id, course_id)
        )
        select count(*), count(*) filter (where is_candidate <> (affinity > coalesce(border, 0))
            and abs(affinity - coalesce(border, 0)) > 1e-6), (select 0.5 * 500)
        from compared
        """
    )
    assert quota == 250
    assert pairs > 10_000
    assert wrong == 0
    ((foreign,),) = ci_world.query(
        f"select count(*) from candidates.candidates anti join ({AFFINITIES}) using (member_id, course_id) "
        "where is_skill_affinity"
    )
    assert foreign == 0


def test_only_members_with_engagements_have_courses_like_those_engaged_with(ci_world):
    ((pairs, foreign, members),) = ci_world.query(
        """
        with alike as (
            select distinct member_id, similar_course_id as course_id
            from labels.engagements inner join candidates.course_similarities using (course_id)
        )
        select count(*), count(*) filter (where alike.member_id is null), count(distinct member_id)
        from candidates.candidates left join alike using (member_id, course_id)
        where is_similar_to_engaged
        """
    )
    assert pairs > 10_000
    assert foreign == 0
    ((everybody,),) = ci_world.query("select count(*) from candidates.candidate_lists")
    assert members < everybody == 2000


def test_everybody_has_as_many_candidates_as_there_are_courses_up_to_the_limit_but_none_that_is_excluded(ci_world):
    ((members, wrong, excluded),) = ci_world.query(
        """
        with available as (select count(*) as courses from skills.available_courses),
        gone as (
            select member_id, count(*) as courses
            from candidates.excluded_courses semi join skills.available_courses using (course_id) group by member_id
        ),
        listed as (select member_id, count(*) as courses from candidates.candidates group by member_id)
        select count(*),
            count(*) filter (where listed.courses <> least(500, available.courses - coalesce(gone.courses, 0))),
            (from candidates.candidates semi join candidates.excluded_courses using (member_id, course_id)
                select count(*))
        from listed cross join available left join gone using (member_id)
        """
    )
    assert (members, wrong, excluded) == (2000, 0, 0)
    assert ci_world.query("select count(*) > 100 from candidates.excluded_courses") == [(True,)]
