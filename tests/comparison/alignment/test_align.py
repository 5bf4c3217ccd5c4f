"""Alignments of images whose place is known: the same from either side, and boxes where they were cut."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest

from lookalike.comparison.alignment.align import Alignment, KeypointImage, align_images, inner_box, with_keypoints
from lookalike.types import Image
from samples import photograph

CAT, COFFEE = photograph("chelsea.png"), photograph("coffee.png")


def loaded(pixels: np.ndarray) -> KeypointImage:
    return with_keypoints(Image(np.ascontiguousarray(pixels), pixels.shape[1], pixels.shape[0]))


def resized(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)


def pasted(ground: np.ndarray, pixels: np.ndarray, x: int, y: int) -> np.ndarray:
    out = ground.copy()
    out[y : y + pixels.shape[0], x : x + pixels.shape[1]] = pixels
    return out


# An image, another, and where the smaller one lies in the larger: x, y, width, height.
SMALL = resized(CAT, 150, 100)
PARTS = {
    "crop": (COFFEE[61:261, 130:430], COFFEE, (130, 61, 300, 200)),
    "reduced crop": (resized(COFFEE[40:340, 100:550], 300, 200), COFFEE, (100, 40, 450, 300)),
    "mirrored crop": (COFFEE[61:261, 130:430][:, ::-1], COFFEE, (130, 61, 300, 200)),
    "rotated crop": (np.rot90(COFFEE[61:261, 130:430]), COFFEE, (130, 61, 300, 200)),
    "negative crop": (255 - COFFEE[61:261, 130:430], COFFEE, (130, 61, 300, 200)),
    "padded": (CAT, pasted(np.full((400, 700, 3), 255, np.uint8), CAT, 120, 33), (120, 33, 451, 300)),
    "pasted": (CAT, pasted(COFFEE, resized(CAT, 226, 150), 301, 199), (301, 199, 226, 150)),
}
COPIES = {
    "itself": (CAT, CAT),
    "reduced": (CAT, SMALL),
    "rotated, negative": (CAT, 255 - np.rot90(CAT)),
    "blurred": (CAT, cv2.GaussianBlur(CAT, (0, 0), 2)),
    "hardly any points": tuple(cv2.GaussianBlur(x, (0, 0), 12) for x in (CAT, CAT[::-1])),
    "two crops": (COFFEE[:350, :450], COFFEE[60:, 100:]),
    "others": (CAT, COFFEE),
}
PAIRS = COPIES | {name: part[:2] for name, part in PARTS.items()}


@cache
def aligned(name: str) -> tuple[KeypointImage, KeypointImage, Alignment | None, Alignment | None]:
    a, b = map(loaded, PAIRS[name])
    return a, b, align_images(a, b), align_images(b, a)


@pytest.mark.parametrize("name", PAIRS)
def test_seen_from_the_other(name: str) -> None:
    """Either order gives the same alignment, with everything that has a direction the other way round."""
    _, _, there, back = aligned(name)
    assert (there is None) == (back is None)
    if there is None or back is None:
        return
    assert np.allclose(np.eye(3), back.match.matrix @ there.match.matrix, atol=1e-9)
    assert (there.outside_a, there.outside_b, there.keypoint_coverage) == (
        back.outside_b,
        back.outside_a,
        back.keypoint_coverage,
    )
    for field in ("inliers", "matches", "mirrored", "inverted", "residual"):
        assert getattr(there.match, field) == getattr(back.match, field)
    for field in ("local_ncc", "structured", "changed", "tone", "noise_level", "noise_flat_ratio"):
        assert getattr(there.difference, field) == getattr(back.difference, field)
    assert there.difference.sharpness_log_ratio == -back.difference.sharpness_log_ratio
    assert np.array_equal(there.difference.mask, back.difference.mask)
    assert np.array_equal(there.match.a, back.match.b)
    assert np.array_equal(there.overlap.a, back.overlap.b)
    assert np.array_equal(there.overlap.to_a, back.overlap.to_b)


@pytest.mark.parametrize("name", [name for name in PAIRS if name not in ("itself", "others", "two crops")])
def test_copies_agree(name: str) -> None:
    """Every kind of copy is found, and where it lies the two agree."""
    _, _, found, _ = aligned(name)
    assert found is not None
    assert found.difference.local_ncc > 0.85
    assert found.difference.changed < 0.02


def test_others_have_nothing_in_common() -> None:
    """Two photographs of other things are not aligned, or do not agree there."""
    _, _, found, _ = aligned("others")
    assert found is None or (found.match.inliers < 12 and found.difference.local_ncc < 0.3)


@pytest.mark.parametrize("name", PARTS)
def test_the_box_is_where_it_was_cut(name: str) -> None:
    """Within a pixel, and in the image that shows more, whichever of the two comes first."""
    a, b, there, back = aligned(name)
    assert there is not None
    assert back is not None
    assert (there.box_in, back.box_in) == ("b", "a")
    for box in (inner_box(there, a.image, b.image), inner_box(back, b.image, a.image)):
        assert (box.x, box.y, box.width, box.height) == pytest.approx(PARTS[name][2], abs=1)


@pytest.mark.parametrize("name", PARTS)
def test_the_share_outside(name: str) -> None:
    """What the smaller image does not show of the larger is known from their areas; nothing of it is outside."""
    _, b, found, _ = aligned(name)
    assert found is not None
    width, height = PARTS[name][2][2:]
    assert found.outside_a == pytest.approx(0, abs=0.01)
    assert found.outside_b == pytest.approx(1 - width * height / (b.image.width * b.image.height), abs=0.01)


def test_a_copy_of_the_whole_has_nothing_outside() -> None:
    """Of an image, its reduced copy and its rotated negative exactly nothing is outside: they snap to the whole."""
    for name in ("itself", "reduced", "rotated, negative"):
        _, _, found, _ = aligned(name)
        assert found is not None
        assert (found.outside_a, found.outside_b) == pytest.approx((0, 0), abs=1e-6)


def test_two_crops_of_one_image() -> None:
    """Each shows something that the other does not: the shares follow from where they were cut."""
    _, _, found, _ = aligned("two crops")
    assert found is not None
    common = 350 * 290
    assert found.outside_a == pytest.approx(1 - common / (450 * 350), abs=0.01)
    assert found.outside_b == pytest.approx(1 - common / (500 * 340), abs=0.01)


def test_hardly_any_keypoints_are_aligned_all_the_same() -> None:
    """Blurred images without enough keypoints are aligned by ECC; which orientation it was is known."""
    _, _, found, _ = aligned("hardly any points")
    assert found is not None
    assert found.match.mirrored
    assert np.allclose([[1, 0, 0], [0, -1, 300], [0, 0, 1]], found.match.matrix, atol=4)
