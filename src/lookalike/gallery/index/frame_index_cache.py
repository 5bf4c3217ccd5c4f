"""Keeps the fast copy of key frames in step with the store, as region_index_cache.py does that of regions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lookalike.gallery.index.frame_index import MAX_FRAMES, FrameIndex, key_frames
from lookalike.gallery.index.index_cache import CachedIndex
from lookalike.gallery.index.region_index import TRAIN_PER_LIST, nlist_for
from lookalike.gallery.index.region_index_cache import RegionIndexCache
from lookalike.types import Floats

VIDEOS_PER_READ = 16  # videos read from the store at a time: bounds the memory
SAMPLE_SHARE = 4  # every so manieth key frame is enough to make lists from


class FrameIndexCache(RegionIndexCache):
    """The FrameIndex of the descriptor that frames are described by."""

    kind = FrameIndex

    def _taken_in(self, name: str, cached: CachedIndex) -> Iterator[int]:
        while rows := self._store.frames.since(name, cached.last_image, VIDEOS_PER_READ):
            count = 0
            for _, image, description in rows:
                places = key_frames(description)
                cached.index.add(image * MAX_FRAMES + places, description.vectors[places].astype(np.float32))
                count += len(places)
            cached.last_image = rows[-1][0]
            cached.unsaved += count
            yield count

    def _sample(self, name: str) -> tuple[Floats, int]:
        """Key frames to make lists from, always the same ones of the same videos; and how many there are."""
        found, total, seq = [], 0, 0
        while rows := self._store.frames.since(name, seq, VIDEOS_PER_READ):
            for _, _, description in rows:
                places = key_frames(description)
                total += len(places)
                found.append(description.vectors[places[::SAMPLE_SHARE]])
            seq = rows[-1][0]
        sample = np.concatenate(found)
        step = max(len(sample) // (TRAIN_PER_LIST * nlist_for(total)), 1)
        return sample[::step].astype(np.float32), total
