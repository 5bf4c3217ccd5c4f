"""Keeps the fast copies of regions in step with the store, as copies.py does those of whole images.

A row of regions may come long after its image, so what a copy has seen is told by the rows' own numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.descriptors.base import DescriptorCard
from lookalike.gallery.index.index_cache import Covers, IndexCopies, _Copy
from lookalike.gallery.index.region_index import EACH, RegionIndex, lists_for
from lookalike.gallery.storage.region_codec import MOST, of_unit_length
from lookalike.types import Floats

BLOCK = 1_000  # images read from the store at a time: bounds the memory
OF_EACH = 8  # regions of an image that lists are made from: its others are like them


class RegionCopies(IndexCopies):
    """One RegionIndex per descriptor of regions."""

    def _read_new(self, name: str, copy: _Copy) -> None:
        """Everything that is new, or as much as makes an index outgrow itself."""
        for _ in self._taken_in(name, copy):
            if copy.index.outgrown:
                return

    def _taken_in(self, name: str, copy: _Copy) -> Iterator[int]:
        """Block by block; how many regions each had."""
        while rows := self._store.regions.since(name, copy.last_image, BLOCK):
            numbers = np.concatenate([image * MOST + np.arange(len(one)) for _, image, one in rows])
            vectors = [one for *_, one in rows if len(one)]
            if vectors:
                copy.index.add(numbers.astype(np.int64), of_unit_length(np.concatenate(vectors)))
            copy.last_image = rows[-1][0]
            copy.unsaved += len(numbers)
            yield len(numbers)

    def _outgrown(self, copy: _Copy) -> bool:
        return bool(copy.index.outgrown)

    def _rebuilt(self, name: str) -> _Copy:
        """Lists that are made from a sample of the whole library, and everything in them."""
        sample, count = self._sample(name)
        copy = _Copy(RegionIndex(self._cards[name].dim, lists_for(count)))
        copy.index.train(sample)
        copy.last_removal = copy.built_removal = self._store.last_removal()
        for _ in self._taken_in(name, copy):
            pass
        return copy

    def _sample(self, name: str) -> tuple[Floats, int]:
        """Vectors to make lists from, always the same ones of the same library; and about how many there are."""
        images = self._store.regions.images(name)
        lists = lists_for(MOST // 2 * len(images))
        step = max(len(images) * OF_EACH // (EACH * lists), 1)
        found = [one for block in self._store.regions.vectors_of(name, images[::step]) for _, one in block]
        random = np.random.default_rng(0)
        some = [random.permutation(one)[:OF_EACH] for one in found]
        held = sum(map(len, found)) * step
        return of_unit_length(np.concatenate(some)), held

    def _empty(self, name: str, graph: bool = False) -> _Copy:  # noqa: ARG002  lists need a sample first
        return _Copy(RegionIndex(self._cards[name].dim))

    def _read(self, file: Path, card: DescriptorCard, covers: Covers) -> Any:  # noqa: ARG002  the file tells
        return RegionIndex.load(file, card.dim)
