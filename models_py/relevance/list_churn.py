"""How far lists move from one day to the next: the first places of two published files, compared.

The version of an earlier day is looked for among those that the folder keeps. Where there is none, or none that can be
read, there is nothing to compare with.
"""

from contextlib import suppress
from pathlib import Path

import duckdb
import pyarrow as pa

from relevance.publication import SCHEMA, version_files

PLACES = 10
CHURN = pa.schema([("check_name", pa.string()), ("subject", pa.string()), ("value", pa.float64())])


def list_churn(session, publication) -> pa.Table:
    """Rows check_name, subject (channel), value: the version just published against the last one of an earlier day.

    session : DuckDB connection of the warehouse;  publication : relation with one row (version, path, as_of_date).
    """
    (row,) = publication.to_arrow_table().to_pylist()
    files = version_files(str(Path(row["path"]).parent))
    before = _last_before(files, row["as_of_date"])
    if before is None or row["version"] not in files:
        return CHURN.empty_table()
    ((memory,),) = session.cursor().execute("select current_setting('memory_limit')").fetchall()
    with duckdb.connect(config={"memory_limit": memory}) as connection:
        for name, file in (("before", before), ("now", files[row["version"]])):
            path = str(file).replace("'", "''")
            connection.execute(f"attach '{path}' as {name}_file (read_only)")
            connection.execute(f"create temp view places_{name} as {_places(f'{name}_file.{SCHEMA}')}")
        return churn(connection)


def churn(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Compares the tables places_before and places_now (member_id, channel, course_id, position), by channel.

    list_overlap : courses in both lists over courses in either, the mean over members with both;  rank_change : by how
    many places a course in both moved, up or down, the mean over such courses.
    """
    return (
        connection.sql(
            """
            with sizes as (
                select channel, member_id, before.courses + now.courses as courses
                from (select channel, member_id, count(*) as courses from places_before group by all) as before
                inner join (select channel, member_id, count(*) as courses from places_now group by all) as now
                    using (channel, member_id)
            ),

            kept as (
                select
                    channel,
                    member_id,
                    count(*) as courses,
                    sum(abs(now.position - before.position)) as places
                from places_before as before
                inner join places_now as now using (channel, member_id, course_id)
                group by channel, member_id
            ),

            channels as (
                select
                    channel,
                    avg(coalesce(kept.courses, 0) / (sizes.courses - coalesce(kept.courses, 0))) as list_overlap,
                    sum(kept.places) / sum(kept.courses) as rank_change
                from sizes
                left join kept using (channel, member_id)
                group by channel
            )

            select 'list_overlap' as check_name, channel as subject, round(list_overlap, 9) as value
            from channels
            union all
            select 'rank_change', channel, round(rank_change, 9)
            from channels
            order by all
            """
        )
        .to_arrow_table()
        .cast(CHURN)
    )


def _last_before(files: dict[int, Path], day) -> Path | None:
    """The file with the highest version whose lists were made for an earlier day."""
    for file in reversed(files.values()):
        with suppress(duckdb.Error), duckdb.connect(str(file), read_only=True) as version:
            ((made_for,),) = version.execute(f"select as_of_date from {SCHEMA}.publication").fetchall()
            if made_for < day:
                return file
    return None


def _places(schema: str) -> str:
    """The first places of all lists in a published file; keys as texts, whose type another version may have."""
    return f"""
        select lists.member_id, lists.channel, cast(cards.course_id as varchar) as course_id, lists.position
        from (
            select
                member_id,
                channel,
                unnest(list_transform(ranking, lambda place : courses[place].course_number)) as course_number,
                generate_subscripts(ranking, 1) as position
            from (
                select
                    cast(member_id as varchar) as member_id,
                    courses,
                    treatment.key as channel,
                    rankings[treatment.value][:{PLACES}] as ranking
                from (select *, unnest(map_entries(treatments)) as treatment from {schema}.recommendation_store)
            )
        ) as lists
        inner join {schema}.course_cards as cards using (course_number)
    """
