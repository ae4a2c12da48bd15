"""The published file: written beside the old one, checked, then swapped by an atomic rename.

Readers open `recommendations.duckdb` read-only with any DuckDB client. A build that dies at any moment leaves them on the
version before; the last versions stay in `versions/`.
"""

import os
from contextlib import suppress
from pathlib import Path

import duckdb
import pyarrow as pa

FILE = "recommendations.duckdb"
SCHEMA = "serving"
PUBLICATION = pa.schema(
    [("version", pa.int64()), ("path", pa.string()), ("as_of_date", pa.date32()), ("members", pa.int64()), ("bytes", pa.int64())]
)


class PublicationError(RuntimeError):
    """Nothing was published; the message says why, and readers keep the version before."""


def publish(session, folder: str, keep: int, tables: dict, functions, as_of_date, key: str = "recommendation_store") -> pa.Table:
    """Publishes relations and table functions; returns one row (version, path, as_of_date, members, bytes).

    session : DuckDB connection of the warehouse;  folder : where the file goes;  keep : earlier versions that stay;
    tables : name -> relation, `key` among them with a column member_id;  functions : relation with function_name,
    parameters, definition;  as_of_date : relation with one row. Raises PublicationError; the old file is then untouched.
    """
    target = Path(folder)
    current, versions, new = target / FILE, target / "versions", target / f".{FILE}.{os.getpid()}.new"
    try:
        versions.mkdir(parents=True, exist_ok=True)
        for left_over in target.glob(f".{FILE}.*.new*"):
            left_over.unlink()
        before = _version_of(current)
        version = max([before, *(int(path.stem) for path in versions.glob("[0-9]*.duckdb"))]) + 1
        (day,) = [row["as_of_date"] for row in as_of_date.to_arrow_table().to_pylist()]
        members = _write(session, new, version, day, tables, functions, key)
        with new.open("rb+") as handle:
            os.fsync(handle.fileno())
        size = new.stat().st_size
        if current.exists():
            kept = versions / f"{before:06d}.duckdb"
            kept.unlink(missing_ok=True)
            os.link(current, kept)
        os.replace(new, current)
    except (OSError, duckdb.Error) as error:
        reason = " ".join(str(error).split())[:300]
        raise PublicationError(
            f"publishing to {target} failed: {reason}. Readers keep the version before. Remedy: see that the folder can "
            f"be written and the disk has room, or set the var published_path."
        ) from None
    finally:
        for left_over in (new, Path(f"{new}.wal")):
            with suppress(OSError):
                left_over.unlink()
    for old in sorted(versions.glob("[0-9]*.duckdb"))[: -keep or None]:
        old.unlink()
    return pa.Table.from_pylist(
        [{"version": version, "path": str(current), "as_of_date": day, "members": members, "bytes": size}], schema=PUBLICATION
    )


def _version_of(path: Path) -> int:
    """Version inside a published file; 0 where there is none."""
    if not path.exists():
        return 0
    quoted = str(path).replace("'", "''")
    with duckdb.connect() as connection:  # connecting would share what a reader in this process has open
        connection.execute(f"attach '{quoted}' as published (read_only)")
        return connection.execute(f"select version from published.{SCHEMA}.publication").fetchone()[0]


def _write(session, path: Path, version: int, day, tables: dict, functions, key: str) -> int:
    """Fills a new file and compares it with the warehouse. Returns the number of members."""
    with duckdb.connect(str(path)) as new:
        new.execute(f"create schema {SCHEMA}")
        for name, relation in tables.items():
            query = relation.sql_query()
            batches = session.cursor().sql(query).to_arrow_reader(8192)
            new.execute(f"create table {SCHEMA}.{name} as select * from batches")
            there = session.cursor().sql(f"select count(*), bit_xor(hash(r)) from ({query}) as r").fetchall()
            here = new.execute(f"select count(*), bit_xor(hash(r)) from {SCHEMA}.{name} as r").fetchall()
            if there != here:
                raise PublicationError(f"{name}: the published rows {here} are not those of the warehouse {there}")
        new.execute(f"create unique index {key}_member on {SCHEMA}.{key} (member_id)")
        new.execute(f"create table {SCHEMA}.publication as select ?::bigint as version, ?::date as as_of_date", [version, day])
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
