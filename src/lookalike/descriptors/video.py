"""Frames of a video -> one description: when each is shown, and its vector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.registry import describe_all, get
from lookalike.types import Floats, Image, VideoFrame

DESCRIPTOR = "copy"
BATCH_FRAMES = 16


@dataclass(frozen=True, slots=True)
class View:
    """A part of every frame, as shares of its width and height."""

    x: float
    y: float
    width: float
    height: float

    def of(self, image: Image) -> Image:
        """The part of an image; its size is that of the part of the original."""
        height, width = image.pixels.shape[:2]
        rows = slice(round(self.y * height), round((self.y + self.height) * height))
        columns = slice(round(self.x * width), round((self.x + self.width) * width))
        size = max(round(image.width * self.width), 1), max(round(image.height * self.height), 1)
        return replace(image, pixels=np.ascontiguousarray(image.pixels[rows, columns]), width=size[0], height=size[1])


WHOLE = View(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class VideoDescription:
    """The frames of a video that show anything, in the order of time.

    ``times``: (N,) float32, seconds, ascending. ``vectors``: (N, D) float16, unit length. At two frames a second and
    256 numbers an hour takes 3.7 MB, in memory and on disk."""

    times: Floats
    vectors: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.times)


def describe_frames(frames: Iterable[VideoFrame]) -> VideoDescription:
    """The description of these frames; those of too little contrast (black, white) are left out. A few frames at a time
    are held, however long the video is."""
    return describe_views(frames, [WHOLE])[WHOLE]


def describe_views(frames: Iterable[VideoFrame], views: Sequence[View]) -> dict[View, VideoDescription]:
    """The same of parts of the frames, each part by itself, as if it were a video."""
    card = get(DESCRIPTOR).card
    times: dict[View, list[float]] = {view: [] for view in views}
    vectors = {view: [np.zeros((0, card.dim), np.float16)] for view in views}
    for batch in _batches(frames):
        for view in views:
            parts = [frame.image if view == WHOLE else view.of(frame.image) for frame in batch]
            described = describe_all(parts, [DESCRIPTOR])[DESCRIPTOR]
            says = described.contrast >= card.min_contrast
            times[view] += [frame.time for frame, one in zip(batch, says, strict=True) if one]
            vectors[view].append(described.vectors[says].astype(np.float16))
    return {view: VideoDescription(np.array(times[view], np.float32), np.concatenate(vectors[view])) for view in views}


def _batches(frames: Iterable[VideoFrame]) -> Iterator[list[VideoFrame]]:
    rest = iter(frames)
    while batch := list(islice(rest, BATCH_FRAMES)):
        yield batch
