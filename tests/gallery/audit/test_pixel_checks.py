"""Blank, dark and blurred, on photographs and what was done to them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lookalike.gallery.audit.pixel_checks import BLUR_LIMIT, PixelMeasures, blur_limit, measure_pixels
from samples import photograph

SHARP = ("astronaut.png", "coffee.png", "rocket.jpg", "chelsea.png", "motorcycle_left.png")


def said(measured: PixelMeasures) -> tuple[bool, bool, bool]:
    return measured.blank, measured.dark, measured.blurred()


@pytest.mark.parametrize("name", SHARP)
def test_photographs_are_sharp_until_they_are_blurred(name: str) -> None:
    """A Gaussian blur of three pixels or more, where the shorter side has 512, is told; and the more, the more."""
    pixels = photograph(name)
    sigma = 4 * max(min(pixels.shape[:2]) / 512, 0.9)
    levels = [measure_pixels(cv2.GaussianBlur(pixels, (0, 0), share * sigma)).blur for share in (0.25, 0.5, 1)]
    assert said(measure_pixels(pixels)) == (False, False, False)
    assert said(measure_pixels(cv2.GaussianBlur(pixels, (0, 0), sigma))) == (False, False, True)
    assert levels == sorted(levels)


def test_a_soft_background_is_no_blur() -> None:
    """One sharp part is enough: three quarters of the photograph are blurred, the fourth is not."""
    pixels = photograph("astronaut.png")
    mixed = cv2.GaussianBlur(pixels, (0, 0), 5)
    assert measure_pixels(mixed).blur > BLUR_LIMIT
    mixed[:256, 128:384] = pixels[:256, 128:384]
    assert not measure_pixels(mixed).blurred()


def test_dark_and_blank() -> None:
    """A photograph at a fifth of its brightness is dark; one colour is blank, black included, noise or not; night with
    lights is neither."""
    pixels = photograph("coffee.png")
    assert said(measure_pixels((pixels * 0.2).astype(np.uint8))) == (False, True, False)
    noise = np.random.default_rng(1).integers(-2, 3, (90, 120, 3))
    for level in (0, 240):
        grey = np.clip(level + noise, 0, 255).astype(np.uint8)
        assert said(measure_pixels(grey)) == (True, False, False)
    night = (pixels * 0.1).astype(np.uint8)
    night[100:150, 100:200] = pixels[100:150, 100:200]
    assert not measure_pixels(night).dark


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 900, 3), (3000, 3, 3)])
def test_any_shape_is_measured(shape: tuple[int, int, int]) -> None:
    """The thinnest strips too, without a warning."""
    pixels = np.random.default_rng(2).integers(0, 256, shape, np.uint8)
    measured = measure_pixels(pixels)
    assert 0 <= measured.blur <= 1


def test_a_small_image_is_as_sharp_as_a_large_one() -> None:
    """The box that blurs it again is as large for its size: sharp and blurred ones are told apart at 160 pixels too."""
    small = cv2.resize(photograph("coffee.png"), (240, 160), interpolation=cv2.INTER_AREA)
    assert said(measure_pixels(small)) == (False, False, False)
    assert said(measure_pixels(cv2.GaussianBlur(small, (0, 0), 4 * 160 / 512))) == (False, False, True)


def test_in_a_soft_set_more_is_allowed() -> None:
    """By the median and the median absolute deviation of the logarithm of what is sharp, by hand; a sharp set and a few
    images have the limit of all."""
    soft = blur_limit([0.7, 0.76] * 20)
    middle, away = (np.log(0.3) + np.log(0.24)) / 2, (np.log(0.3) - np.log(0.24)) / 2
    assert soft == pytest.approx(1 - np.exp(middle - 2.5 * 1.4826 * away))
    assert 0.76 < soft < 0.85
    assert blur_limit([0.3, 0.32] * 20) == BLUR_LIMIT
    assert blur_limit([0.8] * 5) == BLUR_LIMIT
