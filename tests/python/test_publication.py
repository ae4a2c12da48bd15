"""The published file: versions, readers that outlive a swap, and failures that leave the version before."""

import errno
import fcntl
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from conftest import ROOT, Warehouse
from dbt_process import run_dbt
from relevance import publication
from relevance.publication import FILE, ROWS_AND_CHECKSUM, PublicationError, publish

MEMBERS = 400
RECOMMEND = """
select * from (
    select store.courses[unnest(rankings[treatments[channel]])].course_id as course_id, stamp
    from serving.recommendation_store as store where member_id = member limit top_k
) as shown
"""
FUNCTIONS = {
    "recommend": "member, channel",
    "explain": "member, channel, course",
    "recommend_session": "member, channel, courses",
}
EXTRA = {"explain": "where course_id = course", "recommend_session": "where course_id in courses"}
ASSIGNMENTS = "select member_id, 'feed' as channel, 'm001' as variant from recommendation_store"
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
    """Publishes; `changed` gives the SQL of a table, of a function, of `assignments` or of `as_of_date` in place of the
    usual."""
    tables = {
        name: session.sql(changed.get(name, f"from {name}"))
        for name in ("recommendation_store", "course_cards", "dismissals")
    }
    parameters = {name: ", ".join((signature, "top_k := 10")) for name, signature in FUNCTIONS.items()}
    functions = session.from_arrow(
        pa.table(
            {
                "function_name": list(parameters),
                "parameters": list(parameters.values()),
                "definition": [changed.get(name, RECOMMEND + EXTRA.get(name, "")) for name in parameters],
            }
        )
    )
    as_of_date = session.sql(changed.get("as_of_date", "select date '2024-02-15' as as_of_date"))
    assignments = session.sql(changed.get("assignments", ASSIGNMENTS))
    (row,) = publish(session, str(folder), keep, tables, functions, as_of_date, assignments).to_pylist()
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
    "bad SQL of a function": {"recommend": "select no_such_column from serving.recommendation_store"},
    "a function without rows": {"recommend": "select 1 as course_id where member is null"},
    "a function that only some members get rows of": {"recommend": f"{RECOMMEND} where hash(member::bigint) % 4 > 0"},
    "a function that fails for some courses": {
        "explain": "select case when course::bigint % 3 = 0 then error('no such feature') else 1 end as value"
    },
    "a function that fails for a session": {"recommend_session": "select error('no such course') from unnest(courses)"},
    "a broken table": {"course_cards": "select error('the disk is on fire') from course_cards"},
    "a value that arrives as another": {"course_cards": "select *, '12:00:00+02'::timetz as starts from course_cards"},
    "no members": {"recommendation_store": "from recommendation_store where member_id < 0"},
    "a member twice": {"recommendation_store": "from recommendation_store union all from recommendation_store"},
    "an assigned member without a record": {"assignments": f"{ASSIGNMENTS} union all select 100000, 'feed', 'm001'"},
    "a channel that the store lacks": {"assignments": f"{ASSIGNMENTS} union all select 7, 'email', 'm001'"},
    "a member with the variant of another": {
        "assignments": "select member_id, 'feed' as channel, if(member_id = 7, 'm002', 'm001') as variant "
        "from recommendation_store"
    },
    "a member that nobody assigned": {"assignments": f"{ASSIGNMENTS} where member_id <> 7"},
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


# ------------------------------------------------------------------------------------------- disks


def test_the_checksum_sees_two_equal_rows_in_place_of_two_others(session):
    """Under exclusive or they would vanish, with any other pair."""
    pairs = ("(1), (1)", "(2), (2)", "(1), (2)", "(2), (3)")
    sums = [session.execute(f"{ROWS_AND_CHECKSUM} from (values {pair}) as r").fetchall()[0] for pair in pairs]
    assert {count for count, _ in sums} == {2}
    assert len({checksum for _, checksum in sums}) == len(pairs)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process grows past so many bytes: writes fail as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_full_at_any_write_leaves_the_version_before(session, tmp_path):
    make_warehouse(session, members=5000)
    size = publish_now(session, tmp_path)["bytes"]
    before = digest(tmp_path / FILE)
    for part in range(10):
        with largest_file(size * part // 10), pytest.raises(PublicationError, match=r"Remedy: .* the disk has room"):
            publish_now(session, tmp_path)
        assert_nothing_happened(tmp_path, before)
    assert publish_now(session, tmp_path)["version"] == 2


def test_a_file_system_without_room_for_a_second_version_keeps_the_first(session, tmp_path):
    make_warehouse(session, members=5000)
    size = publish_now(session, tmp_path / "elsewhere")["bytes"]
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size * 5 // 2}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        publish_now(session, folder)
        before = digest(folder / FILE)
        with pytest.raises(
            PublicationError, match=r"No space left on device.*Readers keep.*Remedy: .* the disk has room"
        ):
            publish_now(session, folder)
        assert_nothing_happened(folder, before)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("call", ["replace", "fsync", "link"])
def test_whichever_call_fails_readers_have_a_complete_version(session, tmp_path, monkeypatch, call, number):
    """The number-th call of each kind fails, and with link the copy in its place."""
    publish_now(session, tmp_path)
    before, real, calls = digest(tmp_path / FILE), getattr(os, call), []

    def full(*arguments, **named):
        calls.append(arguments)
        if len(calls) == number + 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(publication.os, call, full)
        if call == "link":
            patch.setattr(publication.shutil, "copyfile", full)
        try:
            row = publish_now(session, tmp_path)
        except PublicationError:
            assert_nothing_happened(tmp_path, before)
            row = None
    if row:
        assert row["version"] == version_of(tmp_path / FILE) == 2
    assert {name for name in files_of(tmp_path) if ".new" in name} == set()
    assert publish_now(session, tmp_path)["version"] == (3 if row else 2)


@contextmanager
def nobody() -> Iterator[None]:
    """The rights of a user who owns nothing; root may write anywhere."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize("inner", ["", "versions"])
def test_a_folder_that_cannot_be_written_is_refused_with_a_remedy(session, inner):
    base = Path(tempfile.mkdtemp())
    base.chmod(0o755)
    folder = base / "published"
    try:
        publish_now(session, folder)
        for path in (folder, folder / "versions"):
            path.chmod(0o777)
        (folder / inner).chmod(0o555)
        before = digest(folder / FILE)
        with (
            nobody(),
            pytest.raises(PublicationError, match=r"Permission denied.*Readers keep.*Remedy: see that the fol"),
        ):
            publish_now(session, folder)
        assert_nothing_happened(folder, before)
        with nobody(), pytest.raises(PublicationError, match=r"publishing to .*Permission denied.*Remedy"):
            publish_now(session, base / "another")
    finally:
        shutil.rmtree(base)


def test_versions_may_lie_on_another_file_system(session, tmp_path):
    other = Path(tempfile.mkdtemp(dir="/dev/shm"))
    try:
        (tmp_path / "versions").symlink_to(other)
        assert (other.stat().st_dev == tmp_path.stat().st_dev) is False
        for version in (1, 2):
            assert publish_now(session, tmp_path)["version"] == version
        assert publication.rollback(str(tmp_path), 1).endswith("is version 1 now")
        assert [row["is_served"] for row in publication.versions(str(tmp_path))] == [True, False]
        assert publish_now(session, tmp_path)["version"] == version_of(tmp_path / FILE) == 3
    finally:
        shutil.rmtree(other)


def test_a_link_in_place_of_the_file_is_replaced_and_what_it_names_is_kept(session, tmp_path):
    publish_now(session, tmp_path / "first")
    before = digest(tmp_path / "first" / FILE)
    folder = tmp_path / "second"
    folder.mkdir()
    (folder / FILE).symlink_to(tmp_path / "first" / FILE)
    assert publish_now(session, folder)["version"] == 2  # after the version that readers of the link saw
    assert not (folder / FILE).is_symlink()
    assert digest(tmp_path / "first" / FILE) == before


def test_the_folder_may_be_a_link(session, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    assert publish_now(session, tmp_path / "linked")["version"] == 1
    assert version_of(tmp_path / "real" / FILE) == 1


# ------------------------------------------------------------------------------------------- two at once


def test_a_second_publication_at_the_same_time_is_refused(session, tmp_path):
    publish_now(session, tmp_path)
    publish_now(session, tmp_path)
    before = digest(tmp_path / FILE)
    half = tmp_path / "versions" / f".{FILE}.new"
    half.write_bytes(b"half")
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(PublicationError, match=r"another process is publishing.*Remedy"):
            publish_now(session, tmp_path)
        with pytest.raises(PublicationError, match=r"another process is publishing.*Remedy"):
            publication.rollback(str(tmp_path), 1)
        assert half.read_bytes() == b"half"  # it belongs to the other one
    finally:
        os.close(handle)
    assert digest(tmp_path / FILE) == before
    assert publish_now(session, tmp_path)["version"] == 3


PUBLISH_TEN_TIMES = """
import sys
from pathlib import Path
import duckdb
from relevance.publication import PublicationError
from test_publication import make_warehouse, publish_now
session = duckdb.connect()
make_warehouse(session, members=1000)
published = []
while len(published) < 10:
    try:
        published.append(publish_now(session, Path(sys.argv[1]), keep=1)["version"])
    except PublicationError as error:
        assert "another process is publishing" in str(error), error
print(*published)
"""


def test_two_warehouses_that_publish_into_one_folder_take_turns(session, tmp_path):
    publish_now(session, tmp_path)
    command = [sys.executable, "-c", PUBLISH_TEN_TIMES, str(tmp_path)]
    with reader_of(tmp_path / FILE) as seen:
        both = [subprocess.Popen(command, env=os.environ | PATH, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        numbers = [int(number) for process in both for number in process.communicate(timeout=120)[0].split()]
    assert seen["failure"] is None
    assert sorted(numbers) == list(range(2, 22))
    assert files_of(tmp_path) == {FILE, "versions/000020.duckdb", "versions/000021.duckdb"}


# ------------------------------------------------------------------------------------------- rollback


def damage(file: Path) -> None:
    """Turns a byte in the middle of every block into another one."""
    content = bytearray(file.read_bytes())
    for place in range(12288 + 100, len(content), 262144):
        content[place] ^= 255
    file.write_bytes(content)


def test_versions_say_what_they_are_and_whether_they_are_complete(session, tmp_path):
    for members in (100, 200, 300):
        make_warehouse(session, members=members)
        publish_now(session, tmp_path)
    publication.rollback(str(tmp_path), 2)
    rows = publication.versions(str(tmp_path))
    assert [(row["version"], row["members"], row["is_served"], row["checksum"]) for row in rows] == [
        (1, 100, False, "complete"),
        (2, 200, True, "complete"),
        (3, 300, False, "complete"),
    ]
    assert {str(row["as_of_date"]) for row in rows} == {"2024-02-15"}
    assert [row["bytes"] for row in rows] == [
        (tmp_path / "versions" / f"{version:06d}.duckdb").stat().st_size for version in (1, 2, 3)
    ]


def test_a_damaged_version_is_found_and_not_served(session, tmp_path):
    for _ in range(3):
        publish_now(session, tmp_path)
    kept = tmp_path / "versions"
    damage(kept / "000001.duckdb")
    (kept / "000002.duckdb").write_bytes((kept / "000003.duckdb").read_bytes())
    states = [row["checksum"] for row in publication.versions(str(tmp_path))]
    assert states[0].startswith("broken: ")
    assert states[1:] == ["broken: it says that it is version 3", "complete"]
    before = digest(tmp_path / FILE)
    with pytest.raises(PublicationError, match=r"version 1 in .* is broken: .*Remedy: give one of 1, 2, 3"):
        publication.rollback(str(tmp_path), 1)
    assert digest(tmp_path / FILE) == before


def test_rows_that_changed_after_publication_are_found(session, tmp_path):
    publish_now(session, tmp_path)
    with duckdb.connect(str(tmp_path / "versions" / "000001.duckdb")) as connection:
        connection.execute("update serving.course_cards set title = 'another' where course_id = 3")
    ((state,),) = [[row["checksum"]] for row in publication.versions(str(tmp_path))]
    assert state.startswith("broken: course_cards: published (rows, checksum)")


def test_a_version_of_another_engine_is_not_compared_but_served(session, tmp_path):
    for _ in range(2):
        publish_now(session, tmp_path)
    with duckdb.connect(str(tmp_path / "versions" / "000001.duckdb")) as connection:
        connection.execute("update serving.publication set engine = 'v1.0.0'")
        connection.execute("update serving.published_tables set checksum = '5'")
    assert publication.versions(str(tmp_path))[0]["checksum"] == "not compared: written by DuckDB v1.0.0"
    assert publication.rollback(str(tmp_path), 1).endswith("is version 1 now")


def test_rolling_back_to_what_is_served_changes_nothing_and_says_so(session, tmp_path):
    for _ in range(2):
        publish_now(session, tmp_path)
    inode = (tmp_path / FILE).stat().st_ino
    assert publication.rollback(str(tmp_path), 2) == f"{tmp_path / FILE} is version 2 already; nothing was changed"
    assert (tmp_path / FILE).stat().st_ino == inode


@pytest.mark.parametrize("missing", [True, False], ids=["missing", "damaged"])
def test_a_rollback_repairs_the_file_that_is_served(session, tmp_path, missing):
    publish_now(session, tmp_path)
    (tmp_path / FILE).unlink()
    if not missing:
        (tmp_path / FILE).write_bytes(b"not a database" * 1000)
    assert publication.rollback(str(tmp_path), 1).endswith("is version 1 now")
    assert version_of(tmp_path / FILE) == 1


def test_numbers_go_on_where_the_versions_were_deleted(session, tmp_path):
    for _ in range(3):
        publish_now(session, tmp_path)
    shutil.rmtree(tmp_path / "versions")
    assert publish_now(session, tmp_path)["version"] == 4


BAD_VERSIONS = {
    "abc": "'abc' is not the number of a version. Remedy: give one of 1, 2.",
    "-1": "keeps no version -1. Remedy: give one of 1, 2.",
    "9": "keeps no version 9. Remedy: give one of 1, 2.",
    "": "no version was named. Remedy: give one of 1, 2.",
    "1.5": "'1.5' is not the number of a version. Remedy: give one of 1, 2.",
    "'; drop table x": "is not the number of a version. Remedy: give one of 1, 2.",
}


@pytest.mark.parametrize("version", BAD_VERSIONS)
def test_a_version_that_cannot_be_served_is_refused_with_a_remedy(session, tmp_path, version):
    for _ in range(2):
        publish_now(session, tmp_path)
    before = digest(tmp_path / FILE)
    command = [sys.executable, str(ROOT / "models_py" / "relevance" / "publication.py"), str(tmp_path), version]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert BAD_VERSIONS[version] in done.stderr
    assert digest(tmp_path / FILE) == before


def test_a_folder_without_versions_is_refused_with_a_remedy(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(PublicationError, match=r"keeps no versions\. Remedy: .*COURSE_RECOMMENDER_PUBLISHED"):
            publication.rollback(str(folder), 1)
        assert publication.listing(str(folder)) == f"{folder} keeps no versions. Remedy: make run publishes one"
    assert files_of(tmp_path) == set()


def test_operations_of_dbt_list_versions_and_serve_one_again(session, tmp_path):
    warehouse = Warehouse(tmp_path / "it's")
    folder = warehouse.published_file.parent
    for _ in range(2):
        publish_now(session, folder)

    def operation(name: str, arguments: str) -> subprocess.CompletedProcess:
        command = warehouse._command(("run-operation", name, "--args", arguments), {})
        return run_dbt(command, ROOT, warehouse._environment)

    done = operation("rollback", "{version: 1}")
    assert done.returncode == 0
    assert f"{folder / FILE} is version 1 now" in done.stdout
    assert version_of(folder / FILE) == 1
    lines = operation("versions", "{}").stdout.splitlines()
    assert [line.split()[4:] for line in lines if "2024-02-15" in line] == [["served", "complete"], ["complete"]]
    for arguments, message in {
        "{version: 3}": "keeps no version 3. Remedy: give one of 1, 2.",
        '{version: "it\'s"}': "is not the number of a version. Remedy: give one of 1, 2.",
        "{}": "no version was named. Remedy: give one of 1, 2.",
    }.items():
        failed = operation("rollback", arguments)
        assert failed.returncode != 0
        assert message in failed.stdout
    assert version_of(folder / FILE) == 1


# ------------------------------------------------------------------------------------------- kill -9

PUBLISH_FOR_EVER = """
import itertools, sys, time
from pathlib import Path
import duckdb
from test_publication import make_warehouse, publish_now
session = duckdb.connect()
for stamp in itertools.count(int(sys.argv[2])):
    make_warehouse(session, stamp, members=3000)
    print("begins", flush=True)
    start = time.perf_counter()
    publish_now(session, Path(sys.argv[1]), keep=1)
    print(time.perf_counter() - start, flush=True)
"""
PATH = {"PYTHONPATH": os.pathsep.join([str(ROOT / "models_py"), str(ROOT / "tests" / "python")])}


@contextmanager
def reader_of(file: Path) -> Iterator[dict]:
    """A process that reads the file all the time; its record fills when the block ends."""
    script = str(ROOT / "tests" / "python" / "published_reader.py")
    reader = subprocess.Popen(
        [sys.executable, script, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    record = {}
    try:
        assert reader.stdout.readline() == "reading\n"
        yield record
        record |= json.loads(reader.communicate("\n", timeout=60)[0])
    finally:
        reader.kill()


def publisher(folder: Path, stamp: int) -> subprocess.Popen:
    command = [sys.executable, "-c", PUBLISH_FOR_EVER, str(folder), str(stamp)]
    return subprocess.Popen(command, env=os.environ | PATH, stdout=subprocess.PIPE, text=True)


def test_readers_never_miss_an_answer_while_publications_are_killed_at_twenty_moments(tmp_path):
    """The moments lie in twenty equal parts of a publication's duration, one in each."""
    chance, moments = random.Random(5), 20
    file = tmp_path / FILE
    with duckdb.connect() as session:
        make_warehouse(session, stamp=-1, members=3000)
        publish_now(session, tmp_path, keep=1)
        served = [version_of(file)]
        with reader_of(file) as seen:
            for part in range(moments):
                process = publisher(tmp_path, stamp=1000 * part)
                try:
                    assert process.stdout.readline() == "begins\n"
                    seconds = float(process.stdout.readline())
                    assert process.stdout.readline() == "begins\n"
                    time.sleep(seconds * (part + chance.random()) / moments)
                finally:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                served.append(version_of(file))
        assert seen["failure"] is None
        assert sum(seen["versions"].values()) > moments
        assert all(now > before for before, now in pairwise(served))
        after = publish_now(session, tmp_path, keep=1)["version"]
    assert after > served[-1]
    assert [row["version"] for row in publication.versions(str(tmp_path))][-1] == after
    assert {row["checksum"] for row in publication.versions(str(tmp_path))} == {"complete"}
    assert len(files_of(tmp_path)) == 3  # the served one, its version and the one before


def test_what_a_killed_publication_leaves_is_never_what_readers_open(tmp_path):
    """Killed before the swap: the version before is served, byte for byte; the next publication cleans up."""
    process = publisher(tmp_path, stamp=0)
    try:
        for _ in range(2):
            assert process.stdout.readline() == "begins\n"
            process.stdout.readline()
        before = digest(tmp_path / FILE)
        new = tmp_path / "versions" / f".{FILE}.new"
        end = time.monotonic() + 30
        while not new.exists():
            assert time.monotonic() < end, "nothing was published"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert digest(tmp_path / FILE) == before or version_of(tmp_path / FILE) > 2
    with duckdb.connect() as session:
        make_warehouse(session)
        publish_now(session, tmp_path, keep=0)
    assert len(files_of(tmp_path)) == 2


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
        "union (select member_id from staging.stg_members order by hash(member_id) limit 10) "
        "except select member_id from serving.followed_skills"
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
            assert shown == plain, (member, channel)
