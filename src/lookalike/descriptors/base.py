"""What a descriptor is: a card that says who it is, and one method. And the two tools that hashes share."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lookalike.distance import Metric
from lookalike.types import Floats, Image, Pixels

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")  # it becomes part of file names and of `--by a=2,b=1`
RESERVED = ("blend",)  # the weighted sum of several descriptors
THUMBNAIL = 64  # pixels: the side of the small image that colour, texture and structure begin with


@dataclass(frozen=True, slots=True)
class DescriptorCard:
    """The identity of a descriptor. A gallery keeps its ``fingerprint`` and refuses vectors of any other.

    ``dim``: bits for hamming, numbers otherwise. ``bits``: size of one stored vector in bits. ``min_side``: shortest
    side in pixels that a decoded image must keep; a smaller scale loses accuracy. ``min_contrast``: vectors below this
    contrast (0..1) say nothing and match nothing. ``median_negative_distance``: median distance between unrelated
    photographs, measured; divides the distance in a blend. ``source``: the paper or standard that defines it.
    ``rerank``: the nearest by this descriptor are re-ranked by geometric verification unless a search says otherwise.
    ``thumbnail_input``: it sees no more of an image than ``thumbnail`` leaves, which several such descriptors share.
    ``score_normalization``: a query's similarity to background images counts against it (score_normalization.py).
    ``semantic``: near means that the same kind of thing is shown.
    ``tags``: its numbers are the log-odds of tags, for searches by words: no comparison tells it.
    ``origin``: what else the vectors depend on: a model's file and what is done before it; "" for a hash.
    """

    name: str
    version: int
    metric: Metric
    dim: int
    bits: int
    min_side: int
    min_contrast: float
    median_negative_distance: float
    source: str
    origin: str = ""
    rerank: bool = False
    thumbnail_input: bool = False
    score_normalization: bool = False
    semantic: bool = False
    tags: bool = False

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change when vectors of this descriptor are no longer comparable."""
        fields = ("name", "version", "metric", "dim", "bits", *(("origin",) if self.origin else ()))
        identity = {key: asdict(self)[key] for key in fields}
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Described:
    """``vectors``: (N, D) float32, or (N, D / 8) packed uint8 for hamming. ``contrast``: (N,) float32, 0..1,
    0 for an image without any feature. ``probabilities``: (N, C) of the classes that the network sorts into as well, if
    it does; zeros where it gave no number."""

    vectors: NDArray[Any]
    contrast: Floats
    probabilities: Floats | None = None


class Descriptor(Protocol):
    """One way to turn images into vectors."""

    @property
    def card(self) -> DescriptorCard: ...

    def describe(self, images: Sequence[Image]) -> Described:
        """N images of any size -> N vectors and their contrast. Never fails on a valid Image."""
        ...


def thumbnails(images: Sequence[Image]) -> Pixels:
    """N images -> (N, 64, 64, 3) uint8, each squeezed to a square."""
    small = np.empty((len(images), THUMBNAIL, THUMBNAIL, 3), np.uint8)
    for row, image in enumerate(images):
        small[row] = thumbnail(image.pixels)
    return small


def thumbnail(pixels: Pixels) -> Pixels:
    """(h, w, 3) uint8 of any size -> (64, 64, 3) uint8, squeezed to a square.

    One of that size comes back as it is, so that whoever has made one can share it.
    Exact means of whole blocks until the side is within a factor of two, then linear interpolation: five
    times as fast as OpenCV's area resize by a broken factor, and as accurate in our measurements.
    """
    import cv2  # takes 0.1 s: not before the first image

    if pixels.shape[:2] == (THUMBNAIL, THUMBNAIL):
        return pixels
    while min(pixels.shape[:2]) >= 2 * THUMBNAIL:
        pixels = _block_means(pixels, 2, 2)  # by two both ways is the one factor that OpenCV does with SIMD
    rows, columns = (max(length // THUMBNAIL, 1) for length in pixels.shape[:2])
    pixels = _block_means(pixels, rows, columns)
    return np.asarray(cv2.resize(pixels, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_LINEAR), np.uint8)


def _block_means(pixels: Pixels, rows: int, columns: int) -> Pixels:
    """Means of blocks of rows x columns pixels; what is left over at the right and at the bottom is cut."""
    import cv2

    if rows == columns == 1:
        return pixels
    height, width = pixels.shape[0] // rows, pixels.shape[1] // columns
    whole = pixels[: height * rows, : width * columns]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


@lru_cache(maxsize=16)
def cosine_basis(length: int, frequencies: range) -> Floats:
    """(F, length) float32, read only: rows of the orthonormal DCT-II (Ahmed et al., 1974)."""
    k = np.array(frequencies)[:, None]
    basis = np.cos(np.pi * k * (np.arange(length) + 0.5) / length) * np.sqrt(np.where(k == 0, 1, 2) / length)
    single: Floats = basis.astype(np.float32)
    single.setflags(write=False)
    return single
