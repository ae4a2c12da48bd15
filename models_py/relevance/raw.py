"""Finds the files of the user's raw tables and refuses, by name, what the pipeline could not read."""

import csv
import difflib
import glob
import os

import duckdb
import pyarrow as pa

from relevance.engine import is_spark

SCHEMA = pa.schema(
    [("table_name", pa.string()), ("column_name", pa.string()), ("column_type", pa.string()), ("scan", pa.string())]
)
# Nothing of a text file is guessed: a guess drops lines that begin with #, or takes a broken row for another dialect.
CSV = "header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"', comment = '', skip = 0"
WHOLE_LINES = (
    "header = false, delim = '\x01', quote = '', escape = '', columns = {line: 'VARCHAR'}, auto_detect = false"
)
READERS = {
    ".parquet": "read_parquet('{path}', union_by_name = true)",
    ".csv": f"read_csv('{{path}}', {CSV}, union_by_name = true)",
}
ENDINGS = {ending: READERS[ending.removesuffix(".gz")] for ending in (".parquet", ".csv", ".csv.gz")}
NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
           "FLOAT", "DOUBLE", "BOOLEAN")  # fmt: skip
TIMES = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")
NESTED = ("[", "STRUCT", "MAP", "UNION", "BLOB")


class RawDataError(Exception):
    """The raw folder cannot be read as the contract asks; the message names table, column and remedy."""


def find_raw_tables(location: str | None, contract, session) -> pa.Table:
    """One row per present column of every raw table: table_name, column_name, column_type, scan.

    location : folder with `<table>.parquet`, `<table>.csv`, `<table>.csv.gz` or a folder `<table>` of such files; empty
    for the simulated world. contract : relation of `raw_contract`. session : DuckDB connection, or a Spark session,
    for which the files are Parquet where its driver sees them.
    Raises RawDataError if the folder, a required table or a required column is missing, a table is there twice, or a
    file cannot be read.
    """
    columns: dict[str, list[dict]] = {}
    for row in contract.to_arrow_table().to_pylist():
        columns.setdefault(row["table_name"], []).append(row)
    for rows in columns.values():
        rows.sort(key=lambda row: row["column_number"])
    if not location:
        every = (row for rows in columns.values() for row in rows)
        return _table([(row["table_name"], row["column_name"], row["data_type"].upper(), None) for row in every])
    location = os.path.expanduser(location)
    cursor = duckdb.connect() if is_spark(session) else session.cursor()  # it looks at files, whoever reads them then
    files = {name: _file_of(cursor, location, name) for name in columns}
    if not any(files.values()):
        problem = "no raw table found there"
        if os.path.isfile(location):
            problem = "that is a file"
        elif "://" not in location and not os.path.isdir(location):
            problem = "there is no such folder"
        raise RawDataError(
            f"raw_location '{location}': {problem}. Remedy: give a folder that holds at least "
            f"{' and '.join(_required(columns))} as .parquet or .csv; the contract is "
            f"dbt_project/models/staging/_raw.yml."
        )
    for stray in _strays(cursor, location, set(columns)):
        print(f"{location}/{stray} is not read{_meant(stray.split('.')[0], columns)}", flush=True)
    found = []
    for name, rows in columns.items():
        if files[name] is None:
            if rows[0]["is_required_table"]:
                raise RawDataError(
                    f"raw table {name} is missing: '{location}' has no {name}.parquet, {name}.csv, {name}.csv.gz or "
                    f"folder {name}. Remedy: put it there with the columns {', '.join(_needed(rows))}."
                )
            continue
        types = _read(cursor, name, *files[name], rows)
        for row in rows:
            other = row["refers_to"]
            if other and row["column_name"] in types and files[other] is None:
                raise RawDataError(
                    f"raw table {name}, column {row['column_name']}: it refers to the table {other}, which is missing "
                    f"in '{location}'. Remedy: add {other}.parquet or {other}.csv, or leave {name} out."
                )
        scan = _spark_scan(name, *files[name]) if is_spark(session) else files[name][1]
        found += [(name, column, kind, scan) for column, kind in types.items()]
    return _table(found)


def _spark_scan(name: str, path: str, scan: str) -> str:
    """SQL of Spark to select from a raw table."""
    if not scan.startswith("read_parquet"):
        raise RawDataError(
            f"raw table {name}: {path} is text, Spark reads Parquet. Remedy: write it as {name}.parquet."
        )
    return f"parquet.`{os.path.abspath(path)}`"


def _table(rows: list[tuple]) -> pa.Table:
    return pa.table(list(zip(*rows, strict=True)) if rows else [[]] * len(SCHEMA), schema=SCHEMA)


def _required(columns: dict[str, list[dict]]) -> list[str]:
    return [name for name, rows in columns.items() if rows[0]["is_required_table"]]


def _needed(rows: list[dict]) -> list[str]:
    return [row["column_name"] for row in rows if row["is_required"]]


def _folder(location: str) -> tuple[str, str]:
    """The folder as people write it, and as a pattern that means just that folder."""
    folder = location.rstrip("/") or "/"
    return folder, folder if "://" in folder else glob.escape(folder)


def _strays(cursor, location: str, names: set[str]) -> list[str]:
    """Data files that no raw table is named after, a misspelt optional table among them."""
    paths = cursor.execute("select file from glob(?) order by file", [f"{_folder(location)[1]}/*"]).fetchall()
    files = [os.path.basename(path) for (path,) in paths]
    known = {name + ending for name in names for ending in ENDINGS}
    return [file for file in files if file.endswith((*ENDINGS, ".xlsx", ".json", ".tsv")) and file not in known]


def _meant(word: str, words) -> str:
    """Which of the words was probably meant."""
    near = difflib.get_close_matches(word.lower(), list(words), n=1)
    return f"; did you mean {near[0]}?" if near and near[0] != word else ", it must be .parquet or .csv" if near else ""


def _file_of(cursor, location: str, name: str) -> tuple[str, str] | None:
    """(path for people, SQL to select from) of a raw table, or None."""
    folder, base = _folder(location)
    found = []
    for ending, reader in ENDINGS.items():
        for file in (name + ending, f"{name}/*{ending}"):
            if cursor.execute("select count(*) from glob(?)", [f"{base}/{file}"]).fetchone()[0]:
                found.append((f"{folder}/{file}", reader.format(path=f"{base}/{file}".replace("'", "''"))))
    if len(found) > 1:
        raise RawDataError(
            f"raw table {name} is there more than once: {' and '.join(path for path, _ in found)}. "
            f"Remedy: leave one of them."
        )
    return found[0] if found else None


def _read(cursor, name: str, path: str, scan: str, rows: list[dict]) -> dict[str, str]:
    """Types of the contract's columns that the file has; reads them to the end to be sure of them."""
    described = {row[0].lower(): row[1] for row in _ask(cursor, name, path, scan, f"describe select * from {scan}")}
    types = {row["column_name"]: described[row["column_name"]] for row in rows if row["column_name"] in described}
    for column in sorted(described.keys() - types.keys()):
        if near := _meant(column, [row["column_name"] for row in rows if row["column_name"] not in types]):
            print(f"{path}: the column {column} is not read{near}", flush=True)
    missing = [row for row in rows if row["is_required"] and row["column_name"] not in types]
    if missing and types:
        column, kind, description = (missing[0][key] for key in ("column_name", "data_type", "description"))
        raise RawDataError(
            f"raw table {name}, column {column} ({kind}: {description}) is missing in {path}, which has "
            f"{', '.join(described)}. Remedy: add it or rename the column that holds it."
        )
    # a broken line, byte or page shows only when the values are read
    values = ", ".join(f'"{column}"' for column in types or described)
    ((count, _),) = _ask(cursor, name, path, scan, f"select count(*), bit_xor(hash({values})) from {scan}")
    if missing:
        raise RawDataError(
            f"raw table {name}: {path} has none of its columns ({count} rows under {', '.join(described)}). Remedy: "
            f"write it with the columns {', '.join(_needed(rows))}; a CSV file names them in its first line, "
            f"separated by commas."
        )
    if rows[0]["is_required_table"] and count == 0:
        raise RawDataError(f"raw table {name}: {path} has no rows. Remedy: it needs at least one.")
    for row in rows:
        column, wanted = row["column_name"], row["data_type"].upper()
        actual = types.get(column, wanted)
        is_number, is_time = actual.startswith(("DECIMAL", *NUMBERS)), actual in TIMES
        if (
            any(mark in actual for mark in NESTED)
            or (wanted in ("DATE", "TIMESTAMP") and is_number)
            or (wanted in ("BIGINT", "DOUBLE", "BOOLEAN") and is_time)
        ):
            raise RawDataError(
                f"raw table {name}, column {column} is {actual} in {path} ({count} rows), but the contract asks for "
                f"{row['data_type']}. Remedy: cast it when you write the file."
            )
    return types


def _ask(cursor, name: str, path: str, scan: str, sql: str) -> list[tuple]:
    """Rows of a query of a file; RawDataError in words where the file is broken."""
    try:
        return cursor.execute(sql).fetchall()
    except duckdb.Error as error:
        first = " ".join(str(error).split())
    if "sniffing" in first:  # says no line
        first = _broken_line(cursor, scan) or "its rows do not fit its header"
    for noise in (" Possible ", " LINE 1:"):
        first = first.split(noise)[0].rstrip(".")
    if len(first) > 300:  # the place is in front, the reason behind
        first = f"{first[:150]} ... {first[-150:]}"
    hint = "write the file again"
    if "not utf-8" in first:
        hint = "convert it to UTF-8 (for example iconv -f LATIN1 -t UTF-8)"
    elif scan.startswith("read_csv"):
        hint = "correct that line; a CSV file is UTF-8 and has a header row, commas and double quotes"
    raise RawDataError(f"raw table {name}: {path} cannot be read: {first}. Remedy: {hint}.")


def _broken_line(cursor, scan: str) -> str | None:
    """What DuckDB says of the first line that does not fit the header of a text file."""
    try:
        scan = scan.replace(", union_by_name = true", "")  # which guesses again
        (header,) = cursor.execute(f"select line from {scan.replace(CSV, WHOLE_LINES)} limit 1").fetchone()
        names = dict.fromkeys(next(csv.reader([header])), "VARCHAR")
        fixed = scan.replace(CSV, f"{CSV}, columns = {names}, auto_detect = false")
        cursor.execute(f"select count(*) from {fixed}").fetchall()
    except duckdb.Error as error:
        return " ".join(str(error).split())
    return None
