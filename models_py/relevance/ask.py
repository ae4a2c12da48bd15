"""`python ask.py "from recommend(42, 'feed')"`: SQL on the published file, read-only, printed in full width."""

import os
import sys
from pathlib import Path

import duckdb


def published_file() -> Path:
    """The published file of this folder, or of the environment variable COURSE_RECOMMENDER_PUBLISHED."""
    return Path(os.environ.get("COURSE_RECOMMENDER_PUBLISHED", "published")) / "recommendations.duckdb"


def ask(sql: str) -> int:
    """Prints the answer; returns the exit code."""
    path = published_file()
    if not path.exists():
        print(f"{path} does not exist yet. Remedy: make run")
        return 1
    with duckdb.connect(str(path), read_only=True) as connection:
        try:
            connection.sql(sql).show(max_width=160, max_rows=100)
        except duckdb.Error as error:
            print(error)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(ask(" ".join(sys.argv[1:]) or "from recommend(42, 'feed')"))
