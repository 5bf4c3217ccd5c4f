"""Texture: how each pixel compares with the ring of eight around it, counted.

Ojala, Pietikäinen & Mäenpää, Multiresolution gray-scale and rotation invariant texture classification with
local binary patterns, 2002: the 58 uniform patterns and one bin for all others, at two scales. Counted in
quarters of the image (Ahonen et al., 2004). A neighbour must be brighter by a visible step (Heikkilä &
Pietikäinen, 2006), so that noise in flat areas makes no pattern. Square roots of the counts make the
cosine distance the squared Hellinger distance: 1 - the Bhattacharyya coefficient.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import THUMBNAIL, Described, DescriptorCard, thumbnails
from lookalike.types import Floats, Image, Pixels

SCALES = (48, 24)  # pixels: sides of the square grey images
CELLS = 2  # per side
STEP = 4  # grey levels: a neighbour this much brighter than the centre counts
RING = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))  # (row, column), once around
PATTERNS = 59
FULL_SHARE = 0.5  # share of pixels with a pattern that counts as contrast 1

CARD = DescriptorCard(
    name="texture",
    version=1,
    metric="cosine",
    dim=len(SCALES) * CELLS * CELLS * PATTERNS,
    bits=32 * len(SCALES) * CELLS * CELLS * PATTERNS,
    min_side=THUMBNAIL,
    min_contrast=0.05,
    median_negative_distance=0.232,
    source="Ojala, Pietikäinen & Mäenpää, 2002 (local binary patterns)",
    thumbnail_input=True,
)


class Texture:
    """The descriptor that finds images with the same fine pattern, whatever their colours."""

    card = CARD

    def describe(self, images: Sequence[Image]) -> Described:
        """N images -> (N, 472) float32, unit length, and how much of it has a pattern, 0..1."""
        small = _grey(thumbnails(images))
        counts, busy = [], np.zeros(len(images), np.float32)
        for side in SCALES:
            codes = patterns(_scaled(small, side))
            busy = np.maximum(busy, (codes > 0).mean(axis=(1, 2), dtype=np.float32))
            counts.append(_histograms(_UNIFORM[codes]))
        vectors = np.sqrt(np.concatenate(counts, axis=1) / np.float32(len(SCALES)))
        return Described(vectors, np.minimum(busy / np.float32(FULL_SHARE), np.float32(1)))


def _grey(small: Pixels) -> Pixels:
    """(N, 64, 64, 3) -> (N, 64, 64)."""
    import cv2

    strip = small.reshape(-1, THUMBNAIL, 3)
    grey = cv2.cvtColor(strip, cv2.COLOR_RGB2GRAY) if len(strip) else strip[..., 0]
    return np.asarray(grey, np.uint8).reshape(-1, THUMBNAIL, THUMBNAIL)


def _scaled(grey: Pixels, side: int) -> Pixels:
    """(N, 64, 64) -> (N, side, side)."""
    import cv2

    scaled = np.empty((len(grey), side, side), np.uint8)
    for row, image in enumerate(grey):
        cv2.resize(image, (side, side), dst=scaled[row], interpolation=cv2.INTER_AREA)
    return scaled


def patterns(grey: Pixels) -> Pixels:
    """(..., h, w) uint8 -> (..., h - 2, w - 2) uint8: bit k where neighbour k of ``RING`` is brighter by ``STEP``."""
    height, width = grey.shape[-2] - 2, grey.shape[-1] - 2
    below = np.minimum(grey[..., 1:-1, 1:-1], 256 - STEP) + np.uint8(STEP - 1)  # at most 255: nothing is above
    codes = np.zeros(below.shape, np.uint8)
    for k, (row, column) in enumerate(RING):
        brighter = grey[..., row : row + height, column : column + width] > below
        codes |= brighter.view(np.uint8) << np.uint8(k)
    return codes


def _histograms(labels: Pixels) -> Floats:
    """(N, n, n) labels 0..58 -> (N, CELLS * CELLS * 59) float32: shares of label and cell; each row's sum is 1."""
    bins = CELLS * CELLS * PATTERNS
    places = _cells(labels.shape[1]) * PATTERNS + labels
    places += (np.arange(len(labels)) * bins)[:, None, None]
    counts: NDArray[Any] = np.bincount(places.ravel(), minlength=len(labels) * bins)
    return counts.reshape(-1, bins).astype(np.float32) / np.float32(labels.shape[1] * labels.shape[2])


@lru_cache(maxsize=len(SCALES))
def _cells(n: int) -> NDArray[np.intp]:
    """(n, n) number of the cell that each pixel lies in, row by row."""
    cell = np.arange(n, dtype=np.intp) * CELLS // n
    return cell[:, None] * CELLS + cell[None, :]


def _uniform_labels() -> Pixels:
    """(256,) pattern -> label: its own if it changes at most twice around the ring, else 58, the last."""
    labels = np.full(256, PATTERNS - 1, np.uint8)
    changes = [(code ^ (code >> 1 | (code & 1) << 7)).bit_count() for code in range(256)]
    uniform = [code for code in range(256) if changes[code] <= 2]
    labels[uniform] = np.arange(len(uniform))
    return labels


_UNIFORM = _uniform_labels()
