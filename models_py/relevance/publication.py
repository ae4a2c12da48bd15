"""The published file: written beside the old one, checked, then swapped by an atomic rename.

Readers open `recommendations.duckdb` read-only with any DuckDB client. A build that dies at any moment leaves them on
the version before. `versions/` keeps versions under their numbers: the one being read and the last ones before it.
"""

import fcntl
import filecmp
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pyarrow as pa

FILE = "recommendations.duckdb"
SCHEMA = "serving"
ROW_GROUP = 16_384  # threads share the groups of a table, and DuckDB's own hold 122,880 rows, which are long here
SAMPLE = 8  # members whom every table function has to answer before a file is served
LIST = {"member", "channel"}  # what a function that lists courses has to be told
PUBLICATION = pa.schema(
    [
        ("version", pa.int64()),
        ("path", pa.string()),
        ("as_of_date", pa.date32()),
        ("members", pa.int64()),
        ("bytes", pa.int64()),
    ]
)
# xor would not see a row that came twice; a sum does
ROWS_AND_CHECKSUM = "select count(*), coalesce(sum(hash(r)::hugeint), 0)::varchar"


class PublicationError(RuntimeError):
    """Nothing was published or served; the message says why, and readers keep the version before."""


def publish(
    session,
    folder: str,
    keep: int,
    tables: dict,
    functions,
    as_of_date,
    assignments=None,
    key: str = "recommendation_store",
    by_member: Sequence[str] = (),
) -> pa.Table:
    """Publishes relations and table functions; returns one row (version, path, as_of_date, members, bytes).

    session : DuckDB connection of the warehouse;  folder : where the file goes;  keep : earlier versions that stay;
    tables : name, or schema.name -> relation, `key` among them with columns member_id and treatments (channel ->
    variant);  functions : relation with function_name, parameters, definition, `recommend` among them, and maybe
    description, which becomes their comment;  as_of_date : relation with one row;  assignments : relation with
    member_id, channel, variant, each of which the store has to hold;  by_member : other tables with one row per member
    that functions look up by it.
    Raises PublicationError; the old file is untouched.
    """
    target = Path(folder)
    with _errors(target, "publishing to"):
        (target / "versions").mkdir(parents=True, exist_ok=True)
        with _only_writer(target):
            new = target / "versions" / f".{FILE}.new"
            try:
                version = max(_kept_versions(target), default=_number_in(target / FILE)) + 1
                (day,) = [row["as_of_date"] for row in as_of_date.to_arrow_table().to_pylist()]
                listed = functions.to_arrow_table().to_pylist()
                _write(session, new, version, day, tables, listed, (key, *by_member))
                live = [
                    name for name in tables if name not in (key, *by_member) and "member_id" in tables[name].columns
                ]
                members = _check(session, new, listed, assignments, key, live)
                size = new.stat().st_size
                _sync(new)
                _serve(target, version, new)
            finally:
                _remove_left_overs(target)
            for old in _kept_versions(target)[: -(keep + 1)]:
                with suppress(OSError):
                    _file_of(target, old).unlink()
    row = {"version": version, "path": str(target / FILE), "as_of_date": day, "members": members, "bytes": size}
    return pa.Table.from_pylist([row], schema=PUBLICATION)


def rollback(folder: str, version: int | str | None) -> str:
    """Serves a kept version again, by an atomic swap; returns a sentence that says so.

    The next publication gets the number after the highest one kept, whichever is served, and is served. Raises
    PublicationError where the version is not kept or is damaged; what is served stays.
    """
    target = Path(folder)
    kept = _kept_versions(target)
    if not kept:
        raise PublicationError(
            f"{target} keeps no versions. Remedy: publish one with make run, or name the folder with "
            f"COURSE_RECOMMENDER_PUBLISHED."
        )
    remedy = f"Remedy: give one of {', '.join(map(str, kept))}"
    try:
        number = int(str(version))
    except ValueError:
        given = "no version was named" if version in (None, "") else f"{version!r} is not the number of a version"
        raise PublicationError(f"{given}. {remedy}.") from None
    if number not in kept:
        raise PublicationError(f"{target} keeps no version {number}. {remedy}.")
    with _errors(target, "serving from"), _only_writer(target):
        if _is_served(target, number):
            return f"{target / FILE} is version {number} already; nothing was changed"
        state = _state(_file_of(target, number), number)["checksum"]
        if state.startswith("broken"):
            raise PublicationError(f"version {number} in {target} is {state}. {remedy} that `versions` finds complete.")
        try:
            _serve(target, number)
        finally:
            _remove_left_overs(target)
    return f"{target / FILE} is version {number} now"


def versions(folder: str) -> list[dict]:
    """The versions kept in a folder, ascending: version, as_of_date, members, bytes, is_served, checksum.

    checksum : 'complete' where every row is the one that was published, 'broken: …' where the file is damaged,
    'not compared: …' where another version of DuckDB, whose hashes may differ, wrote it. Reads every row.
    """
    target = Path(folder)
    return [
        _state(_file_of(target, version), version) | {"is_served": _is_served(target, version)}
        for version in _kept_versions(target)
    ]


def version_files(folder: str) -> dict[int, Path]:
    """The files of the versions kept in a folder by their numbers, ascending."""
    return {version: _file_of(Path(folder), version) for version in _kept_versions(Path(folder))}


def listing(folder: str) -> str:
    """`versions` as lines of text."""
    rows = [("version", "as of", "members", "bytes", "served", "checksum")]
    for row in versions(folder):
        day, members = (row[name] if row[name] is not None else "?" for name in ("as_of_date", "members"))
        served = "served" if row["is_served"] else ""
        rows.append((row["version"], day, members, row["bytes"], served, row["checksum"]))
    if len(rows) == 1:
        return f"{folder} keeps no versions. Remedy: make run publishes one"
    return "\n".join("{:>7}  {!s:<10}  {:>9}  {:>13}  {:<6}  {}".format(*row) for row in rows)


@contextmanager
def rewriting(folder: str, write: Callable[[Path, Path], bool], key: str = "recommendation_store") -> Iterator[None]:
    """Writes every version anew, and after the block swaps the new files in, each by an atomic rename.

    write : given a file and the name of a new one, writes the same tables with fewer rows and returns True, or returns
    False where the file may stay;  key : as in `publish`. Killed between two swaps, it leaves complete files: doing it
    again does the rest. Raises PublicationError, before the block with every file as it was.
    """
    target = Path(folder)
    if not (target / FILE).exists() and not _kept_versions(target):
        yield
        return
    with _only_writer(target):
        try:
            with _errors(target, "rewriting"):
                (target / "versions").mkdir(exist_ok=True)
                served, kept = _number_in(target / FILE), _kept_versions(target)
                files = {_file_of(target, version): version for version in kept}
                if served not in kept:
                    files[target / FILE] = served
                rewritten = {}
                for number, (file, version) in enumerate(files.items()):
                    new = target / "versions" / f".{FILE}.{number}.new"
                    state = _state(file, version)["checksum"]
                    if state.startswith("broken"):
                        raise PublicationError(f"{file} is {state}. Remedy: remove it, or build again with make run.")
                    if write(file, new):
                        _restate(new, key)
                        _same_answers(file, new, key)
                        rewritten[file] = new
            yield
            with _errors(target, "the last step, to be done again, of rewriting"):
                for file, new in rewritten.items():
                    shutil.copymode(file, new)
                    replace_file(new, file)
                if served in kept and not _is_served(target, served):
                    _serve(target, served)
        finally:
            _remove_left_overs(target)


def replace_file(new: Path, path: Path) -> None:
    """A complete file takes the place of another: who opens the path gets the one or the other, whatever happens."""
    _sync(new)
    os.replace(new, path)
    with suppress(OSError):
        _sync(path.parent)


@contextmanager
def _errors(target: Path, doing: str) -> Iterator[None]:
    """Turns what a disk or DuckDB refuses into a PublicationError."""
    disk = "see that the folder can be written and the disk has room, or name another with COURSE_RECOMMENDER_PUBLISHED"
    try:
        yield
    except (OSError, duckdb.Error) as error:
        reason = " ".join(str(error).split())[:300]
        remedy = (
            f" Remedy: {disk}." if isinstance(error, OSError) or FILE in str(error) else ""
        )  # DuckDB names the file
        raise PublicationError(f"{doing} {target} failed: {reason}. Readers keep the version before.{remedy}") from None


@contextmanager
def _only_writer(target: Path) -> Iterator[None]:
    """Holds the folder: its lock goes with the process, however that ends. A second writer is refused."""
    handle = os.open(target, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PublicationError(
                f"another process is publishing to {target}. Readers keep the version before. Remedy: give every "
                f"warehouse a folder of its own with COURSE_RECOMMENDER_PUBLISHED, or build again when it is done."
            ) from None
        _remove_left_overs(target)
        yield
    finally:
        os.close(handle)


def _file_of(target: Path, version: int) -> Path:
    return target / "versions" / f"{version:06d}.duckdb"


def _kept_versions(target: Path) -> list[int]:
    """Numbers of the versions in the folder, ascending."""
    return sorted(int(path.stem) for path in (target / "versions").glob("*.duckdb") if path.stem.isdecimal())


def _number_in(file: Path) -> int:
    """The version that a file says it is; 0 where there is none to read."""
    with suppress(duckdb.Error), duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(f"select version from {SCHEMA}.publication").fetchall()[0][0]
    return 0


def _is_served(target: Path, version: int) -> bool:
    """Whether readers get that version, byte for byte."""
    file, kept = target / FILE, _file_of(target, version)
    return file.exists() and (file.samefile(kept) or filecmp.cmp(file, kept, shallow=False))


def _serve(target: Path, version: int, new: Path | None = None) -> None:
    """The swap: readers see the file of before until it, that version after. `new` becomes that version first."""
    kept, link = _file_of(target, version), target / f".{FILE}.new"
    try:
        if new is not None:
            os.replace(new, kept)
            _sync(kept.parent)
        _same_file(kept, link)
        os.replace(link, target / FILE)
    except OSError:
        if new is not None:
            with suppress(OSError):
                kept.unlink()
        raise
    with suppress(OSError):  # readers have the new version; after a power cut they might get the old one, complete too
        _sync(target)


def _remove_left_overs(target: Path) -> None:
    """Removes what a publication that died, or this one, wrote under names that no reader opens."""
    for folder in (target, target / "versions"):
        for path in folder.glob(f".{FILE}.*new*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)  # where DuckDB spills
            else:
                with suppress(OSError):
                    path.unlink()


def _sync(path: Path) -> None:
    """Has the system write a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _same_file(path: Path, name: Path) -> None:
    """Another name for a file; a copy where the file system has no hard links or the names lie on two of them."""
    try:
        os.link(path, name)
    except OSError:
        shutil.copyfile(path, name)
        _sync(name)


def _qualified(name: str) -> str:
    """Where a table goes: into the schema it names, else into that of the tables."""
    return name if "." in name else f"{SCHEMA}.{name}"


class _Passed:
    """The rows of a query in batches, and what ROWS_AND_CHECKSUM says of them once they have passed: hashed by the
    session of the query, so that a row that arrives as another is seen."""

    def __init__(self, session, query: str) -> None:
        self.rows, self.checksum = 0, 0
        # a row group at a time: what is in smaller pieces one thread puts together and compresses at the end
        hashed = session.cursor().sql(f"select *, hash(r) from ({query}) as r").to_arrow_reader(ROW_GROUP)
        schema = hashed.schema.remove(len(hashed.schema) - 1)
        self.batches = pa.RecordBatchReader.from_batches(schema, self._passing(hashed, schema))

    def _passing(self, hashed: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for batch in hashed:
            *columns, hashes = batch.columns
            numbers = hashes.to_numpy()  # in halves: their sum would run over
            self.checksum += int((numbers & 0xFFFFFFFF).sum()) + (int((numbers >> 32).sum()) << 32)
            self.rows += batch.num_rows
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def attach(connection, file, name: str) -> None:
    """Has a connection write to a DuckDB file, as the database `name`, with row groups of ROW_GROUP.

    Where a file is opened without saying so, the next checkpoint merges the groups of all its tables.
    """
    path, name = str(file).replace("'", "''"), name.replace('"', '""')
    connection.execute(f"attach '{path}' as \"{name}\" (row_group_size {ROW_GROUP})")


def _write(
    session, path: Path, version: int, day, tables: dict, functions: list[dict], by_member: Sequence[str]
) -> None:
    """Fills a new file: tables with their row counts and checksums, indexes by member, table functions."""
    ((memory,),) = session.cursor().execute("select current_setting('memory_limit')").fetchall()
    settings = {"memory_limit": memory, "temp_directory": f"{path}.tmp"}
    with duckdb.connect(config=settings) as new:
        attach(new, path, "published")
        new.execute("use published")
        new.execute(f"create schema {SCHEMA}")
        new.execute(f"create table {SCHEMA}.published_tables (table_name varchar, rows bigint, checksum varchar)")
        for name, relation in tables.items():
            passed = _Passed(session, relation.sql_query())
            new.register("batches", passed.batches)
            new.execute(f"create table {_qualified(name)} as select * from batches")
            new.unregister("batches")
            new.execute(
                f"insert into {SCHEMA}.published_tables values (?, ?, ?)", [name, passed.rows, str(passed.checksum)]
            )
        for name in by_member:
            new.execute(f"create unique index {name}_member on {SCHEMA}.{name} (member_id)")
        new.execute(
            f"create table {SCHEMA}.publication as select ?::bigint as version, ?::date as as_of_date, "
            f"count(*) as members, version() as engine from {SCHEMA}.{by_member[0]}",
            [version, day],
        )
        for row in functions:
            signature = f"{row['function_name']}({row['parameters']})"
            for name in (signature, f"{SCHEMA}.{signature}"):
                new.execute(f"create macro {name} as table {row['definition']}")
            if row.get("description"):
                for name in (row["function_name"], f"{SCHEMA}.{row['function_name']}"):
                    new.execute(f"comment on macro table {name} is $comment${row['description']}$comment$")
        new.execute("checkpoint")


def _restate(path: Path, key: str) -> None:
    """Has a file with fewer rows say how many it has."""
    with duckdb.connect(config={"temp_directory": f"{path}.tmp"}) as new:
        attach(new, path, "published")
        new.execute("use published")
        for (name,) in new.execute(f"select table_name from {SCHEMA}.published_tables").fetchall():
            (there,) = new.execute(f"{ROWS_AND_CHECKSUM} from {_qualified(name)} as r").fetchall()
            new.execute(
                f"update {SCHEMA}.published_tables set rows = ?, checksum = ? where table_name = ?", [*there, name]
            )
        new.execute(
            f"update {SCHEMA}.publication set members = (select count(*) from {SCHEMA}.{key}), engine = version()"
        )
        new.execute("checkpoint")


def _same_answers(path: Path, new: Path, key: str) -> None:
    """Compares the lists of some members that two files give."""
    with duckdb.connect(str(new), read_only=True) as connection:
        sample = connection.execute(
            f"select member_id, unnest(map_keys(treatments)) from (from {SCHEMA}.{key} "
            f"order by md5(member_id::varchar), member_id limit {SAMPLE})"
        ).fetchall()
    answers = []
    for file in (path, new):
        with duckdb.connect(str(file), read_only=True) as connection:
            answers.append([connection.execute("from recommend(?, ?)", list(asked)).fetchall() for asked in sample])
    if answers[0] != answers[1]:
        raise PublicationError(f"{new} does not give the lists of {path}")


def _check(session, path: Path, functions: list[dict], assignments, key: str, live: list[str]) -> int:
    """Compares a file, opened as readers open it, with the warehouse. Returns the number of members."""
    if Path(f"{path}.wal").exists():
        raise PublicationError(f"{path} was not written to its end")
    with duckdb.connect(str(path), read_only=True) as new, ThreadPoolExecutor(1) as beside:
        answered = beside.submit(_check_functions, new.cursor(), functions, key, live)
        for message in _differences(new):
            raise PublicationError(message)
        ((members, assigned),) = new.execute(
            f"select count(*), count(*) filter (cardinality(treatments) > 0) from {SCHEMA}.{key}"
        ).fetchall()
        if members == 0 or members != assigned:
            raise PublicationError(f"{key}: {members} members, {assigned} of them with a treatment; all need one")
        if assignments is not None:
            new.register("assigned", session.cursor().sql(assignments.sql_query()).to_arrow_table())
            _check_assignments(new, key)
            new.unregister("assigned")
        answered.result()
    return members


def _differences(new: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """What the rows of a published file do not have in common with the rows that went into it."""
    for name, *expected in new.execute(f"from {SCHEMA}.published_tables order by table_name").fetchall():
        (found,) = new.execute(f"{ROWS_AND_CHECKSUM} from {_qualified(name)} as r").fetchall()
        if list(found) != expected:
            yield f"{name}: published (rows, checksum) {found} are not those of the warehouse {tuple(expected)}"


def _check_assignments(new: duckdb.DuckDBPyConnection, key: str) -> None:
    """Every assigned member is there, with the variant of each channel, and nobody else."""
    treated = f"select member_id, unnest(map_entries(treatments), recursive := true) from {SCHEMA}.{key}"
    ((missing, example, absent, more),) = new.execute(
        f"""
        with treated(member_id, channel, variant) as ({treated}),
        assigned as (select member_id, channel, variant from assigned),
        missing as (from assigned anti join treated using (member_id, channel, variant))
        select
            (select count(*) from missing),
            (select member_id from missing order by member_id limit 1),
            (select count(distinct member_id) from missing anti join {SCHEMA}.{key} as store using (member_id)),
            (select count(*) from treated anti join assigned using (member_id, channel, variant))
        """
    ).fetchall()
    if missing or more:
        raise PublicationError(
            f"{key}: {missing} assignments are not in the store (first of member {example!r}; {absent} members have no "
            f"record at all) and {more} treatments were never assigned. Remedy: build assignments, scores and {key} "
            f"together: dbt build -s assignments+"
        )


def _check_functions(new: duckdb.DuckDBPyConnection, functions: list[dict], key: str, live: list[str]) -> None:
    """Calls every function for some members and all their channels; lists of a member have rows, unless a live table
    such as dismissals may have emptied them."""
    touched = " or ".join(f"member_id in (select member_id from {_qualified(name)})" for name in live) or "false"
    sample = new.execute(
        f"""
        with sample as (
            select member_id, treatments, coalesce({touched}, false) as is_touched
            from {SCHEMA}.{key}
            order by is_touched, md5(member_id::varchar), member_id
            limit {SAMPLE}
        )

        select member_id, unnest(map_keys(treatments)), is_touched from sample
        """
    ).fetchall()
    answers = dict.fromkeys((row["function_name"] for row in functions), 0)
    for member, channel, is_touched in sample:
        shown = new.execute("select course_id from recommend(?, ?) limit 1", [member, channel]).fetchall()
        courses = [course for (course,) in shown]
        given = {"member": member, "channel": channel, "course": (courses or [None])[0], "courses": courses}
        for row in functions:
            name, required = row["function_name"], _required(row["parameters"])
            call = f"from {name}({', '.join('?' for _ in required)})"
            rows = len(new.execute(call, [given.get(parameter) for parameter in required]).fetchall())
            answers[name] += rows
            if rows == 0 and not is_touched and set(required) == LIST:
                raise PublicationError(f"{name}({member!r}, {channel!r}) has no rows")
    for row in functions:
        if answers[row["function_name"]] == 0 and set(_required(row["parameters"])) == LIST:
            raise PublicationError(f"{row['function_name']} has no rows for any member of a sample")


def _required(parameters: str) -> list[str]:
    """Names of the parameters without a default: `member, channel, top_k := 10` has two."""
    head, *defaults = parameters.split(":=")
    return [name.strip() for name in head.split(",")][: -1 if defaults else None]


def _state(file: Path, version: int) -> dict:
    """What a kept file says of itself, and whether its rows are those that went into it."""
    row = {"version": version, "as_of_date": None, "members": None, "bytes": file.stat().st_size}
    try:
        with duckdb.connect(str(file), read_only=True) as kept:
            ((number, row["as_of_date"], row["members"], engine, here),) = kept.execute(
                f"select version, as_of_date, members, engine, version() from {SCHEMA}.publication"
            ).fetchall()
            if number != version:
                return row | {"checksum": f"broken: it says that it is version {number}"}
            if engine != here:
                return row | {"checksum": f"not compared: written by DuckDB {engine}"}
            differences = list(_differences(kept))
    except duckdb.Error as error:
        return row | {"checksum": f"broken: {' '.join(str(error).split())[:150]}"}
    return row | {"checksum": f"broken: {differences[0]}" if differences else "complete"}


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit("usage: publication.py <published folder> [version]; lists the versions, or serves one again")
    try:
        print(rollback(sys.argv[1], sys.argv[2]) if len(sys.argv) == 3 else listing(sys.argv[1]))
    except PublicationError as error:
        sys.exit(str(error))
