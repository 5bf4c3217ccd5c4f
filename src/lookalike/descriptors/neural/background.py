"""A thing on a plain ground, as in a product shot: told, and put on grey.

In the images that hold it something else lies around it, and white is a strong thing to look for: on grey a product
finds the photographs that it was pasted into half as often again.
"""

from __future__ import annotations

import numpy as np

from lookalike.types import Pixels

SIDE = 192  # pixels of the longer side at which it is looked at
NEAR = 12  # levels of a channel that a ground may differ by from itself
EDGE = 0.8  # share of the pixels at the edge that are of the ground
SHARES = (0.08, 0.92)  # of the image that may be ground
GREY = 118  # the mean of photographs


def on_grey(pixels: Pixels) -> Pixels | None:
    """(h, w, 3) -> the same at SIDE pixels at most, its plain ground made grey; None if it has none.

    Ground is what is of the edge's colour and joined to the edge, so that what is white within the thing stays."""
    import cv2

    small = _small(pixels)
    edge = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    colour = np.median(edge, axis=0)
    if (np.abs(edge - colour).max(1) <= NEAR).mean() < EDGE:
        return None
    plain = (np.abs(small - colour).max(2) <= NEAR).astype(np.uint8)
    _, parts = cv2.connectedComponents(plain, connectivity=4)
    joined = np.setdiff1d(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]), [0])
    ground = np.isin(parts, joined)
    if not SHARES[0] <= ground.mean() <= SHARES[1]:
        return None
    share = cv2.GaussianBlur(ground.astype(np.float32), (0, 0), 1.0)[..., None]
    return np.asarray(np.rint(small * (1 - share) + GREY * share), np.uint8)


def _small(pixels: Pixels) -> Pixels:
    import cv2

    height, width = pixels.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
