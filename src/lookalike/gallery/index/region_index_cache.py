"""Keeps the fast copies of regions in step with the store, as index_cache.py does those of whole images.

A row of regions may come long after its image, so what a copy has seen is told by the rows' own numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.descriptors.base import DescriptorCard
from lookalike.gallery.index.index_cache import CachedIndex, IndexCache, IndexManifest
from lookalike.gallery.index.region_index import TRAIN_PER_LIST, RegionIndex, nlist_for
from lookalike.gallery.storage.region_codec import MAX_REGIONS, of_unit_length
from lookalike.types import Floats

IMAGES_PER_READ = 1_000  # images read from the store at a time: bounds the memory
SAMPLE_PER_IMAGE = 8  # regions of an image that lists are made from: its others are like them


class RegionIndexCache(IndexCache):
    """One RegionIndex per descriptor of regions."""

    kind = RegionIndex

    def _read_new(self, name: str, cached: CachedIndex) -> None:
        """Everything that is new, or as much as makes an index outgrow itself."""
        for _ in self._taken_in(name, cached):
            if cached.index.needs_rebuild:
                return

    def _taken_in(self, name: str, cached: CachedIndex) -> Iterator[int]:
        """Block by block; how many regions each had."""
        while rows := self._store.regions.since(name, cached.last_image, IMAGES_PER_READ):
            numbers = np.concatenate([image * MAX_REGIONS + np.arange(len(one)) for _, image, one in rows])
            vectors = [one for *_, one in rows if len(one)]
            if vectors:
                cached.index.add(numbers.astype(np.int64), of_unit_length(np.concatenate(vectors)))
            cached.last_image = rows[-1][0]
            cached.unsaved += len(numbers)
            yield len(numbers)

    def _is_long_work(self, name: str, cached: CachedIndex, backfills: int) -> bool:  # noqa: ARG002  as above
        return False  # rows of regions have numbers of their own

    def _needs_rebuild(self, cached: CachedIndex) -> bool:
        return bool(cached.index.needs_rebuild)

    def _rebuilt(self, name: str, backfills: int) -> CachedIndex:
        """Lists that are made from a sample of the whole library, and everything in them."""
        sample, count = self._sample(name)
        cached = CachedIndex(self.kind(self._cards[name].dim, nlist_for(count)), backfills=backfills)
        cached.index.train(sample)
        cached.last_removal = cached.built_removal = self._store.last_removal()
        for _ in self._taken_in(name, cached):
            pass
        return cached

    def _sample(self, name: str) -> tuple[Floats, int]:
        """Vectors to make lists from, always the same ones of the same library; and about how many there are."""
        images = self._store.regions.images(name)
        lists = nlist_for(MAX_REGIONS // 2 * len(images))
        step = max(len(images) * SAMPLE_PER_IMAGE // (TRAIN_PER_LIST * lists), 1)
        found = [one for block in self._store.regions.vectors_of(name, images[::step]) for _, one in block]
        random = np.random.default_rng(0)
        some = [random.permutation(one)[:SAMPLE_PER_IMAGE] for one in found]
        held = sum(map(len, found)) * step
        return of_unit_length(np.concatenate(some)), held

    def _empty(self, name: str, graph: bool = False) -> CachedIndex:  # noqa: ARG002  lists need a sample first
        return CachedIndex(self.kind(self._cards[name].dim))

    def _is_true(self, name: str, cached: CachedIndex) -> bool:  # noqa: ARG002  codes say little of what they stand for
        return True

    def _read(
        self,
        file: Path,
        card: DescriptorCard,
        manifest: IndexManifest,  # noqa: ARG002  the file tells
        mapped: bool,  # noqa: ARG002  it is small
    ) -> Any:
        return self.kind.load(file, card.dim)
