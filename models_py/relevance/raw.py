"""Finds the files of the user's raw tables and refuses, by name, what the pipeline could not read."""

import pyarrow as pa

SCHEMA = pa.schema(
    [("table_name", pa.string()), ("column_name", pa.string()), ("column_type", pa.string()), ("scan", pa.string())]
)
READERS = {"parquet": "read_parquet('{path}')", "csv": "read_csv('{path}', header = true, all_varchar = true)"}
ENDINGS = {".parquet": "parquet", ".csv": "csv", ".csv.gz": "csv", "/*.parquet": "parquet", "/*.csv": "csv"}
NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
           "FLOAT", "DOUBLE", "BOOLEAN")  # fmt: skip
TIMES = ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")
NESTED = ("[", "STRUCT", "MAP", "UNION", "BLOB")


class RawDataError(Exception):
    """The raw folder cannot be read as the contract asks; the message names table, column and remedy."""


def find_raw_tables(location: str | None, contract, session) -> pa.Table:
    """One row per present column of every raw table: table_name, column_name, column_type, scan.

    location : folder with `<table>.parquet`, `<table>.csv`, `<table>.csv.gz` or a folder `<table>` of such files; empty
    for the simulated world. contract : relation of `raw_contract`. session : DuckDB connection.
    Raises RawDataError if the folder, a required table or a required column is missing, or a file cannot be read.
    """
    columns: dict[str, list[dict]] = {}
    for row in contract.to_arrow_table().to_pylist():
        columns.setdefault(row["table_name"], []).append(row)
    for rows in columns.values():
        rows.sort(key=lambda row: row["column_number"])
    if not location:
        found = [(name, row["column_name"], row["data_type"].upper(), None) for name, rows in columns.items() for row in rows]
        return _table(found)
    cursor = session.cursor()
    files = {name: _file_of(cursor, location, name) for name in columns}
    if not any(files.values()):
        raise RawDataError(
            f"raw_location '{location}': no raw table found there. Remedy: give a folder that holds at least "
            f"{' and '.join(_required(columns))} as .parquet or .csv; the contract is dbt_project/models/staging/_raw.yml."
        )
    found = []
    for name, rows in columns.items():
        if files[name] is None:
            if rows[0]["is_required_table"]:
                raise RawDataError(
                    f"raw table {name} is missing: '{location}' has no {name}.parquet, {name}.csv, {name}.csv.gz or folder "
                    f"{name}. Remedy: put it there with the columns {', '.join(_needed(rows))}."
                )
            continue
        types = _read(cursor, name, *files[name], rows)
        for row in rows:
            other = row["refers_to"]
            if other and row["column_name"] in types and files[other] is None:
                raise RawDataError(
                    f"raw table {name}, column {row['column_name']}: it refers to the table {other}, which is missing in "
                    f"'{location}'. Remedy: add {other}.parquet or {other}.csv, or leave {name} out."
                )
        found += [(name, column, kind, files[name][1]) for column, kind in types.items()]
    return _table(found)


def _table(rows: list[tuple]) -> pa.Table:
    return pa.table(list(zip(*rows, strict=True)) if rows else [[]] * len(SCHEMA), schema=SCHEMA)


def _required(columns: dict[str, list[dict]]) -> list[str]:
    return [name for name, rows in columns.items() if rows[0]["is_required_table"]]


def _needed(rows: list[dict]) -> list[str]:
    return [row["column_name"] for row in rows if row["is_required"]]


def _file_of(cursor, location: str, name: str) -> tuple[str, str] | None:
    """(path pattern, SQL to select from) of a raw table, or None."""
    for ending, kind in ENDINGS.items():
        path = f"{location.rstrip('/')}/{name}{ending}"
        if cursor.execute("select count(*) from glob(?)", [path]).fetchone()[0]:
            return path, READERS[kind].format(path=path.replace("'", "''"))
    return None


def _read(cursor, name: str, path: str, scan: str, rows: list[dict]) -> dict[str, str]:
    """Types of the contract's columns that the file has; reads a text file to its end to be sure of it."""
    import duckdb

    try:
        described = {row[0]: row[1] for row in cursor.execute(f"describe select * from {scan}").fetchall()}
        count = cursor.execute(f"select count(*) from {scan}").fetchone()[0]
        if scan.startswith("read_csv"):  # a broken line or byte shows only when the values are read
            lengths = " + ".join(f'coalesce(sum(length("{column}")), 0)' for column in described)
            cursor.execute(f"select {lengths} from {scan}").fetchall()
    except duckdb.Error as error:
        first = " ".join(str(error).split())[:300]
        hint = (
            "convert it to UTF-8 (iconv -f LATIN1 -t UTF-8)"
            if any(word in first.lower() for word in ("utf-8", "unicode", "encod"))
            else "write the file again; a CSV file needs a header row, commas and double quotes"
        )
        raise RawDataError(f"raw table {name}: {path} cannot be read: {first}. Remedy: {hint}.") from None
    if rows[0]["is_required_table"] and count == 0:
        raise RawDataError(f"raw table {name}: {path} has no rows. Remedy: it needs at least one.")
    for row in rows:
        column, wanted = row["column_name"], row["data_type"].upper()
        if column not in described:
            if row["is_required"]:
                raise RawDataError(
                    f"raw table {name}, column {column} ({row['data_type']}: {row['description']}) is missing in {path}, "
                    f"which has {', '.join(described)}. Remedy: add it or rename the column that holds it."
                )
            continue
        actual = described[column]
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
    return {row["column_name"]: described[row["column_name"]] for row in rows if row["column_name"] in described}
