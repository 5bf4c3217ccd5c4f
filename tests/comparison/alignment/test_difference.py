"""What is said to differ in an overlap against what was drawn to differ."""

from __future__ import annotations

import io
import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageFilter

from lookalike.comparison.alignment.difference import Difference, difference
from lookalike.comparison.alignment.overlap import Overlap, overlap
from lookalike.types import Image
from samples import photograph

Change = Callable[[np.ndarray], np.ndarray]
CAT, COFFEE = photograph("chelsea.png"), photograph("coffee.png")
COFFEE_SMALL = cv2.resize(COFFEE, (320, 240), interpolation=cv2.INTER_AREA)


def image(pixels: np.ndarray, scale: int = 1) -> Image:
    """``scale``: how much larger the original is said to be."""
    return Image(np.ascontiguousarray(pixels), pixels.shape[1] * scale, pixels.shape[0] * scale)


def difference_of(a: np.ndarray, b: np.ndarray, inverted: bool = False) -> Difference:
    """What differs in two images of one size and orientation."""
    part = overlap(image(a), image(b), np.eye(3))
    assert part is not None
    return difference(part, inverted)


# --- what does not count as a change


def seeded_noise(pixels: np.ndarray, deviation: float = 12) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, deviation, pixels.shape)
    return (pixels + noise).clip(0, 255).round().astype(np.uint8)


def levels(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    """A change of colours, said in 0..1."""
    return lambda pixels: (255 * change(pixels / 255).clip(0, 1)).round().astype(np.uint8)


SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
COLOURS: dict[str, Change] = {
    "brighter": levels(lambda p: p + 0.15),
    "darker": levels(lambda p: p * 0.5),
    "more contrast": levels(lambda p: (p - 0.5) * 1.5 + 0.5),
    "less contrast": levels(lambda p: (p - 0.5) * 0.4 + 0.5),
    "gamma 0.5": levels(np.sqrt),
    "gamma 2": levels(np.square),
    "sepia": levels(lambda p: p @ SEPIA.T),
    "grey": levels(lambda p: np.repeat(p @ [[0.299], [0.587], [0.114]], 3, -1)),
    "warmer": levels(lambda p: p * [1.2, 1.0, 0.7]),
    "negative": lambda p: 255 - p,
}


def jpeg(pixels: np.ndarray, quality: int = 50) -> np.ndarray:
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Pillow.open(file).convert("RGB"))


def blurred(pixels: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(pixels, (0, 0), 1.5)


def sharpened(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Pillow.fromarray(pixels).filter(ImageFilter.UnsharpMask(2, 150, 0)))


@pytest.mark.parametrize("pixels", [CAT, COFFEE[:100, :140], COFFEE], ids=["reduced", "small", "large"])
def test_identical(pixels: np.ndarray) -> None:
    """An image and itself agree, and nothing differs by any measure."""
    found = difference_of(pixels, pixels)
    assert found.local_ncc == pytest.approx(1, abs=1e-4)
    assert (found.changed, found.tone, found.sharpness_log_ratio, found.noise_level) == (0, 0, 0, 0)
    assert not found.mask.any()


@pytest.mark.parametrize("width", [325, 350, 384, 415])
def test_identical_at_every_size(width: int) -> None:
    """An image of any size agrees with itself, and neither of the two is the sharper one."""
    noise = np.random.default_rng(0).integers(0, 256, (200, width, 3)).astype(np.uint8)
    found = difference_of(noise, noise)
    assert found.local_ncc > 0.9999
    assert abs(found.sharpness_log_ratio) < 1e-3
    assert found.noise_level < 1e-4


@pytest.mark.parametrize("pixels", [CAT, COFFEE], ids=["cat", "coffee"])
@pytest.mark.parametrize("name", COLOURS)
def test_colours_change_nothing_but_the_tone(name: str, pixels: np.ndarray) -> None:
    """A recoloured copy or negative differs nowhere, keeps structure and sharpness, and has another tone."""
    found = difference_of(pixels, COLOURS[name](pixels), inverted=name == "negative")
    assert found.changed < 0.002
    assert found.local_ncc > 0.95
    assert found.tone > 0.03
    assert abs(found.sharpness_log_ratio) < 0.1


def test_a_negative_is_one_only_if_it_is_said() -> None:
    """The structure of a negative is the opposite, unless one knows what it is."""
    assert difference_of(CAT, 255 - CAT).local_ncc == pytest.approx(-1, abs=1e-3)
    assert difference_of(CAT, 255 - CAT, inverted=True).local_ncc == pytest.approx(1, abs=1e-3)
    assert difference_of(CAT, CAT, inverted=True).local_ncc == pytest.approx(-1, abs=1e-3)


def test_other_images_do_not_agree() -> None:
    """A cat and a cup of coffee have no structure in common, and most of the overlap is something else."""
    found = difference_of(CAT, COFFEE[:300, :451])
    assert abs(found.local_ncc) < 0.15
    assert found.changed > 0.3


# --- what does


def drawn_square(part: Overlap, x: int, y: int, side: int) -> np.ndarray:
    """Which pixels of the overlap show the square of image b whose corner is (x, y); the two lie upright."""
    height, width = part.mask.shape
    columns = [x <= (part.to_b @ (column + 0.5, 0, 1))[0] < x + side for column in range(width)]
    rows = [y <= (part.to_b @ (0, row + 0.5, 1))[1] < y + side for row in range(height)]
    return np.outer(rows, columns)


def intersection_over_union(part: Overlap, inverted: bool, x: int, y: int, side: int) -> float:
    mask, expected = difference(part, inverted).mask, drawn_square(part, x, y, side)
    return float((mask & expected).sum() / (mask | expected).sum())


@pytest.mark.parametrize("after", ["nothing", "JPEG", *COLOURS])
@pytest.mark.parametrize("share", [0.15, 0.3])
def test_a_pasted_square_is_found(share: float, after: str) -> None:
    """Other content is marked where it was put, after a JPEG of quality 50 and a change of colours as well."""
    for pixels, other in ((CAT, COFFEE), (COFFEE, CAT)):
        x, y, side = 201, 90, round(share * len(pixels))
        pasted = pixels.copy()
        pasted[y : y + side, x : x + side] = other[60 : 60 + side, 150 : 150 + side]
        copy = pasted if after == "nothing" else jpeg(COLOURS.get(after, np.asarray)(pasted))
        part = overlap(image(pixels), image(copy), np.eye(3))
        assert part is not None
        assert intersection_over_union(part, after == "negative", x, y, side) >= 0.6


def test_what_fades_out_is_followed() -> None:
    """A bright spot whose edge fades out is marked farther than it is plain to see; a mere trace is not marked."""
    y, x = np.mgrid[:240, :320]
    weight = np.clip(1.5 - np.hypot(x - 160, y - 120) / 40, 0, 1)[..., None]  # 1 within 20 pixels, 0 from 60 on
    spot = np.rint(COFFEE_SMALL + weight * (np.array([255, 255, 255]) - COFFEE_SMALL) * 0.9).astype(np.uint8)
    mask = difference_of(COFFEE_SMALL, spot).mask
    apart = np.abs(spot.astype(int) - COFFEE_SMALL).max(-1) / 255
    assert mask[(apart > 0.07) & (weight[..., 0] > 0.2)].mean() > 0.95
    assert not mask[weight[..., 0] == 0].any()
    trace = np.rint(COFFEE_SMALL + (weight > 0.5) * 255 * 0.04).clip(0, 255).astype(np.uint8)
    assert not difference_of(COFFEE_SMALL, trace).mask.any()


@pytest.mark.parametrize("name", ["chelsea.png", "coffee.png", "astronaut.png"])
def test_a_copied_and_moved_region_is_found(name: str) -> None:
    """What was copied from elsewhere in the same image, colours and texture alike, is marked where it was put."""
    pixels = photograph(name)
    side, x, y = len(pixels) // 4, 90, len(pixels) // 2
    moved = pixels.copy()
    moved[y : y + side, x : x + side] = pixels[40 : 40 + side, 260 : 260 + side]
    part = overlap(image(pixels), image(jpeg(moved)), np.eye(3))
    assert part is not None
    assert intersection_over_union(part, False, x, y, side) >= 0.6


@pytest.mark.parametrize("pixels", [CAT, COFFEE], ids=["cat", "coffee"])
def test_sharpness(pixels: np.ndarray) -> None:
    """A blurred copy is less sharp, a sharpened one more, in either order; a JPEG leaves it."""
    assert difference_of(pixels, blurred(pixels)).sharpness_log_ratio < -0.2
    assert difference_of(pixels, sharpened(pixels)).sharpness_log_ratio > 0.2
    assert abs(difference_of(pixels, jpeg(pixels)).sharpness_log_ratio) < 0.05


@pytest.mark.parametrize("change", [blurred, sharpened, jpeg, seeded_noise, COLOURS["gamma 2"]])
def test_the_other_way_round(change: Change) -> None:
    """With a and b in each other's place the ratio of sharpness has the other sign, and all else is the same."""
    there, back = difference_of(CAT, change(CAT)), difference_of(change(CAT), CAT)
    assert there.sharpness_log_ratio == pytest.approx(-back.sharpness_log_ratio, abs=1e-5)
    for name in ("local_ncc", "changed", "tone", "noise_level", "noise_flat_ratio"):
        assert getattr(there, name) == pytest.approx(getattr(back, name), abs=1e-5)
    assert np.array_equal(there.mask, back.mask)


@pytest.mark.parametrize("pixels", [CAT, COFFEE], ids=["cat", "coffee"])
def test_noise(pixels: np.ndarray) -> None:
    """The more noise the higher its level, as high where the image is smooth, unlike what JPEG and blur leave."""
    faint, strong = (difference_of(pixels, seeded_noise(pixels, deviation)) for deviation in (5, 15))
    assert 0 < faint.noise_level < strong.noise_level
    assert abs(strong.noise_flat_ratio) < 0.1
    for change in (jpeg, blurred, sharpened):
        assert difference_of(pixels, change(pixels)).noise_flat_ratio < strong.noise_flat_ratio - 0.1


def test_flat_images() -> None:
    """Two images of one colour have no structure to agree in, differ in tone alone, and give finite numbers."""
    grey, red = np.full((60, 80, 3), 90, np.uint8), np.full((60, 80, 3), (200, 10, 10), np.uint8)
    for found in (difference_of(grey, grey), difference_of(grey, red)):
        numbers = (
            found.local_ncc,
            found.changed,
            found.tone,
            found.sharpness_log_ratio,
            found.noise_level,
            found.noise_flat_ratio,
        )
        assert all(math.isfinite(number) for number in numbers)
        assert (found.local_ncc, found.changed) == (0, 0)
    assert difference_of(grey, red).tone > 0.2
