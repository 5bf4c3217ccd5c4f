"""A product before a plain ground, as shops show it: cut close, and with a ground that says nothing.

White all around is the ground of every such product, and of no photograph in which one is worn or stands in a room.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.types import Image

TOLERANCE = 12  # levels of 255 by which JPEG and shadows change a plain ground
BORDER_SHARE = 0.9  # of the outermost pixels, that are of one colour
SMALLEST, LARGEST = 0.02, 0.98  # share of all pixels that the product has
NEUTRAL = 128


def before_neutral(image: Image) -> Image:
    """The product alone, cut close, on mid-grey; the image as it is if its ground is not plain."""
    pixels = image.pixels
    colour = np.median(_border(pixels), axis=0)
    plain = np.abs(pixels.astype(np.int16) - colour).max(axis=2) <= TOLERANCE
    if _border(plain).mean() < BORDER_SHARE:
        return image
    ground = _reached_from_border(plain)
    product = cv2.morphologyEx((~ground).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    if not SMALLEST <= product.mean() <= LARGEST:
        return image
    left, top, width, height = cv2.boundingRect(product)
    part = (slice(top, top + height), slice(left, left + width))
    cut = pixels[part].copy()
    cut[ground[part]] = NEUTRAL
    return replace(image, pixels=cut, width=width, height=height)


def _border(pixels: NDArray[Any]) -> NDArray[Any]:
    """The outermost pixels, (B, ...)."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _reached_from_border(plain: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The connected parts that touch the border: a white shirt's inside is no ground."""
    count, parts = cv2.connectedComponents(plain.astype(np.uint8), connectivity=4)
    touching = np.zeros(count, bool)
    touching[_border(parts)] = True
    touching[0] = False
    return np.asarray(touching[parts], bool)
