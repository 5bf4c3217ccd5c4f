"""Keeps the FAISS copies in step with the store, in memory and on disk. They can be deleted at any time.

Beside each index file lies a small JSON that says what it covers; it is replaced last and atomically, so a
process killed while saving leaves the old pair in force.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.descriptors.base import DescriptorCard
from lookalike.gallery.index.build_lock import building
from lookalike.gallery.index.faiss_index import HNSW_FROM, FaissIndex
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.embeddings import vector_blocks

UNSAVED_SHARE = 0.05  # unsaved changes, as a share of the index, that are worth writing it again
MIN_UNSAVED = 1_000
ALONE_FROM = 20_000  # images that are new: from so many, one process takes them in, and the others wait for it
CHECKPOINT_SECONDS = 60.0  # of reading, after which it is saved even so: a graph of a million takes minutes
TOMBSTONE_SHARE = 0.1  # removed vectors that a graph may keep before it is built again


@dataclass(frozen=True, slots=True)
class IndexManifest:
    """What a saved index holds: images up to an id, removals and backfills up to a number, of one gallery."""

    gallery: str
    fingerprint: str
    file: str
    graph: bool
    last_image: int
    last_removal: int
    backfills: int = 0


@dataclass(slots=True)
class CachedIndex:
    index: Any  # a FaissIndex, or a RegionIndex
    last_image: int = 0
    last_removal: int = 0
    built_removal: int = 0  # a graph keeps what was removed since; the file does not know which
    unsaved: int = 0
    backfills: int = 0  # vectors that came after their images were read up to here


class IndexCache:
    """One FAISS index per descriptor, brought up to date when asked for."""

    def __init__(self, folder: Path, store: GalleryStorage, cards: Mapping[str, DescriptorCard]) -> None:
        self._folder = folder
        self._store = store
        self._cards = cards
        self._cached: dict[str, CachedIndex] = {}
        self._seen: dict[str, tuple[int, int]] = {}

    def get(self, name: str) -> Any:
        """The index of a descriptor, with everything that is committed now: the storage's own, or a copy."""
        if (own := self._store.index(self._cards[name])) is not None:
            return own
        version = self._store.version()
        if self._seen.get(name) != version:
            self._cached[name] = self._updated(name, self._taken(name))
            self._seen[name] = version
        return self._cached[name].index

    def _taken(self, name: str) -> CachedIndex:
        """What is in memory, which then holds none, or what is saved."""
        return self._cached.pop(name) if name in self._cached else self._loaded(name, mapped=True)

    def _updated(self, name: str, cached: CachedIndex) -> CachedIndex:
        backfills = self._store.backfills(name)
        if self._store.read_only or not self._is_long_work(name, cached, backfills):
            return self._caught_up(name, cached, backfills)
        with building(self._folder / f"{name}.lock"):
            cached = self._latest(name, cached, backfills)
            found = self._caught_up(name, cached, backfills)
            if found.unsaved:  # who waits takes it from there
                self._save(name, found)
            return found

    def _is_long_work(self, name: str, cached: CachedIndex, backfills: int) -> bool:  # noqa: ARG002  others go by it
        """Whether so much is to be done that one process should do it for all."""
        known = cached.last_image if cached.backfills == backfills else 0
        return self._store.last_id() - known > ALONE_FROM

    def _latest(self, name: str, cached: CachedIndex, backfills: int) -> CachedIndex:
        """What another process has saved meanwhile, if it holds more."""
        saved = self._manifest(name)
        known = cached.last_image if cached.backfills == backfills else 0
        if saved is None or saved.backfills != backfills or saved.last_image <= known:
            return cached
        return self._loaded(name, mapped=True)

    def _caught_up(self, name: str, cached: CachedIndex, backfills: int) -> CachedIndex:
        if cached.index.mapped and self._has_new(name, cached):
            cached = self._loaded(name)
        if cached.backfills != backfills:
            cached = self._begun(name, backfills)
        cached.last_removal, gone = self._store.removed_since(cached.last_removal)
        before = len(cached.index)
        cached.index.remove(gone)
        cached.unsaved += before - len(cached.index)
        self._read_new(name, cached)
        if self._needs_rebuild(cached):
            cached.index = None  # makes room: never two of them in memory
            cached = self._rebuilt(name, backfills)
        if cached.unsaved > max(MIN_UNSAVED, UNSAVED_SHARE * len(cached.index)):
            self._save(name, cached)
        return cached

    def _has_new(self, name: str, cached: CachedIndex) -> bool:
        """Whether there are vectors that a copy lacks."""
        return any(True for _ in vector_blocks(self._store, self._cards[name], cached.last_image, size=1))

    def _read_new(self, name: str, cached: CachedIndex) -> None:
        """Everything that is new, or as much as makes an index outgrow itself. What takes long is saved meanwhile, so
        that one who was killed goes on from there."""
        saved = time.monotonic()
        for ids, vectors in vector_blocks(self._store, self._cards[name], cached.last_image):
            cached.index.add(ids, vectors)
            cached.last_image = int(ids[-1])
            cached.unsaved += len(ids)
            if self._needs_rebuild(cached):
                return
            if time.monotonic() - saved > CHECKPOINT_SECONDS and cached.last_image > self._saved_image(name):
                self._save(name, cached)
                saved = time.monotonic()

    def _saved_image(self, name: str) -> int:
        """The last image that the saved copy holds, 0 without one: a graph that is built anew takes the place of an old
        one only when it holds more."""
        manifest = self._manifest(name)
        return 0 if manifest is None or manifest.backfills != self._store.backfills(name) else manifest.last_image

    def _needs_rebuild(self, cached: CachedIndex) -> bool:
        index = cached.index
        grown = not index.graph and index.wants_graph and len(index) > HNSW_FROM
        return grown or index.tombstones > TOMBSTONE_SHARE * max(len(index), MIN_UNSAVED)

    def _rebuilt(self, name: str, backfills: int) -> CachedIndex:
        """A graph over everything, with nothing dead in it."""
        cached = self._begun(name, backfills, graph=True)
        cached.last_removal = cached.built_removal = self._store.last_removal()
        self._read_new(name, cached)
        return cached

    def _begun(self, name: str, backfills: int, graph: bool = False) -> CachedIndex:
        """An empty one that is to be filled."""
        cached = self._empty(name, graph)
        cached.backfills = backfills
        return cached

    def _empty(self, name: str, graph: bool = False) -> CachedIndex:
        return CachedIndex(FaissIndex(self._cards[name].metric, self._cards[name].dim, graph))

    # --- on disk

    def _manifest(self, name: str) -> IndexManifest | None:
        """What the saved copy of this gallery holds, if there is one."""
        try:
            manifest = IndexManifest(**json.loads(self._pointer(name).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        mine = (manifest.gallery, manifest.fingerprint) == (self._store.uuid(), self._cards[name].fingerprint)
        return manifest if mine else None

    def _loaded(self, name: str, *, mapped: bool = False) -> CachedIndex:
        """The saved copy if it is whole and of this gallery, otherwise an empty one to be filled anew. ``mapped``:
        left in its file where that can be done, for nothing will be added to it."""
        manifest = self._manifest(name)
        if manifest is None:
            return self._empty(name)
        try:
            index = self._read(self._folder / manifest.file, self._cards[name], manifest, mapped)
        except (OSError, ValueError, RuntimeError):
            return self._empty(name)
        return CachedIndex(
            index,
            manifest.last_image,
            manifest.last_removal,
            manifest.last_removal,
            backfills=manifest.backfills,
        )

    def flaw(self, name: str) -> str | None:
        """What is wrong with the saved copy of a descriptor; nothing with one that is behind, for it catches up."""
        if not self._pointer(name).exists():
            return None
        cached = self._loaded(name, mapped=True)
        if not cached.last_image:
            return "its saved copy cannot be read, or is of another gallery"
        if cached.backfills != self._store.backfills(name):
            return None  # it begins anew
        return None if self._is_true(name, cached) else "its saved copy holds other vectors than the gallery"

    def discard(self, name: str) -> None:
        """Throw a copy away: it is made again when it is asked for."""
        self._pointer(name).unlink(missing_ok=True)
        self._sweep(name, "")
        self._cached.pop(name, None)
        self._seen.pop(name, None)

    def _is_true(self, name: str, cached: CachedIndex) -> bool:
        """Whether a copy holds the vectors of the store up to its last image, but for those removed since."""
        ids, held = cached.index.stored()
        here = np.flatnonzero(~np.isin(ids, self._store.removed_since(cached.last_removal)[1]))
        here = here[np.argsort(ids[here])]
        done = 0
        for stored, vectors in vector_blocks(self._store, self._cards[name]):
            count = int(np.searchsorted(stored, cached.last_image, "right"))
            part = here[done : done + count]
            if not np.array_equal(ids[part], stored[:count]) or not cached.index.agrees(held[part], vectors[:count]):
                return False
            done += count
        return done == len(here)

    def _read(self, file: Path, card: DescriptorCard, manifest: IndexManifest, mapped: bool) -> Any:
        return FaissIndex.load(file, card.metric, card.dim, manifest.graph, mapped=mapped)

    def _save(self, name: str, cached: CachedIndex) -> None:
        """Write the index, then the pointer to it. No room is no failure: the copy stays in memory, as where nothing
        can be written."""
        if self._store.read_only:
            return
        file = f"{name}.{secrets.token_hex(4)}.faiss"
        manifest = IndexManifest(
            self._store.uuid(),
            self._cards[name].fingerprint,
            file,
            cached.index.graph,
            cached.last_image,
            cached.built_removal if cached.index.graph else cached.last_removal,
            cached.backfills,
        )
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            cached.index.save(self._folder / file)
            if self._store.backfills(name) != cached.backfills:  # a person was forgotten while it was written
                (self._folder / file).unlink()
                return
            self._point(name, asdict(manifest))
        except (OSError, RuntimeError):
            (self._folder / file).unlink(missing_ok=True)
            return
        cached.unsaved = 0
        self._sweep(name, file)

    def _point(self, name: str, manifest: dict[str, Any]) -> None:
        draft = self._folder / f"{name}.{secrets.token_hex(4)}.json"
        draft.write_text(json.dumps(manifest), "utf-8")
        os.replace(draft, self._pointer(name))

    def _sweep(self, name: str, keep: str) -> None:
        for old in self._folder.glob(f"{name}.*.faiss"):
            if old.name != keep:
                old.unlink(missing_ok=True)

    def _pointer(self, name: str) -> Path:
        return self._folder / f"{name}.json"
