"""What is left of a difference once recompression and resampling are taken off: nothing of a copy, all of another."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import asdict

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from filled_in import badges, receipts
from lookalike.comparison.alignment.unexplained import SIDES, Unexplained, unexplained
from lookalike.imaging import from_array, load
from samples import photograph

PROVED, SPOT_PROVED = 2.0, 6.0  # grey levels
CAT = photograph("chelsea.png")
PAGE = receipts()[0]

Change = Callable[[np.ndarray], np.ndarray]


def jpeg(quality: int) -> Change:
    def change(pixels: np.ndarray) -> np.ndarray:
        memory = io.BytesIO()
        Pillow.fromarray(pixels).save(memory, "JPEG", quality=quality)
        return load(memory.getvalue()).pixels

    return change


def tones(change: Change) -> Change:
    return lambda pixels: (255 * change(pixels / 255).clip(0, 1)).round().astype(np.uint8)


def resized(share: float) -> Change:
    return lambda pixels: cv2.resize(pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)


def of(a: np.ndarray, b: np.ndarray, **options: object) -> Unexplained:
    """Of two images that lie on one another as wholes."""
    scale = np.diag([b.shape[1] / a.shape[1], b.shape[0] / a.shape[0], 1.0])
    found = unexplained(from_array(a), from_array(b), scale, **options)
    assert found is not None
    return found


COPIES: dict[str, Change] = {
    "quality 90": jpeg(90),
    "quality 30": jpeg(30),
    "half the size": resized(0.5),
    "a third": resized(1 / 3),
    "brighter": tones(lambda x: x**0.7),
    "less contrast": tones(lambda x: 0.2 + 0.6 * x),
    "grey": lambda pixels: np.repeat(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None], 3, 2),
}


@pytest.mark.parametrize("change", COPIES)
@pytest.mark.parametrize("pixels", [CAT, PAGE], ids=["photograph", "page"])
def test_nothing_is_left_of_a_copy(pixels: np.ndarray, change: str) -> None:
    """Neither quality nor size nor tones leave anything in any block."""
    found = of(pixels, COPIES[change](pixels))
    assert max(found.worst_block, found.worst_chroma) <= PROVED
    assert not found.mask.any() or found.content.share < 0.01


@pytest.mark.parametrize("change", ["quality 30", "half the size"])
def test_one_digit_is_left(change: str) -> None:
    """Of two badges one digit differs: that one place is found, also in a worse copy."""
    first, _, third = badges()
    found, copy = (of(first, COPIES[change](other)) for other in (third, first))
    assert found.worst_spot > 2 * SPOT_PROVED
    assert copy.worst_spot < SPOT_PROVED / 2
    rows, columns = np.nonzero(found.mask)
    height, width = found.mask.shape
    assert rows.min() / height > 200 / 400
    assert rows.max() / height < 290 / 400
    assert columns.min() / width > 260 / 640
    assert found.content.places == 1


def test_colour_counts() -> None:
    """An object of the same luma in another colour is no change of the whole, for its ground has kept its colour."""
    other = CAT.copy()
    part = other[80:220, 150:300].astype(np.int16)
    part[..., 0] += 60
    part[..., 1] -= 31
    other[80:220, 150:300] = part.clip(0, 255)
    assert of(CAT, other).recoloured_part > 0.05
    for same in (CAT, COPIES["quality 30"](CAT), COPIES["grey"](CAT), CAT[..., ::-1].copy()):
        assert of(CAT, same).recoloured_part < 0.01


def test_either_may_come_first() -> None:
    """All numbers are the same when the two change places."""
    a, b = receipts()[:2]
    there, back = (asdict(of(*pair)) for pair in ((a, b), (b, a)))
    for found in (there, back):
        found |= found.pop("content")
        found.pop("mask")
    assert there == pytest.approx(back, rel=1e-3, abs=1e-3)


def test_pixelating_leaves_nothing_coarse() -> None:
    """Large pixels differ from what they stand for everywhere, and not where both are blurred; another page does."""
    small = cv2.resize(CAT, (64, 43), interpolation=cv2.INTER_AREA)
    pixelated = of(CAT, cv2.resize(small, CAT.shape[1::-1], interpolation=cv2.INTER_NEAREST))
    other = of(receipts()[0], receipts()[2])
    assert pixelated.worst_block > PROVED
    assert pixelated.coarse_block < other.coarse_block / 2


def test_a_negative() -> None:
    """Turned round, it is the same; taken as it is, it is not."""
    assert of(CAT, 255 - CAT, inverted=True).worst_block == 0
    assert of(CAT, 255 - CAT).worst_block > PROVED


def test_what_changed_takes_no_part_in_the_tones() -> None:
    """A white banner over a third of a photograph that was made brighter: the rest is still found to be the same."""
    other = COPIES["brighter"](CAT)
    other[:100] = 255
    changed = np.zeros(CAT.shape[:2], np.bool_)
    changed[:100] = True
    found = of(CAT, other, changed=changed)
    assert found.mask[: found.mask.shape[0] // 4].mean() > 0.5
    assert not found.mask[found.mask.shape[0] * 45 // 100 :].any()


def test_hardly_any_overlap() -> None:
    """Where the two lie beside one another there is nothing to see."""
    image = from_array(CAT)
    assert unexplained(image, image, np.array([[1.0, 0, 449], [0, 1, 0], [0, 0, 1]])) is None


def test_small_images_are_enlarged() -> None:
    """An icon is looked at as closely as its pixels allow: one that differs in its sign is another one."""
    icon = np.full((32, 32, 3), 240, np.uint8)
    first, second = icon.copy(), icon.copy()
    cv2.putText(first, "A", (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20, 60, 140), 2)
    cv2.putText(second, "R", (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20, 60, 140), 2)
    found = of(first, second)
    assert max(found.mask.shape) == SIDES[0]
    assert found.worst_block > PROVED
    assert of(first, first).worst_block == 0
