"""The plain background of a product shot becomes grey; any other image is left alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lookalike.descriptors.neural.background import GREY, with_grey_background
from lookalike.types import Pixels
from samples import drawn


def shot(colour: tuple[int, int, int] = (255, 255, 255), hole: bool = False) -> Pixels:
    """A disc of a drawn image amid one colour, perhaps with a hole of that colour in it."""
    mask = np.zeros((120, 160), np.uint8)
    cv2.circle(mask, (80, 60), 45, 1, -1)
    pixels = np.where(mask[..., None] > 0, np.clip(drawn(3), 30, 200), colour).astype(np.uint8)
    if hole:
        pixels[50:70, 70:90] = colour
    return pixels


@pytest.mark.parametrize("colour", [(255, 255, 255), (250, 240, 245), (0, 0, 0)])
def test_the_background_becomes_grey(colour: tuple[int, int, int]) -> None:
    """Corners are grey, whatever colour they had; the middle of the object is what it was."""
    pixels = shot(colour)
    found = with_grey_background(pixels)
    assert found is not None
    assert (found[:10, :10] == GREY).all()
    np.testing.assert_array_equal(pixels[40:80, 60:100], found[40:80, 60:100])


def test_a_hole_stays() -> None:
    """What is white within the object is a part of it."""
    found = with_grey_background(shot(hole=True))
    assert found is not None
    assert (found[55:65, 75:85] == 255).all()


def test_jpeg_is_no_obstacle() -> None:
    """A background that was compressed is plain still."""
    encoded = cv2.imencode(".jpg", shot(), [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
    assert with_grey_background(np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)) is not None


@pytest.mark.parametrize("pixels", [drawn(5), np.full((40, 50, 3), 255, np.uint8), drawn(6)[:1, :1]])
def test_anything_else_is_left_alone(pixels: Pixels) -> None:
    """An image to its edges, one colour alone, a single pixel: there is no object on a background."""
    assert with_grey_background(pixels) is None


def test_large_ones_are_made_small() -> None:
    """The longer side has 192 pixels at most."""
    found = with_grey_background(cv2.resize(shot(), (1600, 1200)))
    assert found is not None
    assert found.shape == (144, 192, 3)
