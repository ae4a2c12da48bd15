"""Point lookups through `recommend` on a published file of 100k members, by four reader processes while a build runs.

    .venv/bin/python benchmarks/lookup.py [--warehouse warehouse.duckdb] [--members 100000] [--readers 4] [--pause 0.02]
        [--nice 10]

The warehouse is one that `make run` left; its published tables are repeated under new member ids until there are
enough members, and published by `relevance.publication`. Every reader keeps one connection, as a serving process does,
and asks for a random member at a time: through `recommend`, and as yardsticks the bare record of the same member by
its key, and the least that shows courses with reasons: the cards of ten places as they are stored, whatever has been
dismissed, followed or shown since. First with nothing else running, then while `nice dbt build` makes another world:
with a pause between questions, and without one, which keeps every core busy whatever a question costs. The CPU column
does not depend on what else the machine does. 5 milliseconds in the median and 20 at the 99th percentile are wanted.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models_py"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "python"))

from conftest import ROOT, Warehouse
from relevance.publication import FILE, SCHEMA, publish

STORE = "recommendation_store"
QUESTIONS = {
    "recommend": "from recommend(?, ?)",
    "ten cards, not re-ranked": f"""
        with record as (select * from {SCHEMA}.{STORE} where member_id = ?),
        places as (select unnest(rankings[treatments[?]][:10]) as place, courses, reasons from record),
        entries as (
            select courses[place].course_number as course_number, reasons[courses[place].reason] as reason_number
            from places
        )
        select course_id, title, reason, text
        from entries
        inner join {SCHEMA}.course_cards using (course_number)
        inner join {SCHEMA}.reason_cards using (reason_number)
    """,
    "bare record": f"select * from {SCHEMA}.{STORE} where member_id = ?",
}


def repeated(warehouse: Path, published: Path, folder: Path, members: int) -> int:
    """Publishes the tables of a published file with the rows of members repeated under new ids; returns the bytes."""
    with duckdb.connect(str(folder / "copy.duckdb")) as session:
        session.execute(f"attach '{published}' as published (read_only)")
        session.execute(f"attach '{warehouse}' as warehouse (read_only)")
        names = session.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'published' "
            "and table_name not in ('publication', 'published_tables') order by all"
        ).fetchall()
        by_member = session.execute(
            f"select table_name from duckdb_indexes() where database_name = 'published' and table_name <> '{STORE}'"
        ).fetchall()
        ((there, highest),) = session.execute(
            f"select count(*), max(member_id) from published.{SCHEMA}.{STORE}"
        ).fetchall()
        copies = -(-members // there)
        tables = {}
        for schema, name in names:
            table = session.sql(f"from published.{schema}.{name}")
            if "member_id" in table.columns:
                table = session.sql(
                    f"select rows.* replace (member_id + copy * {highest} as member_id) "
                    f"from published.{schema}.{name} as rows cross join range({copies}) as copies(copy) "
                    f"where (copy * {there}) < {members} order by copy, rows.member_id"
                )
            tables[name if schema == SCHEMA else f"{schema}.{name}"] = table
        functions = session.sql(f"from warehouse.{SCHEMA}.serving_functions")
        row = publish(
            session,
            str(folder),
            keep=0,
            tables=tables,
            functions=functions,
            as_of_date=session.sql(f"select as_of_date from published.{SCHEMA}.publication"),
            by_member=[name for (name,) in by_member],
        )
    (folder / "copy.duckdb").unlink()
    return row["bytes"][0].as_py()


def read(file: str, seed: int, questions: int, pause: float) -> None:
    """A reader process: prints the milliseconds of each question, and those of its processor, as JSON."""
    chance = random.Random(seed)
    times = {name: [] for name in QUESTIONS}
    with duckdb.connect(file, read_only=True) as connection:
        connection.execute("set threads = 1")  # a lookup is too short to share
        members = connection.execute(f"select member_id from {SCHEMA}.{STORE} order by member_id").fetchall()
        ((channels,),) = connection.execute(f"select map_keys(treatments) from {SCHEMA}.{STORE} limit 1").fetchall()
        for number in range(-20, questions):
            (member,), channel = chance.choice(members), chance.choice(channels)
            for name, sql in QUESTIONS.items():
                time.sleep(pause * 2 * chance.random())
                start, cpu = time.perf_counter(), time.process_time()
                rows = connection.execute(sql, [member, channel][: sql.count("?")]).fetchall()
                if number >= 0:  # the first ones read the catalogue
                    times[name].append((1000 * (time.perf_counter() - start), 1000 * (time.process_time() - cpu)))
                assert rows or name != "bare record"
    print(json.dumps(times))


def measured(file: Path, readers: int, questions: int, pause: float) -> dict[str, np.ndarray]:
    """(questions, 2): milliseconds of every question of several readers at once, and of its processor."""
    command = [sys.executable, __file__, "--read", str(file), "--questions", str(questions), "--pause", str(pause)]
    running = [
        subprocess.Popen([*command, "--seed", str(seed)], stdout=subprocess.PIPE, text=True) for seed in range(readers)
    ]
    answers = [json.loads(process.communicate()[0]) for process in running]
    return {name: np.concatenate([answer[name] for answer in answers]) for name in QUESTIONS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warehouse", type=Path, default=ROOT / "warehouse.duckdb")
    parser.add_argument("--published", type=Path, default=ROOT / "published" / FILE)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--questions", type=int, default=500, help="of each kind, by each reader")
    parser.add_argument("--pause", type=float, default=0.02, help="mean seconds between two questions of a reader")
    parser.add_argument("--nice", type=int, default=10, help="of the build: operations.md has it give way to readers")
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--read", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        return read(options.read, options.seed, options.questions, options.pause)
    for path in (options.warehouse, options.published):
        if not path.exists():
            sys.exit(f"{path} does not exist. Remedy: make run, or name one with --warehouse and --published")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = time.perf_counter()
        size = repeated(options.warehouse, options.published, folder, options.members)
        print(f"{options.members} members: {size / 1e6:.0f} MB, published in {time.perf_counter() - start:.0f} s")
        print(f"{options.readers} readers at once, milliseconds{'':<15}   median      p99      CPU    ratio")
        file, results = folder / FILE, {}
        world = Warehouse(folder / "world")
        for label, builds, pause in (
            ("nothing else runs", False, options.pause),
            ("while a build runs", True, options.pause),
            ("without pauses", True, 0.0),
        ):
            build = world.start("build", world_preset="ci") if builds else None
            if build:
                os.setpriority(os.PRIO_PROCESS, build.pid, options.nice)
                for line in build.stdout:  # until models run
                    if "2 of " in line:
                        break
                drain = subprocess.Popen(["cat"], stdin=build.stdout, stdout=subprocess.DEVNULL)
            times = measured(file, options.readers, options.questions, pause)
            if build:
                ended = build.poll() is not None
                build.kill()
                build.wait()
                drain.wait()
                label += " (it ended before the readers)" if ended else ""
            for question, values in times.items():
                (median, cpu), (high, _) = np.median(values, axis=0), np.percentile(values, 99, axis=0)
                ratio = median / np.median(times["bare record"][:, 0])
                results[label, question] = median, high
                print(
                    f"{label + ': ' + question:<46} {median:>8.2f} {high:>8.2f} {cpu:>8.2f} {ratio:>8.2f}", flush=True
                )
    median, high = results["while a build runs", "recommend"]
    idle, idle_high = results["nothing else runs", "recommend"]
    print(f"a build makes the median {median / idle:.2f} times and the 99th percentile {high / idle_high:.2f} times")


if __name__ == "__main__":
    main()
