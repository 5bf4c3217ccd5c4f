"""Keeps the fast copies of regions in step with the store, as copies.py does those of whole pictures.

A row of regions may come long after its picture, so what a copy has seen is told by the rows' own numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.describe.base import DescriptorCard
from lookalike.distance import normalise
from lookalike.gallery import regionindex
from lookalike.gallery.copies import Covers, IndexCopies, _Copy
from lookalike.gallery.exact import Ids
from lookalike.gallery.packing import MOST
from lookalike.gallery.regionindex import RegionIndex
from lookalike.types import Floats

BLOCK = 1_000  # pictures read from the store at a time: bounds the memory


class RegionCopies(IndexCopies):
    """One RegionIndex per descriptor of regions."""

    def _read_new(self, name: str, copy: _Copy) -> None:
        for seq, numbers, vectors in self._blocks(name, copy.last_picture):
            copy.index.add(numbers, vectors)
            copy.last_picture = seq
            copy.unsaved += len(numbers)

    def _blocks(self, name: str, seq: int) -> Iterator[tuple[int, Ids, Floats]]:
        """What was written after ``seq``: up to which row, region numbers and vectors."""
        while rows := self._store.regions.vectors_since(name, seq, BLOCK):
            seq = rows[-1][0]
            numbers = np.concatenate([picture * MOST + np.arange(len(one), dtype=np.int64) for _, picture, one in rows])
            vectors = np.concatenate([one for *_, one in rows if len(one)] or [_none])
            yield seq, numbers, normalise(vectors.astype(np.float32))

    def _outgrown(self, copy: _Copy) -> bool:
        return bool(copy.index.outgrown)

    def _rebuilt(self, name: str) -> _Copy:
        """Lists that are made for a sample from the whole library, and everything in them."""
        lists = regionindex.lists_for(len(self._copies[name].index) if name in self._copies else self._regions(name))
        copy = _Copy(RegionIndex(self._cards[name].dim, lists))
        copy.index.train(self._sample(name, lists))
        copy.last_removal = copy.built_removal = self._store.last_removal()
        self._read_new(name, copy)
        return copy

    def _regions(self, name: str) -> int:
        """About how many there are."""
        return MOST // 2 * self._store.regions.described(name)

    def _sample(self, name: str, lists: int) -> Floats:
        """About TRAINED_ON vectors for each list, always the same ones of the same library."""
        wanted = max(regionindex.TRAINED_ON * lists, 64 * 256)
        share = wanted / max(self._regions(name), 1)
        random = np.random.default_rng(0)
        return np.concatenate([part[random.random(len(part)) < share] for *_, part in self._blocks(name, 0)])

    def _empty(self, name: str, graph: bool = False) -> _Copy:  # noqa: ARG002  lists are made in _rebuilt
        return _Copy(RegionIndex(self._cards[name].dim))

    def _read(self, file: Path, card: DescriptorCard, covers: Covers) -> Any:
        return RegionIndex.load(file, card.dim, covers.graph)


_none = np.empty((0, 1), np.int8)
