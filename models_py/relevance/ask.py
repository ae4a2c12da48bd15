"""`ASK_SQL="from recommend(42, 'feed')" python ask.py`: SQL on the published file, read-only, printed in full width.

ASK_FILE names another DuckDB file, such as the warehouse. Both come by the environment, which leaves quotes alone.
"""

import os
import sys
from pathlib import Path

import duckdb


def published_file() -> Path:
    """The published file of this folder, or of the environment variable COURSE_RECOMMENDER_PUBLISHED."""
    return Path(os.environ.get("COURSE_RECOMMENDER_PUBLISHED", "published")) / "recommendations.duckdb"


def ask(path: Path, sql: str) -> int:
    """Prints the answer; returns the exit code."""
    if not path.exists():
        print(f"{path} does not exist yet. Remedy: make run")
        return 1
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            connection.sql(sql).show(max_width=180, max_col_width=80, max_rows=100)
    except duckdb.Error as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(ask(Path(os.environ.get("ASK_FILE") or published_file()), os.environ.get("ASK_SQL") or "show all tables"))
