"""A filter's comparisons of an image's own columns: as Milvus' expression, and held against a row not there yet.

A null is a value of its own (expressions.py), and fulfils no comparison. Values are quoted, never pasted in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lookalike.gallery.storage.filters import COMPARISONS, literal
from lookalike.gallery.storage.milvus.expressions import (
    NUMBER_NULL,
    NUMBERS,
    TEXT_NULL,
    TEXTS,
    both,
    members,
    quoted,
)

KINDS: Mapping[str, type] = {**dict.fromkeys(TEXTS, str), **dict.fromkeys(NUMBERS, float)}
Value = str | float


def is_column(tree: Any) -> bool:
    """Whether Milvus can say all of it: no pattern, and nothing that another collection knows."""
    if tree.data in ("start", "or_", "and_", "negated"):
        return all(map(is_column, tree.children))
    if tree.data == "shown" or str(tree.children[0]) not in KINDS:
        return False
    return tree.data != "compared" or str(tree.children[1]).upper() != "LIKE"


def expression(tree: Any) -> str:
    """Of a filter that ``is_column``. Raises UserError for values of another kind than their column."""
    rule, children = tree.data, tree.children
    if rule == "start":
        return expression(children[0])
    if rule in ("or_", "and_"):
        return "(" + (" or " if rule == "or_" else " and ").join(map(expression, children)) + ")"
    if rule == "negated":
        return f"not ({expression(children[0])})"
    name = str(children[0])
    there = f"{name} != {quoted(null_of(name))}"
    if rule in ("absent", "present"):
        return there if rule == "present" else f"{name} == {quoted(null_of(name))}"
    if rule == "listed":
        return both(members(name, [literal(name, KINDS[name], token) for token in children[1:]]), there)
    sign = "==" if children[1] == "=" else str(children[1])
    return both(f"{name} {sign} {quoted(literal(name, KINDS[name], children[2]))}", there)


def null_of(name: str) -> Value:
    """What stands for nothing in a column."""
    return TEXT_NULL if KINDS[name] is str else NUMBER_NULL


def holds(tree: Any, known: Callable[[Any], Value | None], kind: Callable[[str], type]) -> bool:
    """Whether a filter holds of the values that are known by their names; ``kind``: of the values of a name."""
    rule, children = tree.data, tree.children
    if rule in ("start", "and_"):
        return all(holds(child, known, kind) for child in children)
    if rule == "or_":
        return any(holds(child, known, kind) for child in children)
    if rule == "negated":
        return not holds(children[0], known, kind)
    name = str(children[0])
    value = known(name)
    if rule in ("absent", "present"):
        return (value is None) is (rule == "absent")
    if rule == "listed":
        return value is not None and value in [literal(name, kind(name), one) for one in children[1:]]
    wanted = literal(name, kind(name), children[2])
    return value is not None and bool(COMPARISONS[str(children[1])](value, wanted))
