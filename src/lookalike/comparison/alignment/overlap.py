"""The overlap of two aligned images, at the scale of the coarser one, so that a copy of another size is no other
image."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.alignment.transforms import (
    TO_CENTRES,
    Matrix,
    corners,
    inverse,
    scale_and_shift,
    transform_points,
)
from lookalike.types import Floats, Image, Pixels

OVERLAP_SIDES = (1, 320)  # pixels of the overlap's longer side, least and most
MIN_OVERLAP_SIDE = 12  # pixels: a smaller overlap says nothing


@dataclass(frozen=True, slots=True)
class Overlap:
    """What both images show: ``a`` and ``b`` (h, w, 3) uint8, ``mask`` (h, w) bool where both are.

    ``to_a``, ``to_b``: (3, 3), pixels of the overlap -> pixels of the upright originals."""

    a: Pixels
    b: Pixels
    mask: NDArray[np.bool_]
    to_a: Matrix
    to_b: Matrix

    def reversed(self) -> Overlap:
        """The same with a and b in each other's place."""
        return replace(self, a=self.b, b=self.a, to_a=self.to_b, to_b=self.to_a)


def overlap(a: Image, b: Image, matrix: Matrix, sides: tuple[int, int] = OVERLAP_SIDES) -> Overlap | None:
    """The overlap of two images, a lying on b by ``matrix`` (pixels of the originals); None if there is hardly any.
    ``sides``: its longer side in pixels, least and most."""
    array_to_a, array_to_b = _to_original(a), _to_original(b)
    between = inverse(array_to_b) @ matrix @ array_to_a  # pixels of the arrays
    if abs(np.linalg.det(between[:2, :2])) > 1:  # b shows more in the same place: a is the coarser one
        found = _resample(b.pixels, a.pixels, inverse(between), sides)
        return found and replace(
            found, a=found.b, b=found.a, to_a=array_to_a @ found.to_b, to_b=array_to_b @ found.to_a
        )
    found = _resample(a.pixels, b.pixels, between, sides)
    return found and replace(found, to_a=array_to_a @ found.to_a, to_b=array_to_b @ found.to_b)


def luma(pixels: Pixels) -> Floats:
    """(h, w, 3) uint8 -> (h, w) float32, 0..1."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.float32) / np.float32(255)


def _to_original(image: Image) -> Matrix:
    """Pixels of the array -> pixels of the original."""
    height, width = image.pixels.shape[:2]
    return np.diag([image.width / width, image.height / height, 1.0])


def _resample(fine: Pixels, coarse: Pixels, matrix: Matrix, sides: tuple[int, int]) -> Overlap | None:
    """``fine`` is sampled where ``coarse`` has its pixels, ``matrix`` leading from the one to the other."""
    height, width = coarse.shape[:2]
    outline = transform_points(matrix, corners(fine.shape[1], fine.shape[0]))
    low = np.maximum(np.floor(outline.min(0)), 0).astype(int)
    high = np.minimum(np.ceil(outline.max(0)), (width, height)).astype(int)
    if (high - low).min() < MIN_OVERLAP_SIDE:
        return None
    longer = (high - low).max()
    scale = float(np.clip(longer, *sides) / longer)
    size = tuple(np.maximum(np.rint((high - low) * scale), 1).astype(int).tolist())
    cut = coarse[low[1] : high[1], low[0] : high[0]]
    to_coarse = scale_and_shift((high - low) / size, low)
    to_fine = np.linalg.inv(matrix) @ to_coarse
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    second = cut if scale == 1 else cv2.resize(cut, size, interpolation=how)
    first, mask = _warp(fine, to_fine, size)
    return Overlap(first, np.ascontiguousarray(second), mask, to_fine, to_coarse) if mask.any() else None


def _warp(fine: Pixels, to_fine: Matrix, size: tuple[int, int]) -> tuple[Pixels, NDArray[np.bool_]]:
    """``fine`` seen through ``to_fine``, shrunk first, so that fine texture does not alias; and where it is."""
    shrink = float(np.sqrt(abs(np.linalg.det(to_fine[:2, :2]))))
    height, width = fine.shape[:2]
    if shrink > 1:
        small = max(1, round(width / shrink)), max(1, round(height / shrink))
        to_fine = scale_and_shift(np.array([small[0] / width, small[1] / height]), np.zeros(2)) @ to_fine
        fine, (width, height) = np.asarray(cv2.resize(fine, small, interpolation=cv2.INTER_AREA), np.uint8), small
    centred = TO_CENTRES @ to_fine @ np.linalg.inv(TO_CENTRES)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(fine, centred[:2], size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    columns, rows = np.arange(size[0]) + 0.5, np.arange(size[1])[:, None] + 0.5
    x, y = (to_fine[axis, 0] * columns + to_fine[axis, 1] * rows + to_fine[axis, 2] for axis in (0, 1))
    return np.asarray(warped, np.uint8), (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
