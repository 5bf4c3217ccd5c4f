"""Keeps the FAISS copies in step with the store, in memory and on disk. They can be deleted at any time.

Beside each index file lies a small JSON that says what it covers; it is replaced last and atomically, so a
process killed while saving leaves the old pair in force.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lookalike.descriptors.base import DescriptorCard
from lookalike.gallery.index.faiss_index import HNSW_FROM, FaissIndex
from lookalike.gallery.storage.embeddings import dtype_of
from lookalike.gallery.storage.store import Store

BLOCK = 20_000  # vectors read from the store at a time: bounds the memory
SAVE_SHARE = 0.05  # unsaved changes, as a share of the index, that are worth writing it again
SAVE_LEAST = 1_000
DEAD_SHARE = 0.1  # removed vectors that a graph may keep before it is built again


@dataclass(frozen=True, slots=True)
class Covers:
    """What a saved index holds: images up to an id, removals and backfills up to a number, of one gallery."""

    gallery: str
    fingerprint: str
    file: str
    graph: bool
    last_image: int
    last_removal: int
    backfills: int = 0


@dataclass(slots=True)
class _Copy:
    index: Any  # a FaissIndex, or a RegionIndex
    last_image: int = 0
    last_removal: int = 0
    built_removal: int = 0  # a graph keeps what was removed since; the file does not know which
    unsaved: int = 0
    backfills: int = 0  # vectors that came after their images were read up to here


class IndexCopies:
    """One FAISS index per descriptor, brought up to date when asked for."""

    def __init__(self, folder: Path, store: Store, cards: Mapping[str, DescriptorCard]) -> None:
        self._folder = folder
        self._store = store
        self._cards = cards
        self._copies: dict[str, _Copy] = {}
        self._seen: dict[str, tuple[int, int]] = {}

    def get(self, name: str) -> Any:
        """The index of a descriptor, with everything that is committed now."""
        version = self._store.version()
        if self._seen.get(name) != version:
            self._copies[name] = self._updated(name, self._copies.get(name) or self._loaded(name))
            self._seen[name] = version
        return self._copies[name].index

    def _updated(self, name: str, copy: _Copy) -> _Copy:
        backfills = self._store.backfills(name)
        if copy.backfills != backfills:
            copy = self._empty(name)
        copy.last_removal, gone = self._store.removed_since(copy.last_removal)
        before = len(copy.index)
        copy.index.remove(gone)
        copy.unsaved += before - len(copy.index)
        self._read_new(name, copy)
        if self._outgrown(copy):
            copy = self._rebuilt(name)
        copy.backfills = backfills
        if copy.unsaved > max(SAVE_LEAST, SAVE_SHARE * len(copy.index)):
            self._save(name, copy)
        return copy

    def _read_new(self, name: str, copy: _Copy) -> None:
        card = self._cards[name]
        while True:
            ids, vectors = self._store.vectors(
                name, after=copy.last_image, limit=BLOCK, contrast=card.min_contrast, dtype=dtype_of(card)
            )
            copy.index.add(ids, vectors)
            if not len(ids):
                return
            copy.last_image = int(ids[-1])
            copy.unsaved += len(ids)

    def _outgrown(self, copy: _Copy) -> bool:
        index = copy.index
        grown = not index.graph and index.wants_graph and len(index) > HNSW_FROM
        return grown or index.dead > DEAD_SHARE * max(len(index), SAVE_LEAST)

    def _rebuilt(self, name: str) -> _Copy:
        """A graph over everything, with nothing dead in it."""
        copy = self._empty(name, graph=True)
        copy.last_removal = copy.built_removal = self._store.last_removal()
        self._read_new(name, copy)
        return copy

    def _empty(self, name: str, graph: bool = False) -> _Copy:
        return _Copy(FaissIndex(self._cards[name].metric, self._cards[name].dim, graph))

    # --- on disk

    def _loaded(self, name: str) -> _Copy:
        """The saved copy if it is whole and of this gallery, otherwise an empty one to be filled anew."""
        card = self._cards[name]
        try:
            covers = Covers(**json.loads(self._pointer(name).read_text("utf-8")))
            if (covers.gallery, covers.fingerprint) != (self._store.uuid(), card.fingerprint):
                return self._empty(name)
            index = self._read(self._folder / covers.file, card, covers)
        except (OSError, ValueError, TypeError, RuntimeError):
            return self._empty(name)
        return _Copy(index, covers.last_image, covers.last_removal, covers.last_removal, backfills=covers.backfills)

    def _read(self, file: Path, card: DescriptorCard, covers: Covers) -> Any:
        return FaissIndex.load(file, card.metric, card.dim, covers.graph)

    def _save(self, name: str, copy: _Copy) -> None:
        """Write the index, then the pointer to it. No room is no failure: the copy stays in memory."""
        file = f"{name}.{secrets.token_hex(4)}.faiss"
        covers = Covers(
            self._store.uuid(),
            self._cards[name].fingerprint,
            file,
            copy.index.graph,
            copy.last_image,
            copy.built_removal if copy.index.graph else copy.last_removal,
            copy.backfills,
        )
        try:
            self._folder.mkdir(exist_ok=True)
            copy.index.save(self._folder / file)
            self._point(name, asdict(covers))
        except (OSError, RuntimeError):
            (self._folder / file).unlink(missing_ok=True)
            return
        copy.unsaved = 0
        self._sweep(name, file)

    def _point(self, name: str, covers: dict[str, Any]) -> None:
        draft = self._folder / f"{name}.{secrets.token_hex(4)}.json"
        draft.write_text(json.dumps(covers), "utf-8")
        os.replace(draft, self._pointer(name))

    def _sweep(self, name: str, keep: str) -> None:
        for old in self._folder.glob(f"{name}.*.faiss"):
            if old.name != keep:
                old.unlink(missing_ok=True)

    def _pointer(self, name: str) -> Path:
        return self._folder / f"{name}.json"
