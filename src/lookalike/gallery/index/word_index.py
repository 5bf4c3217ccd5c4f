"""A copy of what the gallery knows of each image's content, laid out for searches by words: it can be deleted at any
time.

Columns over N images: ``ids``, the likeliest classes (``places``, ``shares``), log-odds of the ``tags``, ``colours`` of
areas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import DescriptorCard
from lookalike.errors import UserError
from lookalike.gallery.index.columns_cache import Columns, ColumnsCache
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.class_codec import KEPT, unpacked
from lookalike.gallery.storage.embeddings import dtype_of, width_of
from lookalike.types import Floats, Ids
from lookalike.words.colours import colour_shares
from lookalike.words.tag_head import TagHead, class_mass, tag_head
from lookalike.words.vocabulary import vocabulary

NAME = "words"
CONTENT, COLOUR, WORDS = "content", "colour", "words"
DIMS = {CONTENT: 256, COLOUR: 78, WORDS: 176}
CLASSES = 1000


@dataclass(frozen=True, slots=True)
class WordColumns(Columns):
    """N images. ``places``, ``shares``: (N, KEPT), the likeliest classes and their probabilities. ``tags``: (N, T)
    int8. ``colours``: (N, areas, colours) uint8. ``described``: (N,) bool, whether the network saw anything in the
    image."""

    places: NDArray[np.uint16]
    shares: NDArray[np.float16]
    tags: NDArray[np.int8]
    colours: NDArray[np.uint8]
    described: NDArray[np.bool_]


class WordIndexCache(ColumnsCache[WordColumns]):
    """The columns of one gallery, brought up to date when asked for."""

    def __init__(self, folder: Path, store: GalleryStorage, cards: Mapping[str, DescriptorCard]) -> None:
        super().__init__(folder, store, NAME, WordColumns)
        self._cards = cards

    @property
    def _held(self) -> tuple[str, ...]:
        return tuple(name for name in (CONTENT, COLOUR, WORDS) if name in self._cards)

    @property
    def _makers(self) -> tuple[str, ...]:
        return (tag_head().digest, *(self._cards[name].fingerprint for name in self._held))

    def _described(self, ids: Ids) -> WordColumns:
        """What the store holds of these images."""
        places, shares = np.zeros((len(ids), KEPT), np.uint16), np.zeros((len(ids), KEPT), np.float16)
        for number, data in (self._store.classes_of(CONTENT, ids.tolist()) if CONTENT in self._cards else {}).items():
            row = int(np.searchsorted(ids, number))
            known, found = unpacked(data, f"classes of image {number}")
            places[row, : len(known)], shares[row, : len(known)] = known, found
        vectors, described = self._vectors(CONTENT, ids, self._contrast(CONTENT))
        network, seen = self._vectors(WORDS, ids, self._contrast(WORDS))
        shares[~described] = 0
        masses = _masses(tag_head(), places, shares)
        tags = tag_head().steps(vectors, masses, network, seen & described)
        tags[~described] = np.iinfo(np.int8).min
        return WordColumns(ids, places, shares, tags, colour_shares(self._vectors(COLOUR, ids, 0.0)[0]), described)

    def _contrast(self, name: str) -> float:
        return self._cards[name].min_contrast if name in self._cards else 0.0

    def _vectors(self, name: str, ids: Ids, contrast: float) -> tuple[Floats, NDArray[np.bool_]]:
        """(N, D) float32, zeros where there is none of enough contrast, and (N,) whether there is."""
        held = np.zeros(len(ids), bool)
        if name not in self._cards or not _is_known(self._cards[name]):
            return np.zeros((len(ids), DIMS[name]), np.float32), held
        card = self._cards[name]
        found, vectors = self._store.vectors_of(name, ids.tolist(), contrast=contrast, dtype=dtype_of(card))
        every, rows = np.zeros((len(ids), card.dim), np.float32), np.searchsorted(ids, found)
        every[rows], held[rows] = vectors.reshape(len(found), width_of(card)), True
        return every, held


def judges(cards: Mapping[str, DescriptorCard]) -> bool:
    """Whether a gallery with these descriptors holds vectors that the head of tags was fitted on."""
    return CONTENT in cards and _is_known(cards[CONTENT])


def _is_known(card: DescriptorCard) -> bool:
    """Whether a descriptor is of the version that the head of tags was fitted on, where it was on any."""
    fitted_on = {CONTENT: tag_head().fingerprint, WORDS: tag_head().network_fingerprint}
    return fitted_on.get(card.name, card.fingerprint) == card.fingerprint


def need_words(cards: Mapping[str, DescriptorCard], gallery: str) -> None:
    """Raises UserError for a gallery with these descriptors that words say nothing about."""
    if judges(cards):
        return
    held = "of which this gallery holds another version; " if CONTENT in cards else "which this gallery does not hold; "
    raise UserError(
        f"words go by the network `content`, {held}"
        f"nothing else is read again by: lookalike index --gallery {gallery} --with {CONTENT}"
    )


def _masses(head: TagHead, places: NDArray[np.uint16], shares: NDArray[np.float16]) -> Floats:
    """(N, T): the summed probability of each tag's classes."""
    concepts = [vocabulary().find(name) for name in head.names]
    return np.stack([class_mass(places, shares, one.classes if one else (), CLASSES) for one in concepts], axis=1)
