"""How an image lies in its file and how it is seen: EXIF's orientation, and what it does to boxes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookalike.errors import LoadError
from lookalike.imaging import load

ORIENTATION = 0x112  # EXIF's tag
SIDEWAYS = 5  # and above: width and height change places

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class FileOrientation:
    """``size``: width and height in the file, in pixels; ``orientation``: 1..8, EXIF's; ``upright``: as it is seen."""

    size: Size
    orientation: int

    @property
    def upright(self) -> Size:
        return self.size[::-1] if self.orientation >= SIDEWAYS else self.size


def read_orientation(path: Path) -> FileOrientation:
    """Of an image that can be loaded, mostly from its header alone. Raises LoadError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of broken EXIF and of large images
        try:
            with Image.open(path) as header:
                orientation = header.getexif().get(ORIENTATION, 1)
                return FileOrientation(header.size, orientation if orientation in range(1, 9) else 1)
        except Exception as error:  # HEIC, or a header that only our own reader bears with
            if isinstance(error, LoadError):
                raise
    image = load(path, min_side=1)
    return FileOrientation((image.width, image.height), 1)


def rotate_boxes(at: NDArray[np.float64], orientation: int) -> NDArray[np.float64]:
    """(n, 4) boxes x, y, width, height in shares of the image as stored -> in shares of the upright one."""
    x, y, w, h = at.T
    right, below = 1 - x - w, 1 - y - h
    rotated = {
        2: (right, y, w, h),
        3: (right, below, w, h),
        4: (x, below, w, h),
        5: (y, x, h, w),
        6: (below, x, h, w),
        7: (below, right, h, w),
        8: (y, right, h, w),
    }
    return np.stack(rotated.get(orientation, (x, y, w, h)), axis=1)
