"""What there is to see, whatever the pixel count."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from lookalike.comparison.true_detail import true_detail
from lookalike.imaging.manipulations import apply
from lookalike.types import Pixels
from samples import photograph

PHOTOGRAPHS = ("coffee.png", "chelsea.png", "motorcycle_left.png")


def detail(pixels: Pixels) -> float:
    return true_detail(pixels).detail


def scaled(pixels: Pixels, factor: float, method: int = cv2.INTER_CUBIC) -> Pixels:
    return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=method), np.uint8)


def as_jpeg(pixels: Pixels, quality: int) -> Pixels:
    memory = io.BytesIO()
    Pillow.fromarray(pixels).save(memory, "JPEG", quality=quality)
    return np.asarray(Pillow.open(memory).convert("RGB"))


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_an_enlarged_image_shows_no_more(name: str) -> None:
    """Four times the pixels of one image are less than they would be of a larger one."""
    large = photograph(name)
    small = scaled(large, 0.5, cv2.INTER_AREA)
    assert detail(scaled(small, 2)) < detail(small) < detail(large)
    assert detail(scaled(small, 2, cv2.INTER_NEAREST)) < detail(small)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("edit", ["blur", "pixelate", "jpeg-30"])
def test_what_is_lost_is_counted(name: str, edit: str) -> None:
    """Blurred, pixelated and strongly compressed copies have as many pixels and show a good deal less."""
    assert detail(apply(edit, photograph(name))) < 0.8 * detail(photograph(name))


def test_compression_is_seen_in_the_pixels() -> None:
    """A JPEG that was saved as something else is told from an image that never was one, at a high quality too."""
    lossless = photograph("coffee.png")
    assert not true_detail(lossless).was_jpeg
    assert not true_detail(scaled(as_jpeg(lossless, 90), 1.5)).was_jpeg  # its blocks are no longer those of a JPEG
    assert all(true_detail(as_jpeg(lossless, quality)).was_jpeg for quality in (50, 75, 92))


def test_blank_and_tiny_images_have_none() -> None:
    """Nothing is counted, and nothing fails, where there is nothing to be seen."""
    assert detail(np.full((64, 64, 3), 200, np.uint8)) == pytest.approx(0, abs=1e-6)
    assert detail(photograph("coffee.png")[:9, :9]) == 0
