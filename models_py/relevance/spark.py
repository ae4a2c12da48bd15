"""The verbs of relevance.engine on Spark; nothing else of the library knows it, and DuckDB does not load it."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from relevance.engine import BATCH_ROWS, whole_groups


class Relation:
    """A table of Spark with those methods of DuckDB's relations that bodies use; expressions are SQL of both."""

    def __init__(self, frame: DataFrame, alias: str = "this"):
        self.frame, self._alias = frame, alias

    def _select(self, what: str, behind: str = "") -> "Relation":
        return Relation(
            self.frame.sparkSession.sql(f"select {what} from {{this}} as {self._alias} {behind}", this=self.frame)
        )

    @property
    def columns(self) -> list[str]:
        return self.frame.columns

    def filter(self, condition: str) -> "Relation":
        return self._select("*", f"where {condition}")

    def project(self, columns: str) -> "Relation":
        return self._select(columns)

    select = project

    def aggregate(self, columns: str, groups: str = "") -> "Relation":
        return self._select(columns, f"group by {groups}" if groups else "")

    def distinct(self) -> "Relation":
        return Relation(self.frame.distinct())

    def order(self, columns: str) -> "Relation":
        return self._select("*", f"order by {columns}")

    def limit(self, rows: int) -> "Relation":
        return Relation(self.frame.limit(rows))

    def set_alias(self, alias: str) -> "Relation":
        return Relation(self.frame, alias)

    def join(self, other: "Relation", columns: str, how: str = "inner") -> "Relation":
        return Relation(self.frame.join(other.frame, [name.strip() for name in columns.split(",")], how))

    def to_arrow_table(self) -> pa.Table:
        return self.frame.toArrow()

    def fetchall(self) -> list[tuple]:
        return [tuple(row) for row in self.frame.collect()]


class Spark:
    """The verbs on a Spark session; relations come from `dbt.ref`."""

    def __init__(self, session: SparkSession):
        self._session = session

    def map_groups(
        self,
        relation: Relation,
        by: str | None,
        function: Callable[[pa.Table], pa.Table],
        schema: pa.Schema,
        rows: int = BATCH_ROWS,
        workers: int = 1,
    ) -> Relation:
        """As DuckDB's, each partition by itself: without `by` in the order in which its rows lie."""

        def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            tables = chunks(batches, rows) if by is None else whole_groups(batches, by, rows)
            for table in tables:
                yield from function(table).cast(schema).to_batches()

        frame = relation.frame
        if by is not None:
            frame = frame.repartition(by).sortWithinPartitions(by)
        return Relation(frame.mapInArrow(run, from_arrow_schema(schema)))

    def keep(self, result: Relation) -> Relation:
        """The rows of `map_groups`, made once, for other verbs to read as often as they like."""
        return Relation(result.frame.persist())

    def reduce(self, relation: Relation, function: Callable[[pa.Table], NDArray], zero: NDArray) -> NDArray:
        """zero + the sum of `function(batch)` over all batches."""
        zero = np.array(zero, dtype=np.float64)

        def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            total = np.zeros_like(zero)
            for batch in batches:
                if batch.num_rows:
                    total += function(pa.Table.from_batches([batch]))
            yield pa.record_batch({"total": pa.array([total.tolist()], pa.list_(pa.float64()))})

        totals = relation.frame.mapInArrow(run, "total array<double>").toArrow().column("total")
        return zero + sum((np.asarray(total) for total in totals.to_pylist()), np.zeros_like(zero))

    def collect(self, relation: Relation, order: Sequence[str] = ()) -> pa.Table:
        """All rows of a relation that fits in the driver's memory."""
        return (relation.order(", ".join(order)) if order else relation).to_arrow_table()

    def relation(self, table: pa.Table) -> Relation:
        """Rows of the driver as a relation."""
        return Relation(self._session.createDataFrame(table))

    def lists(self, relation: Relation, key: str, columns: Sequence[str], order: Sequence[str]) -> Relation:
        """One row per key: the key, and lists of the columns under their names, in that order."""
        gathered = f"array_sort(collect_list(struct(struct({', '.join(order)}), struct({', '.join(columns)}))))"
        gathered += " as gathered"
        listed = ", ".join(f"transform(gathered, entry -> entry.col2.{column}) as {column}" for column in columns)
        return relation.aggregate(f"{key}, {gathered}", key).project(f"{key}, {listed}")

    def with_rows(self, table: pa.Table, result: Relation) -> Relation:
        """The rows of the table and those of `map_groups` behind them."""
        return Relation(self.relation(table).frame.unionAll(result.frame))

    def before(self, this) -> pa.Table | None:
        """The rows of `dbt.this` as the build before left them, None where there is no such table."""
        name = f"{this.schema}.{this.identifier}"
        return self._session.table(name).toArrow() if self._session.catalog.tableExists(name) else None


def chunks(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Tables of `rows` rows, the last one of fewer, from batches of any size."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        while count >= rows:
            table = pa.Table.from_batches(held)
            yield table.slice(0, rows).combine_chunks()
            held, count = table.slice(rows).to_batches(), count - rows
    if count:
        yield pa.Table.from_batches(held).combine_chunks()


def save(session: SparkSession, made: Relation | pa.Table, name: str, file_format: str) -> None:
    """Writes what a Python model returned as the table `name`."""
    frame = made.frame if isinstance(made, Relation) else session.createDataFrame(made)
    frame.write.mode("overwrite").format(file_format).saveAsTable(name)
