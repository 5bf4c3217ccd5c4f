"""A catalogue laid out in memory, column by column, so that a filter over 100,000 items takes a millisecond."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery.storage.base import Item, ItemImages, Value
from lookalike.gallery.storage.text_match import folded
from lookalike.types import Ids

ID, TITLE = "id", "title"
ABSENT = -1  # the place of a text that is not there
Mask = NDArray[np.bool_]


@dataclass(slots=True)
class NumberColumn:
    """``values``: (N,) float64, NaN for an empty cell."""

    values: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    @property
    def present(self) -> Mask:
        """(N,): where there is a value."""
        return ~np.isnan(self.values)

    def value(self, row: int) -> Value | None:
        """In this row."""
        found = float(self.values[row])
        return None if np.isnan(found) else found

    def grow(self, count: int) -> None:
        """So many empty cells behind the last."""
        self.values = np.concatenate([self.values, np.full(count, np.nan)])

    def put(self, rows: Sequence[int], values: Iterable[Any]) -> None:
        """None is an empty cell."""
        self.values[rows] = [np.nan if value is None else float(value) for value in values]


@dataclass(slots=True)
class TextColumn:
    """``places``: (N,), of each row's text in ``texts``, ABSENT for an empty cell."""

    places: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    texts: list[str] = field(default_factory=list)
    _known: dict[str, int] = field(default_factory=dict)
    _folded: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, places: NDArray[np.int64], texts: Sequence[str]) -> TextColumn:
        """A column that was laid out before."""
        return cls(places, list(texts), {text: place for place, text in enumerate(texts)})

    @property
    def present(self) -> Mask:
        """(N,): where there is a text."""
        return np.asarray(self.places != ABSENT, bool)

    def value(self, row: int) -> Value | None:
        """In this row."""
        place = int(self.places[row])
        return None if place == ABSENT else self.texts[place]

    def grow(self, count: int) -> None:
        """So many empty cells behind the last."""
        self.places = np.concatenate([self.places, np.full(count, ABSENT)])

    def put(self, rows: Sequence[int], values: Iterable[Any]) -> None:
        """None is an empty cell."""
        self.places[rows] = [ABSENT if value is None else self._place(str(value)) for value in values]

    def folded(self) -> list[str]:
        """The texts as ``like`` compares them."""
        self._folded += map(folded, self.texts[len(self._folded) :])
        return self._folded

    def _place(self, text: str) -> int:
        if text not in self._known:
            self._known[text] = len(self.texts)
            self.texts.append(text)
        return self._known[text]


Column = NumberColumn | TextColumn


class CatalogueColumns:
    """N items. ``ids``: (N,), rising; ``columns``: name -> values, among them the code as "id", and "title"; ``pairs``:
    rows (P,) of items, rising, and ids (P,) of the images that show them, best first."""

    def __init__(self, kinds: Mapping[str, str]) -> None:
        """``kinds``: column -> "number" or "text"."""
        self.ids: Ids = np.empty(0, np.int64)
        self.kinds = dict(kinds)
        own = {name: NumberColumn() if kind == "number" else TextColumn() for name, kind in kinds.items()}
        self.columns: dict[str, Column] = {**own, ID: TextColumn(), TITLE: TextColumn()}
        self.pairs = ItemImages(self.ids, self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    def row(self, number: int) -> int:
        """The row of an item, by its id."""
        return int(np.searchsorted(self.ids, number))

    def put(self, items: Mapping[int, Item]) -> None:
        """Take in items by rising id, in the place of what was known of them."""
        numbers = np.fromiter(items, np.int64, len(items))
        new = numbers[~np.isin(numbers, self.ids)]
        self.ids = np.concatenate([self.ids, new])
        rows = np.searchsorted(self.ids, numbers).tolist()
        for name, column in self.columns.items():
            column.grow(len(new))
            column.put(rows, [_cell(item, name) for item in items.values()])

    def texts(self) -> list[TextColumn]:
        """The titles, then the other columns of text, without the codes."""
        others = [self.columns[name] for name in self.kinds if name not in (ID, TITLE)]
        return [one for one in (self.columns[TITLE], *others) if isinstance(one, TextColumn)]

    def pair(self, found: ItemImages) -> None:
        """Take over which item, by its id, is shown by which images."""
        self.pairs = ItemImages(np.searchsorted(self.ids, found.items), found.images)


def _cell(item: Item, name: str) -> Value | None:
    if name == ID:
        return item.code
    return item.title if name == TITLE else item.values.get(name)
