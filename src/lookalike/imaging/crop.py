"""A part of an image as an image of its own."""

from __future__ import annotations

import math

import numpy as np

from lookalike.errors import UserError
from lookalike.types import Box, Image


def crop(image: Image, box: Box) -> Image:
    """The pixels inside ``box``, which is in pixels of the upright original and is cut at its edges.

    Raises UserError for a box that is empty, not finite, or lies outside the image."""
    edges = (box.x, box.y, box.x + box.width, box.y + box.height)
    if not all(map(math.isfinite, edges)):
        raise UserError(f"a region needs four finite numbers, not {edges}")
    scale = image.pixels.shape[1] / image.width
    left, top, right, bottom = (round(edge * scale) for edge in edges)
    pixels = image.pixels[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if not pixels.size:
        raise UserError(
            f"the region {box.x:g},{box.y:g},{box.width:g},{box.height:g} holds no pixel of the image, "
            f"which is {image.width} x {image.height}"
        )
    height, width = pixels.shape[:2]
    return Image(np.ascontiguousarray(pixels), width, height, path=image.path)
