"""The three verbs of the engine: whole groups, sums and small results."""

from collections.abc import Iterator
from itertools import pairwise

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from relevance.engine import engine, in_order, whole_groups

SUMS = pa.schema([("key", pa.int64()), ("total", pa.float64()), ("rows", pa.int64())])


def batches_of(keys: list, size: int) -> list[pa.RecordBatch]:
    table = pa.table({"key": pa.array(keys), "value": np.arange(float(len(keys)))})
    return table.to_batches(max_chunksize=size)


def sum_by_key(table: pa.Table) -> pa.Table:
    summed = table.group_by("key").aggregate([("value", "sum"), ("value", "count")]).sort_by("key")
    return pa.table([summed.column("key"), summed.column("value_sum"), summed.column("value_count")], schema=SUMS)


@pytest.fixture
def session() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            "create table numbers as select (i * 7919) % 997 as key, cast(i % 13 as double) as value "
            "from range(100000) as t(i)"
        )
        yield connection


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("rows", [1, 2, 5, 13, 1000])
def test_whole_groups_never_splits_a_group_and_loses_nothing(batch_size, rows):
    rng = np.random.default_rng(batch_size * rows)
    keys = np.repeat(np.arange(25), rng.integers(1, 12, 25)).tolist()
    tables = list(whole_groups(batches_of(keys, batch_size), "key", rows))
    seen = [table.column("key").to_pylist() for table in tables]
    assert [key for part in seen for key in part] == keys
    assert [v for table in tables for v in table.column("value").to_pylist()] == list(range(len(keys)))
    for before, after in pairwise(seen):
        assert before[-1] < after[0]
    if rows == 1000:
        assert len(tables) == 1
    if rows == batch_size == 1:
        assert len(tables) == 25


def test_a_group_larger_than_the_table_stays_whole():
    keys = [1] * 3 + [2] * 50 + [3] * 2
    tables = list(whole_groups(batches_of(keys, 4), "key", 5))
    assert [sorted(set(table.column("key").to_pylist())) for table in tables] == [[1], [2], [3]]


def test_group_keys_may_be_texts():
    keys = ["a"] * 3 + ["b"] * 4 + ["ba"] * 2
    tables = list(whole_groups(batches_of(keys, 2), "key", 2))
    assert [key for table in tables for key in table.column("key").to_pylist()] == keys


def test_no_rows_make_no_groups():
    assert list(whole_groups([], "key", 10)) == []
    assert list(whole_groups(batches_of([1], 1)[0:1][:0], "key", 10)) == []
    empty = pa.RecordBatch.from_pydict({"key": pa.array([], pa.int64()), "value": pa.array([], pa.float64())})
    assert list(whole_groups([empty, empty], "key", 10)) == []


@pytest.mark.parametrize(
    ("keys", "size"),
    [([1, 2, 1], 3), ([1, 2, 1], 2), ([1, 1, 3, 3, 2], 2), ([5, 4], 1)],
    ids=["within a batch", "between batches", "between batches after a group", "single rows"],
)
def test_unsorted_keys_are_refused(keys, size):
    with pytest.raises(ValueError, match="rows are not sorted by key"):
        list(whole_groups(batches_of(keys, size), "key", 1000))


@pytest.mark.parametrize("keys", [[None, 1], [1, None], [None]])
def test_null_keys_are_refused(keys):
    with pytest.raises(ValueError, match="group key key has nulls"):
        list(whole_groups(batches_of([1, *keys] if keys[0] else keys, 1), "key", 1000))


@pytest.mark.parametrize("rows", [50, 1000, 1_000_000])
def test_map_groups_equals_a_plain_group_by(session, rows):
    mapped = engine(session).map_groups(session.table("numbers"), "key", sum_by_key, SUMS, rows).read_all()
    plain = session.sql("select key, sum(value), count(*) from numbers group by key order by key").fetchall()
    assert [tuple(row.values()) for row in mapped.to_pylist()] == plain


def test_map_groups_streams(session):
    """The first batch is out before the last group was computed."""
    seen: list[int] = []

    def remembering(table: pa.Table) -> pa.Table:
        seen.append(table.num_rows)
        return sum_by_key(table)

    reader = engine(session).map_groups(session.table("numbers"), "key", remembering, SUMS, 2048)
    assert seen == []
    reader.read_next_batch()
    assert len(seen) == 1
    assert max(seen) < 5000
    reader.read_all()
    assert sum(seen) == 100_000


def test_map_groups_survives_other_statements_on_the_session(session):
    reader = engine(session).map_groups(session.table("numbers"), "key", sum_by_key, SUMS, 2048)
    reader.read_next_batch()
    session.execute("create table other as select 1 as one").fetchall()
    assert reader.read_all().num_rows > 900


def test_map_groups_writes_a_table_while_it_reads(session):
    reader = engine(session).map_groups(session.table("numbers"), "key", sum_by_key, SUMS, 2048)
    session.register("streamed", reader)
    session.execute("create table sums as select * from streamed")
    assert session.sql("select count(*), sum(rows) from sums").fetchall() == [(997, 100_000)]


def test_an_error_of_the_function_reaches_the_caller(session):
    def broken(table: pa.Table) -> pa.Table:
        raise ZeroDivisionError("in the function")

    reader = engine(session).map_groups(session.table("numbers"), "key", broken, SUMS)
    with pytest.raises(ZeroDivisionError, match="in the function"):
        reader.read_all()


def test_null_keys_of_a_relation_are_refused(session):
    relation = session.sql("select case when key > 3 then key end as key, value from numbers")
    reader = engine(session).map_groups(relation, "key", sum_by_key, SUMS)
    with pytest.raises(ValueError, match="has nulls"):
        reader.read_all()


def test_a_result_with_other_columns_is_refused(session):
    reader = engine(session).map_groups(session.table("numbers"), "key", lambda table: table, SUMS)
    with pytest.raises(ValueError, match="field names"):
        reader.read_all()


def test_reduce_equals_a_sum(session):
    def moments(table: pa.Table) -> np.ndarray:
        value = table.column("value").to_numpy()
        return np.array([len(value), value.sum(), value @ value])

    zero = np.array([1, 0, 0])
    total = engine(session).reduce(session.table("numbers"), moments, zero)
    ((count, first, second),) = session.sql("select count(*), sum(value), sum(value * value) from numbers").fetchall()
    assert total.tolist() == [count + 1, first, second]
    assert zero.tolist() == [1, 0, 0]


def test_reduce_of_nothing_is_zero(session):
    nothing = session.table("numbers").filter("key < 0")
    assert engine(session).reduce(nothing, lambda table: np.ones(2), np.zeros(2)).tolist() == [0, 0]


def test_collect_orders(session):
    table = engine(session).collect(session.sql("select distinct key from numbers"), order=["key desc"])
    assert table.column("key").to_pylist() == list(range(996, -1, -1))


def test_results_of_several_threads_come_in_order_and_errors_come_through():
    assert list(in_order(lambda x: x * x, range(50), 4)) == [x * x for x in range(50)]
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda x: 1 // (x - 7), range(50), 4))


@pytest.mark.parametrize("workers", [1, 3])
def test_without_a_key_every_row_is_a_group_and_the_order_is_the_relations(session, workers):
    def doubled(table: pa.Table) -> pa.Table:
        return pa.table({"key": table.column("key"), "twice": pc.multiply(table.column("value"), 2.0)})

    schema = pa.schema([("key", pa.int64()), ("twice", pa.float64())])
    found = engine(session).map_groups(session.table("numbers"), None, doubled, schema, 2048, workers).read_all()
    expected = session.sql("select key, 2 * value as twice from numbers").to_arrow_table()
    assert found.to_pydict() == expected.to_pydict()
