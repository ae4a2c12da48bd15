"""Gradient-boosted trees on the log-loss (scikit-learn's histogram implementation), kept as rows like any other model.

A node of a tree is a row: effect `tree`, entity `<tree>:<node>`, where node n has the children 2n and 2n + 1. An inner
node names its column and holds its threshold (left is <=), a leaf has no feature and holds its value.
"""

from copy import copy

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from relevance.catalogue import CatalogueSpace, Shard
from relevance.catalogue_kernels import add_trees, read_only
from relevance.design import INTERCEPT, Design
from relevance.learning import NothingToLearnError, Task, coefficient_rows

IS_PROBABILITY = True
COLUMNS = 120  # the columns with the most values take part
TREES = 150
LEAVES = 15
DEEPEST = 6
RATE = 0.08
SMALLEST_LEAF = 50


def fit(task: Task) -> pa.Table:
    """One row per node, and one `intercept`."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # a second to load, which scoring does without

    design = task.train
    if len(np.unique(design.y)) < 2:
        raise NothingToLearnError(f"{len(design.y)} examples of one class")
    filled = np.asarray((design.x != 0).sum(axis=0)).ravel()
    usable = [i for i, (feature, _) in enumerate(design.columns) if feature != INTERCEPT]
    chosen = sorted(sorted(usable, key=lambda i: (-filled[i], i))[:COLUMNS])
    columns = [design.columns[i] for i in chosen]
    with threadpool_limits(1):  # sums in one order: the same trees on any number of threads
        model = HistGradientBoostingClassifier(
            max_iter=TREES, max_leaf_nodes=LEAVES, max_depth=DEEPEST, learning_rate=RATE,
            min_samples_leaf=SMALLEST_LEAF, early_stopping=False, random_state=0,
        )  # fmt: skip
        model.fit(design.x[:, chosen].toarray(), design.y, sample_weight=design.weight)
    entities, features, terms, values = [""], [INTERCEPT], [""], [float(model._baseline_prediction.ravel()[0])]
    for tree, (predictor,) in enumerate(model._predictors):
        for place, node in _nodes(predictor.nodes):
            feature, term = ("", "") if node["is_leaf"] else columns[node["feature_idx"]]
            entities.append(f"{tree}:{place}")
            features.append(feature)
            terms.append(term)
            values.append(float(node["value"] if node["is_leaf"] else node["num_threshold"]))
    # not rounded: a threshold may be a value that occurs
    return coefficient_rows(task.variant, "tree", features, terms, np.array(values), entities=entities, decimals=None)


def _nodes(nodes: NDArray):
    """(place, node) of every node, the root at 1."""
    open_nodes = [(1, 0)]
    while open_nodes:
        place, index = open_nodes.pop()
        yield place, nodes[index]
        if not nodes[index]["is_leaf"]:
            open_nodes += [(2 * place + 1, int(nodes[index]["right"])), (2 * place, int(nodes[index]["left"]))]


class Forest:
    """The trees of a model, over the columns that it names, as arrays over the nodes of all of them."""

    def __init__(self, rows: pa.Table):
        table = rows.to_pylist()
        self.intercept = next(row["coefficient"] for row in table if row["feature"] == INTERCEPT)
        nodes = [row for row in table if row["feature"] != INTERCEPT]
        self.columns = sorted({(row["feature"], row["term"]) for row in nodes if row["feature"]})
        place = {column: i for i, column in enumerate(self.columns)}
        names = [tuple(map(int, row["entity_id"].split(":"))) for row in nodes]
        number = {name: i for i, name in enumerate(names)}
        self.roots = np.array(sorted(i for (_, node), i in number.items() if node == 1))
        self.order = np.argsort([-node for _, node in names], kind="stable")  # node n has the children 2 n and 2 n + 1
        self.column = np.array([place.get((row["feature"], row["term"]), 0) for row in nodes])
        self.value = np.array([row["coefficient"] for row in nodes])
        self.children = np.array(
            [[number.get((tree, 2 * node + side), i) for side in (0, 1)] for i, (tree, node) in enumerate(names)]
        )

    def logits(self, members: NDArray, courses: NDArray, pairs: NDArray, offsets: NDArray, course: NDArray) -> NDArray:
        """members (m, a), courses (b, c), pairs (n, d): values of the columns in this order;  offsets (m + 1,) of the
        members' pairs, course (n,) of each pair -> (n,)."""
        total = np.full(len(course), self.intercept)
        nodes = (self.roots, self.order, self.column, self.value, self.children)
        add_trees(*nodes, members, courses, pairs, offsets, read_only(course), total)
        return total

    def ordered(self, columns: list[tuple[str, str]]) -> "Forest":
        """The same trees over the same columns in another order."""
        place = np.array([columns.index(column) for column in self.columns], np.int64)
        other = copy(self)
        other.columns, other.column = columns, place[self.column] if columns else self.column
        return other


def logits(rows: pa.Table, design: Design, parts: dict) -> NDArray:
    forest = Forest(rows)
    known = {column: i for i, column in enumerate(design.columns)}
    n = design.x.shape[0]
    x = np.zeros((n, len(forest.columns)))
    for place, column in enumerate(forest.columns):
        if column in known:
            x[:, place] = design.x[:, known[column]].toarray().ravel()
    return forest.logits(x, np.zeros((1, 0)), np.zeros((n, 0)), np.arange(n + 1), np.zeros(n, np.int64))


class _ForestScorer:
    def __init__(self, forest: Forest, space: CatalogueSpace):
        of_course = [column for column in forest.columns if column in space.course_values]
        others = [column for column in forest.columns if column not in space.course_values]
        of_member = [column for column in others if column in space.term_number]
        self.of_pair = [column for column in others if column not in space.term_number]
        self.forest = forest.ordered([*of_member, *of_course, *self.of_pair])
        self.of_member = [space.term_number[column] for column in of_member]
        columns = [space.course_column(column) for column in of_course]
        self.of_course = np.column_stack(columns) if columns else np.zeros((len(space.course_ids), 0))

    def logits(self, shard: Shard) -> NDArray:
        pairs = np.zeros((len(shard.courses), len(self.of_pair)))
        for place, column in enumerate(self.of_pair):
            pairs[:, place] = shard.interaction(column)
        members = np.ascontiguousarray(shard.members[:, self.of_member].toarray())
        return self.forest.logits(members, self.of_course, pairs, shard.offsets, shard.courses)


def catalogue(rows: pa.Table, space: CatalogueSpace, parts: dict) -> _ForestScorer:
    return _ForestScorer(Forest(rows), space)
