"""How images become squares: against Pillow, which resizes the whole and cuts then."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pillow

from lookalike.descriptors.neural.image_fit import SQUEEZED, ImageFit, Resample, fit_images
from lookalike.imaging import from_array
from samples import drawn

SIZES = ((90, 60), (60, 90), (64, 64), (201, 77), (33, 500))
RESAMPLES: tuple[Resample, ...] = ("bilinear", "bicubic", "lanczos")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("resample", RESAMPLES)
def test_a_crop_is_the_middle_of_the_resized_image(size: tuple[int, int], resample: Resample) -> None:
    """As the image processors of most networks do it: the shorter side becomes 40, the square has 32."""
    pixels = drawn(3, *size)
    short, long = min(size), 40 * max(size) // min(size)
    whole = (40, long) if size[0] == short else (long, 40)
    resized = np.asarray(Pillow.fromarray(pixels).resize(whole, Pillow.Resampling[resample.upper()]))
    top, left = (resized.shape[0] - 32) // 2, (resized.shape[1] - 32) // 2
    found = fit_images([from_array(pixels)], 32, ImageFit("crop", 40, resample))[0]
    difference = np.abs(found.astype(int) - resized[top : top + 32, left : left + 32])
    assert difference.max() <= 2  # Pillow rounds between its two passes, in an order that hangs on the shape
    assert difference.mean() < 0.3


@pytest.mark.parametrize("resample", RESAMPLES)
def test_squeezed_by_a_filter_of_pillow(resample: Resample) -> None:
    """Whatever the shape."""
    pixels = drawn(4, 90, 41)
    expected = np.asarray(Pillow.fromarray(pixels).resize((32, 32), Pillow.Resampling[resample.upper()]))
    assert np.array_equal(fit_images([from_array(pixels)], 32, ImageFit("squeeze", 0, resample))[0], expected)


def test_the_longest_image_takes_no_more_than_its_middle() -> None:
    """One pixel by twenty thousand: resized as a whole it would have 5 million rows."""
    pixels = np.zeros((20_000, 1, 3), np.uint8)
    pixels[9_990:10_010] = 255
    found = fit_images([from_array(pixels)], 32, ImageFit("crop", 256, "bicubic"))
    assert found.shape == (1, 32, 32, 3)
    assert found.min() == 255


def test_only_another_way_changes_the_fingerprint() -> None:
    """Cards that say nothing of it keep their vectors."""
    assert SQUEEZED.origin == ""
    assert ImageFit("crop", 40, "bicubic").origin == " fit=crop resize=40 resample=bicubic"
