"""Colours of areas, read from the vectors of `colour` alone, against images whose colours are known."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.descriptors import get
from lookalike.imaging import from_array
from lookalike.words.colours import COLOURS, colour_probability, colour_shares

PAINTS = {
    "black": (5, 5, 5), "white": (250, 250, 250), "grey": (128, 128, 128), "red": (200, 30, 35),
    "orange": (240, 130, 20), "yellow": (250, 215, 40), "green": (40, 140, 60), "blue": (35, 80, 180),
    "purple": (120, 50, 140), "pink": (240, 150, 180), "brown": (110, 65, 35),
}  # fmt: skip


def shares(pixels: np.ndarray) -> np.ndarray:
    """(areas, colours) uint8 of one image."""
    return colour_shares(get("colour").describe([from_array(pixels)]).vectors)[0]


@pytest.mark.parametrize("colour", COLOURS)
def test_an_image_of_one_colour_has_it_everywhere(colour: str) -> None:
    """All eleven, in every area, and no other."""
    found = shares(np.full((64, 64, 3), PAINTS[colour], np.uint8))
    expected = np.zeros_like(found)
    expected[:, COLOURS.index(colour)] = 255
    assert np.array_equal(expected, found)


def test_a_colour_has_its_place() -> None:
    """Blue over green: blue at the top and not at the bottom."""
    pixels = np.full((80, 80, 3), PAINTS["blue"], np.uint8)
    pixels[40:] = PAINTS["green"]
    found = shares(pixels)[None]
    top, bottom = (float(colour_probability(found, "blue", area)[0]) for area in ("top", "bottom"))
    assert top > 0.8
    assert bottom < 0.2
