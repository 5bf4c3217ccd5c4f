"""ECC: images with hardly any keypoints, in all eight orientations, against matrices known by hand; and refinement."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lookalike.comparison.alignment.ecc import align_ecc, refine_ecc
from lookalike.comparison.alignment.orientations import ORIENTATIONS, orientation_matrix
from lookalike.comparison.alignment.overlap import overlap
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


def corner_error(found: np.ndarray, orientation: str, a: np.ndarray, b: np.ndarray) -> float:
    """The largest error at a corner of b, as a share of its longer side."""
    (height, width), size = a.shape[:2], (b.shape[1], b.shape[0])
    there = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]])
    away = there @ (found - orientation_matrix(orientation, (width, height), size)).T
    return float(np.abs(away).max() / max(size))


@pytest.mark.parametrize("name", IMAGES)
def test_hardly_any_keypoints(name: str) -> None:
    """These images have too few keypoints to be aligned by them, which is what ECC is for."""
    assert len(keypoints(image(IMAGES[name]))) < 20


@pytest.mark.parametrize("negative", [False, True], ids=["positive", "negative"])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("name", IMAGES)
def test_all_eight_orientations(name: str, orientation: str, negative: bool) -> None:
    """A rotated or mirrored copy of another size, or its negative, is aligned within 2 % of the side, and named."""
    pixels = IMAGES[name]
    copy = ORIENTATIONS[orientation].apply(pixels)
    copy = resized(copy, round(copy.shape[1] * 0.7), round(copy.shape[0] * 0.7))
    found = align_ecc(image(pixels), image(255 - copy if negative else copy))
    assert found is not None
    assert corner_error(found.matrix, orientation, pixels, copy) < 0.02
    assert (ORIENTATIONS[orientation].relation == "mirrored", negative) == (found.mirrored, found.inverted)
    assert (found.inliers, found.matches) == (0, 0)


@pytest.mark.parametrize("orientation", [name for name in ORIENTATIONS if name not in ("upright", "transposed")])
def test_no_orientation_is_worse_than_another(orientation: str) -> None:
    """A copy with its pixels in another order is aligned within half a pixel of the 160 that were compared."""
    pixels = IMAGES["blurred coffee"]
    copy = ORIENTATIONS[orientation].apply(pixels)
    found = align_ecc(image(pixels), image(copy))
    assert found is not None
    assert corner_error(found.matrix, orientation, pixels, copy) < 0.5 / 160


@pytest.mark.parametrize("negative", [False, True], ids=["positive", "negative"])
def test_a_small_shift_is_followed(negative: bool) -> None:
    """A copy that lacks a twentieth at two sides is aligned where it was cut out, and its negative too."""
    pixels = IMAGES["blurred coffee"]
    copy = pixels[11:, 15:]
    found = align_ecc(image(pixels), image(255 - copy if negative else copy))
    assert found is not None
    assert np.allclose((-15, -11), found.matrix[:2, 2], atol=3)


def test_the_same_every_time() -> None:
    """Two calls give the same matrix to the last bit."""
    a, b = image(IMAGES["flat"]), image(IMAGES["flat"][::-1])
    first, second = align_ecc(a, b), align_ecc(a, b)
    assert first is not None
    assert second is not None
    assert first.matrix.tobytes() == second.matrix.tobytes()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (90, 120)])
@pytest.mark.parametrize("reversed_", [False, True])
def test_one_colour(shape: tuple[int, int], reversed_: bool) -> None:
    """What has one colour is aligned with nothing, itself included."""
    grey = image(np.full((*shape, 3), 90, np.uint8))
    for other in (grey, image(np.full((30, 40, 3), 200, np.uint8)), image(photograph("coffee.png"))):
        assert align_ecc(*((other, grey) if reversed_ else (grey, other))) is None


def test_noise_on_other_noise() -> None:
    """No orientation of noise looks like other noise, of any size or shape."""
    sizes = ((200, 200), (90, 300), (300, 200))
    noise = [
        image(np.random.default_rng(seed).integers(0, 256, (*size, 3)).astype(np.uint8))
        for seed, size in enumerate(sizes)
    ]
    for i, a in enumerate(noise):
        for j, b in enumerate(noise):
            assert (align_ecc(a, b) is not None) == (i == j)


# --- refinement of a transform

PHOTOGRAPH = photograph("coffee.png")


def shift(x: float, y: float, scale: float = 1) -> np.ndarray:
    return np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]])


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("mirrored", [False, True])
def test_refine(mirrored: bool, inverted: bool) -> None:
    """A transform that is three pixels off is brought to within half a pixel of the true one."""
    b = PHOTOGRAPH[:, ::-1] if mirrored else PHOTOGRAPH
    true = np.array([[-1, 0, 600], [0, 1, 0], [0, 0, 1.0]]) if mirrored else np.eye(3)
    near = shift(2.0, -1.5, 1.003) @ true
    part = overlap(image(PHOTOGRAPH), image(255 - b if inverted else b), near)
    assert part is not None
    found = refine_ecc(part, inverted)
    assert found is not None
    there = np.array([[0, 0, 1], [600, 0, 1], [600, 400, 1], [0, 400, 1]])
    assert np.abs(there @ (near - true).T).max() > 2
    assert np.abs(there @ (found - true).T).max() < 0.5


def test_refine_finds_nothing_in_noise() -> None:
    """Two images of noise cannot be aligned: none, or a small shift, but no error."""
    noise = [np.random.default_rng(seed).integers(0, 256, (100, 100, 3)).astype(np.uint8) for seed in (0, 1)]
    part = overlap(*map(image, noise), np.eye(3))
    assert part is not None
    found = refine_ecc(part, False)
    assert found is None or np.abs(found - np.eye(3)).max() < 10
