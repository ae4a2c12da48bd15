"""The example examples/catalogue: on a small generated catalogue, on bad input, and on two real catalogues that are
skipped where their folder is absent (CATALOGUE_DATA names another one)."""

import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import ROOT

DATA = Path(os.environ.get("CATALOGUE_DATA", ROOT / ".." / "shared" / "data"))
TAG_CATALOGUE = ROOT / "examples" / "catalogue" / "tag_catalogue.py"
SENTENCES = {
    "Excel": "Formulas add up the cells of a column, and a chart shows the rows of the sheet",
    "Word": "Headings give a letter its outline, and styles set the margins of each paragraph",
    "Outlook": "Messages wait in the inbox, and a meeting is put down in the calendar with a reminder",
}
YARDSTICK = "plain_classifier"
OPENINGS = ("Welcome to this lesson.", "In this video you learn more.", "Let us go on.", "Here is a short part.")


def tag(temporary: Path, *arguments: str | Path) -> subprocess.CompletedProcess:
    """Runs the script with `temporary` as the place for temporary files."""
    return subprocess.run(
        [sys.executable, TAG_CATALOGUE, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=temporary,
        env=os.environ | {"TMPDIR": str(temporary)},
    )


def f1(done: subprocess.CompletedProcess) -> dict[str, float]:
    """Name of each printed row -> F1. A row is a name, then three times value, low, high."""
    assert done.returncode == 0, done.stdout + done.stderr
    rows = re.findall(r"^(\w+) *((?: +[\d.]+| +nan){9})$", done.stdout, re.MULTILINE)
    return {name: float(values.split()[6]) for name, values in rows}


@pytest.fixture
def empty(tmp_path) -> Path:
    """A folder for temporary files; the test fails if something is left in it."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    yield folder
    assert list(folder.iterdir()) == []


def catalogue(file: Path) -> Path:
    """60 courses of three tags, one without text, one in Chinese, one untagged; ids and tags are texts."""
    ids, texts, tags = [], [], []
    for number in range(60):
        name = list(SENTENCES)[number % 3]
        ids.append(f"course-{number}")
        texts.append(f"{OPENINGS[number % 4]} {SENTENCES[name]}. {OPENINGS[(number // 4) % 4]}")
        tags.append(f"['{name}', '{name} ', '']")
    texts[0] = "  "
    texts[1], tags[1] = "欢迎学习本课程,我们介绍表格和图表", "['Excel', 'Rare tag']"
    texts[2], tags[2] = None, None
    tags[3] = "[]"
    tags[4] = "['Word', 'Excel']"
    pq.write_table(pa.table({"Key": ids, "Text": texts, "Tags": tags}), file)
    return file


MAPPING = ("course_id=key", "transcript=text", "tags=tags")
SMALL = ("--minimum", "5", "--folds", "2")


def test_a_small_catalogue_is_tagged(tmp_path, empty):
    done = tag(empty, catalogue(tmp_path / "catalogue.parquet"), *MAPPING, *SMALL)
    printed = f1(done)
    assert list(printed) == ["cs02", "cs03", "cs04", YARDSTICK]
    assert printed["cs04"] > 0.8
    assert "60 courses" in done.stdout
    assert "3 skills" in done.stdout


@pytest.mark.long
def test_parts_and_lists_of_a_csv_file_are_read(tmp_path, empty):
    file = tmp_path / "catalogue.csv"
    source = catalogue(tmp_path / "catalogue.parquet")
    duckdb.sql(
        f"""
        copy (
            select row_number() over () as id, 'Lesson' as name, text as about, [text, text] as chapters, tags
            from '{source}'
            where tags like '%Excel%' or tags like '%Word%'
        ) to '{file}'
        """
    )
    mapping = ("course_id=id", "title=name", "description=about+name", "section=chapters", "tags=tags")
    done = tag(empty, file, *mapping, *SMALL, "--where", "id <> 3")
    assert f1(done)["cs04"] > 0.8
    assert "title, description, section" in done.stdout


BAD_INPUT = {
    "missing file": (None, MAPPING, "no such file"),
    "not a table": (b"PK\x03\x04", MAPPING, "cannot be read"),
    "unknown column": ("", ("course_id=key", "transcript=speech", "tags=tags"), "has no column speech"),
    "unknown name": ("", (*MAPPING, "subtitle=text"), "'subtitle=text' is not NAME=COLUMN"),
    "tags not mapped": ("", MAPPING[:2], "no column given for tags"),
    "no text mapped": ("", (MAPPING[0], MAPPING[2]), "no column given for a text"),
    "bad condition": ("", (*MAPPING, "--where", "speech = 1"), "speech"),
    "no rows": ("", (*MAPPING, "--where", "false"), "none of its 0 tags is on 10 courses"),
    "no tag reaches the minimum": ("", (*MAPPING, "--minimum", "50"), "is on 50 courses, the most frequent on 21"),
    "few tagged courses": (
        "",
        (*MAPPING, "--minimum", "1", "--where", "key like '%-1_' and key <> 'course-10'"),
        "9 courses have a tag",
    ),
    "duplicate ids": ("union all from courses where key = 'course-7'", MAPPING, "1 repeat one"),
    "null ids": ("union all select * replace (null as key) from courses limit 61", MAPPING, "1 of 61 rows have no key"),
}


@pytest.mark.parametrize(("content", "arguments", "message"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_one_line(tmp_path, empty, content, arguments, message):
    file = tmp_path / "catalogue.parquet"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        source = catalogue(tmp_path / "source.parquet")
        duckdb.sql(f"copy (with courses as (from '{source}') from courses {content}) to '{file}'")
    done = tag(empty, file, *arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Remedy: " in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


REAL = {
    "mars_en/items.parquet": (
        (
            *("course_id=item_id", "transcript=description", "tags=software"),
            *("--where", "trim(description) <> ''"),
        ),
        0.807,
    ),
    "coursera_catalogue_2019/courses.parquet": (
        (
            *("course_id=course_id", "title=title", "description=about", "section=syllabus", "tags=skills"),
            *("--where", "language = 'English'"),
        ),
        0.503,
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_real_catalogues_are_tagged_better_than_by_the_references(empty, name):
    if not (DATA / name).is_file():
        pytest.skip(f"no {name} in {DATA}; CATALOGUE_DATA can name a folder")
    arguments, reference = REAL[name]
    printed = f1(tag(empty, DATA / name, *arguments, "--minimum", "10"))
    assert printed["cs04"] > reference
    assert printed["cs04"] > printed[YARDSTICK]
