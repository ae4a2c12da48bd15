"""The table functions, called as people call them."""

import shutil
from pathlib import Path

import duckdb
import pytest
import yaml

from conftest import TINY_WORLD, Warehouse

MEMBERS = "(values (1), (7), (8), (42))"


def test_a_batch_call_answers_each_member_with_its_own_list(ci_world: Warehouse) -> None:
    """Also where the caller's column is named like the store's: a macro's argument must not be taken for it."""
    each = [
        (member, *row)
        for (member,) in ci_world.published(f"from {MEMBERS}")
        for row in ci_world.published("select position, course_id, variant from recommend(?, 'feed')", member)
    ]
    for name in ("member_id", "m", "course_id", "variant"):
        sql = f"""
            select asked.{name}, r.position, r.course_id, r.variant
            from {MEMBERS} as asked({name}), recommend({name}, 'feed') as r
            order by all
        """
        assert ci_world.published(sql) == sorted(each), name


def test_a_channel_may_come_from_a_column(ci_world: Warehouse) -> None:
    asked = "(values ('home')) as asked(channel)"
    sql = f"select r.course_id from {asked}, recommend(42, channel, top_k := 3) as r order by position"
    assert ci_world.published(sql) == ci_world.published("select course_id from recommend(42, 'home', top_k := 3)")


@pytest.mark.parametrize(
    ("call", "rows"),
    [
        ("recommend(42, 'feed')", 10),
        ("recommend('42', 'feed')", 10),
        ("recommend(42, 'feed', top_k := 0)", 0),
        ("recommend(42, 'feed', top_k := -1)", 0),
        ("recommend(42, 'nowhere')", 0),
        ("recommend(42, null)", 0),
        ("recommend(null, 'feed')", 0),
        ("recommend(-1, 'feed')", 0),
        ("recommend('x'' or 1=1 --', 'feed')", 0),
        ("recommend(42, 'feed'' or 1=1 --')", 0),
    ],
)
def test_arguments_have_the_documented_answer(ci_world: Warehouse, call: str, rows: int) -> None:
    assert len(ci_world.published(f"from {call}")) == rows


def test_dismissed_courses_are_left_out_and_positions_close_up(ci_world: Warehouse, tmp_path: Path) -> None:
    """Those of before the lists were made are in no list, those of since are left out when it is read."""
    assert ci_world.query("select count(*) > 100 from serving.dismissals") == [(True,)]
    assert (
        ci_world.query("from serving.recommendations semi join serving.dismissals using (member_id, course_id)") == []
    )
    copy = tmp_path / "recommendations.duckdb"
    shutil.copy(ci_world.published_file, copy)
    with duckdb.connect(str(copy)) as connection:
        asked = "select position, course_id from recommend(42, 'home', top_k := 100)"
        before = connection.execute(asked).fetchall()
        gone = [course for _, course in before[1:6:2]]
        for course in gone:
            connection.execute("insert into serving.dismissals select 42, ?, timestamp '2024-02-29'", [course])
        after = connection.execute(asked).fetchall()
    assert [position for position, _ in after] == list(range(1, 101))
    assert [course for _, course in after][:97] == [course for _, course in before if course not in gone]


def test_finished_courses_are_not_recommended_again(ci_world: Warehouse) -> None:
    finished = """
        select count(*)
        from staging.stg_engagements
        inner join staging.stg_courses using (course_id)
        {join}
        where watch_seconds >= 0.8 * duration_seconds
    """
    ((all_finished,),) = ci_world.query(finished.format(join=""))
    ((recommended,),) = ci_world.query(finished.format(join="semi join scoring.scores using (member_id, course_id)"))
    assert all_finished > 20
    assert recommended == 0


def test_the_truth_function_answers_for_columns_named_like_its_own(ci_world: Warehouse) -> None:
    call = "truth.click_probability({member}, {course}, date '2024-02-10', 'feed')"
    plain = [ci_world.query(f"from {call.format(member=m, course=c)}")[0] for m, c in ((1, 2), (3, 4))]
    columns = ci_world.query(
        f"""
        select probability
        from (values (1, 2), (3, 4)) as asked(member_id, course_id),
            {call.format(member="member_id", course="course_id")}
        order by asked.member_id
        """
    )
    assert columns == plain
    assert plain[0] != plain[1]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("raw_locaton", "x", "there is no var 'raw_locaton'"),
        ("as_of_date", "yesterday", "write a day as 2024-01-31"),
        ("as_of_date", "31/12/2023", "write a day as 2024-01-31"),
        ("id_type", "uuid", "give bigint or varchar"),
        ("max_quarantine_share", "lots", "give a share from 0 to 1"),
        ("world_preset", "huge", "give one of ci, small, big"),
    ],
)
def test_a_setting_that_cannot_be_meant_stops_the_run(tmp_path, name: str, value: str, words: str) -> None:
    done = Warehouse(tmp_path).dbt("run", "--select", "world_parameters", check=False, **{name: value})
    assert done.returncode != 0
    assert words in done.stdout


def test_all_settings_of_the_project_are_known(ci_world: Warehouse) -> None:
    """Every var of dbt_project.yml can be given on the command line."""
    project = yaml.safe_load((ci_world.root / "dbt_project.yml").read_text())
    macro = (ci_world.root / "dbt_project" / "macros" / "check_vars.sql").read_text()
    assert {name for name in [*project["vars"], *TINY_WORLD] if f"'{name}'" not in macro} == set()


def test_without_events_the_cold_start_half_is_built_and_served(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    warehouse.dbt("build", no_events=True, **TINY_WORLD)
    assert warehouse.query("select count(*) from staging.stg_impressions") == [(0,)]
    assert warehouse.query("select count(*) from variants.coefficients") == [(0,)]
    ((members, lists, affinity),) = warehouse.query(
        """
        select
            (select count(*) from staging.stg_members),
            count(distinct member_id),
            count(distinct member_id) filter (where reason = 'skill_match')
        from serving.recommendations
        """
    )
    assert lists == members
    assert affinity > 0.2 * members
