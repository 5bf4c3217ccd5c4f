"""Keeps the columns of a catalogue in memory in step with the store: new prices cost what they are, not the whole."""

from __future__ import annotations

from lookalike.gallery.index.catalogue_columns import CatalogueColumns, TextColumn
from lookalike.gallery.index.item_words import ItemWords
from lookalike.gallery.storage.base import GalleryStorage

FORGOTTEN_TEXTS = 1_000  # texts that no item has any more: from so many, and from as many as items, all is read anew


class CatalogueCache:
    """The catalogue of one gallery, brought up to date when asked for."""

    def __init__(self, store: GalleryStorage) -> None:
        self._store = store
        self._columns = CatalogueColumns({})
        self._words: ItemWords | None = None
        self._revision = 0
        self._seen: tuple[int, int] | None = None
        self._paired: tuple[int, int, int] | None = None

    def get(self) -> CatalogueColumns:
        """With everything that is committed now."""
        version = self._store.version()
        if self._seen != version:
            self._catch_up()
            self._seen = version
        return self._columns

    def words(self) -> ItemWords:
        """The words of the items as they were when ``get`` was called last."""
        if self._words is None:
            self._words = ItemWords.of(self._columns)
        return self._words

    def _catch_up(self) -> None:
        items, kinds = self._store.items, self._store.items.columns()
        revision, changed = items.since(self._revision)
        known = len(self._columns) + sum(number > self._last for number in changed)
        if kinds != self._columns.kinds or known != items.count() or self._bloated():
            self._columns, self._paired, self._words = CatalogueColumns(kinds), None, None
            revision, changed = items.since(0)
        if changed:
            texts = self._texts()
            self._columns.put(changed)
            self._revision = revision
            if texts != self._texts():
                self._words = None
        paired = (self._store.last_id(), self._store.last_removal(), items.files_version())
        if paired != self._paired:
            self._columns.pair(items.images())
            self._paired = paired

    @property
    def _last(self) -> int:
        return int(self._columns.ids[-1]) if len(self._columns) else 0

    def _texts(self) -> list[bytes]:
        """What tells whether any text has changed."""
        return [column.places.tobytes() for column in self._columns.texts()]

    def _bloated(self) -> bool:
        columns = (one for one in self._columns.columns.values() if isinstance(one, TextColumn))
        return any(len(one.texts) > 2 * len(self._columns) + FORGOTTEN_TEXTS for one in columns)
