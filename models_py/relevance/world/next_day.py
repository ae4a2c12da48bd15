"""`python -m relevance.world.next_day`: the simulated world lives the day that the published lists were made for.

Members meet what they would be served that day: the published lists, by channel, amid the platform's exploration. What
they do is appended to the raw tables, as an export would be, in one transaction: killed at any moment, the day has been
lived or it has not. The build that follows learns from it.
"""

import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from relevance.ask import published_file
from relevance.design import places
from relevance.privacy import without_members
from relevance.publication import SCHEMA, attach
from relevance.world.config import CHANNELS, FIRST_DATE, HORIZON_DAYS, LIST_LENGTH
from relevance.world.log import LAST_SECOND, Columns, nothing_seen, one_day
from relevance.world.models import world_config
from relevance.world.policies import platform_mappings
from relevance.world.tables import Simulation, job_views_of_day, simulation

LOGGED = ("impressions", "engagements", "autoplays", "dismissals", "email_sends")


class NextDayError(RuntimeError):
    """No day was lived and nothing was written; the message says why."""


def live_next_day(warehouse: str | Path, published: str | Path) -> str:
    """Appends the day of the lists to the raw tables of a warehouse; returns what happened, as a line.

    warehouse, published : DuckDB files, the second with the lists of the day. A day that has been lived is not lived
    again. Raises NextDayError where there is no simulated world, or its days are over, or the published lists are of a
    day that the log has not come to.
    """
    warehouse, published = Path(warehouse), Path(published)
    if not warehouse.is_file():
        raise NextDayError(f"{warehouse} does not exist. Remedy: make run")
    try:
        with duckdb.connect(config={"temp_directory": f"{warehouse}.tmp"}) as connection:
            attach(connection, warehouse, "warehouse")
            connection.execute("use warehouse")
            return _live(connection, published)
    except duckdb.Error as error:
        raise NextDayError(f"{error} Remedy: wait for another process that has {warehouse} open") from error


def _live(connection: duckdb.DuckDBPyConnection, published: Path) -> str:
    tables = {f"{schema}.{name}" for schema, name in connection.execute(
        "select schema_name, table_name from duckdb_tables()").fetchall()}  # fmt: skip
    is_simulated = tables.issuperset(("world.world_parameters", "raw.impressions", "staging.raw_files"))
    if not is_simulated or connection.execute("from staging.raw_files where scan is not null limit 1").fetchall():
        raise NextDayError(
            "the warehouse has no simulated world. Remedy: make run builds one; to tables of your own add the rows of "
            "the day, and build"
        )
    if not published.is_file():
        raise NextDayError(f"{published} does not exist. Remedy: make run")
    path = str(published).replace("'", "''")
    connection.execute(f"attach '{path}' as published (read_only)")
    ((today,),) = connection.execute(f"select as_of_date from published.{SCHEMA}.publication").fetchall()
    ((last,),) = connection.execute("select max(cast(served_at as date)) from raw.impressions").fetchall()
    if today <= last:
        return f"{today} has been lived; the build that takes it in is still to come"
    if today > last + timedelta(1):
        raise NextDayError(f"{published} has the lists of {today}, the log ends on {last}. Remedy: build, and publish")
    config, forgotten = world_config(connection.table("world.world_parameters"))
    end = FIRST_DATE + timedelta(config.days + HORIZON_DAYS)
    if today >= end:
        raise NextDayError(
            f"the world ends before {end}. Remedy: make run starts it anew, with a larger var world_days"
        )
    lists, variants = _served_lists(connection, config.members)
    day = (today - FIRST_DATE).days
    first = dict(zip(("impression_id", "session_id", "send_id"), connection.execute(
        """
        select (select max(impression_id) + 1 from raw.impressions), (select max(session_id) + 1 from raw.impressions),
            (select coalesce(max(send_id), 0) + 1 from raw.email_sends)
        """
    ).fetchone(), strict=True))  # fmt: skip

    def history(s: Simulation) -> tuple[Columns, Columns]:
        return _lived(s, day, lists, variants, first)

    world = replace(simulation(config), history=history)
    rows = {name: world.table("raw", name) for name in LOGGED} | {"job_views": job_views_of_day(world, day)}
    rows = {name: without_members(table, forgotten) for name, table in rows.items()}
    connection.execute("begin")
    for name, table in rows.items():
        _append(connection, name, table)
    connection.execute("commit")
    clicks = rows["engagements"].num_rows
    return f"{today} was lived: {rows['impressions'].num_rows:,} impressions, {clicks:,} engagements"


def _served_lists(connection: duckdb.DuckDBPyConnection, members: int) -> tuple[NDArray, NDArray]:
    """(channels, members, LIST_LENGTH) course indices and (channels, members) variants of the published file."""
    stored = connection.sql(
        f"""
        select
            member_id - 1 as member,
            treatment.key as channel,
            treatment.value as variant,
            list_transform(
                rankings[treatment.value][:{LIST_LENGTH}], lambda place : courses[place].course_number
            ) as course_numbers
        from (select *, unnest(map_entries(treatments)) as treatment from published.{SCHEMA}.recommendation_store)
        order by member_id, channel
        """
    ).to_arrow_table()
    cards = connection.execute(
        f"select course_number, course_id - 1 as course from published.{SCHEMA}.course_cards order by course_number"
    ).fetchnumpy()
    row = stored.column("member").to_numpy()
    channel = np.array([CHANNELS.index(name) for name in stored.column("channel").to_pylist()], np.int64)
    numbers = stored.column("course_numbers").combine_chunks()
    length = numbers.value_lengths().to_numpy()
    if length.min() < LIST_LENGTH:
        raise NextDayError(
            f"{(length < LIST_LENGTH).sum()} published lists have fewer than {LIST_LENGTH} courses, "
            "of which sessions of this world see any. Remedy: raise recommendations_per_member"
        )
    course = cards["course"][places(cards["course_number"], numbers.flatten().to_numpy())]
    lists = np.zeros((len(CHANNELS), members, LIST_LENGTH), np.int32)
    lists[channel, row] = course.reshape(-1, LIST_LENGTH)
    variants = np.full((len(CHANNELS), members), "", object)
    variants[channel, row] = stored.column("variant").to_pylist()
    return lists, variants


def _lived(
    s: Simulation, day: int, lists: NDArray, variants: NDArray, first: dict[str, int]
) -> tuple[Columns, Columns]:
    """The day's columns of impressions and e-mail sends, with keys that go on after those of the log."""
    names, arm_of = np.unique(variants.astype(str), return_inverse=True)
    mappings = platform_mappings(s.world, s.profiles.matrix)
    shown, sent = one_day(s.world, mappings, day, lists, arm_of.reshape(variants.shape), nothing_seen(s.world))
    shown["variant"] = names[shown.pop("arm")]
    shown["second"] = np.minimum(shown["second"], LAST_SECOND)
    shown["impression_id"] = first["impression_id"] + np.arange(len(shown["day"]))
    shown["session"] += first["session_id"]
    sent["send_id"] = first["send_id"] + np.arange(len(sent["day"]))
    return shown, sent


def _append(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    connection.register("lived_rows", table)
    # a course is dismissed once
    new = "anti join raw.dismissals using (member_id, course_id)" if name == "dismissals" else ""
    connection.execute(f"insert into raw.{name} by name select * from lived_rows {new}")
    connection.unregister("lived_rows")


if __name__ == "__main__":
    try:
        print(live_next_day(os.environ.get("COURSE_RECOMMENDER_WAREHOUSE", "warehouse.duckdb"), published_file()))
    except NextDayError as error:
        sys.exit(str(error))
