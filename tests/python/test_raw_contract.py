"""What becomes of a user's raw folder that is broken, odd or bare: a clear stop, quarantined rows, or a good build."""

import json
import re
import shutil
from pathlib import Path

import duckdb
import pytest
from conftest import ROOT, Warehouse
from relevance.raw import RawDataError, find_raw_tables

# right to left, Chinese, emoji, doubled quotes, commas and line breaks, and a # at the beginning of a line
ODD_TITLE = '# 数据,工程 "入门" 😀\nالعربية: تعلّم البرمجة\r\nthird; line\tof 3'
ODD_NAME = "مهندس بيانات 👩‍💻,\n数据 \"工程师\""


def read(sql: str, *parameters) -> list[tuple]:
    with duckdb.connect() as connection:
        return connection.execute(sql, list(parameters)).fetchall()


def rewrite(folder: Path, table: str, select: str, to: str = "", options: str = "") -> Path:
    """Replaces a Parquet table of the folder by a query of it (as `raw`), in the file `to`."""
    old, new = folder / f"{table}.parquet", folder / (to or f"{table}.parquet")
    new.parent.mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("create table raw as from read_parquet(?)", [str(old)])
        if new.parent == folder:
            old.unlink()
        connection.execute(f"copy ({select}) to '{str(new).replace(chr(39), chr(39) * 2)}' ({options})")
    return new


def as_text(folder: Path, table: str, change=lambda text: text, encoding: str = "utf-8") -> None:
    """Turns a Parquet table into a CSV file, changed as text."""
    path = rewrite(folder, table, "from raw", to=f"{table}.csv", options="header")
    path.write_bytes(change(path.read_text("utf-8")).encode(encoding))


@pytest.fixture
def raw(tiny_raw, tmp_path) -> Path:
    """A copy of the raw folder, to be broken."""
    return Path(shutil.copytree(tiny_raw, tmp_path / "raw"))


@pytest.fixture(scope="module")
def contract_warehouse(tmp_path_factory) -> Warehouse:
    """Only the contract, as rows and in dbt's manifest."""
    warehouse = Warehouse(tmp_path_factory.mktemp("contract"))
    warehouse.dbt("build", "--select", "raw_contract")
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
    "Parquet file of 0 bytes": (empty_file("members", ".parquet"), ["raw table members: ", "cannot be read", "too small"]),
    "CSV file of 0 bytes": (empty_file("members", ".csv"), ["raw table members: ", "has none of its columns (0 rows"]),
    "optional CSV file of 0 bytes": (
        empty_file("skills", ".csv"),
        ["raw table skills: ", "has none of its columns (0 rows", "skill_id, name", "first line"],
    ),
    "CSV file without its header": (
        change_text("courses", "1,Excel\n2,Word\n"),
        ["raw table courses: ", "has none of its columns (1 rows under 1, excel)", "first line"],
    ),
    "header alone of a required table": (header_only("courses"), ["raw table courses: ", "has no rows", "at least one"]),
    "truncated Parquet file": (truncated, ["raw table impressions: ", "cannot be read", "write the file again"]),
    "Parquet file with a rotten page": (rotten_page, ["raw table impressions: ", "cannot be read", "write the file again"]),
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
    "CSV file in UTF-16": (utf16, ["raw table courses: ", "cannot be read", "is UTF-8"]),
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


def test_dbt_shows_the_words_and_publishes_nothing(tmp_path, raw):
    change_type("impressions", "member_id", "[member_id]")(raw)
    warehouse = Warehouse(tmp_path / "warehouse")
    done = warehouse.dbt("build", check=False, raw_location=str(raw))
    assert done.returncode != 0
    assert "raw table impressions, column member_id is BIGINT[] in" in done.stdout
    assert "Remedy: cast it when you write the file." in done.stdout
    assert not warehouse.published_file.exists()


# ---- a folder that is odd but fine ----


@pytest.fixture(scope="module")
def odd_raw(tiny_raw, tmp_path_factory) -> Path:
    """Everything that is allowed at once, under a path with a quote, spaces and brackets."""
    folder = Path(shutil.copytree(tiny_raw, tmp_path_factory.mktemp("odd") / "it's a [raw] folder"))
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
        rewrite(folder, "impressions", f"select {select} from raw where impression_id % 3 = {part}", f"impressions/{part}.parquet")
    for part, ending in enumerate([".csv.gz", ".csv.gz"]):
        rewrite(folder, "engagements", f"from raw where member_id % 2 = {part}", f"engagements/{part}{ending}", "header")
    for table in ("impressions", "engagements"):
        (folder / f"{table}.parquet").unlink()
    # keys as doubles, in capitals
    rewrite(folder, "dismissals", "select member_id::double as MEMBER_ID, course_id::double as Course_Id, dismissed_at from raw")
    rewrite(folder, "editors_picks", "select course_id::decimal(18, 2) as course_id, picked_date from raw")
    as_text(folder, "category_skills", lambda text: text.splitlines()[0] + "\n")  # an optional table without rows
    (folder / "notes.txt").write_text("not a table")
    return folder


@pytest.fixture(scope="module")
def odd(odd_raw, tmp_path_factory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("odd_warehouse"))
    warehouse.dbt("build", raw_location=str(odd_raw))
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
    assert odd.query(f"select {key} from staging.stg_engagements order by all") == read(f"select {key} from read_parquet(?) order by all", path)
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
    "members": "member_id::double as member_id, is_job_seeker::varchar as is_job_seeker, joined_date::varchar as joined_date",
    "followed_skills": "followed_at::varchar as followed_at",
    "course_sections": "section_number::decimal(9, 1) as section_number",
    "skill_aliases": "skill_id::varchar as skill_id",
}
# table, changes to a good row, row_key, column_name, reason
REFUSED = [
    ("members", {"member_id": "null"}, "?", "member_id", "missing member_id"),
    ("members", {"member_id": "'nan'"}, "?", "member_id", "missing member_id"),
    ("members", {"member_id": "'inf'"}, "inf", "member_id", "member_id is not a bigint"),
    ("members", {"member_id": "42.5"}, "42.5", "member_id", "member_id is not a bigint"),
    ("members", {"member_id": "8001", "is_job_seeker": "'perhaps'"}, "8001.0", "is_job_seeker", "is_job_seeker is not a boolean"),
    ("members", {"member_id": "8002", "joined_date": "'31/12/2020'"}, "8002.0", "joined_date", "joined_date is not a date"),
    # identical rows, and one that says something else
    ("members", {"member_id": "9000"}, None, None, None),
    ("members", {"member_id": "9000"}, "9000.0", "member_id", "duplicate key"),
    ("members", {"member_id": "9000"}, "9000.0", "member_id", "duplicate key"),
    ("members", {"member_id": "9000", "title": "'zzz'"}, "9000.0", "member_id", "duplicate key"),
    ("members", {"member_id": "9001", "joined_date": "'infinity'"}, None, None, None),
    ("courses", {"course_id": "8000", "title": "null"}, "8000", "title", "missing title"),
    ("courses", {"course_id": "8001", "title": "'   '"}, "8001", "title", "missing title"),
    ("courses", {"course_id": "8002", "duration_seconds": "-1"}, "8002", "duration_seconds", "duration_seconds below 0"),
    ("courses", {"course_id": "8003", "duration_seconds": "'inf'"}, "8003", "duration_seconds", "duration_seconds is not finite"),
    # NaN is no value: the course stays, without a duration
    ("courses", {"course_id": "9000", "duration_seconds": "'nan'", "title": "'No duration'"}, None, None, None),
    # of two rows with one key the sound one stays, whichever comes first
    ("courses", {"course_id": "9001", "intro_video_seconds": "-9", "title": "'A'"}, "9001", "intro_video_seconds", "intro_video_seconds below 0"),
    ("courses", {"course_id": "9001", "title": "'B'"}, None, None, None),
    ("courses", {"course_id": "9002", "released_date": "'infinity'"}, None, None, None),
    ("courses", {"course_id": "9003", "released_date": "'-infinity'"}, None, None, None),
    ("impressions", {"impression_id": "null"}, "?", "impression_id", "missing impression_id"),
    ("impressions", {"impression_id": "800000", "member_id": "777777"}, "800000", "member_id", "unknown member_id"),
    ("impressions", {"impression_id": "800001", "course_id": "777777"}, "800001", "course_id", "unknown course_id"),
    # a course that was refused itself is unknown to others
    ("impressions", {"impression_id": "800002", "course_id": "8000"}, "800002", "course_id", "unknown course_id"),
    ("impressions", {"impression_id": "800003", "served_at": "'1970-01-01'"}, "800003", "served_at", "served_at out of range"),
    ("impressions", {"impression_id": "800004", "served_at": "'2999-12-31'"}, "800004", "served_at", "served_at out of range"),
    ("impressions", {"impression_id": "800005", "served_at": "'infinity'"}, "800005", "served_at", "served_at out of range"),
    ("impressions", {"impression_id": "800006", "propensity": "1.5"}, "800006", "propensity", "propensity above 1"),
    ("impressions", {"impression_id": "800007", "propensity": "-0.1"}, "800007", "propensity", "propensity below 0"),
    ("impressions", {"impression_id": "800008", "propensity": "'-inf'"}, "800008", "propensity", "propensity is not finite"),
    ("impressions", {"impression_id": "800009", "position": "0"}, "800009", "position", "position below 1"),
    ("impressions", {"impression_id": "800010", "channel": "null"}, "800010", "channel", "missing channel"),
    ("impressions", {"impression_id": "900000", "propensity": "'nan'"}, None, None, None),
    ("impressions", {"impression_id": "900001", "propensity": "0", "is_random": "true"}, None, None, None),
    ("impressions", {"impression_id": "900002", "served_at": "'1995-01-01'"}, None, None, None),
    ("engagements", {"action": "'like'", "engaged_at": "'2024-01-01'"}, "1, 1, like, 2024-01-01 00:00:00", "action", "action is none of click, watch, bookmark"),
    ("engagements", {"action": "'watch'", "watch_seconds": "-5", "engaged_at": "'2024-01-01'"}, "1, 1, watch, 2024-01-01 00:00:00", "watch_seconds", "watch_seconds below 0"),
    ("engagements", {"action": "'watch'", "engaged_at": "'2999-01-01'"}, "1, 1, watch, 2999-01-01 00:00:00", "engaged_at", "engaged_at out of range"),
    ("engagements", {"action": "'watch'", "member_id": "null", "engaged_at": "'2024-01-01'"}, "?, 1, watch, 2024-01-01 00:00:00", "member_id", "missing member_id"),
    ("autoplays", {"impression_id": "800000", "autoplay_seconds": "-1"}, "800000", "autoplay_seconds", "autoplay_seconds below 0"),
    ("autoplays", {"impression_id": "800001", "autoplay_seconds": "'nan'"}, "800001", "autoplay_seconds", "missing autoplay_seconds"),
    ("course_skill_curation", {"verdict": "'maybe'", "skill_id": "5"}, "1, 5", "verdict", "verdict is none of add, remove"),
    ("course_categories", {"category_id": "777"}, "1, 777", "category_id", "unknown category_id"),
    ("member_profile_skills", {"entry_number": "800", "entry_kind": "'guessed'"}, "1, 800", "entry_kind", "entry_kind is none of picked, typed"),
    ("member_profile_skills", {"entry_number": "801", "skill_id": "777777"}, "1, 801", "skill_id", "unknown skill_id"),
    ("skill_similarities", {"related_skill_id": "1", "similarity": "1.01"}, "1, 1", "similarity", "similarity above 1"),
    ("skill_aliases", {"alias": "'zz'", "skill_id": "'42.5'"}, "zz, 42.5", "skill_id", "skill_id is not a bigint"),
    ("skill_aliases", {"alias": "'zz'", "skill_id": "'42.0'"}, None, None, None),
    ("followed_skills", {"skill_id": "1", "followed_at": "'yesterday'"}, "1, 1", "followed_at", "followed_at is not a timestamp"),
    ("course_sections", {"section_number": "1.5"}, "1, 1.5", "section_number", "section_number is not a bigint"),
    ("course_sections", {"section_number": "0"}, "1, 0.0", "section_number", "section_number below 1"),
    ("dismissals", {"course_id": "777777"}, "1, 777777", "course_id", "unknown course_id"),
    ("dismissals", {"course_id": "777778"}, "1, 777778", "course_id", "unknown course_id"),
    ("dismissals", {"member_id": "null", "course_id": "1"}, "?, 1", "member_id", "missing member_id"),
    ("email_sends", {"send_id": "800000", "member_id": "777777"}, "800000", "member_id", "unknown member_id"),
]  # fmt: skip
EXPECTED = sorted({(table, *refused) for table, _, *refused in REFUSED if refused[0]})


@pytest.fixture(scope="module")
def dirty_raw(tiny_raw, tmp_path_factory) -> Path:
    """A good folder with the rows above among its own, and with a member and a course of whom next to nothing is known."""
    folder = Path(shutil.copytree(tiny_raw, tmp_path_factory.mktemp("dirty") / "raw"))
    for table in {row[0] for row in REFUSED}:
        typed = f"select * replace ({RETYPED[table]}) from raw" if table in RETYPED else "from raw"
        rows = [f"({typed})"]
        for _, changes, *_ in (row for row in REFUSED if row[0] == table):
            known = read("select column_name, column_type from (describe from read_parquet(?))", str(folder / f"{table}.parquet"))
            kept = {"member_id": "1", "course_id": "1"} if table not in ("members", "courses") else {}
            kinds = dict(known)
            new = {name: value for name, value in {**kept, **changes}.items() if name in kinds}
            changed = ", ".join(f"cast({value} as kind_of.{name}) as {name}" for name, value in new.items())
            rows.append((changed, new))
        with duckdb.connect() as connection:
            connection.execute("create table raw as from read_parquet(?)", [str(folder / f"{table}.parquet")])
            connection.execute(f"create table written as {typed}")
            for _, new in rows[1:]:
                connection.execute("create or replace temp table one as from written order by all limit 1")
                for name, value in new.items():
                    connection.execute(f"update one set {name} = {value}")
                connection.execute("insert into written from one")
            if table == "members":
                connection.execute("insert into written by name select 9100 as member_id")
            if table == "courses":
                connection.execute("insert into written by name select 9100 as course_id, 'Only a title' as title")
            connection.execute(f"copy written to '{folder / table}.parquet'")
    return folder


@pytest.fixture(scope="module")
def stopped(odd, dirty_raw) -> dict:
    """A build with too many bad rows, in the place where an earlier one has published."""
    question = "from recommend(1, 'feed')"
    before = odd.published(question), odd.published("select version from serving.publication")
    done = odd.dbt("build", check=False, raw_location=str(dirty_raw))
    after = odd.published(question), odd.published("select version from serving.publication")
    return {"done": done, "before": before, "after": after}


@pytest.fixture(scope="module")
def dirty(odd, stopped, dirty_raw) -> Warehouse:
    """The complete pipeline on the dirty folder, in the place of the one that was stopped."""
    odd.dbt("build", raw_location=str(dirty_raw), max_quarantine_share=0.3)
    return odd
