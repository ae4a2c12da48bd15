"""The published file: versions, readers that outlive a swap, and failures that leave the version before."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from conftest import ROOT
from relevance import publication
from relevance.publication import FILE, PublicationError, publish

MEMBERS = 400
RECOMMEND = """
select courses[unnest(rankings[treatments[channel]])].course_id as course_id, stamp
from serving.recommendation_store where member_id = member limit top_k
"""
CHANNELS = ("feed", "home", "email", "profile")


def make_warehouse(session: duckdb.DuckDBPyConnection, stamp: int = 0, members: int = MEMBERS) -> None:
    """The relations that a publication needs, each with a column that says which build it is of."""
    session.execute(
        f"""
        create or replace table recommendation_store as
        select
            i as member_id,
            [
                {{'course_id': i, 'reason': 'skill_match', 'skill_id': 3}},
                {{'course_id': i + 1, 'reason': null, 'skill_id': null}}
            ] as courses,
            map {{'m001': [2, 1]::smallint[]}} as rankings,
            map {{'m001': [0.5, 0.25]::float[]}} as scores,
            map {{'feed': 'm001'}} as treatments,
            {stamp} as stamp
        from range(1, {members} + 1) as t(i);
        create or replace table course_cards as
        select i as course_id, 'course ' || i as title, 60.5 as duration_seconds, {stamp} as stamp
        from range(1, {members} + 2) as t(i);
        create or replace table dismissals as
        select 1 as member_id, 2 as course_id, timestamp '2024-02-01 10:00:00' as dismissed_at, {stamp} as stamp;
        """
    )


def publish_now(session: duckdb.DuckDBPyConnection, folder: Path, keep: int = 3, **changed: str) -> dict:
    """Publishes; `changed` gives the SQL of a table, of `function` or of `as_of_date` in place of the usual."""
    tables = {
        name: session.sql(changed.get(name, f"from {name}"))
        for name in ("recommendation_store", "course_cards", "dismissals")
    }
    functions = session.from_arrow(
        pa.table(
            {
                "function_name": ["recommend"],
                "parameters": ["member, channel, top_k := 10"],
                "definition": [changed.get("function", RECOMMEND)],
            }
        )
    )
    as_of_date = session.sql(changed.get("as_of_date", "select date '2024-02-15' as as_of_date"))
    (row,) = publish(session, str(folder), keep, tables, functions, as_of_date).to_pylist()
    return row


def read(file: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def version_of(file: Path) -> int:
    return read(file, "select version from serving.publication")[0][0]


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def session() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        make_warehouse(connection)
        yield connection


# ------------------------------------------------------------------------------------------- versions


def test_a_second_publication_is_version_two_and_keeps_the_first(session, tmp_path):
    folder = tmp_path / "the platform's" / "lists"
    first = publish_now(session, folder)
    before = digest(folder / FILE)
    make_warehouse(session, stamp=1)
    second = publish_now(session, folder)
    assert (first["version"], second["version"]) == (1, 2)
    assert second["path"] == str(folder / FILE)
    assert (second["members"], second["bytes"]) == (MEMBERS, (folder / FILE).stat().st_size)
    assert str(second["as_of_date"]) == "2024-02-15"
    assert files_of(folder) == {FILE, "versions/000001.duckdb", "versions/000002.duckdb"}
    assert digest(folder / "versions" / "000001.duckdb") == before
    assert read(folder / FILE, "select distinct stamp from serving.recommendation_store") == [(1,)]


@pytest.mark.parametrize("keep", [0, 1, 3])
def test_so_many_earlier_versions_stay(session, tmp_path, keep):
    for _ in range(6):
        last = publish_now(session, tmp_path, keep)
    kept = {f"versions/{version:06d}.duckdb" for version in range(6 - keep, 7)}
    assert files_of(tmp_path) == {FILE} | kept
    assert last["version"] == version_of(tmp_path / FILE) == 6
    for name in kept:
        assert version_of(tmp_path / name) == int(Path(name).stem)


def test_numbers_go_on_where_the_current_file_was_taken_back_to_an_earlier_version(session, tmp_path):
    for _ in range(3):
        publish_now(session, tmp_path)
    publication.rollback(str(tmp_path), 1)
    assert version_of(tmp_path / FILE) == 1
    assert publish_now(session, tmp_path)["version"] == 4
    assert version_of(tmp_path / "versions" / "000001.duckdb") == 1
    assert version_of(tmp_path / "versions" / "000002.duckdb") == 2


def test_a_version_that_is_not_kept_cannot_be_served_again(session, tmp_path):
    for _ in range(3):
        publish_now(session, tmp_path, keep=1)
    before = digest(tmp_path / FILE)
    with pytest.raises(PublicationError, match=r"no version 1\. Remedy: give one of 2, 3"):
        publication.rollback(str(tmp_path), 1)
    assert digest(tmp_path / FILE) == before


def test_the_published_tables_are_those_of_the_warehouse(session, tmp_path):
    publish_now(session, tmp_path)
    session.execute(f"attach '{tmp_path / FILE}' as published (read_only)")
    for name in ("recommendation_store", "course_cards", "dismissals"):
        counts = session.execute(
            f"select (select count(*) from published.serving.{name}), "
            f"(select count(*) from (from {name} except all from published.serving.{name}))"
        ).fetchall()
        assert counts == [session.execute(f"select count(*), 0 from {name}").fetchall()[0]], name


def test_functions_answer_with_and_without_the_name_of_the_schema(session, tmp_path):
    publish_now(session, tmp_path)
    for name in ("recommend", "serving.recommend"):
        assert read(tmp_path / FILE, f"select course_id from {name}(7, 'feed')") == [(8,), (7,)]
        assert read(tmp_path / FILE, f"select course_id from {name}(7, 'feed', top_k := 1)") == [(8,)]
        assert read(tmp_path / FILE, f"from {name}(7, 'nowhere')") == []


# ------------------------------------------------------------------------------------------- readers


def test_a_reader_of_the_first_version_still_answers_after_the_swap(session, tmp_path):
    publish_now(session, tmp_path)
    code = f"""
import duckdb
connection = duckdb.connect({str(tmp_path / FILE)!r}, read_only=True)
print(connection.execute("select version from serving.publication").fetchall(), flush=True)
input()
print(connection.execute("select count(*), max(stamp), (select version from serving.publication) "
                         "from serving.recommendation_store").fetchall(), flush=True)
"""
    reader = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert reader.stdout.readline() == "[(1,)]\n"
    make_warehouse(session, stamp=1)
    for version in (2, 3):
        assert publish_now(session, tmp_path, keep=1)["version"] == version
    answer, _ = reader.communicate("\n", timeout=30)
    assert answer == f"[({MEMBERS}, 0, 1)]\n"
    assert version_of(tmp_path / FILE) == 3


def test_a_reader_in_the_same_process_does_not_confuse_the_versions(session, tmp_path):
    publish_now(session, tmp_path)
    with duckdb.connect(str(tmp_path / FILE), read_only=True) as reader:
        for stamp in (1, 2):
            make_warehouse(session, stamp)
            assert publish_now(session, tmp_path)["version"] == 1 + stamp
        assert reader.execute("select max(stamp) from serving.recommendation_store").fetchall() == [(0,)]
    for version in (1, 2):
        kept = tmp_path / "versions" / f"{version:06d}.duckdb"
        assert read(kept, "select version, (select max(stamp) from serving.course_cards) from serving.publication") == [
            (version, version - 1)
        ]


# ------------------------------------------------------------------------------------------- failures


FAILURES = {
    "bad SQL of a function": {"function": "select no_such_column from serving.recommendation_store"},
    "a function without rows": {"function": "select 1 as course_id where member is null"},
    "a broken table": {"course_cards": "select error('the disk is on fire') from course_cards"},
    "a table that loses rows": {"course_cards": "from course_cards where random() < 0.5"},
    "no members": {"recommendation_store": "from recommendation_store where member_id < 0"},
    "a member twice": {"recommendation_store": "from recommendation_store union all from recommendation_store"},
    "a member without a treatment": {
        "recommendation_store": "select * replace (case when member_id = 9 then map {}::map(varchar, varchar) "
        "else treatments end as treatments) from recommendation_store"
    },
}


def assert_nothing_happened(folder: Path, before: str, version: int = 1) -> None:
    assert digest(folder / FILE) == before
    assert version_of(folder / FILE) == version
    assert files_of(folder) == {FILE, "versions/000001.duckdb"}


@pytest.mark.parametrize("changed", FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_leaves_the_version_before_and_no_temporary_file(session, tmp_path, changed):
    publish_now(session, tmp_path)
    before = digest(tmp_path / FILE)
    with pytest.raises(PublicationError):
        publish_now(session, tmp_path, **changed)
    assert_nothing_happened(tmp_path, before)
    assert publish_now(session, tmp_path)["version"] == 2


@pytest.mark.parametrize("changed", FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_of_the_first_publication_leaves_no_file(session, tmp_path, changed):
    with pytest.raises(PublicationError):
        publish_now(session, tmp_path, **changed)
    assert files_of(tmp_path) == set()


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_failing_disk_leaves_the_version_before(session, tmp_path, monkeypatch, call):
    publish_now(session, tmp_path)
    before = digest(tmp_path / FILE)

    def full(*_, **__) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(publication.os, call, full)
        with pytest.raises(PublicationError, match=r"No space left on device.*Remedy.*COURSE_RECOMMENDER_PUBLISHED"):
            publish_now(session, tmp_path)
    assert read(tmp_path / FILE, "select count(*) from serving.recommendation_store") == [(MEMBERS,)]
    assert digest(tmp_path / FILE) == before
    assert {name for name in files_of(tmp_path) if ".new" in name} == set()
    assert publish_now(session, tmp_path)["version"] == 2


def test_a_file_in_place_of_the_folder_is_refused_with_a_remedy(session, tmp_path):
    occupied = tmp_path / "published"
    occupied.write_text("in the way")
    with pytest.raises(PublicationError, match=r"publishing to .*published failed.*Remedy"):
        publish_now(session, occupied)
    assert occupied.read_text() == "in the way"


def test_a_file_system_without_hard_links_gets_a_copy(session, tmp_path, monkeypatch):
    def refuse(*_, **__) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(publication.os, "link", refuse)
    for version in (1, 2):
        assert publish_now(session, tmp_path)["version"] == version
    assert digest(tmp_path / FILE) == digest(tmp_path / "versions" / "000002.duckdb")


def test_a_published_file_that_is_damaged_is_replaced(session, tmp_path):
    (tmp_path / FILE).write_bytes(b"not a database" * 1000)
    assert publish_now(session, tmp_path)["version"] == 1
    assert version_of(tmp_path / FILE) == 1


def test_what_a_dead_publication_left_behind_is_removed(session, tmp_path):
    left_over = [tmp_path / f".{FILE}.99999.new", tmp_path / f".{FILE}.99999.new.wal"]
    for path in left_over:
        path.write_bytes(b"half")
    publish_now(session, tmp_path)
    assert files_of(tmp_path) == {FILE, "versions/000001.duckdb"}


PUBLISH_FOR_EVER = """
import itertools, sys
from pathlib import Path
import duckdb
from test_publication import make_warehouse, publish_now
session = duckdb.connect()
for stamp in itertools.count(int(sys.argv[2])):
    make_warehouse(session, stamp, members=3000)
    publish_now(session, Path(sys.argv[1]), keep=1)
"""


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing was published"
        time.sleep(0.01)


def test_a_process_killed_at_any_moment_leaves_a_complete_file(tmp_path):
    chance = random.Random(5)
    file = tmp_path / FILE
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "models_py"), str(ROOT / "tests" / "python")])
    }
    versions = [0]
    for attempt in range(5):
        inode = file.stat().st_ino if file.exists() else None
        command = [sys.executable, "-c", PUBLISH_FOR_EVER, str(tmp_path), str(1000 * attempt)]
        process = subprocess.Popen(command, env=environment)
        try:
            wait_for(lambda inode=inode: file.exists() and file.stat().st_ino != inode)
            time.sleep(chance.uniform(0, 0.4))
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        stamps = read(
            file,
            "select version, (select count(*) from serving.recommendation_store), "
            "(select count(distinct stamp) from (select stamp from serving.recommendation_store "
            "union all select stamp from serving.course_cards union all select stamp from serving.dismissals)), "
            "(select count(*) from serving.recommend(7, 'feed')) from serving.publication",
        )
        assert [row[1:] for row in stamps] == [(3000, 1, 2)]
        versions.append(stamps[0][0])
    assert versions == sorted(set(versions))
    with duckdb.connect() as session:
        make_warehouse(session)
        assert publish_now(session, tmp_path, keep=1)["version"] == versions[-1] + 1
    assert {name for name in files_of(tmp_path) if not name.startswith("versions/")} == {FILE}


# ------------------------------------------------------------------------------------------- the whole project


def test_published_functions_answer_as_in_the_warehouse(ci_world):
    for channel in CHANNELS:
        for call in (f"recommend(42, '{channel}')", f"recommend(43, '{channel}', top_k := 200)"):
            published = ci_world.published(f"from {call} order by position")
            assert published == ci_world.query(f"from serving.{call} order by position")
            assert published == ci_world.published(f"from serving.{call} order by position")
            assert len(published) >= 10


def test_recommend_shows_the_plain_rows_without_dismissed_courses(ci_world):
    members = ci_world.query(
        "(select distinct member_id from serving.dismissals order by member_id limit 5) "
        "union (select member_id from staging.stg_members order by hash(member_id) limit 10)"
    )
    for (member,) in members:
        for channel in CHANNELS:
            plain = ci_world.query(
                """
                select row_number() over (order by position), course_id, reason, reason_text, score, variant
                from serving.recommendations
                anti join serving.dismissals using (member_id, course_id)
                where member_id = ? and channel = ?
                order by position
                """,
                member,
                channel,
            )
            shown = ci_world.published(
                "select position, course_id, reason, reason_text, score, variant "
                f"from recommend({member}, '{channel}', 500)"
            )
            assert [row[:4] + row[5:] for row in shown] == [row[:4] + row[5:] for row in plain], (member, channel)
            assert [row[4] for row in shown] == pytest.approx([row[4] for row in plain], abs=1e-5)


DECODED = """
with entries as (
    select
        member_id,
        unnest(map_keys(treatments)) as channel,
        unnest(map_values(treatments)) as variant,
        courses,
        rankings,
        scores
    from serving.recommendation_store
)

select
    member_id,
    channel,
    variant,
    cast(generate_subscripts(rankings[variant], 1) as integer) as position,
    courses[unnest(rankings[variant])].course_id as course_id,
    courses[unnest(rankings[variant])].reason as reason,
    cast(unnest(scores[variant]) as double) as score
from entries
"""


def test_the_store_decodes_to_the_plain_rows_and_to_no_others(ci_world):
    columns = "member_id, channel, variant, position, course_id, reason"
    ((decoded, plain, only_decoded, only_plain),) = ci_world.query(
        f"""
        with decoded as (select {columns} from ({DECODED})),
        plain as (select {columns} from serving.recommendations)
        select
            (select count(*) from decoded),
            (select count(*) from plain),
            (select count(*) from (from decoded except all from plain)),
            (select count(*) from (from plain except all from decoded))
        """
    )
    assert decoded == plain > 1_000_000
    assert (only_decoded, only_plain) == (0, 0)


def test_the_store_keeps_scores_to_five_digits(ci_world):
    ((rows, largest),) = ci_world.query(
        f"with decoded as ({DECODED}) select count(*), max(abs(decoded.score - plain.score)) "
        "from decoded inner join serving.recommendations as plain using (member_id, channel, position)"
    )
    assert rows > 1_000_000
    assert largest < 1e-5


def test_the_store_holds_no_course_that_no_list_shows(ci_world):
    assert ci_world.query(
        "select count(*) from serving.recommendation_store "
        "where len(list_distinct(flatten(map_values(rankings)))) <> len(courses)"
    ) == [(0,)]
