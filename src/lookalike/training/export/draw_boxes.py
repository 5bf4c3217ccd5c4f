"""Boxes drawn onto small images, for the page of a detector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookalike.evaluation.detection_metrics import Array
from lookalike.types import Pixels

LONGER_SIDE = 420  # pixels of an image's longer side
MAX_ASPECT = 3.0  # a longer image is drawn as if it were so long
CONTEXT = 0.5  # what is shown around a box, as a share of its longer side
MIN_CROP = 0.12  # the least side of what is shown, as a share of the image
TRUE_COLOUR, PREDICTED_COLOUR = (24, 144, 255), (255, 140, 0)  # blue and orange, which most people tell apart
HALO = (0, 0, 0)

Colour = tuple[int, int, int]


def draw_boxes(square: Pixels, size: Sequence[int], true: Array, predicted: Array) -> Pixels:
    """(s, s, 3), the width and height of its original, and boxes (n, 4) in shares -> the image in its own shape, true
    boxes blue and broad, predicted ones orange and narrow."""
    image = _shaped(square, size)
    for boxes, colour, line in ((true, TRUE_COLOUR, 5), (predicted, PREDICTED_COLOUR, 2)):
        for box in boxes:
            _frame(image, box, colour, line)
    return image


def draw_crop(square: Pixels, size: Sequence[int], box: Array, colour: Colour) -> Pixels:
    """What lies in a box and around it, with the box drawn; larger than it is, where it is small."""
    import cv2

    image = _shaped(square, size)
    height, width = image.shape[:2]
    x, y, w, h = (float(value) for value in box * [width, height, width, height])
    side = max((1 + CONTEXT) * max(w, h), MIN_CROP * max(width, height))
    left, top = max(0, int(x + w / 2 - side / 2)), max(0, int(y + h / 2 - side / 2))
    cut = image[top : top + int(side) + 1, left : left + int(side) + 1]
    scale = LONGER_SIDE / 2 / max(cut.shape[:2])
    drawn = np.asarray(cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)
    inside = np.array([x - left, y - top, w, h]) / [cut.shape[1], cut.shape[0], cut.shape[1], cut.shape[0]]
    _frame(drawn, inside, colour, 3)
    return drawn


def _shaped(square: Pixels, size: Sequence[int]) -> Pixels:
    """In the shape of its original, in an array of its own."""
    import cv2

    shape = min(max(size[0] / size[1], 1 / MAX_ASPECT), MAX_ASPECT)
    width, height = (LONGER_SIDE, LONGER_SIDE / shape) if shape > 1 else (LONGER_SIDE * shape, LONGER_SIDE)
    rounded = (max(1, round(width)), max(1, round(height)))
    return np.array(cv2.resize(np.ascontiguousarray(square), rounded, interpolation=cv2.INTER_CUBIC), np.uint8)


def _frame(image: Pixels, box: Array, colour: Colour, line: int) -> None:
    import cv2

    height, width = image.shape[:2]
    x, y, w, h = (float(value) for value in box)
    corners = (round(x * width), round(y * height)), (round((x + w) * width) - 1, round((y + h) * height) - 1)
    cv2.rectangle(image, *corners, HALO, line + 2)
    cv2.rectangle(image, *corners, colour, line)
