"""The example examples/mars on the real data set: skipped where its folder is absent (MARS_DATA names another one)."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from conftest import ROOT, Warehouse

DATA = Path(os.environ.get("MARS_DATA", ROOT / ".." / "shared" / "data" / "mars_en"))
MAKE_RAW = ROOT / "examples" / "mars" / "make_raw.py"
CHANNELS = {"feed", "home", "email", "profile"}

has_data = pytest.mark.skipif(
    not (DATA / "items.parquet").is_file(), reason=f"no MARS data in {DATA}; MARS_DATA can name a folder"
)


def make_raw(*arguments: Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, MAKE_RAW, *arguments], capture_output=True, text=True)


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("mars_raw")
    done = make_raw(DATA, folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def mars(tmp_path_factory, raw) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("mars"))
    warehouse.dbt("build", raw_location=raw)
    return warehouse


def test_missing_files_are_named(tmp_path):
    (tmp_path / "items.parquet").touch()
    done = make_raw(tmp_path, tmp_path / "raw")
    assert done.returncode == 1
    assert "users.parquet, views.parquet, watches.parquet" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "raw").exists()


@has_data
def test_raw_tables_are_faithful(raw):
    def count(table: str, condition: str = "true") -> int:
        return duckdb.sql(f"select count(*) from '{raw / table}.parquet' where {condition}").fetchall()[0][0]

    assert count("members") == 9902
    assert count("members", "title = 'N/A' or title like '%é%' or title like '% & %'") == 0
    assert count("courses") == 1167
    assert count("engagements", "action = 'click'") == 21553  # 355 of 21,908 views stand there twice
    assert count("engagements", "watch_seconds <= 0 or watch_seconds is null and action = 'watch'") == 0
    released = duckdb.sql(
        f"""
        select count(*)
        from '{raw}/engagements.parquet'
        inner join '{raw}/courses.parquet' using (course_id)
        where released_date is null or engaged_at < released_date
        """
    )
    assert released.fetchall() == [(0,)]


@has_data
def test_nothing_is_quarantined(mars):
    assert mars.query("select table_name, reason, count(*) from staging.quarantine group by all") == []


@has_data
def test_courses_have_exactly_their_tags(mars):
    tags = duckdb.sql(
        f"""
        select distinct item_id, tag
        from (select item_id, unnest(software) as tag from '{DATA}/items.parquet')
        """
    )
    skills = "select course_id, name from skills.cs01 inner join staging.stg_skills using (skill_id)"
    assert set(mars.query(skills)) == set(tags.fetchall())


@has_data
def test_every_member_has_a_list_in_every_channel(mars):
    lists = mars.query(
        "select channel, count(distinct member_id), count(*) from serving.recommendations group by channel"
    )
    assert {channel: members for channel, members, _ in lists} == dict.fromkeys(CHANNELS, 9902)
    assert all(rows == 200 * members for _, members, rows in lists)


@has_data
def test_the_published_file_recommends_real_titles(mars):
    [(member,)] = mars.query(
        """
        select member_id
        from labels.engagements
        group by member_id
        order by count(distinct course_id) desc, member_id
        limit 1
        """
    )
    rows = mars.published("select title, reason_text from serving.recommend(?, 'feed')", member)
    names = {name for (name,) in duckdb.sql(f"select trim(name) from '{DATA}/items.parquet'").fetchall()}
    assert len(rows) == 10
    assert {title for title, _ in rows} <= names
    assert all(text and "{" not in text for _, text in rows)


@has_data
def test_reasons_name_real_skills_to_members_with_views(mars):
    """For those without a tagged video in their history (mostly webcasts) there is nothing to name."""
    [(members, told)] = mars.query(
        """
        with viewers as (select distinct member_id from labels.engagements),

        texts as (
            select distinct 'Because you viewed courses on ' || skills.name as reason_text
            from staging.stg_skills as skills
        ),

        told as (
            select distinct recommendations.member_id
            from serving.recommendations as recommendations
            inner join texts using (reason_text)
            where recommendations.channel = 'home'
        )

        select count(*), count(told.member_id)
        from viewers
        left join told using (member_id)
        """
    )
    assert members == 3007
    assert told > 0.5 * members


@has_data
def test_the_learned_variant_ranks_held_out_views(mars):
    auc = dict(
        mars.query("select variant, roc_auc from variants.offline_metrics where split = 'test' and channel = 'all'")
    )
    assert auc["m101"] > 0.80
    assert auc["m101"] > auc["m001"] + 0.15
