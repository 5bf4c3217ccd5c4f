"""What of an item of the catalogue is looked for: its images that the gallery holds, and its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lookalike.errors import UserError
from lookalike.gallery.library import Library
from lookalike.gallery.storage.row import Row


@dataclass(frozen=True, slots=True)
class QueryItem:
    """``number``: its id in the store. ``images``: those of its files that are held, and no videos. ``text``: its title
    and text columns."""

    number: int
    images: Sequence[Row]
    text: str

    @classmethod
    def of(cls, library: Library, code: str) -> QueryItem:
        """By what the catalogue calls it. Raises UserError if it calls nothing so."""
        store = library.store
        number = store.items.number(code)
        item = store.items.of_ids([number]).get(number) if number else None
        if number is None or item is None:
            raise UserError(f"no item {code!r} in this gallery's catalogue")
        rows = [row for path in item.files if (row := store.row_of(path)) and not row.is_video]
        words = [item.title, *(value for value in item.values.values() if isinstance(value, str))]
        return cls(number, rows, " ".join(words).strip())
