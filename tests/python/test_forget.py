"""Forgetting a member: nothing is left in any file, readers are not disturbed, and the next build leaves them out."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from conftest import ROOT, Warehouse
from relevance import privacy, publication
from relevance.privacy import PrivacyError, forget, member_hash, without_members
from relevance.publication import FILE, PublicationError, publish
from relevance.world.models import world_model

MEMBERS, GONE, OTHER = 300, "member-00007", "member-00070"
TYPED, COMPANY = "Quixotic Xylophony", "Zanzibar Zeppelins"  # only of the member
TABLES = f"""
create schema staging; create schema skills; create schema labels; create schema training; create schema variants;
create schema seeds; create schema letters;
create table staging.stg_members as
select
    printf('member-%05d', i) as member_id,
    'Title ' || i % 5 as title,
    if(i = 7, '{COMPANY}', 'Company ' || i % 9) as company,
    if(i = 7, 'Levitation', 'Industry ' || i % 3) as industry
from range(1, {MEMBERS} + 1) as t(i);
comment on table staging.stg_members is 'One row per member';
create view skills.titles as select title, count(*) as members from "warehouse"."staging"."stg_members" group by title;
create macro skills.title_of(member) as table select title from staging.stg_members where member_id = member;
create table skills.profile_entries as
select member_id, if(member_id = '{GONE}', '{TYPED}', 'Chess') as spelling from staging.stg_members
union all select member_id, 'Draughts' from staging.stg_members where member_id in ('{GONE}', '{OTHER}');
create table skills.spelling_candidates as select distinct spelling, 1 as skill_id from skills.profile_entries;
create table skills.title_industry_skills as
select distinct title, industry, 1 as skill_id from staging.stg_members;
create table labels.examples as
select row_number() over () as example_id, member_id, course_id
from staging.stg_members cross join (select unnest(range(3)) as course_id);
create table labels.autoplay_thresholds as
select 'by_member' as strategy, member_id as scope_key, 3.5 as threshold_seconds from staging.stg_members
union all select 'by_course', '{GONE}', 2.5;
create table seeds.autoplay_strategies as
from (values ('by_member', 'member'), ('by_course', 'course')) as t(strategy, scope);
create table training.example_keys as
select example_id, member_id, example_id + 1000 as request_id from labels.examples;
create table training.request_features as
select request_id, 'hour' as feature, unnest(['8', '9']) as term, 0.5 as value from training.example_keys;
create table variants.coefficients as
select 'glmix' as variant, 'member' as effect, member_id as entity_id, 0.25 as coefficient from staging.stg_members
union all select 'glmix', 'course', '{GONE}', 0.5;
create table letters.sent as
select [{{'who': member_id, 'subjects': map {{'en': 'Hello'}}}}] as recipients from staging.stg_members
where member_id in ('{GONE}', '{OTHER}', '{GONE}8');
create table staging.raw_contract as from (values
    ('impressions', 'impression_id', true), ('impressions', 'member_id', false),
    ('engagements', 'member_id', true), ('engagements', 'course_id', true),
    ('skills', 'skill_id', true)) as t(table_name, column_name, is_key);
create table staging.quarantine as from (values
    ('impressions', '5', 'member_id', 'unknown member_id', '{GONE}'),
    ('impressions', '6', 'member_id', 'unknown member_id', '{OTHER}'),
    ('engagements', '{GONE}, 17, click', 'engaged_at', 'engaged_at is not a timestamp', 'yesterday'),
    ('engagements', '{GONE}8, 17, click', 'engaged_at', 'engaged_at is not a timestamp', 'today'),
    ('skills', '{GONE}', 'name', 'missing name', null)) as t(table_name, row_key, column_name, reason, value);
create table counted (model varchar primary key, seconds double);
insert into counted values ('m001', 0.5);
create schema serving;
create table serving.recommendation_store as
select member_id, [1, 2, 3] as courses, map {{'feed': 'm001'}} as treatments from staging.stg_members;
create table serving.publication as select 1 as version;
"""
RECOMMEND = """
select unnest(courses) as course_id from serving.recommendation_store as store
where store.member_id = member and treatments[channel] is not null limit top_k
"""


def publish_again(warehouse: Path, folder: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True) as session:
        function = {"function_name": "recommend", "parameters": "member, channel, top_k := 10", "definition": RECOMMEND}
        publish(
            session,
            str(folder),
            3,
            {"recommendation_store": session.table("serving.recommendation_store")},
            session.from_arrow(pa.Table.from_pylist([function])),
            session.sql("select date '2024-02-15' as as_of_date"),
        )


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A small warehouse whose members have texts for ids, published twice, with the first version served."""
    folder = tmp_path_factory.mktemp("made")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute(TABLES)
    for _ in range(2):
        publish_again(folder / "warehouse.duckdb", folder / "published")
    publication.rollback(str(folder / "published"), 1)
    return folder


@pytest.fixture
def small(made, tmp_path) -> Path:
    return copied(made, tmp_path / "small")


def copied(world: Path, folder: Path) -> Path:
    """A copy of a warehouse and its published versions, with the links that `publish` makes."""
    folder.mkdir()
    shutil.copy(world / "warehouse.duckdb", folder)
    shutil.copytree(world / "published", folder / "published")
    return folder


def forget_in(folder: Path, member=GONE) -> list[str]:
    return forget(folder / "warehouse.duckdb", folder / "published", member)


def read(file: Path, sql: str, *parameters) -> list[tuple]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(sql, list(parameters)).fetchall()


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file in a folder, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def holding(folder: Path, *texts: str) -> dict[str, list[str]]:
    """The files in whose bytes a text stands, and which texts."""
    found = {name: [text for text in texts if text.encode() in data] for name, data in files_of(folder).items()}
    return {name: texts for name, texts in found.items() if texts}


# ------------------------------------------------------------------------------------------- nothing is left


def test_nothing_is_left_in_the_bytes_of_any_file(small):
    with duckdb.connect(str(small / "warehouse.duckdb")) as connection:
        connection.execute("drop table letters.sent")
        connection.execute("delete from variants.coefficients where effect = 'course'")
        connection.execute("delete from labels.autoplay_thresholds where strategy = 'by_course'")
        connection.execute("delete from staging.quarantine where table_name = 'skills' or row_key like '%8,%'")
    texts = (GONE, TYPED, COMPANY, "Levitation", "yesterday")
    files = {"warehouse.duckdb", f"published/{FILE}", *(f"published/versions/00000{n}.duckdb" for n in (1, 2))}
    before = holding(small, *texts)
    assert before.keys() == files
    assert before["warehouse.duckdb"] == list(texts)
    lines = forget_in(small)
    assert holding(small, *texts) == {}
    assert set(files_of(small)) == files
    assert holding(small, OTHER, "Draughts").keys() == files
    for table, rows in {"labels.examples": 3, "training.request_features": 6, "variants.coefficients": 1}.items():
        assert f"  {rows:>9,} rows removed from {table}" in lines
    assert sum("rows removed from serving.recommendation_store" in line for line in lines) == 1 + 2
    assert (
        len([line for line in lines if "searched afterwards: no row is of member member-00007 in any of" in line]) == 3
    )


def test_rows_of_others_and_of_courses_of_that_name_stay(small):
    forget_in(small)
    file = small / "warehouse.duckdb"
    assert read(file, "select strategy, scope_key from labels.autoplay_thresholds where strategy = 'by_course'") != []
    assert read(file, "select effect from variants.coefficients where entity_id = ?", GONE) == [("course",)]
    assert read(file, "select row_key from staging.quarantine order by 1") == [
        ("6",),
        (GONE,),
        (f"{GONE}8, 17, click",),
    ]
    assert read(file, "select spelling from skills.spelling_candidates order by 1") == [("Chess",), ("Draughts",)]
    assert read(file, "select count(*) from training.request_features") == [(3 * 2 * (MEMBERS - 1),)]
    assert read(file, "select member_hash from main.forgotten_members") == [(member_hash(GONE),)]
    # all that hangs on the tables is there too
    assert read(file, "select sum(members) from skills.titles") == [(MEMBERS - 1,)]
    assert read(file, "from skills.title_of(?)", OTHER) == [("Title 0",)]
    assert read(file, "select comment from duckdb_tables() where table_name = 'stg_members'") == [
        ("One row per member",)
    ]
    assert read(file, "select constraint_type from duckdb_constraints() where table_name = 'counted'")[0] == (
        "PRIMARY KEY",
    )


def test_where_an_id_stands_beside_no_member_one_is_told_to_look(small):
    hints = [line.strip() for line in forget_in(small) if "look at" in line]
    assert hints == [
        "look at labels.autoplay_thresholds.scope_key: the id stands in 1 rows that name no member",
        "look at letters.sent.recipients: the id stands in 1 rows that name no member",
        "look at staging.quarantine.row_key: the id stands in 1 rows that name no member",
        "look at variants.coefficients.entity_id: the id stands in 1 rows that name no member",
    ]


def test_the_versions_stay_versions(small):
    forget_in(small)
    kept = publication.versions(str(small / "published"))
    assert [(row["version"], row["is_served"], row["checksum"], row["members"]) for row in kept] == [
        (1, True, "complete", MEMBERS - 1), (2, False, "complete", MEMBERS - 1)
    ]  # fmt: skip
    assert read(small / "published" / FILE, "select count(*) from recommend(?, 'feed')", GONE) == [(0,)]
    assert read(small / "published" / FILE, "select count(*) from recommend(?, 'feed')", OTHER) == [(3,)]
    assert read(small / "published" / FILE, "select sql from duckdb_indexes()") != []
    publish_again(small / "warehouse.duckdb", small / "published")
    assert publication.versions(str(small / "published"))[-1]["version"] == 3


def test_a_served_file_without_its_version_is_rewritten_too(small):
    shutil.rmtree(small / "published" / "versions")
    forget_in(small)
    assert read(small / "published" / FILE, "select count(*) from serving.recommendation_store") == [(MEMBERS - 1,)]
    assert GONE.encode() not in (small / "published" / FILE).read_bytes()


def test_twice_is_once_and_a_member_of_a_kept_version_alone_is_forgotten_there(small, made):
    forget_in(small)
    before = files_of(small)
    assert forget_in(small) == [f"member {GONE} is forgotten already; no file holds anything of it"]
    assert files_of(small) == before
    shutil.copy(made / "published" / "versions" / "000002.duckdb", small / "published" / "versions")
    assert [line for line in forget_in(small) if not line.startswith(" ")] == ["versions/000002.duckdb"]
    forget_in(small, OTHER)
    assert len(read(small / "warehouse.duckdb", "from main.forgotten_members")) == 2


def test_what_a_killed_build_left_in_its_log_goes_as_well(small):
    code = f"""
import duckdb, os
connection = duckdb.connect({str(small / "warehouse.duckdb")!r})
connection.execute("set checkpoint_threshold = '1GB'")
connection.execute("create table letters.written as select '{GONE}' as member_id")
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], timeout=30)
    assert (small / "warehouse.duckdb.wal").exists()
    assert any("letters.written" in line for line in forget_in(small))
    assert not (small / "warehouse.duckdb.wal").exists()
    assert read(small / "warehouse.duckdb", "from letters.written") == []


# ------------------------------------------------------------------------------------------- readers, locks, kills


@pytest.fixture
def other_process(small) -> Iterator:
    """Has another process open files; the test talks to it line by line."""
    started = []

    def start(file: Path, read_only: bool, sql: str) -> subprocess.Popen:
        code = f"""
import duckdb
connection = duckdb.connect({str(file)!r}, read_only={read_only})
while True:
    print(connection.execute({sql!r}).fetchall(), flush=True)
    input()
"""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        started.append(subprocess.Popen([sys.executable, "-c", code], text=True, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_readers_are_not_disturbed(small, other_process):
    count = "select count(*) from serving.recommendation_store"
    readers = [other_process(small / name, True, count) for name in ("warehouse.duckdb", f"published/{FILE}")]
    assert [reader.stdout.readline() for reader in readers] == [f"[({MEMBERS},)]\n"] * 2
    forget_in(small)
    for reader in readers:
        reader.stdin.write("\n")
        reader.stdin.flush()
        assert reader.stdout.readline() == f"[({MEMBERS},)]\n"  # the file that they opened
    assert read(small / "published" / FILE, count) == [(MEMBERS - 1,)]


def test_a_warehouse_in_use_is_refused(small, other_process):
    before = files_of(small)
    writer = other_process(small / "warehouse.duckdb", False, "select 1")
    writer.stdout.readline()
    with pytest.raises(PrivacyError, match=r"lock.*No file was changed\. Remedy: end the process .* run it again"):
        forget_in(small)
    writer.kill()
    writer.wait()
    assert files_of(small) == before
    forget_in(small)


def test_a_folder_that_is_being_published_to_is_refused(small):
    before = files_of(small)
    with publication._only_writer(small / "published"), pytest.raises(PublicationError, match="another process"):
        forget_in(small)
    assert files_of(small) == before


KILLED = """
import os, signal, sys
from relevance import privacy
warehouse, published, member, last = sys.argv[1:]
calls = 0
def dying(real):
    def call(*arguments, **named):
        global calls
        calls += 1
        if calls == int(last):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)
    return call
for name in ("replace", "link"):
    setattr(os, name, dying(getattr(os, name)))
privacy._Traces._mentions = dying(privacy._Traces._mentions)
privacy.forget(warehouse, published, member)
"""


def test_killed_at_any_moment_it_leaves_complete_files_and_once_more_does_the_rest(made, tmp_path):
    outcomes, count = [], "select count(*) from serving.recommendation_store"
    for last in range(1, 100):
        folder = copied(made, tmp_path / str(last))
        command = [sys.executable, "-c", KILLED, folder / "warehouse.duckdb", folder / "published", GONE, str(last)]
        done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT / "models_py")}, timeout=60)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        files = [folder / "warehouse.duckdb", folder / "published" / FILE, *folder.glob("published/versions/0*.duckdb")]
        assert len(files) == 4
        outcomes.append(tuple(read(file, count)[0][0] for file in files))
        assert {row["checksum"] for row in publication.versions(str(folder / "published"))} == {"complete"}
        forget_in(folder)
        assert [read(file, count) for file in files] == [[(MEMBERS - 1,)]] * 4
        assert [row["is_served"] for row in publication.versions(str(folder / "published"))] == [True, False]
        assert {Path(name).name for name in files_of(folder)} == {file.name for file in files}
        assert holding(folder, TYPED, COMPANY) == {}
    first, last = (
        (MEMBERS,) * 4,
        (MEMBERS - 1, MEMBERS, MEMBERS - 1, MEMBERS - 1),
    )  # warehouse, served, versions 1 and 2
    assert (outcomes[0], outcomes[-1]) == (first, last)
    assert len(outcomes) == 8
    assert len(set(outcomes)) == 4  # killed between the swaps too


# ------------------------------------------------------------------------------------------- what is refused


REFUSED = {
    "nobody": (None, "no member was named. Remedy: make forget MEMBER=42"),
    "an empty name": ("  ", "no member was named. Remedy: make forget MEMBER=42"),
    "an unknown member": ("member-99999", "no table knows a member 'member-99999'. Remedy: give a member_id of"),
    "a number": (7, "no table knows a member '7'"),
    "SQL": ("x' or 1=1; drop table staging.stg_members; --", "no table knows a member \"x' or 1=1"),
    "a pattern": ("member-%", "no table knows a member 'member-%'"),
    "a long text": ("x" * 1000, "no table knows a member 'x"),
}


@pytest.mark.parametrize(("member", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_member_is_refused_with_a_remedy(small, member, words):
    before = files_of(small)
    with pytest.raises(PrivacyError) as refused:
        forget_in(small, member)
    assert str(refused.value).startswith(words)
    assert len(str(refused.value)) < 250
    assert files_of(small) == before


def missing(name: str):
    def break_it(folder: Path) -> None:
        path = folder / name
        path.unlink() if path.is_file() else shutil.rmtree(path)

    return break_it


def garbage(name: str):
    return lambda folder: (folder / name).write_bytes(b"no database" * 1000)


def without_staging(folder: Path) -> None:
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute("drop schema staging cascade")


BROKEN = {
    "no warehouse": (missing("warehouse.duckdb"), r"does not exist\. Remedy: make run builds it"),
    "no published file": (missing("published"), r"does not exist, .*Remedy: name the folder with COURSE_RECOMMENDER_P"),
    "no database": (garbage("warehouse.duckdb"), r"No file was changed\. Remedy: build the warehouse again"),
    "a damaged version": (
        garbage("published/versions/000001.duckdb"),
        r"000001\.duckdb is broken: .*Remedy: remove it",
    ),
    "no staging": (without_staging, r"no table staging\.stg_members\. Remedy: make run"),
}


@pytest.mark.parametrize(("break_it", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_a_missing_or_broken_file_is_refused_with_a_remedy(small, break_it, words):
    break_it(small)
    before = files_of(small)
    with pytest.raises((PrivacyError, PublicationError), match=words):
        forget_in(small)
    assert files_of(small) == before


def test_a_full_disk_leaves_everything_as_it_was(small, monkeypatch):
    before = files_of(small)

    def full(*_, **__) -> None:
        raise OSError(28, "No space left on device")

    for module, call in ((publication.os, "fsync"), (privacy.shutil, "copymode")):
        with monkeypatch.context() as patch:
            patch.setattr(module, call, full)
            with pytest.raises((PrivacyError, PublicationError), match=r"No space left.*Remedy: see that the folder"):
                forget_in(small)
        assert files_of(small) == before


# ------------------------------------------------------------------------------------------- the whole project


@pytest.fixture(scope="module")
def forgotten(ci_world, tmp_path_factory) -> tuple[Warehouse, int, list[str]]:
    """The ci world without its busiest member, by the operation that users call; what that printed."""
    folder = copied(ci_world.folder, tmp_path_factory.mktemp("forgotten") / "ci")
    warehouse = Warehouse(folder)
    ((member,),) = ci_world.query(
        "select member_id from staging.stg_engagements semi join skills.profile_entries using (member_id) "
        "semi join skills.member_skills using (member_id) group by 1 order by count(*) desc, 1 limit 1"
    )
    command = ["make", "--silent", "forget", f"MEMBER={member}", "--old-file", ".venv/installed"]
    done = subprocess.run(command, cwd=ROOT, env=warehouse._environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return warehouse, member, done.stdout.splitlines()


def test_every_table_of_the_project_lost_the_rows_of_the_member_and_no_others(ci_world, forgotten):
    warehouse, member, lines = forgotten
    removed = {}
    for line in lines[: lines.index("versions/000001.duckdb")]:
        if found := re.fullmatch(r" +([\d,]+) rows removed from ([\w.]+)", line):
            removed[found[2]] = int(found[1].replace(",", ""))
    tables = [name for (name,) in ci_world.query("select schema_name || '.' || table_name from duckdb_tables()")]
    counts = " union all ".join(f"select '{table}', count(*) from {table}" for table in tables)
    before, after = dict(ci_world.query(counts)), dict(warehouse.query(counts))
    assert len(removed) > 60
    removed["main.forgotten_members"] = -1  # it gains the hash
    assert {table: before[table] - after[table] for table in tables if before[table] != after[table]} == removed
    by_member = ci_world.query(
        "select schema_name || '.' || table_name from duckdb_columns() semi join duckdb_tables() using (table_oid) "
        "where column_name = 'member_id'"
    )
    for (table,) in by_member:
        assert warehouse.query(f"select count(*) from {table} where member_id = ?", member) == [(0,)], table
        others = f"select count(*), sum(hash(t)::hugeint) from {table} as t where member_id <> ?"
        assert warehouse.query(others, member) == ci_world.query(others, member), table


def test_keys_of_the_member_hang_nowhere(ci_world, forgotten):
    warehouse, member, _ = forgotten
    for key, home in {
        "impression_id": "staging.stg_impressions", "example_id": "labels.examples",
        "request_id": "training.example_keys", "pair_id": "training.example_keys",
    }.items():  # fmt: skip
        keys = [value for (value,) in ci_world.query(f"select distinct {key} from {home} where member_id = ?", member)]
        tables = warehouse.query(
            "select schema_name || '.' || table_name from duckdb_columns() semi join duckdb_tables() using (table_oid) "
            "where column_name = ?",
            key,
        )
        assert len(keys) > 0
        for (table,) in tables:
            assert warehouse.query(f"select count(*) from {table} where {key} in (select unnest(?))", keys) == [(0,)]


def test_everybody_else_gets_the_lists_of_before(ci_world, forgotten):
    warehouse, member, _ = forgotten
    calls = " union all ".join(
        f"select {other} as member_id, * from recommend({other}, 'feed')" for other in range(1, 60) if other != member
    )
    assert warehouse.published(f"from ({calls}) order by all") == ci_world.published(f"from ({calls}) order by all")
    for function in ("recommend", "carousels"):
        assert warehouse.published(f"from {function}(?, 'feed')", member) == []
        assert warehouse.query(f"from serving.{function}(?, 'feed')", member) == []
    course = ci_world.published("select min(course_id) from recommend(58, 'feed')")[0][0]
    explained = "from explain(58, 'feed', ?) order by all"
    assert warehouse.published(explained, course) == ci_world.published(explained, course) != []


def test_views_and_functions_are_those_of_before(ci_world, forgotten):
    warehouse, _, _ = forgotten
    for what in (
        "schema_name, view_name, sql from duckdb_views()",
        "schema_name, function_name, parameters from duckdb_functions()",
    ):
        sql = f"select {what} where not internal order by all"
        assert warehouse.query(sql) == ci_world.query(sql)
    views = warehouse.query("select schema_name || '.' || view_name from duckdb_views() where not internal")
    for (view,) in views:
        warehouse.query(f"select count(*) from {view}")


def test_published_files_hold_no_text_of_a_profile_but_the_words_that_models_read(ci_world):
    """No title, no employer and nothing that members typed; beside a member stand names of variants and channels."""
    tables = ci_world.published(
        "select schema_name || '.' || table_name, list(column_name), bool_or(column_name = 'member_id') "
        "from duckdb_columns() semi join duckdb_tables() using (table_oid) group by all"
    )
    of_members, texts = set(), set()
    for table, columns, is_by_member in tables:
        for column in columns:
            found = ci_world.published(f'select distinct cast("{column}" as varchar) from {table}')
            # a list, map or struct is taken apart into its texts
            words = {word for (value,) in found if value for word in re.split(r"[\[\]{}=:',]+ *", value)}
            texts |= words | {value for (value,) in found}
            of_members |= words if is_by_member else set()
    typed = {text for (text,) in ci_world.query("select entry_text from staging.stg_member_profile_skills")}
    names = {name for (name,) in ci_world.query("select name from staging.stg_skills")}
    profiles = ci_world.query("select title, company from staging.stg_members")
    private = {text for row in profiles for text in row if text} | (typed - names - {None})
    private -= {text for (text,) in ci_world.query("select lower(name) from staging.stg_skills")}
    private -= {text for (text,) in ci_world.query("select function from staging.stg_members")}
    assert len(private) > 500
    assert texts & private == set()
    known = {text for row in ci_world.query("from serving.assignments") for text in row[1:]}
    known |= {text for (text,) in ci_world.query("select variant from variants.variants")}
    known |= {"course_number", "reason", "reason_number", "NULL", ""}
    assert {text for text in of_members if not re.fullmatch(r"-?[\d.]+(e-?\d+)?", text)} <= known
    # the words of profiles that variants read, each beside a number; explain needs them
    words = ci_world.published(
        "select distinct feature from serving.explained_terms where feature like 'member\\_%' escape '\\' "
        "and not regexp_full_match(term, '\\d*')"
    )
    assert {feature for (feature,) in words} == {
        "member_seniority", "member_function", "member_industry", "member_subscription", "member_is_job_seeker",
        "member_channel_impressions", "member_channel_engagements",
    }  # fmt: skip


# ------------------------------------------------------------------------------------------- it stays so


def test_python_and_sql_know_the_forgotten_by_the_same_hash():
    table = pa.table({"member_id": [1, 42, None, 42, 3], "n": range(5)})
    assert without_members(table, [member_hash(42)])["n"].to_pylist() == [0, 2, 4]
    assert without_members(table, []) is table
    assert without_members(table.drop(["member_id"]), [member_hash(42)]).num_rows == 5
    macro = (ROOT / "dbt_project" / "macros" / "privacy.sql").read_text()
    (salt,) = re.findall(r"sha256\(.'([^']*)' \|\|", macro)
    assert duckdb.sql(f"select sha256('{salt}' || cast(42::bigint as varchar))").fetchall() == [(member_hash(42),)]


def test_the_simulated_world_comes_again_without_the_forgotten():
    with duckdb.connect() as connection:
        size = "select 7 as seed, 200 as members, 100 as courses, 20 as days"
        for hashes, left in (("null", 1), (f"['{member_hash(42)}', '{member_hash(GONE)}']", 0)):
            parameters = connection.sql(f"{size}, {hashes} as forgotten_members")
            for schema, name in (("raw", "members"), ("truth", "members"), ("raw", "impressions"), ("raw", "courses")):
                table = world_model(parameters, schema, name)
                if name == "courses":
                    assert table.num_rows == 100
                else:
                    members = set(table["member_id"].to_pylist())
                    assert (42 in members) == bool(left)
                    assert len(members) == 199 + left or name == "impressions"


def test_a_build_of_ones_own_tables_leaves_the_forgotten_out(tiny_raw, tmp_path):
    raw = Path(shutil.copytree(tiny_raw, tmp_path / "raw"))
    with duckdb.connect() as connection:  # rows of the member that break the contract: they must not be told of either
        connection.execute(f"create table events as from '{raw}/engagements.parquet'")
        ((member,),) = connection.execute(
            "select member_id from events group by 1 order by count(*) desc, 1 limit 1"
        ).fetchall()
        ((stranger,),) = connection.execute("select max(member_id) + 1 from events").fetchall()
        connection.execute(
            "insert into events select * replace (null as course_id) from events where member_id = ?", [member]
        )
        connection.execute(
            "insert into events select * replace (? as member_id) from events limit 1", [stranger + 1000]
        )
        connection.execute(f"copy events to '{raw}/engagements.parquet'")
    files = files_of(raw)
    warehouse = Warehouse(tmp_path / "own")
    settings = {"raw_location": raw, "max_quarantine_share": 0.5}
    warehouse.dbt("run", "--select", "staging", **settings)
    refused = "select count(*), count(*) filter (starts_with(row_key, ?)) from staging.quarantine"
    ((all_refused, of_member),) = warehouse.query(refused, f"{member},")
    assert of_member > 0
    assert "staging.quarantine" in "\n".join(forget_in(warehouse.folder, member))
    assert warehouse.query(refused, f"{member},") == [(all_refused - of_member, 0)]
    said = warehouse.dbt("run", "--select", "staging", **settings).stdout
    assert files_of(raw) == files  # nobody's own files are touched
    assert warehouse.query(refused, f"{member},") == [(1, 0)]
    assert len(re.findall("quarantine: raw table", said)) == 1
    assert "raw table engagements: 1 of " in said
    for table in ("members", "impressions", "engagements", "member_profile_skills", "job_views", "email_sends"):
        assert warehouse.query(f"select count(*) from staging.stg_{table} where member_id = ?", member) == [(0,)]
    assert warehouse.query("select count(*) from staging.stg_members") == [(199,)]
    assert warehouse.query("select count(*) from staging.stg_engagements")[0][0] > 100


def test_events_older_than_retention_days_are_not_read(tiny_raw, tmp_path):
    warehouse = Warehouse(tmp_path / "kept")
    warehouse.dbt("run", "--select", "staging", raw_location=tiny_raw, retention_days=7)
    first = "(select as_of_date - 7 from staging.as_of_date)"
    events = {
        "impressions": "served_at", "engagements": "engaged_at", "autoplays": "played_at", "email_sends": "sent_at",
        "dismissals": "dismissed_at", "job_views": "viewed_at", "followed_skills": "followed_at",
    }  # fmt: skip
    for table, column in events.items():
        kept = f"select count(*), min({column}) >= {first} from staging.stg_{table}"
        wanted = f"select count(*), count(*) > 0 or null from '{tiny_raw}/{table}.parquet' where {column} >= {first}"
        assert warehouse.query(kept) == warehouse.query(wanted), table
    assert warehouse.query("select count(*) from staging.stg_impressions")[0][0] > 100
    assert warehouse.query("select as_of_date from staging.as_of_date") == warehouse.query(
        f"select max(served_at)::date + 1 from '{tiny_raw}/impressions.parquet'"
    )
    assert warehouse.query("select count(*) from staging.stg_members") == [(200,)]
    assert warehouse.query("from staging.quarantine") == []
