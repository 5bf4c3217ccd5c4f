"""What a shop's shelf shows: the items that a filter and words leave, and how many there are of each kind (facets)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookalike.gallery.index.catalogue_columns import ID, TITLE, CatalogueColumns, Mask, NumberColumn, TextColumn
from lookalike.gallery.index.item_filter import terms_where
from lookalike.gallery.library import Library
from lookalike.types import CatalogueItem, Facet, Ids

MOST_VALUES = 30  # of a facet, the commonest first
MOST_DIFFERENT, DIFFERENT_SHARE = (
    200,
    0.75,
)  # texts that a facet may have, or as a share of items: descriptions have more


def rows_of_items(library: Library, where: str | None, text: str) -> Ids:
    """Rows of the items for which the filter holds, in the catalogue's order; with a text those that share a word with
    it, the best first."""
    columns = library.catalogue.get()
    rows = np.flatnonzero(_all(_terms(library, columns, where), len(columns)))
    if not text.strip():
        return rows
    answers = library.catalogue.words().similarity(text)[rows]
    order = np.argsort(-answers, kind="stable")
    return rows[order[answers[order] > 0]]


def catalogue_items(library: Library, rows: Sequence[int]) -> list[CatalogueItem]:
    """These items as the catalogue has them, with those of their images that the gallery holds."""
    numbers = [int(library.catalogue.get().ids[row]) for row in rows]
    return items_of(library, numbers)


def items_of(library: Library, numbers: Sequence[int]) -> list[CatalogueItem]:
    """The same, by ids of the store, of those that are there."""
    held = library.store.items.of_ids(numbers)
    return [
        CatalogueItem(
            item.code,
            item.title,
            tuple(path for path in item.files if (row := library.store.row_of(path)) and not row.is_video),
            dict(item.values),
        )
        for item in (held[number] for number in numbers if number in held)
    ]


def facets(library: Library, where: str | None, text: str) -> list[Facet]:
    """Of every column that has few different texts, or numbers, what the items have in it that a filter and words
    leave, whatever the filter says of this one column: who chose one size sees how many there are of the others."""
    columns = library.catalogue.get()
    terms = _terms(library, columns, where)
    if text.strip():
        terms.append((set(), library.catalogue.words().similarity(text) > 0))
    every = np.flatnonzero(_all(terms, len(columns)))
    found = []
    for name in columns.kinds:
        if name not in (ID, TITLE):
            others = [term for term in terms if term[0] != {name}]
            rows = every if len(others) == len(terms) else np.flatnonzero(_all(others, len(columns)))
            found.append(_facet(name, columns.columns[name], rows))
    return [one for one in found if one is not None]


def _facet(name: str, column: NumberColumn | TextColumn, rows: Ids) -> Facet | None:
    if isinstance(column, NumberColumn):
        values = column.values[rows]
        values = values[~np.isnan(values)]
        return Facet(name, "number", {}, float(values.min()), float(values.max())) if len(values) else None
    if len(column.texts) > max(MOST_DIFFERENT, DIFFERENT_SHARE * int(column.present.sum())):
        return None
    places = column.places[rows]
    counts = np.bincount(places[places >= 0], minlength=len(column.texts))
    order = [place for place in np.argsort(-counts, kind="stable").tolist() if counts[place]][:MOST_VALUES]
    return Facet(name, "text", {column.texts[place]: int(counts[place]) for place in order}) if order else None


def _terms(library: Library, columns: CatalogueColumns, where: str | None) -> list[tuple[set[str], Mask]]:
    """What a filter joins by "and", as columns and items; one that also speaks of images is one term of no column."""
    terms = terms_where(columns, where)
    if terms is not None:
        return terms
    found = np.zeros(len(columns), bool)
    found[np.searchsorted(columns.ids, library.store.items.images(where).items)] = True
    return [(set(), found)]


def _all(terms: Sequence[tuple[set[str], Mask]], count: int) -> Mask:
    found = np.ones(count, bool)
    for _, mask in terms:
        found &= mask
    return found
