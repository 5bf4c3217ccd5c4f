"""The vectors that a measure needs, for many images at once, and the distances between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import DescriptorCard
from lookalike.distance import METRICS, paired
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.types import Floats, Ids

BLOCK = 20_000  # vectors read from the store at a time


def dtype_of(card: DescriptorCard) -> Any:
    """How a descriptor's numbers lie in the store: packed bits, or half precision, whose rounding (1 in 2000) is far
    below what tells two images apart."""
    return np.uint8 if card.metric == "hamming" else np.float16


def width_of(card: DescriptorCard) -> int:
    """How many of these numbers make a vector."""
    return card.dim // 8 if card.metric == "hamming" else card.dim


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Images ``ids`` (N,) with one (N, D) array of vectors per descriptor, all of sufficient contrast."""

    ids: Ids
    vectors: Mapping[str, NDArray[Any]]
    cards: Mapping[str, DescriptorCard]

    @classmethod
    def read(
        cls, store: GalleryStorage, cards: Mapping[str, DescriptorCard], names: Iterable[str], ids: Ids | None = None
    ) -> Embeddings:
        """From the store: all images, or those of ``ids``, that have every one of the named vectors."""
        stored = {}
        for name in names:
            options = {"contrast": cards[name].min_contrast, "dtype": dtype_of(cards[name])}
            found, vectors = store.vectors(name, **options) if ids is None else store.vectors_of(name, ids, **options)
            stored[name] = found, vectors.reshape(len(found), width_of(cards[name]))
        return cls._common(stored, cards)

    @classmethod
    def _common(cls, stored: Mapping[str, tuple[Ids, NDArray[Any]]], cards: Mapping[str, DescriptorCard]) -> Embeddings:
        found = list(stored.values())
        common = found[0][0]
        for ids, _ in found[1:]:
            common = np.intersect1d(common, ids)
        rows = {name: np.argsort(ids)[np.searchsorted(np.sort(ids), common)] for name, (ids, _) in stored.items()}
        return cls(common, {name: stored[name][1][rows[name]] for name in stored}, cards)

    def __len__(self) -> int:
        return len(self.ids)

    def keep(self, rows: NDArray[Any]) -> Embeddings:
        """Only these rows (a mask or positions)."""
        return Embeddings(self.ids[rows], {name: part[rows] for name, part in self.vectors.items()}, self.cards)

    def between(self, a: Sequence[int], b: Sequence[int]) -> dict[str, Floats]:
        """Every row of a against every row of b: name -> (len(a), len(b))."""
        return {name: METRICS[self.cards[name].metric](part[a], part[b]) for name, part in self.vectors.items()}

    def along(self, a: NDArray[Any], b: NDArray[Any]) -> dict[str, Floats]:
        """Row a[i] against row b[i]: name -> (P,)."""
        return {name: paired(self.cards[name].metric, part[a], part[b]) for name, part in self.vectors.items()}

    def from_query(self, query: Mapping[str, NDArray[Any]]) -> dict[str, Floats]:
        """One query, name -> (1, D), against every row: name -> (N,)."""
        return {name: METRICS[self.cards[name].metric](query[name], part)[0] for name, part in self.vectors.items()}


def vector_blocks(
    store: GalleryStorage, card: DescriptorCard, after: int = 0, size: int = BLOCK
) -> Iterator[tuple[Ids, NDArray[Any]]]:
    """Ids and vectors of whole images with enough contrast, behind the id ``after``, a block at a time: it bounds the
    memory."""
    while True:
        ids, vectors = store.vectors(
            card.name, after=after, limit=size, contrast=card.min_contrast, dtype=dtype_of(card)
        )
        if not len(ids):
            return
        yield ids, vectors
        after = int(ids[-1])
