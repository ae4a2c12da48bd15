"""Declared features (section 4.1): expressions over other features, parsed by sqlglot and laid out as rows that SQL and
the scorer execute.

    log(x)            sign(x) ln(1 + |x|) of a number
    bucket(x, a, b)   which of (-inf, a), [a, b), [b, inf) a number lies in
    cross(x, y)       a term for every pair of terms, with the product of their values
    dot(x, y)         sum over shared terms of a member's vector x and a course's y
    cosine(x, y)      the same of vectors scaled to length 1

A feature without a row has the value 0, and stays without one: 0 has no logarithm and no bucket.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

import pyarrow as pa
import sqlglot
from sqlglot import exp

DEEPEST = 3  # derived features on derived features, on one side
TERM = " x "  # between the terms of a cross
TRANSFORMATIONS = pa.schema(
    [
        *[(name, pa.string()) for name in ("feature", "operation", "side", "kind", "left_feature", "right_feature")],
        ("depth", pa.int32()),
        ("expression", pa.string()),
        ("is_declared", pa.bool_()),
    ]
)
BUCKETS = pa.schema([("feature", pa.string()), ("term", pa.string()), ("low", pa.float64()), ("high", pa.float64())])
KINDS = ("category", "number", "vector")
OPERANDS = {"log": 1, "bucket": 1, "cross": 2, "dot": 2, "cosine": 2}
SIDES = {"member": "member", "context": "member", "course": "course", "interaction": "interaction"}


class DeclarationError(ValueError):
    """What is wrong with a row of the seeds, and the remedy."""


@dataclass(frozen=True)
class Feature:
    """side : member (a request's member and context), course or interaction;  depth : derivations on that side."""

    name: str
    side: str
    kind: str
    depth: int


class Compiler:
    """features, declared : rows of the seeds features and feature_transformations."""

    def __init__(self, features: list[dict], declared: list[dict]):
        self.known: dict[str, Feature] = {}
        self.rows: list[dict] = []
        self.buckets: list[dict] = []
        self.expressions: dict[str, str] = {}
        self.open: list[str] = []
        for row in features:
            if row["entity"] not in SIDES or row["kind"] not in KINDS:
                raise DeclarationError(
                    f"features, row {row['feature']}: entity {row['entity']}, kind {row['kind']}. "
                    f"Remedy: give one of {', '.join(SIDES)} and one of {', '.join(KINDS)}"
                )
            self.known[row["feature"]] = Feature(row["feature"], SIDES[row["entity"]], row["kind"], 0)
        for row in declared:
            if row["feature"] in self.known or row["feature"] in self.expressions:
                raise DeclarationError(f"{_row(row['feature'])}: the name is taken. Remedy: give another")
            self.expressions[row["feature"]] = row["expression"]
        for name in self.expressions:
            self._declared(name)

    def _declared(self, name: str) -> Feature:
        if name in self.known:
            return self.known[name]
        if name in self.open:
            cycle = " -> ".join([*self.open[self.open.index(name) :], name])
            raise DeclarationError(f"{_row(name)}: cyclic definition {cycle}. Remedy: define it by other features")
        self.open.append(name)
        tree = self._parse(name, self.expressions[name])
        if isinstance(tree, exp.Column):
            raise DeclarationError(f"{_row(name)}: {tree.name} under another name. Remedy: use {tree.name}")
        feature = self._derived(name, name, tree)
        self.open.pop()
        return feature

    def _parse(self, name: str, expression: str) -> exp.Expression:
        # cross is a word of SQL, as a name of a function it stands in quotes
        text = re.sub(r"\bcross\s*\(", '"cross"(', expression or "")
        try:
            return sqlglot.parse_one(text, dialect="duckdb")
        except sqlglot.errors.ParseError:
            raise DeclarationError(
                f"{_row(name)}: '{expression}' does not parse. Remedy: write it as log(dot(member_skill, course_skill))"
            ) from None

    def _operand(self, owner: str, tree: exp.Expression) -> Feature:
        if not isinstance(tree, exp.Column):
            name = _text(tree)
            return self.known[name] if name in self.known else self._derived(owner, name, tree)
        if tree.name in self.expressions:
            return self._declared(tree.name)
        if tree.name not in self.known:
            raise DeclarationError(
                f"{_row(owner)}: no feature '{tree.name}'. Remedy: name one of features or of feature_transformations"
            )
        return self.known[tree.name]

    def _derived(self, owner: str, name: str, tree: exp.Expression) -> Feature:
        operation, arguments = _call(owner, tree)
        operands = [self._operand(owner, argument) for argument in arguments[: OPERANDS[operation]]]
        one, other = operands[0], operands[-1]
        if operation in ("log", "bucket"):
            if one.kind != "number":
                raise DeclarationError(
                    f"{_row(owner)}: {operation} of {one.name}, a {one.kind}. Remedy: give it a number"
                )
            side, kind = one.side, "number" if operation == "log" else "category"
        elif operation == "cross":
            if "interaction" in (one.side, other.side):
                which = one.name if one.side == "interaction" else other.name
                raise DeclarationError(
                    f"{_row(owner)}: cross of {which}, an interaction. Remedy: cross features of members, of "
                    "courses or of the context"
                )
            side = one.side if one.side == other.side else "interaction"
            if side == "interaction" and one.side == "course":
                one, other = other, one  # the member's term first
            kinds = {one.kind, other.kind}
            kind = "number" if kinds == {"number"} else "category" if kinds == {"category"} else "vector"
        else:
            side, kind = "interaction", "number"
            for place, operand, wanted in (("first", one, "member"), ("second", other, "course")):
                if operand.side != wanted:
                    raise DeclarationError(
                        f"{_row(owner)}: {operation} takes a {wanted}'s vector {place}, {operand.name} is of a "
                        f"{operand.side}. Remedy: write {operation}(<member feature>, <course feature>)"
                    )
                if operand.kind == "number":
                    raise DeclarationError(
                        f"{_row(owner)}: {operation} of {operand.name}, a number. Remedy: give it vectors or categories"
                    )
        depth = 1 + max(operand.depth if operand.side == side else 0 for operand in operands)
        if depth > DEEPEST:
            raise DeclarationError(
                f"{_row(owner)}: {depth} derivations on one another. Remedy: at most {DEEPEST} on one side"
            )
        if operation == "bucket":
            self._add_buckets(owner, name, arguments[1:])
        self.known[name] = Feature(name, side, kind, depth)
        self.rows.append(
            {
                "feature": name,
                "operation": operation,
                "side": side,
                "kind": kind,
                "left_feature": one.name,
                "right_feature": None if operation in ("log", "bucket") else other.name,
                "depth": depth,
                "expression": self.expressions.get(name, name),
                "is_declared": name in self.expressions,
            }
        )
        return self.known[name]

    def _add_buckets(self, owner: str, name: str, trees: list[exp.Expression]) -> None:
        edges = []
        for tree in trees:
            try:
                edges.append(float(tree.sql()))
            except ValueError:
                raise DeclarationError(f"{_row(owner)}: edge {tree.sql()} of a bucket is not a number") from None
        if not edges or sorted(set(edges)) != edges:
            raise DeclarationError(f"{_row(owner)}: edges {edges} of a bucket. Remedy: give ascending numbers")
        bounds = [float("-inf"), *edges, float("inf")]
        for low, high in pairwise(bounds):
            opening = "(" if low == float("-inf") else "["
            self.buckets.append({"feature": name, "term": f"{opening}{low:g}, {high:g})", "low": low, "high": high})


def _row(name: str) -> str:
    return f"feature_transformations, row {name}"


def _text(tree: exp.Expression) -> str:
    return tree.sql(dialect="duckdb").replace('"', "").lower()


def _call(owner: str, tree: exp.Expression) -> tuple[str, list[exp.Expression]]:
    """(operation, arguments) of a call."""
    if isinstance(tree, exp.Log):
        operation, arguments = "log", [a for a in (tree.this, tree.expression) if a is not None]
    elif isinstance(tree, exp.Anonymous):
        operation, arguments = tree.name.lower(), list(tree.expressions)
    else:
        operation, arguments = "", []
    wanted = OPERANDS.get(operation)
    if wanted is None or (len(arguments) < 2 if operation == "bucket" else len(arguments) != wanted):
        raise DeclarationError(
            f"{_row(owner)}: '{tree.sql(dialect='duckdb')}'. Remedy: use log(x), bucket(x, edge, ...), cross(x, y), "
            "dot(x, y) or cosine(x, y)"
        )
    return operation, arguments


def transformations(features, declared) -> pa.Table:
    """Rows of every derived feature, inner expressions among them, operands before what is made of them.

    features, declared : relations of the seeds. Raises DeclarationError naming the row.
    """
    return pa.Table.from_pylist(_compiled(features, declared).rows, schema=TRANSFORMATIONS)


def feature_buckets(features, declared) -> pa.Table:
    """Rows (feature, term, low, high) of every bucket: low <= value < high."""
    return pa.Table.from_pylist(_compiled(features, declared).buckets, schema=BUCKETS)


def _compiled(features, declared) -> Compiler:
    return Compiler(
        features.order("feature").to_arrow_table().to_pylist(), declared.order("feature").to_arrow_table().to_pylist()
    )
