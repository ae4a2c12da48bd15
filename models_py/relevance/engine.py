"""The whole surface through which a Python model sees its engine: verbs over Arrow.

    map_groups   hands a function tables that contain whole groups, and streams what it returns
    keep         holds that result where it was made, to be read again
    reduce       sums a vector over all batches
    collect      brings a small result to the driver;  relation takes one back
    lists        gathers rows into lists by a key
    with_rows    puts rows of the driver before those of map_groups
    before       brings what the build before left of a model

Bodies that use only these and numpy do not depend on where the rows live.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

BATCH_ROWS = 65_536
AHEAD = 4  # items in flight for each thread
CORES = os.cpu_count() or 1


def whole_groups(batches: Iterable[pa.RecordBatch], by: str, rows: int) -> Iterator[pa.Table]:
    """Batches sorted by `by` -> tables of about `rows` rows, or more, that never split a group.

    Raises ValueError if `by` is not sorted or null: an engine that lost the order must not train wrong models.
    """
    held: list[pa.RecordBatch] = []
    count = 0
    last = None
    for batch in batches:
        if batch.num_rows == 0:
            continue
        last = _checked(batch.column(by), by, last)
        held.append(batch)
        count += batch.num_rows
        if count < rows:
            continue
        table = pa.Table.from_batches(held).combine_chunks()
        cut = pc.index(table.column(by), table.column(by)[-1]).as_py()
        if cut:
            yield table.slice(0, cut)
            held, count = table.slice(cut).to_batches(), table.num_rows - cut
    if count:
        yield pa.Table.from_batches(held).combine_chunks()


def _checked(keys: pa.Array, by: str, last: pa.Scalar | None) -> pa.Scalar:
    if keys.null_count:
        raise ValueError(f"group key {by} has nulls")
    in_order = pc.all(pc.less_equal(keys.slice(0, len(keys) - 1), keys.slice(1)), min_count=0).as_py()
    if not in_order or (last is not None and not pc.less_equal(last, keys[0]).as_py()):
        raise ValueError(f"rows are not sorted by {by}: the engine lost the order")
    return keys[-1]


def in_order(function: Callable, items: Iterable, workers: int) -> Iterator:
    """`function` of every item, in their order, by so many threads; a few items of each wait, so that none idles while
    the results are written."""
    if workers == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(workers) as pool:
        pending: deque = deque()
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > AHEAD * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


class Progress:
    """Prints every tenth of so many; threads may share it."""

    def __init__(self, what: str, total: int):
        self._what, self._total, self._done, self._lock = what, total, 0, Lock()

    def add(self, count: int) -> None:
        with self._lock:
            tenth = 10 * self._done // max(self._total, 1)
            self._done += count
            if 10 * self._done // max(self._total, 1) > tenth:
                print(f"{self._done:,} of {self._total:,} {self._what}")

    def __reduce__(self):
        return Silence, ()  # of an engine's workers nobody reads what they print


class Silence:
    """Progress that says nothing."""

    def add(self, count: int) -> None:
        pass


def runs(column: pa.Array) -> NDArray:
    """(runs + 1,) where each run of equal values of a sorted column begins, and its end."""
    starts = np.flatnonzero(pc.not_equal(column.slice(1), column.slice(0, len(column) - 1)).to_numpy(False)) + 1
    return np.concatenate([[0], starts, [len(column)]])


def ragged(column: pa.ChunkedArray) -> tuple[NDArray, NDArray]:
    """(offsets (n + 1,), flat values) of a column of n lists."""
    array = column.combine_chunks()
    offsets = array.offsets.to_numpy().astype(np.int64)
    return offsets - offsets[0], array.flatten().to_numpy(zero_copy_only=False)


def list_offsets(counts: NDArray) -> NDArray:
    """(n + 1,) where each of n lists with so many values begins, as Arrow has it."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)


def list_array(counts: NDArray, values: NDArray | pa.Array) -> pa.ListArray:
    """A column of lists with so many of the values each."""
    return pa.ListArray.from_arrays(pa.array(list_offsets(counts)), values)


def type_of(relation, column: str) -> pa.DataType:
    """The type of a column of a relation; no row is read."""
    return relation.select(column).limit(0).to_arrow_table().schema.field(column).type


class DuckDB:
    """The verbs on a DuckDB connection; relations come from `dbt.ref`."""

    def __init__(self, session):
        self._session = session

    def _reader(self, relation, order: Sequence[str] = (), rows: int = BATCH_ROWS) -> pa.RecordBatchReader:
        if isinstance(relation, pa.Table):  # what was kept
            return relation.to_reader(rows)
        # a cursor of its own: a streamed result ends when its connection runs another statement
        ordered = relation.order(", ".join(order)) if order else relation
        return self._session.cursor().sql(ordered.sql_query()).to_arrow_reader(rows)

    def map_groups(
        self,
        relation,
        by: str | None,
        function: Callable[[pa.Table], pa.Table],
        schema: pa.Schema,
        rows: int = BATCH_ROWS,
        workers: int = 1,
    ) -> pa.RecordBatchReader:
        """Stream of `function(table)` for tables of whole groups of `by`, ordered by it; without, every row is a group
        and the order is the relation's. `workers` threads call the function."""
        if by is None:
            tables = (pa.Table.from_batches([batch]) for batch in self._reader(relation, rows=rows))
        else:
            tables = whole_groups(self._reader(relation, [by], rows), by, rows)
        results = in_order(lambda table: function(table).cast(schema).to_batches(), tables, workers)
        batches = (batch for result in results for batch in result)
        return pa.RecordBatchReader.from_batches(schema, batches)

    def keep(self, result: pa.RecordBatchReader) -> pa.Table:
        """The rows of `map_groups`, made once, for other verbs to read as often as they like."""
        return result.read_all()

    def reduce(self, relation, function: Callable[[pa.Table], NDArray], zero: NDArray) -> NDArray:
        """zero + the sum of `function(batch)` over all batches."""
        total = np.array(zero, dtype=np.float64)
        for batch in self._reader(relation):
            total += function(pa.Table.from_batches([batch]))
        return total

    def collect(self, relation, order: Sequence[str] = ()) -> pa.Table:
        """All rows of a relation that fits in memory."""
        return (relation.order(", ".join(order)) if order else relation).to_arrow_table()

    def relation(self, table: pa.Table):
        """Rows of the driver as a relation."""
        return self._session.from_arrow(table)

    def lists(self, relation, key: str, columns: Sequence[str], order: Sequence[str]):
        """One row per key: the key, and lists of the columns under their names, in that order."""
        listed = ", ".join(f"list({column} order by {', '.join(order)}) as {column}" for column in columns)
        return relation.aggregate(f"{key}, {listed}", key)

    def with_rows(self, table: pa.Table, result: pa.RecordBatchReader) -> pa.RecordBatchReader:
        """The rows of the table and those of `map_groups` behind them."""
        batches = (batch for source in (table.to_batches(), result) for batch in source)
        return pa.RecordBatchReader.from_batches(table.schema, batches)

    def before(self, this) -> pa.Table | None:
        """The rows of `dbt.this` as the build before left them, None where there is no such table."""
        cursor = self._session.cursor()
        names = [this.database, this.schema, this.identifier]
        found = cursor.execute(
            "select 1 from duckdb_tables() where database_name = ? and schema_name = ? and table_name = ?", names
        ).fetchall()
        return cursor.sql(f"from {this}").to_arrow_table() if found else None


def is_spark(session) -> bool:
    """Whether dbt's `session` is one of Spark."""
    return type(session).__module__.startswith("pyspark.")


def engine(session):
    """The engine behind dbt's `session`."""
    if is_spark(session):
        from relevance.spark import Spark

        return Spark(session)
    return DuckDB(session)
