"""The fast copy of all videos' key frames: which videos may show what a query shows; the store tells where.

A frame is a key frame where it differs from the last one before it, so that a still shot has one. Their index is that
of regions (region_index.py), with room for more of them in one video. A frame's number is its video's id * 2^20 + its
place.
"""

from __future__ import annotations

import numpy as np

from lookalike.descriptors.video import VideoDescription
from lookalike.gallery.index.region_index import RegionIndex
from lookalike.types import Floats, Ids

MAX_FRAMES = 1 << 20  # frames of a video: six days at two a second
SAME_SHOT = 0.9  # cosine similarity from which on two frames are as good as one


class FrameIndex(RegionIndex):
    """Frame numbers and unit vectors."""

    PARTS = MAX_FRAMES

    def remove(self, images: Ids) -> None:
        """As for regions; what there is of these videos is looked up, for there is room for much more."""
        numbers = self.numbers() if len(images) else np.empty(0, np.int64)
        self._remove_numbers(numbers[np.isin(numbers // MAX_FRAMES, images)])

    def nearest(self, queries: Floats, reach: int) -> tuple[Ids, Ids, Floats]:
        """(Q, D) -> of the ``reach`` nearest frames of each query (Q, n) videos, the places of the frames, and their
        cosine similarities; video -1 where there are fewer."""
        numbers, similarities = self.search(queries, min(reach, max(len(self), 1)))
        found = numbers >= 0
        return np.where(found, numbers // MAX_FRAMES, -1), numbers % MAX_FRAMES, similarities / self.unit


def key_frames(description: VideoDescription) -> Ids:
    """The places of the frames that differ from the last key frame before them."""
    places: list[int] = []
    vectors = description.vectors.astype(np.float32)
    for place, vector in enumerate(vectors[:MAX_FRAMES]):
        if not places or float(vectors[places[-1]] @ vector) < SAME_SHOT:
            places.append(place)
    return np.array(places, np.int64)
