"""Tables that two engines built, compared row by row: `python parity.py <warehouse> <lake> <manifest.json>`."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb

TOLERANCE = 1e-6  # of a float, relative where it is above 1


@dataclass(frozen=True)
class Difference:
    """What a column of a table, or a whole table, has on one engine alone."""

    table: str
    column: str
    rows: int
    example: str


def compared_tables(manifest: dict, lake: Path) -> dict[str, list[str]]:
    """schema.table -> its key, of every table in the lake that has a test of one."""
    keys: dict[str, list[str]] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test" and node.get("test_metadata", {}).get("name") == "unique_key":
            owner = manifest["nodes"].get(node["attached_node"])
            if owner and any((lake / f"{owner['schema']}.db" / owner["alias"]).glob("*.parquet")):
                keys[f"{owner['schema']}.{owner['alias']}"] = node["test_metadata"]["kwargs"]["columns"]
    return dict(sorted(keys.items()))


def _differs(kind: str, column: str) -> str:
    one, other = f'one."{column}"', f'other."{column}"'
    close = f"abs({one} - {other}) > {TOLERANCE} * greatest(1, abs({one}))"
    if kind in ("DOUBLE", "FLOAT"):
        return f"({one} is null) <> ({other} is null) or coalesce({close} and isfinite({one}), false)"
    if kind in ("DOUBLE[]", "FLOAT[]"):
        return (
            f"({one} is null) <> ({other} is null) or len({one}) <> len({other}) or coalesce(list_max(list_transform("
            f"list_zip({one}, {other}), lambda p : abs(p[1] - p[2]) / greatest(1, abs(p[1])))), 0) > {TOLERANCE}"
        )
    return f"{one} is distinct from {other}"


def differences(connection: duckdb.DuckDBPyConnection, lake: Path, tables: dict[str, list[str]]) -> list[Difference]:
    """Where the tables of the connection's warehouse and of the lake differ; all but floats must be the same."""
    found = []
    for table, key in tables.items():
        schema, name = table.split(".")
        connection.execute(
            f"create or replace temp view other as from read_parquet('{lake}/{schema}.db/{name}/*.parquet')"
        )
        kinds = {c: t for c, t, *_ in connection.execute(f"describe {table}").fetchall()}
        others = {c: t for c, t, *_ in connection.execute("describe other").fetchall()}
        if list(kinds) != list(others):
            found.append(Difference(table, "columns", 0, f"{list(kinds)} and {list(others)}"))
            continue
        wrong = {c: f"{kinds[c]} and {others[c]}" for c in kinds if kinds[c] != others[c]}
        if wrong:
            found.append(Difference(table, "types", 0, str(wrong)))
        on = " and ".join(f'one."{c}" is not distinct from other."{c}"' for c in key)
        alone = {
            "rows of the first alone": f"from {table} as one anti join other on {on}",
            "rows of the second alone": f"from other anti join {table} as one on {on}",
        }
        for what, sql in alone.items():
            ((rows,),) = connection.execute(f"select count(*) {sql}").fetchall()
            if rows:
                (example,) = connection.execute(f"select * {sql} order by all limit 1").fetchall()
                found.append(Difference(table, what, rows, str(example)[:150]))
        columns = [c for c in kinds if c not in key]
        if not columns:
            continue
        counts = ", ".join(f"count(*) filter (where {_differs(kinds[c], c)})" for c in columns)
        (row,) = connection.execute(
            f"select count(*), {counts} from {table} as one inner join other on {on}"
        ).fetchall()
        for column, rows in zip(columns, row[1:], strict=True):
            if rows:
                listed = ", ".join(f'one."{c}"' for c in key)
                example = connection.execute(
                    f'select {listed}, one."{column}", other."{column}" from {table} as one inner join other on {on} '
                    f"where {_differs(kinds[column], column)} order by all limit 1"
                ).fetchall()[0]
                found.append(Difference(table, column, rows, f"of {row[0]}: {str(example)[:200]}"))
    return found


def main() -> None:
    warehouse, lake, manifest = sys.argv[1:]
    connection = duckdb.connect(warehouse, read_only=True)
    tables = compared_tables(json.loads(Path(manifest).read_text()), Path(lake))
    found = differences(connection, Path(lake), tables)
    for one in found:
        print(f"{one.table:<42} {one.column:<28} {one.rows:>8} {one.example}")
    print(f"{len(tables)} tables compared, {len({one.table for one in found})} differ")


if __name__ == "__main__":
    main()
