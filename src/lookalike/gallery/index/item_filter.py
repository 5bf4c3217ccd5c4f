"""A filter over the columns in memory: the same language as storage/filters.py, for what it says of items alone."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from lookalike.gallery.index.catalogue_columns import CatalogueColumns, Column, Mask, NumberColumn
from lookalike.gallery.storage import filters
from lookalike.gallery.storage.base import Value
from lookalike.gallery.storage.text_match import fits

PREFIX = "item."


def rows_where(columns: CatalogueColumns, where: str | None) -> Mask | None:
    """(N,): the items for which it holds; None where it also speaks of images, which the columns do not know. Raises
    UserError that points at what was not understood."""
    found = np.ones(len(columns), bool)
    terms = terms_where(columns, where)
    if terms is None:
        return None
    for _, mask in terms:
        found &= mask
    return found


def terms_where(columns: CatalogueColumns, where: str | None) -> list[tuple[set[str], Mask]] | None:
    """What a filter joins by "and": the columns that each of these speaks of, and (N,) the items for which it holds.
    None and UserError as for ``rows_where``."""
    if where is None:
        return []
    tree = filters.tree(where, [f"{PREFIX}{name}" for name in columns.columns])
    if any(not str(name).startswith(PREFIX) for name in filters.names(tree)):
        return None
    return [({name[len(PREFIX) :] for name in filters.names(one)}, _mask(columns, one)) for one in _terms(tree)]


def _terms(tree: Any) -> Iterator[Any]:
    if tree.data in ("start", "and_"):
        for child in tree.children:
            yield from _terms(child)
    else:
        yield tree


def _mask(columns: CatalogueColumns, tree: Any) -> Mask:
    rule, children = tree.data, tree.children
    if rule == "negated":
        return ~_mask(columns, children[0])
    if rule in ("and_", "or_"):
        parts = [_mask(columns, child) for child in children]
        return np.asarray((np.logical_and if rule == "and_" else np.logical_or).reduce(parts), bool)
    name = str(children[0])
    column = columns.columns[filters.known_field(name, [f"{PREFIX}{one}" for one in columns.columns])[len(PREFIX) :]]
    if rule in ("absent", "present"):
        return ~column.present if rule == "absent" else column.present
    kind = float if isinstance(column, NumberColumn) else str
    if rule == "listed":
        wanted = {filters.literal(name, kind, child) for child in children[1:]}
        return _where(column, lambda value: value in wanted)
    return _compared(column, name, kind, children)


def _compared(column: Column, name: str, kind: type, children: Sequence[Any]) -> Mask:
    sign = str(children[1]).upper()
    if sign == "LIKE":
        filters.refuse_like(name, kind)
        return _like(column, str(filters.literal(name, kind, children[2])))
    wanted, compare = filters.literal(name, kind, children[2]), filters.COMPARISONS[sign]
    if isinstance(column, NumberColumn):
        return np.asarray(compare(column.values, wanted) & column.present, bool)
    if compare is operator.eq:
        place = column.texts.index(str(wanted)) if wanted in column.texts else len(column.texts)
        return np.asarray(column.places == place, bool)
    return _where(column, lambda value: bool(compare(value, wanted)))


def _like(column: Column, pattern: str) -> Mask:
    """Each different text is asked for once."""
    if isinstance(column, NumberColumn):
        return np.zeros(len(column.values), bool)
    holding = np.array([*map(fits(pattern), column.folded()), False], bool)
    return np.asarray(holding[column.places], bool)


def _where(column: Column, holds: Callable[[Value], bool]) -> Mask:
    """Each different text is asked for once."""
    if isinstance(column, NumberColumn):
        different, places = np.unique(column.values, return_inverse=True)
        return np.array([holds(value) for value in different.tolist()], bool)[places] & column.present
    holding = np.array([*map(holds, column.texts), False], bool)
    return np.asarray(holding[column.places], bool)
