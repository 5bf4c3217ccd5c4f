"""Which images a search may find: those that a filter leaves."""

from __future__ import annotations

from typing import Any

from lookalike.gallery.library import Library
from lookalike.types import Ids


class Allowed:
    """Ids, or a filter. Where the gallery's engine searches, it is given the filter itself, and what that leaves is
    read only if something else asks for it. ``where``: the filter in that case."""

    def __init__(self, library: Library, ids: Ids | None, where: str | None = None) -> None:
        self._library, self._ids, self.where = library, ids, where

    @classmethod
    def by(cls, library: Library, where: str | None) -> Allowed | None:
        """Those that a filter leaves; None for every image. Raises UserError."""
        if where is None:
            return None
        searches = any(library.store.index(card) is not None for card in library.cards.values())
        return cls(library, None, where) if searches else cls(library, library.store.select(where))

    @property
    def ids(self) -> Ids:
        """Rising."""
        if self._ids is None:
            self._ids = self._library.store.select(self.where)
        return self._ids

    def at_most(self, count: int) -> bool:
        """Whether they are known to be so few."""
        return self._ids is not None and len(self._ids) <= count


def narrowing(allowed: Allowed | None) -> dict[str, Any]:
    """As an index is told."""
    if allowed is None:
        return {}
    return {"allowed": allowed.ids} if allowed.where is None else {"where": allowed.where}
