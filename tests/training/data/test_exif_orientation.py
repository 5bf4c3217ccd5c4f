"""Boxes are turned as images are: Pillow's own turn of a drawn box is the oracle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageOps

from lookalike.training.data.exif_orientation import read_orientation, rotate_boxes
from samples import save


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_turn_with_their_image(orientation: int, tmp_path: Path) -> None:
    """The corners of a white box in an image that Pillow turned are where ``rotate_boxes`` says."""
    pixels = np.zeros((60, 80, 3), np.uint8)
    pixels[6:18, 8:40] = 255
    exif = Pillow.Exif()
    exif[0x112] = orientation
    path = save(tmp_path / "a.png", pixels, exif=exif)
    with Pillow.open(path) as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    rows, columns = np.nonzero(upright[..., 0])
    x, y, width, height = rotate_boxes(np.array([[8 / 80, 6 / 60, 32 / 80, 12 / 60]]), orientation)[0]
    assert read_orientation(path).upright == upright.shape[1::-1]
    assert (columns.min(), columns.max() + 1) == pytest.approx(np.array([x, x + width]) * upright.shape[1])
    assert (rows.min(), rows.max() + 1) == pytest.approx(np.array([y, y + height]) * upright.shape[0])


def test_a_header_that_tells_nothing(tmp_path: Path) -> None:
    """An orientation that EXIF does not know is none."""
    exif = Pillow.Exif()
    exif[0x112] = 77
    assert read_orientation(save(tmp_path / "a.png", np.zeros((6, 8, 3), np.uint8), exif=exif)).orientation == 1
