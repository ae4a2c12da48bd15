"""Long rows (example, feature, term, value) as a sparse design matrix."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

INTERCEPT = "intercept"


@dataclass(frozen=True)
class Design:
    """x : (n, d) design, intercept column included;  y : (n,) in {0, 1};  weight : (n,) > 0;
    columns : (feature, term) of each column, in order;  examples : (n,) their ids, ascending;
    entities : effect -> (n,) texts, whose random effects apply."""

    x: csr_matrix
    y: NDArray
    weight: NDArray
    columns: list[tuple[str, str]]
    examples: NDArray
    entities: Mapping[str, NDArray] = field(default_factory=dict)

    def rows(self, chosen: NDArray) -> "Design":
        """The examples that a mask (n,) chooses, over the same columns."""
        entities = {effect: ids[chosen] for effect, ids in self.entities.items()}
        return Design(
            self.x[chosen], self.y[chosen], self.weight[chosen], self.columns, self.examples[chosen], entities
        )


def design_of(rows: pa.Table) -> Design:
    """rows : table with example_id, label, weight, feature, term, value; the order of the rows does not matter.

    Raises ValueError if a value is not finite, naming the feature, or a weight not positive, naming the example.
    """
    weight = rows.column("weight").to_numpy().astype(float)
    example_id = rows.column("example_id").to_numpy()
    bad_weight = ~(np.isfinite(weight) & (weight > 0))
    if bad_weight.any():
        raise ValueError(f"example {example_id[bad_weight][0]}: weight {weight[bad_weight][0]} is not positive")
    examples, first, row = np.unique(example_id, return_index=True, return_inverse=True)
    x, columns = _matrix(rows, row, len(examples))
    return Design(
        x=x,
        y=rows.column("label").to_numpy()[first].astype(float),
        weight=weight[first],
        columns=columns,
        examples=examples,
    )


def keyed_matrix(rows: pa.Table, key: str) -> tuple[NDArray, csr_matrix, list[tuple[str, str]]]:
    """Long rows (key, feature, term, value) -> keys (k,) ascending, (k, d) matrix and its columns.

    Raises ValueError if a value is not finite, naming the feature.
    """
    keys, row = np.unique(rows.column(key).to_numpy(), return_inverse=True)
    x, columns = _matrix(rows, row, len(keys))
    return keys, x, columns


def places(keys: NDArray, wanted: NDArray) -> NDArray:
    """The place of each of `wanted` among `keys`, ascending; -1 where it is not among them."""
    if not len(keys):
        return np.full(len(wanted), -1)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)


def with_empty_row(matrix: csr_matrix) -> csr_matrix:
    """The matrix and one row of zeros behind it, which place -1 finds."""
    return vstack([matrix, csr_matrix((1, matrix.shape[1]))], format="csr")


def rows_at(matrix: csr_matrix, place: NDArray) -> csr_matrix:
    """The rows of a matrix at each place, an empty one at -1."""
    return with_empty_row(matrix)[place]


def column_codes(rows: pa.Table) -> tuple[NDArray, list[tuple[str, str]]]:
    """The place of each row's (feature, term) among the sorted distinct ones, and these."""
    feature, term = (rows.column(name).combine_chunks().dictionary_encode() for name in ("feature", "term"))
    features, terms = feature.dictionary.to_pylist(), term.dictionary.to_pylist()
    code = feature.indices.to_numpy().astype(np.int64) * max(len(terms), 1) + term.indices.to_numpy()
    used, column = np.unique(code, return_inverse=True)
    names = [(features[c // len(terms)], terms[c % len(terms)]) for c in used.tolist()]
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names))
    return place[column], [names[i] for i in order]


def _matrix(rows: pa.Table, row: NDArray, n: int) -> tuple[csr_matrix, list[tuple[str, str]]]:
    value = rows.column("value").to_numpy()
    if not np.isfinite(value).all():
        bad = rows.filter(pa.array(~np.isfinite(value)))
        raise ValueError(f"feature {bad.column('feature')[0].as_py()}: {bad.num_rows} values are not finite numbers")
    column, columns = column_codes(rows)
    x = csr_matrix((value, (row, column)), (n, len(columns)))
    x.sum_duplicates()
    return x, columns
