"""Whether an image is blank, dark or blurred, by its pixels alone.

Blur is that of Crete, Dolmiere, Ladret and Nicolas, "The blur effect: perception and estimation with a new no-reference
perceptual blur metric" (2007): what is blurred already loses little of its edges when it is blurred again. It is taken
of the sharpest part of an image, for a photograph may have a soft background, and at a fixed size: a blur that is not
seen there does not count. Of an image that is smaller, the box that blurs it again is smaller as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.gallery.audit.rare import DEVIATIONS, MIN_IMAGES
from lookalike.types import Floats, Pixels

SHORT_SIDE = 512  # pixels of the shorter side at which an image is looked at
BLANK_RANGE = 0.04  # of all brightness, between nearly the darkest and nearly the brightest pixel
TAILS = (0.1, 99.9)  # percentiles: nearly the darkest and nearly the brightest
BRIGHT_PERCENTILE = 99.0
DARK_LEVEL = 0.3  # of all brightness, which the brightest hundredth of a dark image does not reach
BLUR_LIMIT = 0.6  # sharp photographs have 0.2 to 0.5 here, and those of a Gaussian blur of 3 pixels 0.64 and more
REBLUR = 9  # pixels of the box that an image is blurred with again, where its shorter side has SHORT_SIDE
LEAST_REBLUR = 3
MAX_BLUR_SCORE = 2.5  # standard deviations below the median sharpness; at 3.5 little stood out of soft sets
TILES = 4  # rows and columns of parts
LEAST_EDGES = 1.0  # of what an average part has, which one needs to say how sharp the image is: noise has less


@dataclass(frozen=True, slots=True)
class PixelMeasures:
    """Each 0..1. ``value_range``: between nearly the darkest and nearly the brightest value of any colour channel.
    ``bright_level``: of the brightest hundredth of the pixels. ``blur``: of the sharpest part, 1 for no edges."""

    value_range: float
    bright_level: float
    blur: float

    @property
    def blank(self) -> bool:
        """Nothing is shown."""
        return self.value_range < BLANK_RANGE

    @property
    def dark(self) -> bool:
        """Something is shown, in the dark."""
        return not self.blank and self.bright_level < DARK_LEVEL

    def blurred(self, limit: float = BLUR_LIMIT) -> bool:
        """Something is shown, and no part of it sharply: ``limit`` is what the blur of its data set allows."""
        return not (self.blank or self.dark) and self.blur > limit


def blur_limit(blurs: Sequence[float]) -> float:
    """Of the images of a data set -> what an image of it may have: in a soft set more than elsewhere. What is left of
    sharpness is compared by its logarithm, for a blur of so many pixels leaves a share of it."""
    if len(blurs) < MIN_IMAGES:
        return BLUR_LIMIT
    sharpness = np.log(np.maximum(1 - np.asarray(blurs, np.float64), 1e-6))
    middle = float(np.median(sharpness))
    deviation = DEVIATIONS * float(np.median(np.abs(sharpness - middle)))
    return max(BLUR_LIMIT, 1 - float(np.exp(middle - MAX_BLUR_SCORE * deviation)))


def measure_pixels(pixels: Pixels) -> PixelMeasures:
    """Of (h, w, 3) uint8 sRGB ``pixels``."""
    small = _at_fixed_size(pixels)
    luma = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY) / 255, np.float32)
    low, high = np.percentile(small.reshape(-1, 3), TAILS, axis=0)
    bright = float(np.percentile(luma, BRIGHT_PERCENTILE))
    return PixelMeasures(float((high - low).max()) / 255, bright, _blur(luma))


def _at_fixed_size(pixels: Pixels) -> Pixels:
    scale = SHORT_SIDE / min(pixels.shape[:2])
    if scale >= 1:
        return pixels
    size = (max(round(pixels.shape[1] * scale), 1), max(round(pixels.shape[0] * scale), 1))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _blur(luma: Floats) -> float:
    """Of the sharpest part with enough edges; in each part of the direction in which it is more blurred."""
    box = max(LEAST_REBLUR, round(REBLUR * min(luma.shape) / SHORT_SIDE) | 1)
    down, kept_down = _edges(luma, box)
    across, kept_across = (part.T for part in _edges(np.ascontiguousarray(luma.T), box))
    edges = np.maximum(down, across)
    usable = edges >= max(LEAST_EDGES * float(edges.mean()), 1e-6)
    shares = np.maximum(kept_down / np.maximum(down, 1e-6), kept_across / np.maximum(across, 1e-6))
    return float(shares[usable].min()) if usable.any() else 1.0


def _edges(luma: Floats, box: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(TILES, TILES) each: the steps down the columns, and how much of them is left after another blur, of ``box``
    pixels."""
    again = cv2.blur(luma, (1, box), borderType=cv2.BORDER_REFLECT)
    before, after = (np.abs(np.diff(part, axis=0, prepend=part[:1])) for part in (luma, again))
    lost = np.maximum(before - after, 0)
    there = _tile_sums(before)
    return there, there - _tile_sums(lost)


def _tile_sums(values: NDArray[np.float32]) -> NDArray[np.float64]:
    rows, columns = (np.linspace(0, side, TILES + 1).astype(int) for side in values.shape)
    padded = np.pad(np.cumsum(np.cumsum(values, 0, np.float64), 1), ((1, 0), (1, 0)))
    corners = padded[np.ix_(rows, columns)]
    return np.asarray(np.diff(np.diff(corners, axis=0), axis=1), np.float64)
