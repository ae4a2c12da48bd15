"""The report on the `ci` world: what is on the page, what a build without some tables has there, how it looks."""

import math
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import numpy as np
import pytest
from matplotlib.image import imread

from conftest import ROOT, Warehouse

VOID = {"meta", "br", "img", "link", "hr", "input"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
HOSTILE = "<script>alert('a course')</script> & \"quotes\""


class Page(HTMLParser):
    """Elements with their attributes, the text of every section, and what does not balance."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open, self.errors, self.elements = [], [], []
        self.text: dict[str, str] = {}
        self.rows: dict[str, int] = {}
        self.section = ""
        self.feed(html)
        self.close()
        self.errors += [f"<{tag}> stays open" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "section":
            self.section = dict(attrs)["id"]
        if tag in ("tr", "li") and self.section:
            self.rows[self.section] = self.rows.get(self.section, 0) + 1
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.errors.append(f"</{tag}> at {self.getpos()}")
        if tag == "section":
            self.section = ""

    def handle_data(self, data: str) -> None:
        self.text[self.section] = self.text.get(self.section, "") + data


def run_report(world: Warehouse, file: Path) -> subprocess.CompletedProcess:
    environment = os.environ | {
        "COURSE_RECOMMENDER_WAREHOUSE": str(world.file),
        "COURSE_RECOMMENDER_PUBLISHED": str(world.published_file.parent),
        "DBT_TARGET_PATH": str(Warehouse.read / "reports"),  # read once
    }
    command = [sys.executable, str(ROOT / "models_py" / "relevance" / "report.py"), str(file)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def written(world: Warehouse, file: Path) -> str:
    done = run_report(world, file)
    assert done.returncode == 0, done.stdout + done.stderr
    return file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def html(ci_world: Warehouse, tmp_path_factory) -> str:
    return written(ci_world, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


@pytest.fixture
def copied_world(ci_world: Warehouse, tmp_path: Path) -> Warehouse:
    """Files of their own, to be changed."""
    copy = Warehouse(tmp_path / "copy")
    shutil.copy(ci_world.file, copy.file)
    copy.published_file.parent.mkdir()
    shutil.copy(ci_world.published_file, copy.published_file)
    return copy


def test_the_page_balances_and_its_ids_are_unique(page: Page) -> None:
    assert page.errors == []
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"] for tag, attributes in page.elements if tag == "a"}
    assert links <= {f"#{name}" for name in ids}


def test_every_analysis_has_a_section_with_rows(page: Page, ci_world: Warehouse) -> None:
    analyses = {path.stem for path in (ROOT / "analyses").glob("*.sql")}
    sections = {attributes["id"] for tag, attributes in page.elements if tag == "section"}
    assert sections == analyses | {"lifts", "ledger", "figure_1"}
    assert {f"insight_{number}" for number in range(1, 12)} | {"figure_9"} <= analyses
    assert {name for name in sections if page.rows.get(name, 0) < 2} == set()


def test_the_page_says_what_was_built(page: Page, ci_world: Warehouse) -> None:
    (day, members, variants) = ci_world.query(
        """
        select as_of_date, (select count(*) from staging.stg_members), (select count(*) from variants.variants)
        from staging.as_of_date
        """
    )[0]
    assert f"Lists for {day}" in page.text[""]
    assert f"{members:,} members" in page.text[""]
    assert f"{variants} variants" in page.text[""]
    assert "simulated platform" in page.text[""]


def test_tables_show_what_the_analyses_answer(page: Page, ci_world: Warehouse) -> None:
    for mapping, paper in ci_world.query("select name, value from seeds.paper_values where source = 'table 1'"):
        assert re.search(rf"{mapping}\s[\d,\s.]*\s{paper:g}\s", page.text["table_1"])
    assert "(paper +51.4)" in page.text["table_4"]
    assert "a bootstrap over courses" in page.text["table_2"]  # of its leading comment
    assert [page.rows[f"table_{number}"] for number in (2, 3, 5, 7)] == [4, 6, 6, 5]


def test_nothing_is_loaded_from_elsewhere(html: str, page: Page) -> None:
    assert not re.search(r"@import|@font-face|<script|<link|<iframe|<img|url\((?!#)", html)
    for _, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "data", "action", "srcset"):
            assert (attributes.get(name) or "#").startswith("#"), attributes
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", html)
    assert len(html) < 3e6


def test_every_comparison_has_a_mark_where_its_lift_is(html: str, ci_world: Warehouse) -> None:
    rows = ci_world.query(
        """
        select variant || ' / ' || baseline as compared, lift, lift_low, lift_high, true_lift
        from experiments.experiment_results
        where metric = 'click_rate'
        """
    )
    assert len(rows) > 20
    marks = re.findall(r'<g id="lifts-lift-(\d+)"><title>(?:log: )?([^:,]+)[^<]*: ([^ ]+) %', html)
    shown = sorted((compared, lift) for _, compared, lift in marks)
    assert shown == sorted((compared, f"{100 * lift:+.1f}".replace("-", "−")) for compared, lift, *_ in rows)

    def places(kind: str) -> dict[str, float]:
        found = re.findall(rf'<g id="lifts-{kind}-(\d+)">(.*?)</g>', html, flags=re.S)
        return {number: float(re.search(r'<use[^>]* x="([\d.]+)"', text)[1]) for number, text in found}

    dots, diamonds = places("lift"), places("true")
    assert set(dots) == {number for number, *_ in marks}
    assert len(diamonds) == sum(row[4] is not None for row in rows) > 20
    assert html.count('<g id="lifts-interval-') == sum(row[2] is not None for row in rows) > 20
    # the axis: places are a linear function of the logarithm of the ratio
    lifts = {number: math.log(1 + float(lift.replace("−", "-")) / 100) for number, _, lift in marks}
    numbers = sorted(dots)
    slope, start = np.polyfit([lifts[number] for number in numbers], [dots[number] for number in numbers], 1)
    assert slope > 0
    assert max(abs(start + slope * lifts[number] - dots[number]) for number in numbers) < 0.002 * slope


def test_the_landing_page_has_the_carousels_of_the_published_file(page: Page, ci_world: Warehouse) -> None:
    text = page.text["figure_1"]
    ((member, channel),) = re.findall(r"from carousels\((\d+), '(\w+)'\)", text)
    assert channel == "home"
    rows = ci_world.published(f"select carousel, carousel_title, title from carousels({member}, 'home', top_k := 10)")
    titles = {title for carousel, title, _ in rows if carousel <= 8}
    assert len(titles) > 2
    assert all(title in text for title in titles)
    assert all(course in text for carousel, _, course in rows if carousel <= 8)
    assert page.rows["figure_1"] == sum(carousel <= 8 for carousel, *_ in rows)
    assert " minutes" in text


def test_the_same_tables_give_the_same_bytes(html: str, copied_world: Warehouse, tmp_path: Path) -> None:
    assert written(copied_world, tmp_path / "again.html") == html


def test_what_comes_from_tables_is_escaped_and_a_ledger_is_shown(copied_world: Warehouse, tmp_path: Path) -> None:
    with duckdb.connect(str(copied_world.published_file)) as connection:
        connection.execute("update serving.course_cards set title = ? || title", [HOSTILE])
        connection.execute("update serving.reason_cards set carousel_text = ? || carousel_text", [HOSTILE])
    with duckdb.connect(str(copied_world.file)) as connection:
        connection.execute("update variants.variants set description = ?", [HOSTILE])
        connection.execute("update experiments.experiment_statistics set verdict = ?", [HOSTILE])
        connection.execute(
            "update experiments.experiment_statistics set lift = null, lift_low = null, lift_high = null "
            "where experiment = 'm002_over_m001'"
        )
        connection.execute(
            "update experiments.experiment_statistics set lift = 1e4, lift_low = -1, lift_high = 1e6 "
            "where experiment = 'm003_over_m002'"
        )
        connection.execute(
            "drop view experiments.ledger; "
            "create table experiments.ledger as select 'm101' as variant, 0.75123456e0 as roc_auc, "
            "null as lift, [1, 2] as flags, 1234567 as store_bytes, ? as verdict",
            [HOSTILE],
        )
    html = written(copied_world, tmp_path / "hostile.html")
    assert "<script" not in html
    page = Page(html)
    assert page.errors == []
    for section in ("figure_1", "table_3", "lifts", "ledger"):
        assert HOSTILE in page.text[section], section
    assert (
        html.count('<g id="lifts-lift-')
        == copied_world.query("select count(*) from experiments.experiment_results where metric = 'click_rate'")[0][0]
    )  # also without a lift, and with one beyond the axis
    assert re.search(r"m101\s+0\.7512\s+1, 2\s+1,234,567\s", page.text["ledger"])


def test_a_build_of_own_tables_has_sentences_where_the_truth_is_asked_for(
    copied_world: Warehouse, tmp_path: Path
) -> None:
    with duckdb.connect(str(copied_world.file)) as connection:
        connection.execute("update staging.raw_files set scan = 'members.parquet'")
        connection.execute("drop view experiments.experiment_results")
        connection.execute("drop table experiments.stale_shares")
        connection.execute("drop schema truth cascade")
    page = Page(written(copied_world, tmp_path / "own.html"))
    assert page.errors == []
    assert "of your own tables" in page.text[""]
    assert "These are your own tables, not the simulated world." in page.text["figure_9"]
    for section in ("lifts", "table_4", "insight_1"):
        assert "Not in this build: Table with name experiment_results does not exist" in page.text[section]
    assert page.rows["table_1"] == 4


def test_without_a_build_it_names_the_remedy(ci_world: Warehouse, tmp_path: Path) -> None:
    nothing = Warehouse(tmp_path / "nothing")
    done = run_report(nothing, tmp_path / "report.html")
    assert done.returncode == 1
    assert done.stderr == f"{nothing.file} does not exist yet. Remedy: make run\n"
    duckdb.connect(str(nothing.file)).close()
    assert "recommendations.duckdb does not exist yet. Remedy: make run" in run_report(nothing, tmp_path / "r").stderr
    nothing.published_file.parent.mkdir()
    shutil.copy(ci_world.published_file, nothing.published_file)
    done = run_report(nothing, tmp_path / "report.html")
    assert done.returncode == 1
    assert "is no finished build" in done.stderr
    assert "Remedy: make run" in done.stderr
    with duckdb.connect(str(nothing.file)):
        assert "wait for the build that writes it" in run_report(nothing, tmp_path / "r").stderr
    assert not (tmp_path / "report.html").exists()


@pytest.mark.skipif(BROWSER is None, reason=f"none of {', '.join(BROWSERS)} is on the PATH")
@pytest.mark.parametrize(("width", "height"), [(1300, 9000), (500, 9000)])
def test_a_browser_draws_it(html: str, tmp_path: Path, width: int, height: int) -> None:
    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},{height}"]
    command += [f"--screenshot={tmp_path / 'page.png'}", (tmp_path / "report.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (tmp_path / "page.png").exists(), done.stderr
    image = np.round(255 * imread(tmp_path / "page.png")[:, :, :3]).astype(int)
    assert image.shape[:2] == (height, width)
    colours, counts = np.unique(image.reshape(-1, 3), axis=0, return_counts=True)
    assert len(colours) > 100
    ground = colours[counts.argmax()]
    drawn = (image != ground).any(axis=2)
    # each ninth from above, and left and right of the middle, has something on it; most of the page is ground
    for part in np.array_split(drawn, 9):
        assert part.mean() > 0.005
    assert drawn[:, : width // 2].mean() > 0.01
    assert drawn[:, width // 2 :].mean() > 0.01
    assert drawn.mean() < 0.6
    # nothing is cut off: the left margin stays free
    assert not drawn[:, :8].any()
