"""The store, and the table functions, called as people call them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
import yaml

from conftest import ROOT, TINY_WORLD, WITHOUT_TESTS, Warehouse

MEMBERS = "(values (1), (7), (8), (42))"


def test_a_batch_call_answers_each_member_with_its_own_list(ci_world: Warehouse) -> None:
    """Also where the caller's column is named like the store's: a macro's argument must not be taken for it."""
    each = [
        (member, *row)
        for (member,) in ci_world.published(f"from {MEMBERS}")
        for row in ci_world.published("select position, course_id, variant from recommend(?, 'feed')", member)
    ]
    for name in ("member_id", "m", "member", "course_id", "variant", "courses", "place"):
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


def test_a_number_of_courses_may_come_from_a_column(ci_world: Warehouse) -> None:
    for name in ("position", "top_k", "k"):
        asked = f"(values (7, 3), (42, 2)) as asked(member_id, {name})"
        call = f"recommend(asked.member_id, 'feed', top_k := asked.{name})"
        assert ci_world.published(
            f"select asked.member_id, count(*) from {asked}, {call} group by all order by all"
        ) == [
            (7, 3),
            (42, 2),
        ], name


LISTED = 200


@pytest.mark.parametrize(
    ("call", "rows"),
    [
        ("recommend(11, 'feed')", 10),
        ("recommend('11', 'feed')", 10),
        ("recommend(11.0, 'feed')", 10),
        ("recommend(11, 'feed', top_k := '3')", 3),
        ("recommend(11, 'feed', top_k := 10000)", LISTED),
        ("recommend(11, 'feed', top_k := 0)", 0),
        ("recommend(11, 'feed', top_k := -1)", 0),
        ("recommend(11, 'feed', top_k := null)", 0),
        ("recommend(11, 'feed', top_k := '10; drop table serving.course_cards')", 0),
        ("recommend(11, 'nowhere')", 0),
        ("recommend(11, '')", 0),
        ("recommend(11, null)", 0),
        ("recommend(null, 'feed')", 0),
        ("recommend(null, null, null)", 0),
        ("recommend(-1, 'feed')", 0),
        ("recommend('', 'feed')", 0),
        ("recommend([11], 'feed')", 0),
        ("recommend('11; drop table serving.course_cards', 'feed')", 0),
        ("recommend('x'' or 1=1 --', 'feed')", 0),
        ("recommend(11, 'feed'' or 1=1 --')", 0),
        ("carousels(11, 'nowhere')", 0),
        ("carousels(null, 'feed')", 0),
        ("carousels(11, 'feed'' or 1=1 --')", 0),
        ("carousels(11, 'feed', top_k := 0)", 0),
        ("recommend_session(11, 'feed', [1, 2])", 10),
        ("recommend_session('11', 'feed', ['1', '2'])", 10),
        ("recommend_session(11, 'feed', [])", 10),
        ("recommend_session(11, 'feed', null)", 10),
        ("recommend_session(11, 'feed', [null, -1])", 10),
        ("recommend_session(11, 'feed', ['1; drop table serving.course_cards', 'x'' or 1=1 --'])", 10),
        ("recommend_session(11, 'feed', [1], top_k := 10000)", LISTED),
        ("recommend_session(11, 'nowhere', [1])", 0),
        ("recommend_session(null, 'feed', [1])", 0),
    ],
)
def test_arguments_have_the_documented_answer(ci_world: Warehouse, call: str, rows: int) -> None:
    """Member 11 neither follows a skill nor dismissed a course of the list."""
    found = len(ci_world.published(f"from {call}"))
    # the session's own courses are left out of the whole list
    assert found == rows or (found in (rows - 1, rows) and call.startswith("recommend_session") and rows == LISTED)
    assert ci_world.published("select count(*) > 0 from serving.course_cards") == [(True,)]


def test_a_session_needs_a_list_of_courses(ci_world: Warehouse) -> None:
    with pytest.raises(duckdb.Error, match="cast"):
        ci_world.published("from recommend_session(11, 'feed', 5)")


def test_dismissed_courses_are_left_out_and_positions_close_up(ci_world: Warehouse) -> None:
    """Those of before the lists were made are in no list, those of since are left out when it is read."""
    assert ci_world.query("select count(*) > 100 from serving.dismissals") == [(True,)]
    assert (
        ci_world.query("from serving.recommendations semi join serving.dismissals using (member_id, course_id)") == []
    )
    with duckdb.connect(str(ci_world.published_file), read_only=True) as connection:
        asked = "select position, course_id from recommend(42, 'home', top_k := 100)"
        before = connection.execute(asked).fetchall()
        gone = [course for _, course in before[1:6:2]]
        connection.execute(
            "create temp table live_dismissals as select 42 as member_id, unnest(?) as course_id", [gone]
        )
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


def test_settings_that_cannot_be_meant_stop_the_run_and_are_all_named(tmp_path) -> None:
    settings = {
        "raw_locaton": ("x", "there is no var 'raw_locaton'"),
        "as_of_date": ("31/12/2023", "var as_of_date is '31/12/2023'. Remedy: write a day as 2024-01-31"),
        "validation_date": ("2024-01-09", "give both, in order, or neither"),
        "id_type": ("uuid", "var id_type is 'uuid'. Remedy: give bigint or varchar"),
        "max_quarantine_share": ("lots", "var max_quarantine_share is 'lots'. Remedy: give a share from 0 to 1"),
        "retention_days": ("1.5", "var retention_days is '1.5'. Remedy: give a number of days from 1 upwards"),
        "recommendations_per_member": ("9; drop schema raw cascade", "Remedy: give a whole number from 0 upwards"),
        "delta_cohort": (
            "0) + (select 1",
            "var delta_cohort is '0) + (select 1'. Remedy: give a number from 0 upwards",
        ),
        "new_course_boost": (
            "-1",
            "var new_course_boost is '-1'. Remedy: give a number from 0 upwards; 0 does nothing",
        ),
        "no_events": ("maybe", "var no_events is 'maybe'. Remedy: give true or false"),
        "cs04_text_parts": ("title|x' or true", "var cs04_text_parts has 'x' or true'. Remedy: give some of "),
    }
    variables = {name: value for name, (value, _) in settings.items()}
    done = Warehouse(tmp_path).dbt("run", "--select", "raw_contract", check=False, **variables)
    assert done.returncode != 0
    words = " ".join(done.stdout.split())
    assert [said for _, said in settings.values() if said not in words] == []


def test_a_registry_that_cannot_be_meant_stops_the_run(tmp_path) -> None:
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    variants = project["vars"]["variants"]
    variants["m001"] |= {"new_course_boost": "1; x", "l2": ["1) or (1"]}
    variants["x' or '1'='1"] = {"learner": "recency"}
    done = Warehouse(tmp_path).dbt("run", "--select", "raw_contract", check=False, variants=variants)
    assert done.returncode != 0
    words = " ".join(done.stdout.split())
    for said in (
        "variant m001 has new_course_boost '1; x'. Remedy: give a number from 0 upwards; 0 does nothing",
        "variant m001 has the l2 '1) or (1'. Remedy: give numbers above 0",
        "'x' or '1'='1' is no name. Remedy: write names of letters, digits and _",
    ):
        assert said in words, said


def test_a_size_that_the_world_does_not_have_stops_the_run(tmp_path) -> None:
    done = Warehouse(tmp_path).dbt("run", "--select", "world_parameters", check=False, world_preset="huge")
    assert done.returncode != 0
    assert "give one of ci, small, big" in done.stdout


def test_all_settings_of_the_project_are_known_and_checked(ci_world: Warehouse) -> None:
    """Every var of dbt_project.yml can be given on the command line, and is looked at before it becomes part of SQL."""
    project = yaml.safe_load((ci_world.root / "dbt_project.yml").read_text())
    macro = (ci_world.root / "dbt_project" / "macros" / "check_vars.sql").read_text()
    known, checks = macro.split("{% macro check_vars() %}")
    names = {*project["vars"], *TINY_WORLD}
    assert {name for name in names if f"'{name}'" not in known} == set()
    elsewhere = {"raw_location", "world_preset"}  # a parameter of Python; chosen from a list
    assert {name for name in names - elsewhere if f"'{name}'" not in checks} == set()


def test_without_events_the_cold_start_half_is_built_and_served(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    warehouse.dbt("build", *WITHOUT_TESTS, no_events=True, **TINY_WORLD)
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


# ------------------------------------------------------------------------------------------- the store


LISTS = """
with plain as (
    select member_id, variant, position, course_id, round(score * 1000) / 1000 as score, reason, skill_id
    from scoring.scores
    inner join reasons.best_reasons using (member_id, course_id)
),
decoded as (
    select member_id, variant, position, course_id, score, reason, skill_id from serving.decoded_recommendations
)
"""


def test_the_store_decodes_to_the_lists_and_to_no_others(ci_world: Warehouse) -> None:
    ((decoded, plain, only_decoded, only_plain),) = ci_world.query(
        f"""
        {LISTS}
        select
            (select count(*) from decoded),
            (select count(*) from plain),
            (select count(*) from (from decoded except all from plain)),
            (select count(*) from (from plain except all from decoded))
        """
    )
    assert decoded == plain > 1_000_000
    assert (only_decoded, only_plain) == (0, 0)


def test_the_plain_recommendations_are_the_decoded_lists_of_the_treatments(ci_world: Warehouse) -> None:
    treated = """
        select stored.member_id, entries.key as channel, lists.variant, lists.position, lists.course_id, lists.score,
            lists.reason
        from serving.recommendation_store as stored, unnest(map_entries(stored.treatments)) as unnested(entries)
        inner join serving.decoded_recommendations as lists
            on stored.member_id = lists.member_id and entries.value = lists.variant
    """
    plain = "select member_id, channel, variant, position, course_id, score, reason from serving.recommendations"
    for one, other in ((treated, plain), (plain, treated)):
        assert ci_world.query(f"select count(*) from (({one}) except all ({other}))") == [(0,)]


def test_the_store_holds_no_course_that_no_list_shows_and_only_assigned_variants(ci_world: Warehouse) -> None:
    assert ci_world.query(
        """
        select
            count(*) filter (where len(list_distinct(flatten(map_values(rankings)))) <> len(courses)),
            count(*) filter (where list_sort(map_keys(rankings)) <> list_sort(list_distinct(map_values(treatments))))
        from serving.recommendation_store
        """
    ) == [(0, 0)]


# ------------------------------------------------------------------------------------------- live tables


CHANNEL = "home"
FILES = ("published", "warehouse")


@contextmanager
def reader(world: Warehouse, file: str, **live: str) -> Iterator:
    """A function that answers SQL on a file opened read-only, with temporary tables of those names and rows."""
    path, prefix = (world.published_file, "") if file == "published" else (world.file, "serving.")
    with duckdb.connect(str(path), read_only=True) as connection:
        for name, rows in live.items():
            connection.execute(f"create temp table {name} as {rows}")
        yield lambda sql: connection.execute(sql.format(f=prefix)).fetchall()


def listed(world: Warehouse, file: str, member: int, **live: str) -> list[tuple]:
    """(course_id, reason, reason_text) of the whole list."""
    with reader(world, file, **live) as ask:
        rows = ask(f"select position, course_id, reason, reason_text from {{f}}recommend({member}, '{CHANNEL}', 1000)")
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    return [row[1:] for row in rows]


@pytest.mark.parametrize("file", FILES)
def test_a_dismissal_hides_a_course_at_once(ci_world: Warehouse, file: str) -> None:
    before = listed(ci_world, file, 11)
    gone = {before[0][0], before[4][0]}
    rows = f"select 11 as member_id, unnest({sorted(gone)}) as course_id union all select 12, {before[1][0]}"
    after = listed(ci_world, file, 11, live_dismissals=rows)
    assert after == [row for row in before if row[0] not in gone]
    assert listed(ci_world, file, 11) == before


def test_a_view_over_an_attached_database_is_live_too(ci_world: Warehouse, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "live.duckdb")) as log:
        log.execute("create table dismissed (member_id bigint, course_id bigint)")
    before = listed(ci_world, "published", 11)
    with duckdb.connect(str(ci_world.published_file), read_only=True) as connection:
        connection.execute(f"attach '{tmp_path / 'live.duckdb'}' as log (read_write)")
        connection.execute("create temp view live_dismissals as from log.dismissed")
        for count in range(3):
            shown = connection.execute(f"select course_id from recommend(11, '{CHANNEL}', 1000)").fetchall()
            assert shown == [(course,) for course, *_ in before[count:]]
            connection.execute("insert into log.dismissed values (11, ?)", [shown[0][0]])


@pytest.mark.parametrize("file", FILES)
def test_an_impression_moves_a_course_down_by_half_its_place(ci_world: Warehouse, file: str) -> None:
    before = listed(ci_world, file, 11)
    # place 4 shown once: 6, behind what stands there by itself; place 10 shown twice: 20
    rows = f"select 11 as member_id, unnest([{before[3][0]}, {before[9][0]}, {before[9][0]}]) as course_id"
    after = listed(ci_world, file, 11, live_impressions=rows)
    keys = {course: place * {3: 1.5, 9: 2.0}.get(place - 1, 1.0) for place, (course, *_) in enumerate(before, 1)}
    assert sorted(after) == sorted(before)
    assert [keys[course] for course, *_ in after] == sorted(keys.values())
    assert [course for course, *_ in after].index(before[9][0]) + 1 in (19, 20)


@pytest.mark.parametrize("file", FILES)
def test_courses_of_followed_skills_come_up_at_every_third_place(ci_world: Warehouse, file: str) -> None:
    before = listed(ci_world, file, 11)
    ((skill, name, taught),) = ci_world.query(
        """
        select skill_id, any_value(name), list(course_id order by skill_rank)
        from serving.followed_skill_courses
        inner join serving.course_cards using (course_number)
        inner join serving.skill_names using (skill_id)
        group by skill_id
        having count(*) = 10 and count(*) filter (where course_id in (select unnest(?))) between 1 and 8
        order by skill_id
        limit 1
        """,
        [course for course, *_ in before[30:]],
    )
    after = listed(ci_world, file, 11, live_followed_skills=f"select 11 as member_id, {skill} as skill_id")
    followed = [course for course, reason, _ in after if reason == "followed_skill"]
    better = [course for course in taught if course not in [course for course, *_ in before[:2]]]
    assert followed[0] == better[0]
    assert set(followed) <= set(taught)
    assert {text for _, reason, text in after if reason == "followed_skill"} == {f"Because you follow {name}"}
    assert {course for course, *_ in after} == {course for course, *_ in before} | set(taught)
    assert len({course for course, *_ in after}) == len(after)
    own = {course: place for place, (course, *_) in enumerate(before, 1)}
    keys = [
        min([own[course]] if course in own else [], default=1e9) if course not in taught
        else min(own.get(course, 1e9), 2 * (taught.index(course) + 1) + 0.5)
        for course, *_ in after
    ]  # fmt: skip
    assert keys == sorted(keys)
    with reader(ci_world, file, live_followed_skills=f"select 11 as member_id, {skill} as skill_id") as ask:
        scores = dict(ask(f"select course_id, score from {{f}}recommend(11, '{CHANNEL}', 1000)"))
    assert {course for course, score in scores.items() if score is None} == set(taught) - set(own)


def test_what_was_followed_before_the_build_comes_up_as_well_but_not_what_was_finished(ci_world: Warehouse) -> None:
    followers = ci_world.query(
        "select distinct member_id from serving.followed_skills "
        "semi join serving.followed_skill_courses using (skill_id) order by member_id limit 20"
    )
    shown = {member: listed(ci_world, "published", member) for (member,) in followers}
    assert (
        sum(any(reason == "followed_skill" for _, reason, _ in rows) for rows in shown.values()) > 0.8 * len(shown) > 5
    )
    hidden = set(
        ci_world.query(
            "select member_id, course_id from candidates.excluded_courses "
            "union select member_id, course_id from serving.dismissals"
        )
    )
    assert not hidden & {(member, course) for member, rows in shown.items() for course, *_ in rows}


# ------------------------------------------------------------------------------------------- carousels and sessions


def test_a_carousel_has_one_reason_and_three_courses_and_the_best_comes_first(ci_world: Warehouse) -> None:
    for member in (11, 42, 77, 300):
        for channel in ("feed", "home", "email", "profile"):
            rows = ci_world.published(
                f"""
                select carousel, carousel_title, shown.position, course_id, shown.reason, list.position, list.reason
                from carousels({member}, '{channel}', top_k := 1000) as shown
                inner join recommend({member}, '{channel}', top_k := 1000) as list using (course_id)
                order by carousel, shown.position
                """
            )
            carousels = {}
            for number, *row in rows:
                carousels.setdefault(number, []).append(row)
            assert list(carousels) == list(range(1, len(carousels) + 1))
            best = [min(row[4] for row in courses) for courses in carousels.values()]
            assert best == sorted(best)
            assert len({courses[0][0] for courses in carousels.values()}) == len(carousels)
            for courses in carousels.values():
                assert len({(title, reason) for title, _, _, reason, *_ in courses}) == 1
                assert [row[1] for row in courses] == list(range(1, len(courses) + 1))
                assert [row[4] for row in courses] == sorted(row[4] for row in courses)
                assert len(courses) >= 3
                assert all(row[5] == row[3] or row[3] == "recommended_for_you" for row in courses)
            assert len({row[3] for row in rows}) == len(rows) >= 195


def test_carousels_are_cut_to_top_k(ci_world: Warehouse) -> None:
    sizes = "select carousel, count(*) from carousels(42, 'home', top_k := 4) group by all"
    assert (
        3
        <= min(count for _, count in ci_world.published(sizes))
        <= max(count for _, count in ci_world.published(sizes))
        == 4
    )


def test_a_session_pulls_up_what_is_like_its_courses(ci_world: Warehouse) -> None:
    before = [course for course, *_ in listed(ci_world, "published", 11)]
    session = [before[6], before[50]]
    similarity = {}
    for course in session:
        for other, value in ci_world.query(
            "select similar_course_id, similarity from serving.similar_courses where course_id = ?", course
        ):
            similarity[other] = max(value, similarity.get(other, 0))
    expected = sorted(
        (place * (1 - similarity.get(course, 0)), place, course)
        for place, course in enumerate(before, 1)
        if course not in session
    )
    shown = ci_world.published(
        f"select position, course_id from recommend_session(11, '{CHANNEL}', {session}, top_k := 1000)"
    )
    assert shown == [(position, course) for position, (*_, course) in enumerate(expected, 1)]
    assert [course for _, course in shown] != [course for course in before if course not in session]


def test_functions_answer_in_the_warehouse_as_in_the_published_file(ci_world: Warehouse) -> None:
    for call in (
        f"carousels(42, '{CHANNEL}')",
        f"recommend_session(42, '{CHANNEL}', [1, 2, 3])",
        f"served_list(8, '{CHANNEL}')",
    ):
        published = ci_world.published(f"from {call} order by all")
        assert published == ci_world.query(f"from serving.{call} order by all")
        assert len(published) >= 10
