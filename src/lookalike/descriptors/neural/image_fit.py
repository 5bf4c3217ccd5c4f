"""How an image of any shape becomes the square that a network takes: squeezed, or its middle cut out.

Lookalike's own networks see images squeezed, by OpenCV. Networks of others were trained on what Pillow's filters make,
many of them on the middle of an image alone; only so do they give the vectors that they are known for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lookalike.types import Image, Pixels

FitMethod = Literal["squeeze", "crop"]
Resample = Literal["area", "bilinear", "bicubic", "lanczos"]


@dataclass(frozen=True, slots=True)
class ImageFit:
    """``method``: "squeeze" to the square, whatever the shape; or "crop": the shorter side becomes ``resize`` pixels,
    and the square is the middle of that. ``resample``: Pillow's filter, or "area": OpenCV's mean of areas, linear where
    a side grows."""

    method: FitMethod = "squeeze"
    resize: int = 0
    resample: Resample = "area"

    @property
    def origin(self) -> str:
        """What vectors depend on of it; nothing of the one that cards had before there was a choice."""
        return "" if self == SQUEEZED else f" fit={self.method} resize={self.resize} resample={self.resample}"


SQUEEZED = ImageFit()


def fit_images(images: Sequence[Image], side: int, fit: ImageFit) -> Pixels:
    """N images -> (N, side, side, 3) uint8."""
    if fit.resample == "area":
        return squeeze(images, side)
    found = np.empty((len(images), side, side, 3), np.uint8)
    for row, image in enumerate(images):
        found[row] = _fitted(image.pixels, side, fit)
    return found


def squeeze(images: Sequence[Image], side: int) -> Pixels:
    """N images -> (N, side, side, 3) uint8: by area where both sides shrink, else linear."""
    import cv2

    squeezed = np.empty((len(images), side, side, 3), np.uint8)
    for row, image in enumerate(images):
        shrinks = min(image.pixels.shape[:2]) >= side
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        squeezed[row] = cv2.resize(image.pixels, (side, side), interpolation=method)
    return squeezed


def _fitted(pixels: Pixels, side: int, fit: ImageFit) -> Pixels:
    """(h, w, 3) -> (side, side, 3); of a crop only the middle is computed, however long an image is."""
    from PIL import Image as Pillow

    height, width = pixels.shape[:2]
    box: tuple[float, float, float, float] = (0, 0, width, height)
    if fit.method == "crop":
        shorter = min(height, width)
        wide, tall = fit.resize * width // shorter, fit.resize * height // shorter
        left, top = (wide - side) // 2, (tall - side) // 2
        across, down = width / wide, height / tall
        box = (left * across, top * down, (left + side) * across, (top + side) * down)
    resized = Pillow.fromarray(pixels).resize((side, side), Pillow.Resampling[fit.resample.upper()], box)
    return np.asarray(resized, np.uint8)
