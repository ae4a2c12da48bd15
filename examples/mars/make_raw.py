"""Writes the raw tables of the MARS data set.

python examples/mars/make_raw.py <folder of the MARS files> <output folder>
"""

import sys
from pathlib import Path

import duckdb

FILES = ("items.parquet", "users.parquet", "views.parquet", "watches.parquet")


def main(arguments: list[str]) -> None:
    if len(arguments) != 2:
        sys.exit(__doc__)
    mars, raw = (Path(argument).resolve() for argument in arguments)
    missing = [name for name in FILES if not (mars / name).is_file()]
    if missing:
        sys.exit(f"{mars} has no {', '.join(missing)}. It should hold {', '.join(FILES)}: see examples/mars/README.md.")
    raw.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("set variable mars = ?", [str(mars)])
        connection.execute("set variable raw = ?", [str(raw)])
        connection.execute(Path(__file__).with_name("raw_tables.sql").read_text(encoding="utf-8"))
    print(f"{len(list(raw.glob('*.parquet')))} raw tables in {raw}")


if __name__ == "__main__":
    main(sys.argv[1:])
