"""The overlap of two images against loops over its pixels."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from lookalike.comparison.alignment.difference import difference
from lookalike.comparison.alignment.overlap import MIN_OVERLAP_SIDE, OVERLAP_SIDES, overlap
from lookalike.types import Image
from samples import photograph

Change = Callable[[np.ndarray], np.ndarray]
CAT, COFFEE = photograph("chelsea.png"), photograph("coffee.png")
COFFEE_SMALL = cv2.resize(COFFEE, (320, 240), interpolation=cv2.INTER_AREA)


def image(pixels: np.ndarray, scale: int = 1) -> Image:
    """``scale``: how much larger the original is said to be."""
    return Image(np.ascontiguousarray(pixels), pixels.shape[1] * scale, pixels.shape[0] * scale)


def shift(x: float, y: float, scale: float = 1) -> np.ndarray:
    return np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]])


def resized(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)


def ramp(width: int, height: int, most: int) -> np.ndarray:
    """Red tells how far right a pixel is, green how far down: 0..255 for 0..``most`` pixels."""
    y, x = np.mgrid[:height, :width] + 0.5
    return np.stack([x * 255 / most, y * 255 / most, 0 * x], -1).round().astype(np.uint8)


AFFINE = {
    "itself": np.eye(3),
    "shift": shift(31.5, -17),
    "turned": np.array([[0.8, -0.5, 60], [0.5, 0.8, -20], [0, 0, 1]]),
    "mirrored": np.array([[-1.0, 0.1, 180], [0, 0.9, 7], [0, 0, 1]]),
    "smaller": shift(20, 10, 0.5),
    "larger": shift(-40, -60, 2.2),
}


@pytest.mark.parametrize("scale", [1, 3])
@pytest.mark.parametrize("name", AFFINE)
def test_every_pixel_is_where_it_is_said_to_be(name: str, scale: int) -> None:
    """In images whose colours tell their place, each pixel of the overlap has the colours of to_a and to_b, and
    the mask is where both of these lie inside the images."""
    size, most = (200, 150), 256
    pixels, grown = ramp(*size, most), np.diag([scale, scale, 1.0])
    matrix = grown @ AFFINE[name] @ np.linalg.inv(grown)
    part = overlap(image(pixels, scale), image(pixels, scale), matrix)
    assert part is not None
    assert part.a.shape == part.b.shape == (*part.mask.shape, 3)
    assert np.allclose(part.to_b, matrix @ part.to_a)
    for y in range(2, part.mask.shape[0] - 2, 5):
        for x in range(2, part.mask.shape[1] - 2, 5):
            places = [(to @ (x + 0.5, y + 0.5, 1))[:2] / scale for to in (part.to_a, part.to_b)]
            edge = min(min(p[0], p[1], size[0] - p[0], size[1] - p[1]) for p in places)
            if abs(edge) > 1e-6:
                assert part.mask[y, x] == (edge > 0)
            if edge > 2:
                for place, found in zip(places, (part.a, part.b), strict=True):
                    assert (place * 255 / most).tolist() == pytest.approx(found[y, x, :2].tolist(), abs=1.5)


@pytest.mark.parametrize("reversed_", [False, True])
def test_the_scale_is_that_of_the_coarser_image(reversed_: bool) -> None:
    """An image and its reduced copy overlap in the pixels of the copy, whichever comes first."""
    small = resized(CAT, 150, 100)
    matrix = np.diag([150 / 451, 1 / 3, 1.0])
    pair = (image(small), image(CAT)) if reversed_ else (image(CAT), image(small))
    part = overlap(*pair, np.linalg.inv(matrix) if reversed_ else matrix)
    assert part is not None
    found, to_small, to_large = (part.a, part.to_a, part.to_b) if reversed_ else (part.b, part.to_b, part.to_a)
    assert np.array_equal(small, found)
    assert np.allclose(np.eye(3), to_small)
    assert np.allclose(np.diag([451 / 150, 3, 1]), to_large)
    differs = difference(part)
    assert differs.local_ncc > 0.99
    assert not differs.mask.any()


def test_not_larger_than_needed() -> None:
    """The longer side of the overlap has at most SIDE pixels; a smaller one is not enlarged."""
    large = overlap(image(COFFEE), image(COFFEE), np.eye(3))
    small = overlap(image(COFFEE[:90, :120]), image(COFFEE), np.eye(3))
    assert large is not None
    assert small is not None
    assert max(large.mask.shape) == OVERLAP_SIDES[1]
    assert small.mask.shape == (90, 120)


@pytest.mark.parametrize(("x", "y", "width", "height"), [(0, 0, 300, 200), (130, 61, 222, 150)])
def test_a_known_crop(x: int, y: int, width: int, height: int) -> None:
    """The overlap of an image and a crop of it is the crop, and to_a and to_b tell where it is."""
    crop = CAT[y : y + height, x : x + width]
    part = overlap(image(CAT), image(crop), shift(-x, -y))
    assert part is not None
    assert np.array_equal(crop, part.a)
    assert np.array_equal(crop, part.b)
    assert np.allclose(shift(x, y), part.to_a)
    assert np.allclose(np.eye(3), part.to_b)
    assert part.mask.all()


@pytest.mark.parametrize(
    "matrix",
    [shift(600, 0), shift(451 - MIN_OVERLAP_SIDE + 1, 0), shift(0, -300 + MIN_OVERLAP_SIDE - 1), shift(-9e5, 9e5)],
)
def test_a_tiny_overlap_says_nothing(matrix: np.ndarray) -> None:
    """Images that do not meet, or only in a strip narrower than LEAST pixels, have no common part."""
    assert overlap(image(CAT), image(CAT), matrix) is None
    assert overlap(image(CAT), image(CAT), np.linalg.inv(matrix)) is None


def test_just_enough() -> None:
    """A strip of LEAST pixels is a common part."""
    assert overlap(image(CAT), image(CAT), shift(451 - MIN_OVERLAP_SIDE, 0)) is not None
