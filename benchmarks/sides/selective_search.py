"""Selective search (Uijlings et al., IJCV 2013), its fast form: segments that grow together, each of them a proposal.

OpenCV has it in a package of its own that is not headless; the ones on PyPI do not run with NumPy 2. So it is written
here from the paper: Felzenszwalb's segments (scikit-image) in one colour space, joined by likeness of colour, texture,
size and fit, the joined ones last to first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2hsv
from skimage.feature import local_binary_pattern
from skimage.segmentation import felzenszwalb

from lookalike.types import Floats, Pixels

SCALE, SIGMA, LEAST = 150, 0.8, 60  # of the segments: how large, how smooth, pixels of the smallest
BINS = 25  # of a colour's histogram, as in the paper
SMALLEST = 0.003  # share of the image that a proposal has at least


@dataclass
class Segment:
    """``box``: left, top, right, bottom; histograms that sum to 1; ``size`` in pixels."""

    box: tuple[int, int, int, int]
    size: int
    colour: NDArray[np.float64]
    texture: NDArray[np.float64]


def proposals(pixels: Pixels, count: int) -> Floats:
    """(h, w, 3) uint8 -> at most ``count`` boxes x, y, width, height in shares of the image, the largest joined ones
    first."""
    height, width = pixels.shape[:2]
    labels = felzenszwalb(pixels, scale=SCALE, sigma=SIGMA, min_size=LEAST)
    grown = _grown(_segments(pixels, labels), _touching(labels), height * width)
    boxes: dict[tuple[int, int, int, int], None] = {}
    for one in reversed(grown):
        left, top, right, bottom = one.box
        if (right - left) * (bottom - top) >= SMALLEST * height * width:
            boxes[one.box] = None
    corners = np.array(list(boxes)[:count], np.float32).reshape(-1, 4)
    sides = corners[:, 2:] - corners[:, :2]
    return np.concatenate([corners[:, :2], sides], 1) / np.array([width, height, width, height], np.float32)


def _segments(pixels: Pixels, labels: NDArray[np.int64]) -> dict[int, Segment]:
    hsv = rgb2hsv(pixels)
    grey = pixels.mean(2).astype(np.uint8)
    pattern = local_binary_pattern(grey, 8, 1.0, "uniform").astype(np.int64)
    found = {}
    for label in np.unique(labels).tolist():
        rows, columns = np.nonzero(labels == label)
        colour = np.concatenate(
            [np.histogram(hsv[rows, columns, channel], BINS, (0, 1))[0] for channel in range(3)]
        ).astype(np.float64)
        texture = np.bincount(pattern[rows, columns], minlength=10).astype(np.float64)
        box = (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
        found[label] = Segment(box, len(rows), colour / colour.sum(), texture / texture.sum())
    return found


def _touching(labels: NDArray[np.int64]) -> set[tuple[int, int]]:
    pairs = [(labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])]
    found = set()
    for a, b in pairs:
        apart = a != b
        both = np.stack([np.minimum(a[apart], b[apart]), np.maximum(a[apart], b[apart])], 1)
        found |= {(int(x), int(y)) for x, y in np.unique(both, axis=0)}
    return found


def _grown(segments: dict[int, Segment], touching: set[tuple[int, int]], area: int) -> list[Segment]:
    """All that there were, in the order in which they came to be."""
    every = list(segments.values())
    alike = {pair: _likeness(segments[pair[0]], segments[pair[1]], area) for pair in touching}
    while alike:
        a, b = max(alike, key=alike.__getitem__)
        new = max(segments) + 1
        segments[new] = _joined(segments[a], segments[b])
        every.append(segments[new])
        around = {other for pair in alike if {a, b} & set(pair) for other in pair} - {a, b}
        alike = {pair: value for pair, value in alike.items() if not {a, b} & set(pair)}
        alike |= {(other, new): _likeness(segments[other], segments[new], area) for other in around}
        del segments[a], segments[b]
    return every


def _likeness(a: Segment, b: Segment, area: int) -> float:
    left, top, right, bottom = _around(a, b)
    hull = (right - left) * (bottom - top)
    colour, texture = np.minimum(a.colour, b.colour).sum(), np.minimum(a.texture, b.texture).sum()
    return float(colour + texture + (1 - (a.size + b.size) / area) + (1 - (hull - a.size - b.size) / area))


def _joined(a: Segment, b: Segment) -> Segment:
    size = a.size + b.size
    share = a.size / size
    mixed = [share * x + (1 - share) * y for x, y in ((a.colour, b.colour), (a.texture, b.texture))]
    return Segment(_around(a, b), size, *mixed)


def _around(a: Segment, b: Segment) -> tuple[int, int, int, int]:
    return (min(a.box[0], b.box[0]), min(a.box[1], b.box[1]), max(a.box[2], b.box[2]), max(a.box[3], b.box[3]))
