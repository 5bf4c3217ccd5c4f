"""Laying without keypoints: images that have hardly any, in all eight turns, against matrices known by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lookalike.comparison.alignment.ecc import lay
from lookalike.comparison.alignment.orientations import ORIENTATIONS, between
from lookalike.descriptors.keypoints import keypoints
from lookalike.types import Image
from samples import photograph


def image(pixels: np.ndarray) -> Image:
    return Image(np.ascontiguousarray(pixels), pixels.shape[1], pixels.shape[0])


def resized(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)


def blurred(name: str) -> np.ndarray:
    return cv2.GaussianBlur(resized(photograph(name), 300, 220), (0, 0), 12)


def flat(seed: int, contrast: float = 0.1) -> np.ndarray:
    """A few soft patches that differ by some levels only."""
    patches = np.random.default_rng(seed).uniform(-110, 110, (4, 5, 3)).astype(np.float32)
    return (
        (128 + contrast * cv2.resize(patches, (300, 220), interpolation=cv2.INTER_CUBIC)).clip(0, 255).astype(np.uint8)
    )


IMAGES = {
    "blurred cat": blurred("chelsea.png"),
    "blurred coffee": blurred("coffee.png"),
    "blurred motorcycle": blurred("motorcycle_left.png"),
    "flat": flat(0),
    "patches": flat(1, 0.9),
}


def off(found: np.ndarray, turn: str, a: np.ndarray, b: np.ndarray) -> float:
    """The largest error at a corner of b, as a share of its longer side."""
    (height, width), size = a.shape[:2], (b.shape[1], b.shape[0])
    there = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]])
    away = there @ (found - between(turn, (width, height), size)).T
    return float(np.abs(away).max() / max(size))


@pytest.mark.parametrize("name", IMAGES)
def test_hardly_any_keypoints(name: str) -> None:
    """These images have too few keypoints to be placed by them, which is what laying is for."""
    assert len(keypoints(image(IMAGES[name]))) < 20


@pytest.mark.parametrize("negative", [False, True], ids=["positive", "negative"])
@pytest.mark.parametrize("turn", ORIENTATIONS)
@pytest.mark.parametrize("name", IMAGES)
def test_all_eight_turns(name: str, turn: str, negative: bool) -> None:
    """A turned copy of another size, or its negative, is laid within 2 % of the side, and is called what it is."""
    pixels = IMAGES[name]
    copy = ORIENTATIONS[turn].apply(pixels)
    copy = resized(copy, round(copy.shape[1] * 0.7), round(copy.shape[0] * 0.7))
    found = lay(image(pixels), image(255 - copy if negative else copy))
    assert found is not None
    assert off(found.matrix, turn, pixels, copy) < 0.02
    assert (ORIENTATIONS[turn].relation == "mirrored", negative) == (found.mirrored, found.inverted)
    assert (found.inliers, found.matches) == (0, 0)


@pytest.mark.parametrize("turn", [t for t in ORIENTATIONS if t not in ("upright", "transposed")])
def test_no_turn_is_worse_than_another(turn: str) -> None:
    """A turned copy, the same pixels in another order, is laid within half a pixel of the 160 that were compared."""
    pixels = IMAGES["blurred coffee"]
    copy = ORIENTATIONS[turn].apply(pixels)
    found = lay(image(pixels), image(copy))
    assert found is not None
    assert off(found.matrix, turn, pixels, copy) < 0.5 / 160


@pytest.mark.parametrize("negative", [False, True], ids=["positive", "negative"])
def test_a_small_move_is_followed(negative: bool) -> None:
    """A copy that lacks a twentieth at two sides is laid where it was cut out, and its negative too."""
    pixels = IMAGES["blurred coffee"]
    copy = pixels[11:, 15:]
    found = lay(image(pixels), image(255 - copy if negative else copy))
    assert found is not None
    assert np.allclose((-15, -11), found.matrix[:2, 2], atol=3)


def test_the_same_every_time() -> None:
    """Two calls give the same matrix to the last bit."""
    a, b = image(IMAGES["flat"]), image(IMAGES["flat"][::-1])
    first, second = lay(a, b), lay(a, b)
    assert first is not None
    assert second is not None
    assert first.matrix.tobytes() == second.matrix.tobytes()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (90, 120)])
@pytest.mark.parametrize("turned", [False, True])
def test_one_colour(shape: tuple[int, int], turned: bool) -> None:
    """What has one colour is laid on nothing, itself included."""
    grey = image(np.full((*shape, 3), 90, np.uint8))
    for other in (grey, image(np.full((30, 40, 3), 200, np.uint8)), image(photograph("coffee.png"))):
        assert lay(*((other, grey) if turned else (grey, other))) is None


def test_noise_on_other_noise() -> None:
    """No turn of noise looks like other noise, of any size or shape."""
    sizes = ((200, 200), (90, 300), (300, 200))
    noise = [
        image(np.random.default_rng(seed).integers(0, 256, (*size, 3)).astype(np.uint8))
        for seed, size in enumerate(sizes)
    ]
    for i, a in enumerate(noise):
        for j, b in enumerate(noise):
            assert (lay(a, b) is not None) == (i == j)
