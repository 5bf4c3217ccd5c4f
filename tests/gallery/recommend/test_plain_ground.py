"""A product on a plain ground is cut close and set on grey; what has no plain ground stays."""

from __future__ import annotations

import numpy as np

from lookalike.gallery.recommend.plain_ground import before_neutral
from lookalike.imaging import as_image


def product_on(ground, seed=0):
    """A textured ring with a hole of the ground's colour, 40 x 60 at (20, 30) of 100 x 120, with JPEG-like noise."""
    random = np.random.default_rng(seed)
    pixels = np.full((120, 100, 3), ground, np.int16) + random.integers(-4, 5, (120, 100, 3))
    pixels[30:90, 20:60] = random.integers(30, 190, (60, 40, 3))
    pixels[50:60, 35:45] = ground
    return np.clip(pixels, 0, 255).astype(np.uint8)


def test_the_ground_goes_and_a_hole_within_the_product_stays():
    cut = before_neutral(as_image(product_on((250, 250, 250))))
    assert (cut.width, cut.height) == (40, 60)
    assert (cut.pixels[20:30, 15:25] == 250).all()
    assert not (cut.pixels == 128).all(axis=2).any()


def test_what_the_product_leaves_of_its_box_is_grey():
    pixels = product_on((250, 250, 250))
    pixels[30:50, 20:40] = 250
    cut = before_neutral(as_image(pixels))
    assert (cut.pixels[:15, :15] == 128).all()


def test_any_one_colour_is_a_plain_ground():
    assert before_neutral(as_image(product_on((20, 60, 110)))).width == 40


def test_a_photograph_a_blank_image_and_a_full_one_stay():
    random = np.random.default_rng(1)
    photograph = as_image(random.integers(0, 256, (90, 90, 3)).astype(np.uint8))
    blank = as_image(np.full((90, 90, 3), 255, np.uint8))
    for image in (photograph, blank):
        assert before_neutral(image) is image
