"""The published file: written beside the old one, checked, then swapped by an atomic rename.

Readers open `recommendations.duckdb` read-only with any DuckDB client. A build that dies at any moment leaves them on
the version before. `versions/` keeps versions under their numbers: the one being read and the last ones before it.
"""

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import duckdb
import pyarrow as pa

FILE = "recommendations.duckdb"
SCHEMA = "serving"
PUBLICATION = pa.schema(
    [
        ("version", pa.int64()),
        ("path", pa.string()),
        ("as_of_date", pa.date32()),
        ("members", pa.int64()),
        ("bytes", pa.int64()),
    ]
)


class PublicationError(RuntimeError):
    """Nothing was published; the message says why, and readers keep the version before."""


def publish(
    session, folder: str, keep: int, tables: dict, functions, as_of_date, key: str = "recommendation_store"
) -> pa.Table:
    """Publishes relations and table functions; returns one row (version, path, as_of_date, members, bytes).

    session : DuckDB connection of the warehouse;  folder : where the file goes;  keep : earlier versions that stay;
    tables : name -> relation, `key` among them with a column member_id;  functions : relation with function_name,
    parameters, definition;  as_of_date : relation with one row. Raises PublicationError; the old file is untouched.
    """
    target = Path(folder)
    new = _new_file(target)
    try:
        (target / "versions").mkdir(parents=True, exist_ok=True)
        for left_over in target.glob(f".{FILE}.*.new*"):
            left_over.unlink()
        version = max(_kept_versions(target), default=0) + 1
        (day,) = [row["as_of_date"] for row in as_of_date.to_arrow_table().to_pylist()]
        members = _write(session, new, version, day, tables, functions, key)
        size = new.stat().st_size
        _sync(new)
        os.replace(new, _file_of(target, version))
        _serve(target, version)
    except OSError as error:
        raise PublicationError(
            f"publishing to {target} failed: {error}. Readers keep the version before. Remedy: see that the folder can "
            f"be written and the disk has room, or name another with COURSE_RECOMMENDER_PUBLISHED."
        ) from None
    except duckdb.Error as error:
        reason = " ".join(str(error).split())[:300]
        raise PublicationError(f"publishing to {target} failed: {reason}. Readers keep the version before.") from None
    finally:
        for left_over in (new, Path(f"{new}.wal")):
            with suppress(OSError):
                left_over.unlink()
    for old in _kept_versions(target)[: -(keep + 1)]:
        with suppress(OSError):
            _file_of(target, old).unlink()
    row = {"version": version, "path": str(target / FILE), "as_of_date": day, "members": members, "bytes": size}
    return pa.Table.from_pylist([row], schema=PUBLICATION)


def rollback(folder: str, version: int) -> None:
    """Serves an earlier version again, by an atomic swap. Raises PublicationError if it is not kept."""
    target = Path(folder)
    kept = _kept_versions(target)
    if version not in kept:
        there = ", ".join(map(str, kept)) or "none"
        raise PublicationError(f"{target} keeps no version {version}. Remedy: give one of {there}.")
    _serve(target, version)


def _file_of(target: Path, version: int) -> Path:
    return target / "versions" / f"{version:06d}.duckdb"


def _kept_versions(target: Path) -> list[int]:
    """Numbers of the versions in the folder, ascending."""
    return sorted(int(path.stem) for path in (target / "versions").glob("[0-9]*.duckdb"))


def _serve(target: Path, version: int) -> None:
    """The swap: readers see the file of before until it, that version after."""
    new = _new_file(target)
    _same_file(_file_of(target, version), new)
    os.replace(new, target / FILE)
    _sync(target)


def _new_file(target: Path) -> Path:
    """A name that no reader opens, in the same folder, so that a rename is atomic."""
    return target / f".{FILE}.{os.getpid()}.new"


def _sync(path: Path) -> None:
    """Has the system write a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _same_file(path: Path, name: Path) -> None:
    """Another name for a file; a copy where the file system has no hard links."""
    try:
        os.link(path, name)
    except OSError:
        shutil.copyfile(path, name)
        _sync(name)


def _write(session, path: Path, version: int, day, tables: dict, functions, key: str) -> int:
    """Fills a new file and compares it with the warehouse. Returns the number of members."""
    with duckdb.connect(str(path)) as new:
        new.execute(f"create schema {SCHEMA}")
        for name, relation in tables.items():
            query = relation.sql_query()
            new.register("batches", session.cursor().sql(query).to_arrow_reader(8192))
            new.execute(f"create table {SCHEMA}.{name} as select * from batches")
            new.unregister("batches")
            there = session.cursor().sql(f"select count(*), bit_xor(hash(r)) from ({query}) as r").fetchall()
            here = new.execute(f"select count(*), bit_xor(hash(r)) from {SCHEMA}.{name} as r").fetchall()
            if there != here:
                raise PublicationError(f"{name}: the published rows {here} are not those of the warehouse {there}")
        new.execute(f"create unique index {key}_member on {SCHEMA}.{key} (member_id)")
        new.execute(
            f"create table {SCHEMA}.publication as select ?::bigint as version, ?::date as as_of_date", [version, day]
        )
        for row in functions.to_arrow_table().to_pylist():
            signature = f"{row['function_name']}({row['parameters']})"
            for name in (signature, f"{SCHEMA}.{signature}"):
                new.execute(f"create macro {name} as table {row['definition']}")
        members, assigned = new.execute(
            f"select count(*), count(*) filter (cardinality(treatments) > 0) from {SCHEMA}.{key}"
        ).fetchone()
        if members == 0 or members != assigned:
            raise PublicationError(f"{key}: {members} members, {assigned} of them with a treatment; all need one")
        sample = f"select member_id, map_keys(treatments)[1] from {SCHEMA}.{key} order by member_id limit 1"
        member, channel = new.execute(sample).fetchone()
        if not new.execute("from recommend(?, ?)", [member, channel]).fetchall():
            raise PublicationError(f"recommend({member!r}, {channel!r}) has no rows")
        new.execute("checkpoint")
    return members


if __name__ == "__main__":
    if len(sys.argv) != 3 or not sys.argv[2].isdigit():
        sys.exit("usage: publication.py <published folder> <version>; serves that version again")
    try:
        rollback(sys.argv[1], int(sys.argv[2]))
    except PublicationError as error:
        sys.exit(str(error))
    print(f"{sys.argv[1]}/{FILE} is version {int(sys.argv[2])} now")
