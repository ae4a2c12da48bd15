"""The encoder of the key-value store, against a plain Python one."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from relevance.store import StoreRows, encode, encoded

VARIANTS = ["m001", "m002", "m105"]
CHANNELS = ["feed", "home"]
KEYS = pa.table(
    {
        "kind": ["channel"] * len(CHANNELS) + ["variant"] * len(VARIANTS),
        "name": CHANNELS + VARIANTS,
        "number": pa.array([*range(len(CHANNELS)), *range(len(VARIANTS))], pa.int16()),
    }
)


def random_lists(seed: int, members: int, courses: int = 60) -> dict:
    """member -> rankings {variant: [(course, score)]}, reasons {course: reason}, treatments {channel: variant}."""
    rng = np.random.default_rng(seed)
    lists = {}
    for member in range(members):
        rankings = {}
        for variant in rng.choice(len(VARIANTS), rng.integers(1, len(VARIANTS) + 1), replace=False):
            listed = rng.choice(courses, rng.integers(1, courses // 2), replace=False)
            # re-ranked lists need not fall in score
            rankings[int(variant)] = [
                (int(c), round(float(s), 3)) for c, s in zip(listed, rng.normal(0, 9, len(listed)), strict=True)
            ]
        reasons = {course: int(rng.integers(0, 9)) for course in range(courses)}
        treatments = {channel: int(rng.choice(list(rankings))) for channel in range(len(CHANNELS))}
        lists[member] = {"rankings": rankings, "reasons": reasons, "treatments": treatments}
    return lists


LISTS = pa.schema(
    [
        ("member_id", pa.int64()),
        ("variant_number", pa.int16()),
        ("channel_number", pa.int16()),
        ("course_numbers", pa.list_(pa.int32())),
        ("positions", pa.list_(pa.int32())),
        ("scores", pa.list_(pa.float64())),
        ("reason_numbers", pa.list_(pa.int32())),
    ]
)


def store_lists(lists: dict, member_type: str = "int64", seed: int = 0) -> pa.Table:
    """The lists as the model `store_lists` has them, and the places of each, in any order."""
    rng, rows = np.random.default_rng(seed), []
    for member, record in lists.items():
        for variant, ranking in record["rankings"].items():
            places = [(course, place, score) for place, (course, score) in enumerate(ranking, 1)]
            courses, positions, scores = zip(*rng.permutation(places).tolist(), strict=True)
            rows.append((member, variant, None, list(map(int, courses)), list(map(int, positions)), list(scores), None))
        rows.append((member, None, None, list(record["reasons"]), None, None, list(record["reasons"].values())))
        rows += [
            (member, variant, channel, None, None, None, None) for channel, variant in record["treatments"].items()
        ]
    rows = [rows[place] for place in rng.permutation(len(rows))]
    table = pa.Table.from_pylist([dict(zip(LISTS.names, row, strict=True)) for row in rows], schema=LISTS)
    return table.set_column(0, "member_id", table["member_id"].cast(member_type))


def encode_table(lists: pa.Table) -> pa.Table:
    with duckdb.connect() as session:
        session.execute("create table lists as from lists; create table keys as from KEYS")
        return encode(session, session.table("lists"), session.table("keys")).read_all()


def decoded(record: dict) -> dict:
    """The lists of a record, by nothing but its description."""
    courses = record["courses"]
    rankings = {}
    for variant, places in record["rankings"]:
        scores = dict(record["scores"])[variant]
        assert len(scores) == len(places)
        rankings[VARIANTS.index(variant)] = [
            (courses[place - 1]["course_number"], score) for place, score in zip(places, scores, strict=True)
        ]
    return {
        "rankings": rankings,
        "reasons": {course["course_number"]: record["reasons"][course["reason"] - 1] for course in courses},
        "treatments": {CHANNELS.index(channel): VARIANTS.index(variant) for channel, variant in record["treatments"]},
    }


@pytest.mark.parametrize("seed", range(5))
def test_records_decode_to_the_lists(seed: int) -> None:
    lists = random_lists(seed, members=40)
    records = encode_table(store_lists(lists, seed=seed)).to_pylist()
    assert [record["member_id"] for record in records] == sorted(lists)
    for record in records:
        expected = lists[record["member_id"]]
        listed = {course for ranking in expected["rankings"].values() for course, _ in ranking}
        reasons = {course: reason for course, reason in expected["reasons"].items() if course in listed}
        assert decoded(record) == expected | {"reasons": reasons}


def test_a_record_holds_each_course_and_each_reason_once_in_the_order_of_the_first_ranking() -> None:
    lists = random_lists(9, members=20)
    for record in encode_table(store_lists(lists)).to_pylist():
        courses = [course["course_number"] for course in record["courses"]]
        assert len(set(courses)) == len(courses)
        assert len(set(record["reasons"])) == len(record["reasons"])
        (_, first), *_ = record["rankings"]
        assert first == list(range(1, len(first) + 1))
        assert {place for _, places in record["rankings"] for place in places} == set(range(1, len(courses) + 1))
        assert {course["reason"] for course in record["courses"]} == set(range(1, len(record["reasons"]) + 1))
        assert [variant for variant, _ in record["rankings"]] == sorted(variant for variant, _ in record["rankings"])


def test_rows_in_any_order_and_cut_anywhere_give_the_same_records(monkeypatch) -> None:
    lists = random_lists(3, members=50)
    whole = encode_table(store_lists(lists, seed=1))
    monkeypatch.setattr("relevance.store.LISTS", 10)
    assert encode_table(store_lists(lists, seed=2)).to_pylist() == whole.to_pylist()


def test_members_may_be_texts() -> None:
    lists = random_lists(4, members=12)
    records = encode_table(store_lists(lists, "string")).to_pylist()
    assert [record["member_id"] for record in records] == sorted(map(str, lists))
    assert decoded(records[-1])["rankings"] == lists[int(records[-1]["member_id"])]["rankings"]


def test_no_rows_are_no_records() -> None:
    records = encode_table(store_lists({}))
    assert records.num_rows == 0
    assert records.column_names == ["member_id", "courses", "reasons", "rankings", "scores", "treatments"]


def test_a_member_without_lists_keeps_the_treatments() -> None:
    (record,) = encode_table(store_lists({7: {"rankings": {}, "reasons": {3: 1}, "treatments": {0: 2}}})).to_pylist()
    assert record["treatments"] == [("feed", "m105")]
    assert (record["courses"], record["reasons"], record["rankings"]) == ([], [], [])


def broken(changes) -> dict:
    lists = {5: {"rankings": {0: [(1, 0.5), (2, 0.25)]}, "reasons": {1: 0, 2: 1}, "treatments": {0: 0}}}
    changes(lists[5])
    return lists


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (lambda record: record["reasons"].pop(2), "member 5: a course has no reason.*best_reasons"),
        (lambda record: record["rankings"].update({1: [(2, 1.0), (2, 0.5)]}), "member 5: .*holds a course twice"),
    ],
)
def test_lists_that_cannot_be_stored_are_refused_by_name(changes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        encode_table(store_lists(broken(changes)))


@pytest.mark.parametrize("positions", [[1, 3], [2, 3], [1, 1]])
def test_a_position_that_is_missing_or_there_twice_is_refused(positions: list[int]) -> None:
    number = np.array([0, 0], np.int32)
    rows = StoreRows(
        ptr=np.array([0, 4]),
        variant=np.array([0, 0, -1, -1], np.int16),
        course=np.array([1, 2, 1, 2], np.int32),
        position=np.array([*positions, -1, -1], np.int32),
        score=np.zeros(4),
        reason=np.array([-1, -1, *number], np.int32),
        channel=np.full(4, -1, np.int16),
    )
    with pytest.raises(ValueError, match="'x': a ranking skips or repeats a position"):
        encoded(pa.array(["x"]), rows, pa.array(["m001"]), pa.array(["feed"]))


def test_more_courses_than_places_can_count_are_refused() -> None:
    count = 32_768
    courses = np.arange(count, dtype=np.int32)
    rows = StoreRows(
        ptr=np.array([0, 2 * count]),
        variant=np.repeat(np.array([0, -1], np.int16), count),
        course=np.tile(courses, 2),
        position=np.concatenate([courses + 1, np.full(count, -1, np.int32)]),
        score=np.zeros(2 * count),
        reason=np.repeat(np.array([-1, 0], np.int32), count),
        channel=np.full(2 * count, -1, np.int16),
    )
    with pytest.raises(ValueError, match=r"more than 32,767 courses.*recommendations_per_member"):
        encoded(pa.array([1]), rows, pa.array(["m001"]), pa.array(["feed"]))
