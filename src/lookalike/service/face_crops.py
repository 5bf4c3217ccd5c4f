"""A face cut out of its image, with a little around it, for a tile. Nothing of it is kept: a face may be forgotten."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as Pillow

from lookalike.gallery.elsewhere.read import load_row
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.thumbnails import webp
from lookalike.service.problems import Conflict, plain
from lookalike.types import Box, Pixels

MARGIN = 0.35  # of a face's longer side, around it
CROP_SIDES = (160, 320)


def face_crop(row: Row, box: Box, side: int) -> bytes:
    """A square WebP of at most this side. Raises LoadError for a file that cannot be read, Conflict for another one."""
    reach = max(box.width, box.height, 1) * (1 + 2 * MARGIN)
    wanted = round(side / reach * min(row.width, row.height))
    image = load_row(row, min_side=max(wanted, 1))
    if image.sha256 != row.sha256:
        raise Conflict(f"{plain(row.path)}: changed since it was indexed; index it again")
    return webp(square_around(image.pixels, box, row), side)


def crop_of_thumbnail(data: bytes, row: Row, box: Box, side: int) -> bytes:
    """The same of a kept thumbnail, as sharp as that is."""
    pixels = np.asarray(Pillow.open(io.BytesIO(data)).convert("RGB"))
    return webp(square_around(pixels, box, row), side)


def square_around(pixels: Pixels, box: Box, row: Row) -> Pixels:
    """(h, w, 3), the image of ``row`` at any scale, and a box in its pixels -> the square around the box, as far as the
    image reaches."""
    height, width = pixels.shape[:2]
    x, y = width / row.width, height / row.height
    half = (0.5 + MARGIN) * max(box.width * x, box.height * y, 1)
    half = min(half, width / 2, height / 2)
    middle_x = min(max((box.x + box.width / 2) * x, half), width - half)
    middle_y = min(max((box.y + box.height / 2) * y, half), height - half)
    left, top = int(middle_x - half), int(middle_y - half)
    length = max(round(2 * half), 1)
    return np.ascontiguousarray(pixels[top : top + length, left : left + length])
