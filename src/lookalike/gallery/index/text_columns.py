"""A copy of the vectors with which texts are compared, and of the names that are nearest to each, laid out for searches
by a network with a text tower: it can be deleted at any time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors import text_network
from lookalike.descriptors.base import DescriptorCard
from lookalike.descriptors.neural.text_model import NameVectors, TextNetwork
from lookalike.errors import UserError
from lookalike.gallery.index.columns_cache import Columns, ColumnsCache
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.embeddings import dtype_of
from lookalike.types import Floats, Ids

KEPT = 16  # of the names nearest to an image
BLOCK = 4096  # images held against all names at a time


def need_texts(name: str) -> TextNetwork:
    """The text tower of the descriptor ``name``. Raises UserError if it reads none."""
    network = text_network(name)
    if network is None:
        raise UserError(f"{name!r} reads no texts; a model with a text tower does: lookalike models import")
    return network


@dataclass(frozen=True, slots=True)
class TextColumns(Columns):
    """N images that have a vector. ``vectors``: (N, D) float16 of unit length. ``places``, ``cosines``: (N, KEPT), the
    numbers of the nearest names, nearest first, and how near they are; fewer where there are fewer names."""

    vectors: NDArray[np.float16]
    places: NDArray[np.uint16]
    cosines: Floats


class TextColumnsCache(ColumnsCache[TextColumns]):
    """The columns of one descriptor, brought up to date when asked for."""

    def __init__(self, folder: Path, store: GalleryStorage, card: DescriptorCard) -> None:
        digest = hashlib.sha256(card.name.encode()).hexdigest()[:12]  # so that no file's name begins with another's
        super().__init__(folder, store, f"texts-{digest}", TextColumns)
        self._card, self._network = card, need_texts(card.name)

    @property
    def _held(self) -> tuple[str, ...]:
        return (self._card.name,)

    @property
    def _makers(self) -> tuple[str, ...]:
        return self._card.fingerprint, self._network.tower.names.sha256

    def _described(self, ids: Ids) -> TextColumns:
        """What the store holds of these images."""
        found, vectors = self._store.vectors_of(
            self._card.name, ids, contrast=self._card.min_contrast, dtype=dtype_of(self._card)
        )
        vectors = vectors.reshape(len(found), self._card.dim)
        return TextColumns(found, vectors, *_nearest(vectors, self._network.names()))


class TextColumnsCaches:
    """The caches of a gallery's descriptors, each made when it is asked for."""

    def __init__(self, folder: Path, store: GalleryStorage, cards: Mapping[str, DescriptorCard]) -> None:
        self._folder, self._store, self._cards = folder, store, cards
        self._caches: dict[str, TextColumnsCache] = {}

    def get(self, name: str) -> TextColumns:
        """What is known of every image that has a vector of the descriptor ``name`` and is committed now. Raises
        UserError for one that reads no texts."""
        if name not in self._caches:
            self._caches[name] = TextColumnsCache(self._folder, self._store, self._cards[name])
        return self._caches[name].get()


def _nearest(vectors: NDArray[np.float16], names: NameVectors) -> tuple[NDArray[np.uint16], Floats]:
    kept = min(KEPT, len(names.names))
    places, cosines = np.empty((len(vectors), kept), np.uint16), np.empty((len(vectors), kept), np.float32)
    for start in range(0, len(vectors), BLOCK):
        found = vectors[start : start + BLOCK].astype(np.float32) @ names.vectors.T
        order = np.argpartition(-found, kept - 1, axis=1)[:, :kept] if kept else np.empty((len(found), 0), np.int64)
        order = np.take_along_axis(order, np.argsort(-np.take_along_axis(found, order, axis=1), axis=1), axis=1)
        places[start : start + BLOCK] = order
        cosines[start : start + BLOCK] = np.take_along_axis(found, order, axis=1)
    return places, cosines
