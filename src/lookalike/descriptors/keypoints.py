"""SIFT: points that are found again at any scale and turn, each with what the image looks like around it.

Lowe, Distinctive Image Features from Scale-Invariant Keypoints, 2004; compared as RootSIFT (Arandjelovic and Zisserman,
Three things everyone should know to improve object retrieval, 2012).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.types import Floats, Image, Pixels

MAX_KEYPOINTS = 1000  # points kept of an image: the most contrasted, in no order
SEARCH_AREA = 160_000  # pixels at which points are looked for, whatever the shape
MIN_SEARCH_AREA = 100_000  # pixels: what has fewer is enlarged to these, at most to twice its sides
MIN_SIDE = 12  # pixels: in an image narrower than this, once enlarged, no points are looked for
POSITION_BIAS = (
    0.25  # pixels: an image turned upside down shows that OpenCV's points are this far from the pixels' corners
)
CONTRAST_THRESHOLD = (
    0.007  # a sixth of Lowe's: faint images have points as well; of contrasted ones the best are kept anyway
)
DIM = 128


@dataclass(frozen=True, slots=True)
class Keypoints:
    """N points of one image. ``points``: (N, 2) float32, (x, y) in pixels of the upright original. ``vectors``:
    (N, 128) uint8, SIFT's histograms as OpenCV gives them. ``pixel_scale``: pixels of the original to one in which they
    were looked for; nothing is placed more exactly than that."""

    points: Floats
    vectors: Pixels
    pixel_scale: float

    def __len__(self) -> int:
        return len(self.points)


def keypoints(image: Image, count: int = MAX_KEYPOINTS, area: int = SEARCH_AREA) -> Keypoints:
    """The ``count`` clearest points of an image, looked for at ``area`` pixels; none of a flat one."""
    height, width = image.pixels.shape[:2]
    grey = cv2.cvtColor(image.pixels, cv2.COLOR_RGB2GRAY)
    scale = _scale(height * width, area)
    if scale != 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    pixel_scale = image.width / grey.shape[1], image.height / grey.shape[0]
    found, vectors = _sift(count).detectAndCompute(grey, None) if min(grey.shape) >= MIN_SIDE else ((), None)
    if vectors is None:
        return Keypoints(np.zeros((0, 2), np.float32), np.zeros((0, DIM), np.uint8), max(pixel_scale))
    found, vectors = found[:count], vectors[:count]  # OpenCV gives more where some tie
    points = np.array([point.pt for point in found], np.float32) + POSITION_BIAS
    points *= np.array(pixel_scale, np.float32)
    return Keypoints(points, vectors.clip(0, 255).astype(np.uint8), max(pixel_scale))


def _scale(pixels: int, area: int) -> float:
    least = min(MIN_SEARCH_AREA, area)
    if pixels > area:
        return math.sqrt(area / pixels)
    return min(2.0, math.sqrt(least / pixels)) if pixels < least else 1.0


def _sift(count: int) -> cv2.SIFT:
    return cv2.SIFT.create(nfeatures=count, contrastThreshold=CONTRAST_THRESHOLD)


def root(vectors: Pixels) -> Floats:
    """(N, 128) uint8 -> (N, 128) float32 of unit length, whose scalar product is the similarity (RootSIFT)."""
    histograms = vectors.astype(np.float32)
    return np.asarray(np.sqrt(histograms / histograms.sum(1, keepdims=True).clip(min=1)), np.float32)


def mirrored(vectors: NDArray[np.uint8]) -> Pixels:
    """What ``vectors`` would be in the mirror image: the grid of 4 x 4 cells upside down, directions the other way."""
    cells = vectors.reshape(-1, 4, 4, 8)[:, ::-1][..., -np.arange(8) % 8]
    return np.ascontiguousarray(cells.reshape(-1, DIM))


def inverted(vectors: NDArray[np.uint8]) -> Pixels:
    """What ``vectors`` would be in the negative: every point looks the other way, so the grid is turned by a half."""
    return np.ascontiguousarray(vectors.reshape(-1, 4, 4, 8)[:, ::-1, ::-1].reshape(-1, DIM))
