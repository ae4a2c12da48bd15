"""What becomes of a user's raw folder that is broken, odd or bare: a clear stop, quarantined rows, or a good build."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from conftest import ROOT, WITHOUT_TESTS, Warehouse
from relevance.privacy import forget
from relevance.raw import RawDataError, find_raw_tables

# right to left, Chinese, emoji, doubled quotes, commas and line breaks, and a # at the beginning of a line
ODD_TITLE = '# 数据,工程 "入门" 😀\nالعربية: تعلّم البرمجة\r\nthird; line\tof 3'
ODD_NAME = 'مهندس بيانات 👩‍💻,\n数据 "工程师"'
SERVED = (*WITHOUT_TESTS, "--select", "+publication")  # what a published file is made of


def read(sql: str, *parameters) -> list[tuple]:
    with duckdb.connect() as connection:
        return connection.execute(sql, list(parameters)).fetchall()


def rewrite(folder: Path, table: str, select: str, to: str = "", options: str = "format parquet") -> Path:
    """Replaces a Parquet table of the folder by a query of it (as `raw`), in the file `to`."""
    old, new = folder / f"{table}.parquet", folder / (to or f"{table}.parquet")
    new.parent.mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("create table raw as from read_parquet(?)", [str(old)])
        if new.parent == folder:
            old.unlink()
        connection.execute(f"copy ({select}) to '{new}' ({options})")
    return new


def as_text(folder: Path, table: str, change=lambda text: text, encoding: str = "utf-8") -> None:
    """Turns a Parquet table into a CSV file, changed as text."""
    path = rewrite(folder, table, "from raw", to=f"{table}.csv", options="header")
    path.write_bytes(change(path.read_text("utf-8")).encode(encoding))


@pytest.fixture
def raw(tiny_raw, tmp_path) -> Path:
    """A copy of the raw folder, to be broken."""
    return Path(shutil.copytree(tiny_raw, tmp_path / "raw"))


def failed_build(warehouse: Warehouse, location: Path, *arguments: str) -> None:
    """A build that has to stop; what dbt says is then in words.txt."""
    done = warehouse.dbt("build", *arguments, check=False, raw_location=location)
    assert done.returncode != 0
    (warehouse.folder / "words.txt").write_text(" ".join(done.stdout.split()))


@pytest.fixture(scope="module")
def contract_warehouse(tiny_raw, tmp_path_factory) -> Warehouse:
    """The contract as rows and in dbt's manifest, built before the check of the files stopped."""
    folder = Path(shutil.copytree(tiny_raw, tmp_path_factory.mktemp("stops") / "raw"))
    change_type("impressions", "member_id", "[member_id]")(folder)
    warehouse = Warehouse(tmp_path_factory.mktemp("contract"))
    failed_build(warehouse, folder, "--select", "+raw_files")
    return warehouse


def stop_of(warehouse: Warehouse, location: Path) -> str:
    """The words with which the model raw_files stops; a test below sees that dbt shows them."""
    with duckdb.connect(str(warehouse.file), read_only=True) as session:
        with pytest.raises(RawDataError) as stopped:
            find_raw_tables(str(location), session.table("staging.raw_contract"), session)
        return str(stopped.value)


# ---- files that cannot be read ----


def remove_all(raw: Path) -> None:
    for path in raw.iterdir():
        path.unlink()


def drop_column(table: str, column: str):
    return lambda raw: rewrite(raw, table, f"select * exclude ({column}) from raw")


def change_type(table: str, column: str, expression: str):
    return lambda raw: rewrite(raw, table, f"select * replace ({expression} as {column}) from raw")


def empty_file(table: str, ending: str):
    def broken(raw: Path) -> None:
        (raw / f"{table}.parquet").unlink()
        (raw / f"{table}{ending}").write_bytes(b"")

    return broken


def header_only(table: str):
    return lambda raw: as_text(raw, table, lambda text: text.splitlines()[0] + "\n")


def truncated(raw: Path) -> None:
    path = raw / "impressions.parquet"
    path.write_bytes(path.read_bytes()[:-100])


def rotten_page(raw: Path) -> None:
    path = raw / "impressions.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 4 : len(data) // 4 + 2000] = bytes(range(250)) * 8
    path.write_bytes(data)


def rotten_part(raw: Path) -> None:
    rewrite(raw, "impressions", "from raw limit 10", to="impressions/part-0.parquet")
    (raw / "impressions.parquet").rename(raw / "impressions" / "part-1.parquet")
    (raw / "impressions" / "part-2.parquet").write_bytes(b"PAR1 but nothing else PAR1")


def late_quote(raw: Path) -> None:
    """Unterminated only behind what a reader looks at first."""
    rows = "".join(f"{i},Title {i}\n" for i in range(100_000))
    as_text(raw, "courses", lambda text: f'course_id,title\n{rows}100000,"Open\n')


def twice(raw: Path) -> None:
    (raw / "members.csv").write_text("member_id\n1\n")


def utf16(raw: Path) -> None:
    as_text(raw, "courses", encoding="utf-16")


def latin1(raw: Path) -> None:
    as_text(raw, "skills", lambda text: "skill_id,name\n1,Café\n2,Tea\n", encoding="latin-1")


def change_text(table: str, text: str):
    return lambda raw: as_text(raw, table, lambda _: text)


UNREADABLE = {
    "folder that does not exist": (shutil.rmtree, ["raw_location", "there is no such folder", "members and courses"]),
    "folder without any table": (remove_all, ["raw_location", "no raw table found", "members and courses"]),
    "required table missing": (
        lambda raw: (raw / "courses.parquet").unlink(),
        ["raw table courses is missing", "courses.csv.gz", "course_id, title"],
    ),
    "required column missing": (
        drop_column("impressions", "served_at"),
        ["raw table impressions, column served_at (timestamp: When) is missing", "which has impression_id, member_id"],
    ),
    "list for a text": (
        change_type("members", "title", "[title]"),
        ["raw table members, column title is VARCHAR[]", "(200 rows)", "asks for varchar"],
    ),
    "struct for a key": (
        change_type("courses", "course_id", "{'id': course_id}"),
        ["raw table courses, column course_id is STRUCT(id BIGINT)", "(100 rows)", "asks for bigint"],
    ),
    "bytes for a text": (
        change_type("skills", "name", "encode(name)"),
        ["raw table skills, column name is BLOB", "(1000 rows)", "asks for varchar"],
    ),
    "number for a time": (
        change_type("impressions", "served_at", "epoch(served_at)"),
        ["raw table impressions, column served_at is DOUBLE", " rows)", "asks for timestamp"],
    ),
    "number for a day": (
        change_type("courses", "released_date", "20240101"),
        ["raw table courses, column released_date is INTEGER", "(100 rows)", "asks for date"],
    ),
    "time for a number": (
        change_type("courses", "duration_seconds", "timestamp '2024-01-01'"),
        ["raw table courses, column duration_seconds is TIMESTAMP", "(100 rows)", "asks for double"],
    ),
    "Parquet file of 0 bytes": (
        empty_file("members", ".parquet"),
        ["raw table members: ", "cannot be read", "too small"],
    ),
    "CSV file of 0 bytes": (empty_file("members", ".csv"), ["raw table members: ", "has none of its columns (0 rows"]),
    "optional CSV file of 0 bytes": (
        empty_file("skills", ".csv"),
        ["raw table skills: ", "has none of its columns (0 rows", "skill_id, name", "first line"],
    ),
    "CSV file without its header": (
        change_text("courses", "1,Excel\n2,Word\n"),
        ["raw table courses: ", "has none of its columns (1 rows under 1, excel)", "first line"],
    ),
    "header alone of a required table": (
        header_only("courses"),
        ["raw table courses: ", "has no rows", "at least one"],
    ),
    "truncated Parquet file": (truncated, ["raw table impressions: ", "cannot be read", "write the file again"]),
    "Parquet file with a rotten page": (
        rotten_page,
        ["raw table impressions: ", "cannot be read", "write the file again"],
    ),
    "rotten part of a table in parts": (rotten_part, ["raw table impressions: ", "cannot be read", "part-2.parquet"]),
    "quote that never ends": (
        change_text("courses", 'course_id,title\n1,Excel\n2,"Word\n3,Access\n'),
        ["raw table courses: ", "cannot be read", "Line: 3", "unterminated quote", "correct that line"],
    ),
    "quote that never ends, far below": (late_quote, ["raw table courses: ", "Line: 100002", "unterminated quote"]),
    "row with a value too many": (
        change_text("courses", "course_id,title\n1,Excel\n2,Word, for you\n3,Access\n"),
        ["raw table courses: ", "Line: 3", "Expected Number of Columns: 2 Found: 3", "double quotes"],
    ),
    "semicolons for commas": (
        change_text("courses", "course_id;title\n1;Excel\n"),
        ["raw table courses: ", "course_id;title", "with the columns course_id, title"],
    ),
    "CSV file in Latin-1": (latin1, ["raw table skills: ", "cannot be read", "not utf-8", "iconv -f LATIN1 -t UTF-8"]),
    "CSV file in UTF-16": (utf16, ["raw table courses: ", "cannot be read", "not utf-8", "convert it to UTF-8"]),
    "course_categories without categories": (
        lambda raw: (raw / "categories.parquet").unlink(),
        ["column category_id: it refers to the table categories, which is missing", "add categories.parquet"],
    ),
    "a table as Parquet and as CSV": (twice, ["raw table members is there more than once", "members.csv", "leave one"]),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_files_that_cannot_be_read_stop_with_table_column_and_remedy(case, contract_warehouse, raw):
    breaks, words = UNREADABLE[case]
    breaks(raw)
    message = stop_of(contract_warehouse, raw)
    assert message.startswith(("raw table", "raw_location"))
    assert [word for word in [*words, "Remedy: "] if word not in message] == [], message
    assert len(message) < 700


def test_dbt_shows_the_words(contract_warehouse):
    words = (contract_warehouse.folder / "words.txt").read_text()
    assert "raw table impressions, column member_id is BIGINT[] in" in words
    assert "Remedy: cast it when you write the file." in words


# ---- a folder that is odd but fine ----


@pytest.fixture(scope="module")
def odd_raw(tiny_raw, tmp_path_factory) -> Path:
    """Everything that is allowed at once, under a path with a quote, spaces and brackets."""
    folder = Path(shutil.copytree(tiny_raw, tmp_path_factory.mktemp("odd") / "raw"))
    quoted = {name: text.replace("'", "''") for name, text in (("title", ODD_TITLE), ("name", ODD_NAME))}
    title = f"case course_id when 1 then '{quoted['title']}' else title end as title"
    rewrite(folder, "courses", f"select * replace ({title}) from raw", "courses.csv.gz", "header, compression gzip")
    name = f"case member_id when 1 then '{quoted['name']}' else title end as title"
    members = rewrite(folder, "members", f"select * replace ({name}) from raw", "members.csv", "header")
    members.write_bytes(b"\xef\xbb\xbf" + members.read_bytes())
    skill = f"case skill_id when 1 then '{quoted['name']}' else name end as name"
    rewrite(folder, "skills", f"select * replace ({skill}) from raw", "skills.csv", "header")
    # parts, one with its columns in another order and one without an optional column
    for part, select in enumerate(["* ", "served_at, * exclude (served_at)", "* exclude (variant)"]):
        third = f"select {select} from raw where impression_id % 3 = {part}"
        rewrite(folder, "impressions", third, f"impressions/{part}.parquet")
    for part in range(2):
        rewrite(folder, "engagements", f"from raw where member_id % 2 = {part}", f"engagements/{part}.csv.gz", "header")
    for table in ("impressions", "engagements"):
        (folder / f"{table}.parquet").unlink()
    # keys as doubles, in capitals
    keys = "member_id::double as MEMBER_ID, course_id::double as Course_Id"
    rewrite(folder, "dismissals", f"select {keys}, dismissed_at from raw")
    rewrite(folder, "editors_picks", "select * replace (course_id::decimal(18, 2) as course_id) from raw")
    as_text(folder, "category_skills", lambda text: text.splitlines()[0] + "\n")  # an optional table without rows
    (folder / "notes.txt").write_text("not a table")
    return folder.rename(folder.with_name("it's a [raw] folder"))


@pytest.fixture(scope="module")
def odd(odd_raw, tmp_path_factory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("odd_warehouse"))
    warehouse.dbt("build", *SERVED, raw_location=odd_raw)
    return warehouse


def everybody_is_served(warehouse: Warehouse) -> bool:
    """Whether exactly the staged members are published, each with courses in the feed."""
    staged = {member for (member,) in warehouse.query("select member_id from staging.stg_members")}
    served = warehouse.published(
        "select member_id, len(rankings[treatments['feed']]) from serving.recommendation_store"
    )
    return staged == {member for member, _ in served} and all(courses > 0 for _, courses in served)


def test_odd_but_allowed_files_lose_no_row(odd, tiny_raw):
    assert odd.query("from staging.quarantine") == []
    for table in ("members", "courses", "skills", "impressions", "engagements", "dismissals", "editors_picks"):
        rows = read("select count(*) from read_parquet(?)", str(tiny_raw / f"{table}.parquet"))
        assert odd.query(f"select count(*) from staging.stg_{table}") == rows, table
    assert odd.query("select count(*) from staging.stg_category_skills") == [(0,)]
    assert everybody_is_served(odd)


def test_times_as_text_and_as_timestamps_are_the_same(odd, tiny_raw):
    path = str(tiny_raw / "engagements.parquet")
    key = "member_id, course_id, action, engaged_at"
    original = read(f"select {key} from read_parquet(?) order by all", path)
    assert odd.query(f"select {key} from staging.stg_engagements order by all") == original
    last = max(read("select max(served_at)::date + 1 from read_parquet(?)", str(tiny_raw / "impressions.parquet")))
    assert odd.query("select as_of_date from staging.as_of_date") == [last]


def test_texts_of_every_script_reach_the_published_file_unharmed(odd):
    shown = odd.published("select title from recommend(1, 'feed', top_k := 200) where course_id = 1")
    shown += odd.published("select title from serving.course_cards where course_id = 1")
    assert set(shown) == {(ODD_TITLE,)}
    assert odd.published("select name from serving.skill_names where skill_id = 1") == [(ODD_NAME,)]
    assert odd.query("select title from staging.stg_members where member_id = 1") == [(ODD_NAME,)]


# ---- rows that go to quarantine ----

# table -> columns written in another type
RETYPED = {
    "members": "member_id::double as member_id, is_job_seeker::varchar as is_job_seeker, "
    "joined_date::varchar as joined_date",
    "followed_skills": "followed_at::varchar as followed_at",
    "course_sections": "section_number::decimal(9, 1) as section_number",
    "skill_aliases": "skill_id::varchar as skill_id",
}
# table -> changes to its first row, and for each the row_key, column_name and reason of the changed row
REFUSED = {
    "members": [
        ("member_id = null", "?", "member_id", "missing member_id"),
        ("member_id = 'nan'", "?", "member_id", "missing member_id"),
        ("member_id = 'inf'", "inf", "member_id", "member_id is not a bigint"),
        ("member_id = 42.5", "42.5", "member_id", "member_id is not a bigint"),
        ("member_id = 8001, is_job_seeker = 'perhaps'", "8001.0", "is_job_seeker", "is_job_seeker is not a boolean"),
        ("member_id = 8002, joined_date = '31/12/2020'", "8002.0", "joined_date", "joined_date is not a date"),
        # with the sound row below: identical ones, and one that says something else
        ("member_id = 9000", "9000.0", "member_id", "duplicate key"),
        ("member_id = 9000", "9000.0", "member_id", "duplicate key"),
        ("member_id = 9000, title = 'zzz'", "9000.0", "member_id", "duplicate key"),
    ],
    "courses": [
        ("course_id = 8000, title = null", "8000", "title", "missing title"),
        ("course_id = 8001, title = '   '", "8001", "title", "missing title"),
        ("course_id = 8002, duration_seconds = -1", "8002", "duration_seconds", "duration_seconds below 0"),
        ("course_id = 8003, duration_seconds = 'inf'", "8003", "duration_seconds", "duration_seconds is not finite"),
        ("course_id = 9001, intro_video_seconds = -9", "9001", "intro_video_seconds", "intro_video_seconds below 0"),
    ],
    "impressions": [
        ("impression_id = null", "?", "impression_id", "missing impression_id"),
        ("impression_id = 800000, member_id = 777777", "800000", "member_id", "unknown member_id"),
        ("impression_id = 800001, course_id = 777777", "800001", "course_id", "unknown course_id"),
        # a course that was refused itself is unknown to others
        ("impression_id = 800002, course_id = 8000", "800002", "course_id", "unknown course_id"),
        ("impression_id = 800003, served_at = '1970-01-01'", "800003", "served_at", "served_at out of range"),
        ("impression_id = 800004, served_at = '2999-12-31'", "800004", "served_at", "served_at out of range"),
        ("impression_id = 800005, served_at = 'infinity'", "800005", "served_at", "served_at out of range"),
        ("impression_id = 800006, propensity = 1.5", "800006", "propensity", "propensity above 1"),
        ("impression_id = 800007, propensity = -0.1", "800007", "propensity", "propensity below 0"),
        ("impression_id = 800008, propensity = '-inf'", "800008", "propensity", "propensity is not finite"),
        ("impression_id = 800009, position = 0", "800009", "position", "position below 1"),
        ("impression_id = 800010, channel = null", "800010", "channel", "missing channel"),
    ],
    "engagements": [
        ("action = 'like', {key}", "1, 1, like, {at}", "action", "action is none of click, watch, bookmark"),
        ("action = 'watch', watch_seconds = -5, {key}", "1, 1, watch, {at}", "watch_seconds", "watch_seconds below 0"),
        ("action = null, {key}", "1, 1, ?, {at}", "action", "missing action"),
    ],
    "autoplays": [
        ("impression_id = 80, autoplay_seconds = -1", "80", "autoplay_seconds", "autoplay_seconds below 0"),
        ("impression_id = 80, autoplay_seconds = 'nan'", "80", "autoplay_seconds", "missing autoplay_seconds"),
    ],
    "course_skill_curation": [
        ("course_id = 1, skill_id = 5, verdict = 'maybe'", "1, 5", "verdict", "verdict is none of add, remove"),
    ],
    "course_categories": [("course_id = 1, category_id = 777", "1, 777", "category_id", "unknown category_id")],
    "member_profile_skills": [
        (
            "member_id = 1, entry_number = 8, entry_kind = '?'",
            "1, 8",
            "entry_kind",
            "entry_kind is none of picked, typed",
        ),
        ("member_id = 1, entry_number = 81, skill_id = 7777", "1, 81", "skill_id", "unknown skill_id"),
    ],
    "skill_similarities": [
        ("skill_id = 1, related_skill_id = 1, similarity = 1.01", "1, 1", "similarity", "similarity above 1"),
    ],
    "skill_aliases": [("alias = 'zz', skill_id = '42.5'", "zz, 42.5", "skill_id", "skill_id is not a bigint")],
    "followed_skills": [
        ("member_id = 1, skill_id = 1, followed_at = 'soon'", "1, 1", "followed_at", "followed_at is not a timestamp"),
    ],
    "course_sections": [
        ("course_id = 1, section_number = 1.5", "1, 1.5", "section_number", "section_number is not a bigint"),
        ("course_id = 1, section_number = 0", "1, 0.0", "section_number", "section_number below 1"),
    ],
    "dismissals": [
        ("member_id = 1, course_id = 777777", "1, 777777", "course_id", "unknown course_id"),
        ("member_id = 1, course_id = 777778", "1, 777778", "course_id", "unknown course_id"),
        ("member_id = null, course_id = 1", "?, 1", "member_id", "missing member_id"),
    ],
    "email_sends": [("send_id = 800000, member_id = 777777", "800000", "member_id", "unknown member_id")],
}
ENGAGED = {"key": "member_id = 1, course_id = 1, engaged_at = '2024-01-01'", "at": "2024-01-01 00:00:00"}
REFUSED["engagements"] = [tuple(word.format(**ENGAGED) for word in row) for row in REFUSED["engagements"]]
# changes that make a row odd, but sound
KEPT = {
    "members": ["member_id = 9000", "member_id = 9001, joined_date = 'infinity'"],
    "courses": [
        "course_id = 9000, duration_seconds = 'nan', title = 'No duration'",  # not a number is no value
        "course_id = 9001, title = 'Sound'",  # of two rows with one key the sound one stays
        "course_id = 9002, released_date = 'infinity'",
        "course_id = 9003, released_date = '-infinity'",
    ],
    "impressions": [
        "impression_id = 900000, propensity = 'nan'",
        "impression_id = 900001, propensity = 0, is_random = true",
        "impression_id = 900002, served_at = '1995-01-01'",
    ],
    "skill_aliases": ["alias = 'zz', skill_id = '42.0'"],
}
EXPECTED = Counter((table, *row[1:]) for table, rows in REFUSED.items() for row in rows)


@pytest.fixture(scope="module")
def dirty_raw(tiny_raw, tmp_path_factory) -> Path:
    """A good folder with the rows above among its own, a member with nothing but a key and a course with a title."""
    folder = Path(shutil.copytree(tiny_raw, tmp_path_factory.mktemp("dirty") / "raw"))
    for table, refused in REFUSED.items():
        with duckdb.connect() as connection:
            typed = f"* replace ({RETYPED[table]})" if table in RETYPED else "*"
            connection.execute(f"create table raw as select {typed} from read_parquet('{folder / table}.parquet')")
            connection.execute("create table first as from raw order by all limit 1")
            for changes in [*(row[0] for row in refused), *KEPT.get(table, [])]:
                connection.execute("create or replace table changed as from first")
                connection.execute(f"update changed set {changes}")
                connection.execute("insert into raw from changed")
            if table == "members":
                connection.execute("insert into raw by name select 9100 as member_id")
            if table == "courses":
                connection.execute("insert into raw by name select 9100 as course_id, 'Only a title' as title")
            connection.execute(f"copy raw to '{folder / table}.parquet'")
    return folder


@pytest.fixture(scope="module")
def stopped(odd, dirty_raw, tmp_path_factory) -> Warehouse:
    """A place where a good build has published, and a build of the dirty folder was stopped after that."""
    warehouse = odd.copy_to(tmp_path_factory.mktemp("dirty_warehouse") / "copy")
    failed_build(warehouse, dirty_raw, *WITHOUT_TESTS, "--select", "staging", "publication")
    return warehouse


@pytest.fixture(scope="module")
def dirty(stopped, dirty_raw, tmp_path_factory) -> Warehouse:
    """A build of the dirty folder, allowed by a larger share."""
    warehouse = stopped.copy_to(tmp_path_factory.mktemp("dirty_warehouse") / "copy")
    warehouse.dbt("build", *SERVED, raw_location=dirty_raw, max_quarantine_share=0.3)
    return warehouse


def test_too_many_bad_rows_stop_with_counts_per_reason_and_a_remedy(stopped, dirty_raw):
    words = (stopped.folder / "words.txt").read_text()
    assert (
        "raw table dismissals: 3 of 12 rows break the contract (unknown course_id: 2, for example key 1, 777777 with "
        "'777777'; missing member_id: 1, for example key ?, 1). That is more than max_quarantine_share = 0.05. Remedy: "
        "correct the rows, or let them go with --vars '{raw_location: raw_tables, max_quarantine_share: 0.25}'; "
        "staging.quarantine then lists every one."
    ) in words
    assert "id_type" not in words


def test_a_stopped_build_leaves_the_published_file_as_it_was(odd, stopped):
    question = "from recommend(2, 'feed')"
    assert stopped.published(question) == odd.published(question) != []
    assert stopped.published("select version from serving.publication") == [(1,)]


def test_a_larger_share_lets_the_same_folder_through(dirty):
    assert dirty.published("select version from serving.publication") == [(2,)]
    assert everybody_is_served(dirty)


@pytest.mark.parametrize("refused", EXPECTED, ids=lambda row: f"{row[0]}: {row[3]} ({row[1]})")
def test_bad_rows_are_in_quarantine_with_key_column_and_reason(dirty, refused):
    counted = dirty.query(
        "select count(*) from staging.quarantine "
        "where table_name = ? and row_key = ? and column_name = ? and reason = ?",
        *refused,
    )
    assert counted == [(EXPECTED[refused],)]


def test_nothing_else_is_in_quarantine(dirty):
    rows = Counter(dirty.query("select table_name, row_key, column_name, reason from staging.quarantine"))
    assert rows == EXPECTED


def test_odd_but_sound_rows_stay(dirty):
    assert dirty.query("select count(*) from staging.stg_members where member_id in (9000, 9001, 9100)") == [(3,)]
    assert dirty.query(
        "select course_id, duration_seconds is null from staging.stg_courses where course_id >= 8000 order by 1"
    ) == [(9000, True), (9001, False), (9002, False), (9003, False), (9100, True)]
    assert dirty.query("select title from staging.stg_courses where course_id = 9001") == [("Sound",)]
    assert dirty.query("select propensity from staging.stg_impressions where impression_id = 900000") == [(None,)]


def test_a_member_without_anything_is_recommended_a_course_without_anything(dirty):
    shown = dirty.published("select course_id, title from recommend(9100, 'feed', top_k := 200)")
    assert (9100, "Only a title") in shown
    assert 9002 not in [course for course, _ in shown]  # never released


def test_one_stray_future_time_does_not_move_the_day_of_the_lists(odd, dirty):
    day = "select as_of_date from staging.as_of_date"
    assert dirty.query(day) == odd.query(day)


DAY_OF_LOG = {
    # days of events from 2024-01-01 on, events per day, days (after 2024-01-01) and numbers of late events, last day
    "40 days behind the log": (100, 50, [(140, 1)], 99),
    "300 days behind the log": (100, 50, [(400, 2)], 99),
    "in the years 2099 and 2999": (100, 50, [(27394, 1), (356110, 1)], 99),
    "20 days behind the log, which may be true": (100, 50, [(119, 1)], 119),
    "a year of pause, then the greater part of the log": (10, 1, [(700, 20)], 700),
    "a small log with a pause": (20, 2, [(60, 1)], 60),
    "two days in all": (1, 1, [(1000, 1)], 1000),
    "no day at all": (0, 0, [], -1),
}


@pytest.mark.parametrize("case", DAY_OF_LOG)
def test_the_day_of_the_lists_follows_the_log_and_not_its_strays(case, dirty, dirty_raw):
    days, per_day, late, last = DAY_OF_LOG[case]
    # the compiled model, on another log
    sql = next((dirty.folder / "target").glob("compiled/**/models/staging/as_of_date.sql")).read_text()
    scans = re.findall(r"from (read_parquet\('.*?', union_by_name = true\))", sql)
    assert len(scans) == 2
    log = f"select date '2024-01-01' + cast(i as integer) as served_at from range({days}) as d(i), range({per_day})"
    log += " union all select date 'infinity'"
    for day, events in late:
        log += f" union all select date '2024-01-01' + {day} from range({events})"
    sql = sql.replace(scans[0], f"({log})").replace(scans[1], "(select null::timestamp as engaged_at)")
    assert read(f"select as_of_date - date '2024-01-01' - 1 from ({sql})") == [(last,)]


# ---- keys that are texts ----


def test_texts_as_keys_stop_with_the_setting_that_lets_them_in(text_keys, tmp_path):
    raw = text_keys.folder / "raw"
    warehouse = Warehouse(tmp_path)
    failed_build(warehouse, raw, "--select", "+stg_members", "+stg_courses")
    words = (warehouse.folder / "words.txt").read_text()
    for table, column, rows in (("members", "member_id", 200), ("courses", "course_id", 100)):
        assert f"raw table {table}: {rows} of {rows} rows break the contract ({column} is not a bigint: {rows}" in words
        remedy = "build with --vars '{raw_location: raw_tables, id_type: varchar}'"
        assert f"Remedy: if {column} is a text by nature, {remedy}" in words


def test_texts_as_keys_go_all_the_way_with_id_type_varchar(text_keys, odd):
    assert text_keys.query("from staging.quarantine") == []
    assert everybody_is_served(text_keys)
    member = text_keys.query("select max(member_id) from staging.stg_members")[0][0]
    shown = text_keys.published("select position, course_id from recommend(?, 'feed')", member)
    assert [position for position, _ in shown] == list(range(1, 11))
    assert all(course.startswith("course-é's-") for _, course in shown)
    assert text_keys.published("from recommend('nobody', 'feed')") == []
    # events still find one another
    matched = "select count(*), count(impression_id) from labels.engagements"
    assert text_keys.query(matched) == odd.query(matched)


def test_a_forgotten_member_stands_in_no_column_of_no_table_and_does_not_come_back(text_keys, tmp_path):
    """A UUID is nowhere by accident: whatever table the project has, or will have, this finds the member in it."""
    warehouse = Warehouse(tmp_path / "copy")
    shutil.copy(text_keys.file, warehouse.file)
    shutil.copytree(text_keys.published_file.parent, warehouse.published_file.parent)
    ((member,),) = text_keys.query(
        "select member_id from staging.stg_engagements group by 1 order by count(*) desc, 1 limit 1"
    )
    said = forget(warehouse.file, warehouse.published_file.parent, member)
    assert len([line for line in said if "rows removed from" in line]) > 50
    assert [line for line in said if "look at" in line] == []
    for file, tables in ((warehouse.file, 200), (warehouse.published_file, 20)):
        assert member.encode() not in file.read_bytes()
        with duckdb.connect(str(file), read_only=True) as connection:
            columns = connection.execute(
                "select schema_name || '.' || table_name, list(column_name) "
                "from duckdb_columns() semi join duckdb_tables() using (table_oid) group by 1"
            ).fetchall()
            assert len(columns) >= tables
            for table, names in columns:
                found = " or ".join(f"""contains(cast("{name}" as varchar), '{member}')""" for name in names)
                assert connection.execute(f"select count(*) from {table} where {found}").fetchall() == [(0,)], table
    warehouse.dbt("run", "--select", "staging", raw_location=text_keys.folder / "raw", id_type="varchar")
    assert warehouse.query("select count(*) from staging.stg_members") == [(199,)]
    assert warehouse.query("from staging.quarantine") == []
    assert member.encode() not in warehouse.file.read_bytes()


# ---- next to nothing ----


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Warehouse:
    """Members with nothing but a key and courses with nothing but a title."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "members.csv").write_text("member_id\n" + "".join(f"{i}\n" for i in range(1, 31)))
    (folder / "courses.csv").write_text("course_id,title\n" + "".join(f"{i},Course {i}\n" for i in range(1, 13)))
    warehouse = Warehouse(tmp_path_factory.mktemp("bare_warehouse"))
    warehouse.dbt("build", raw_location=folder)
    return warehouse


def test_members_and_courses_alone_give_everybody_a_list(bare):
    assert everybody_is_served(bare)
    assert bare.query("select count(*) from staging.stg_members") == [(30,)]
    for channel in ("feed", "home", "email"):
        assert len(bare.published("from recommend(30, ?, top_k := 12)", channel)) == 12


def test_without_a_log_metrics_are_empty_and_not_broken(bare):
    assert bare.query("from variants.offline_metrics") == []
    assert bare.query("from labels.examples") == []
    assert bare.query("from staging.quarantine") == []
    empty = bare.query("select distinct table_name from staging.raw_files order by 1")
    assert empty == [("courses",), ("members",)]


# ---- the contract itself ----


@pytest.fixture(scope="module")
def manifest(contract_warehouse) -> dict:
    return json.loads((contract_warehouse.folder / "target" / "manifest.json").read_text())


@pytest.fixture(scope="module")
def contract(manifest) -> dict[str, dict]:
    """Raw table -> its columns in dbt's manifest."""
    return {node["name"]: node["columns"] for node in manifest["sources"].values() if node["source_name"] == "raw"}


def test_the_macro_lists_the_tables_of_the_contract(contract):
    body = re.search(
        r"macro raw_tables\(\).*?endmacro", (ROOT / "dbt_project/macros/raw.sql").read_text(), re.S
    ).group()
    assert re.findall(r"'(\w+)'", body) == list(contract)


def test_every_raw_table_is_staged_with_the_references_of_the_contract(contract, manifest):
    for table, columns in contract.items():
        code = manifest["nodes"][f"model.course_recommender.stg_{table}"]["raw_code"]
        named, _, listed = re.fullmatch(r"\{\{ stage\('(\w+)'(, references=\[(.*)\])?\) \}\}", code.strip()).groups()
        declared = [column["config"]["meta"].get("references") for column in columns.values()]
        assert named == table
        assert re.findall(r"'(\w+)'", listed or "") == list(dict.fromkeys(name for name in declared if name)), table


def test_every_raw_table_has_a_key_that_may_not_be_null(contract):
    for table, columns in contract.items():
        keys = [column["config"]["meta"] for column in columns.values() if column["config"]["meta"].get("key")]
        assert [meta.get("required") for meta in keys] == [True] * len(keys) != [], table


def test_simulated_tables_have_exactly_the_columns_of_the_contract(contract, tiny_raw):
    assert {path.stem for path in tiny_raw.iterdir()} == set(contract)
    for table, columns in contract.items():
        found = read("select column_name from (describe from read_parquet(?))", str(tiny_raw / f"{table}.parquet"))
        assert [name for (name,) in found] == list(columns), table
