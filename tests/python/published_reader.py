"""`published_reader.py <published file> [member]`: opens the file again and again, as readers do, until its input ends.

Each time it compares every table with the row count and the checksum it was published with, and calls `recommend`.
Prints JSON: answers by version, the longest milliseconds of one answer, and the first failure, at which it stops.
"""

import json
import select
import sys
import time

import duckdb


def answer(file: str, member: str, channel: str) -> int:
    """The version of a complete file; an AssertionError says what is missing."""
    with duckdb.connect(file, read_only=True) as connection:
        ((version,),) = connection.execute("select version from serving.publication").fetchall()
        tables = connection.execute("from serving.published_tables").fetchall()
        assert tables, f"version {version} lists no tables"
        for name, *expected in tables:
            place = name if "." in name else f"serving.{name}"
            (found,) = connection.execute(
                f"select count(*), coalesce(sum(hash(r)::hugeint), 0)::varchar from {place} as r"
            ).fetchall()
            assert list(found) == expected, f"{name} of version {version}: {found}, not {expected}"
        assert connection.execute("from recommend(?, ?)", [member, channel]).fetchall(), (
            f"version {version}: no courses"
        )
    return version


def main(file: str, member: str = "7", channel: str = "feed") -> None:
    versions, longest, failure = {}, 0.0, None
    while failure is None and not select.select([sys.stdin], [], [], 0)[0]:
        start = time.perf_counter()
        try:
            version = answer(file, member, channel)
            versions[version] = versions.get(version, 0) + 1
        except (duckdb.Error, AssertionError) as error:
            failure = f"{type(error).__name__}: {error}"
        longest = max(longest, 1000 * (time.perf_counter() - start))
        if sum(versions.values()) == 1:
            print("reading", flush=True)
    print(json.dumps({"versions": versions, "longest_milliseconds": longest, "failure": failure}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
