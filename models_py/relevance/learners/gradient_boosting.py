"""Gradient-boosted trees on the log-loss (scikit-learn's histogram implementation), kept as rows like any other model.

A node of a tree is a row: effect `tree`, entity `<tree>:<node>`, where node n has the children 2n and 2n + 1. An inner
node names its column and holds its threshold (left is <=), a leaf has no feature and holds its value.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from relevance.catalogue import CatalogueSpace, Shard
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
    """The trees of a model, over the columns that it names."""

    def __init__(self, rows: pa.Table):
        table = rows.to_pylist()
        self.intercept = next(row["coefficient"] for row in table if row["feature"] == INTERCEPT)
        nodes = [row for row in table if row["feature"] != INTERCEPT]
        self.columns = sorted({(row["feature"], row["term"]) for row in nodes if row["feature"]})
        place = {column: i for i, column in enumerate(self.columns)}
        self.trees: dict[int, dict[int, tuple[int, float]]] = {}
        for row in nodes:
            tree, node = map(int, row["entity_id"].split(":"))
            column = place[row["feature"], row["term"]] if row["feature"] else -1
            self.trees.setdefault(tree, {})[node] = (column, row["coefficient"])

    def logits(self, x: NDArray) -> NDArray:
        """x : (n, columns) -> (n,)."""
        total = np.full(len(x), self.intercept)
        for _, nodes in sorted(self.trees.items()):
            open_nodes = [(1, np.arange(len(x)))]
            while open_nodes:
                node, rows = open_nodes.pop()
                column, value = nodes[node]
                if column < 0:
                    total[rows] += value
                    continue
                left = x[rows, column] <= value
                open_nodes += [(2 * node, rows[left]), (2 * node + 1, rows[~left])]
        return total


def logits(rows: pa.Table, design: Design, parts: dict) -> NDArray:
    forest = Forest(rows)
    known = {column: i for i, column in enumerate(design.columns)}
    x = np.zeros((design.x.shape[0], len(forest.columns)))
    for place, column in enumerate(forest.columns):
        if column in known:
            x[:, place] = design.x[:, known[column]].toarray().ravel()
    return forest.logits(x)


class _ForestScorer:
    def __init__(self, forest: Forest, space: CatalogueSpace):
        self.forest, self.space = forest, space
        self.course_columns = {}
        for column in forest.columns:
            if column in space.course_values:
                course, value = space.course_values[column]
                self.course_columns[column] = np.zeros(len(space.course_ids))
                np.add.at(self.course_columns[column], course, value)

    def logits(self, shard: Shard) -> NDArray:
        member, course = np.nonzero(shard.candidates)
        x = np.zeros((len(member), len(self.forest.columns)))
        for place, column in enumerate(self.forest.columns):
            if column in self.course_columns:
                x[:, place] = self.course_columns[column][course]
            elif column in self.space.term_number:
                x[:, place] = shard.members[:, self.space.term_number[column]].toarray().ravel()[member]
            elif column[0] in self.space.steps or column in self.space.pair_number:
                x[:, place] = shard.interaction(column)[member, course]
        total = np.zeros(shard.candidates.shape)
        total[member, course] = self.forest.logits(x)
        return total


def catalogue(rows: pa.Table, space: CatalogueSpace, parts: dict) -> _ForestScorer:
    return _ForestScorer(Forest(rows), space)
