"""A product shot, an object on a plain background: recognised, and its background made grey.

In the images that hold the object something else lies around it, and white is a strong feature to search for: on grey a
product finds the photographs that it was pasted into half as often again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookalike.types import Pixels

MASK_SIDE = 192  # pixels of the longer side at which the background is sought
PLAIN_TOLERANCE = 12  # levels of a channel that a plain background may differ by from itself
MIN_EDGE_SHARE = 0.8  # of the pixels at the edge that are background
BACKGROUND_RANGE = (0.08, 0.92)  # share of the image that may be background
GREY = 118  # the mean of photographs


def with_grey_background(pixels: Pixels) -> Pixels | None:
    """(h, w, 3) -> the same at MASK_SIDE pixels at most, its plain background made grey; None if it has none."""
    import cv2

    small = shrunk(pixels)
    background = plain_background(small)
    if background is None:
        return None
    alpha = cv2.GaussianBlur(background.astype(np.float32), (0, 0), 1.0)[..., None]
    return np.asarray(np.rint(small * (1 - alpha) + GREY * alpha), np.uint8)


def plain_background(small: Pixels) -> NDArray[np.bool_] | None:
    """Of an image of MASK_SIDE pixels at most, (h, w, 3) -> (h, w), where its plain background is; None if it has
    none.

    Background is what has the edge's colour and is joined to the edge, so that what is white within the object
    stays."""
    import cv2

    edge = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    colour = np.median(edge, axis=0)
    if (np.abs(edge - colour).max(1) <= PLAIN_TOLERANCE).mean() < MIN_EDGE_SHARE:
        return None
    plain = (np.abs(small - colour).max(2) <= PLAIN_TOLERANCE).astype(np.uint8)
    _, parts = cv2.connectedComponents(plain, connectivity=4)
    joined = np.setdiff1d(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]), [0])
    background = np.isin(parts, joined)
    return background if BACKGROUND_RANGE[0] <= background.mean() <= BACKGROUND_RANGE[1] else None


def shrunk(pixels: Pixels) -> Pixels:
    """To MASK_SIDE pixels at most."""
    import cv2

    height, width = pixels.shape[:2]
    scale = min(1.0, MASK_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
