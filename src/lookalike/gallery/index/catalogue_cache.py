"""Keeps the columns of a catalogue in step with the store, in memory and in a file: new prices cost what they are, not
the whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lookalike.gallery.index.catalogue_columns import CatalogueColumns, TextColumn
from lookalike.gallery.index.catalogue_file import SavedCatalogue, load_catalogue, save_catalogue
from lookalike.gallery.index.item_words import ItemWords
from lookalike.gallery.storage.base import GalleryStorage, Item

FORGOTTEN_TEXTS = 1_000  # texts that no item has any more: from so many, and from as many as items, all is read anew
MIN_UNSAVED = 1_000  # items and pairs that changed since the file was written, from which it is written again ...
UNSAVED_SHARE = 0.05  # ... if they are more than this share of all


class CatalogueCache:
    """The catalogue of one gallery, brought up to date when asked for. ``folder``: where its file lies."""

    def __init__(self, folder: Path, store: GalleryStorage) -> None:
        self._folder, self._store = folder, store
        self._columns = CatalogueColumns({})
        self._words: ItemWords | None = None
        self._revision = 0
        self._unsaved = 0
        self._seen: tuple[int, int] | None = None
        self._paired: tuple[int, ...] | None = None

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
        items = self._store.items
        if self._seen is None and items.count():
            self._load()
        state = (self._store.last_id(), self._store.last_removal(), items.files_version())  # before what it is about
        kinds, (revision, changed) = items.columns(), items.since(self._revision)
        if kinds != self._columns.kinds or not self._knows_all_but(changed, state) or self._bloated():
            self._columns, self._paired, self._words = CatalogueColumns(kinds), None, None
            revision, changed = items.since(0) if self._revision else (revision, changed)
        if changed:
            texts = self._texts()
            self._columns.put(changed)
            self._revision = revision
            self._unsaved += len(changed)
            if texts != self._texts():
                self._words = None
        if state != self._paired:
            self._pair(state)
        if self._unsaved > max(MIN_UNSAVED, UNSAVED_SHARE * len(self._columns)):
            self._save()

    def _knows_all_but(self, changed: Mapping[int, Item], state: tuple[int, ...]) -> bool:
        """Whether the columns hold every item that did not change, and none that was forgotten. Ids are compared only
        where one may have been: the newest item's revision is given once more when that item is forgotten."""
        held = np.union1d(self._columns.ids, np.fromiter(changed, np.int64, len(changed)))
        if len(held) != self._store.items.count():
            return False
        if self._paired is None or self._paired[-1] == state[-1]:
            return True
        return np.array_equal(held, np.sort(np.fromiter(self._store.items.codes().values(), np.int64)))

    def _pair(self, state: tuple[int, ...]) -> None:
        before = len(self._columns.pairs.items)
        self._columns.pair(self._store.items.images())
        self._unsaved += abs(len(self._columns.pairs.items) - before)
        self._paired = state

    # --- on disk

    def _load(self) -> None:
        saved = load_catalogue(self._folder, self._store.uuid())
        if saved is not None:
            self._columns, self._words = saved.columns, saved.words
            self._revision, self._paired = saved.revision, saved.paired

    def _save(self) -> None:
        self._unsaved = 0
        if not self._store.read_only and self._paired is not None:
            saved = SavedCatalogue(self._columns, self.words(), self._revision, self._paired)
            save_catalogue(self._folder, self._store.uuid(), saved)

    def _texts(self) -> list[bytes]:
        """What tells whether any text has changed."""
        return [column.places.tobytes() for column in self._columns.texts()]

    def _bloated(self) -> bool:
        columns = (one for one in self._columns.columns.values() if isinstance(one, TextColumn))
        return any(len(one.texts) > 2 * len(self._columns) + FORGOTTEN_TEXTS for one in columns)
