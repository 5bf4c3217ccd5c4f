"""The common part against loops over its pixels, and what is said to differ against what was drawn to differ."""

from __future__ import annotations

import io
import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageFilter

from lookalike.comparison.alignment.overlap import LEAST, SIDE, Difference, Overlap, difference, overlap, refined
from lookalike.types import Image
from samples import photograph

Change = Callable[[np.ndarray], np.ndarray]
CAT, COFFEE = photograph("chelsea.png"), photograph("coffee.png")
COFFEE_SMALL = cv2.resize(COFFEE, (320, 240), interpolation=cv2.INTER_AREA)


def image(pixels: np.ndarray, scale: int = 1) -> Image:
    """``scale``: how much larger the original is said to be."""
    return Image(np.ascontiguousarray(pixels), pixels.shape[1] * scale, pixels.shape[0] * scale)


def laid(a: np.ndarray, b: np.ndarray, inverted: bool = False) -> Difference:
    """What differs in two images of one size that lie on one another as they are."""
    part = overlap(image(a), image(b), np.eye(3))
    assert part is not None
    return difference(part, inverted)


def shift(x: float, y: float, scale: float = 1) -> np.ndarray:
    return np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]])


def resized(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)


# --- the common part


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


@pytest.mark.parametrize("held", [1, 3])
@pytest.mark.parametrize("name", AFFINE)
def test_every_pixel_is_where_it_is_said_to_be(name: str, held: int) -> None:
    """In images whose colours tell their place, each pixel of the common part has the colours of to_a and to_b, and
    the mask is where both of these lie inside the images."""
    size, most = (200, 150), 256
    image, grown = ramp(*size, most), np.diag([held, held, 1.0])
    matrix = grown @ AFFINE[name] @ np.linalg.inv(grown)
    part = overlap(image(image, held), image(image, held), matrix)
    assert part is not None
    assert part.a.shape == part.b.shape == (*part.mask.shape, 3)
    assert np.allclose(part.to_b, matrix @ part.to_a)
    for y in range(2, part.mask.shape[0] - 2, 5):
        for x in range(2, part.mask.shape[1] - 2, 5):
            places = [(to @ (x + 0.5, y + 0.5, 1))[:2] / held for to in (part.to_a, part.to_b)]
            edge = min(min(p[0], p[1], size[0] - p[0], size[1] - p[1]) for p in places)
            if abs(edge) > 1e-6:
                assert part.mask[y, x] == (edge > 0)
            if edge > 2:
                for place, pixels in zip(places, (part.a, part.b), strict=True):
                    assert (place * 255 / most).tolist() == pytest.approx(pixels[y, x, :2].tolist(), abs=1.5)


@pytest.mark.parametrize("turned", [False, True])
def test_the_scale_is_that_of_the_coarser_image(turned: bool) -> None:
    """An image and its reduced copy are laid together in the pixels of the copy, whichever comes first."""
    small = resized(CAT, 150, 100)
    matrix = np.diag([150 / 451, 1 / 3, 1.0])
    pair = (image(small), image(CAT)) if turned else (image(CAT), image(small))
    part = overlap(*pair, np.linalg.inv(matrix) if turned else matrix)
    assert part is not None
    held, to_small, to_large = (part.a, part.to_a, part.to_b) if turned else (part.b, part.to_b, part.to_a)
    assert np.array_equal(small, held)
    assert np.allclose(np.eye(3), to_small)
    assert np.allclose(np.diag([451 / 150, 3, 1]), to_large)
    found = difference(part)
    assert found.agreement > 0.99
    assert not found.where.any()


def test_not_larger_than_needed() -> None:
    """The longer side of the common part has at most SIDE pixels; a smaller one is not enlarged."""
    large = overlap(image(COFFEE), image(COFFEE), np.eye(3))
    small = overlap(image(COFFEE[:90, :120]), image(COFFEE), np.eye(3))
    assert large is not None
    assert small is not None
    assert max(large.mask.shape) == SIDE
    assert small.mask.shape == (90, 120)


@pytest.mark.parametrize(("x", "y", "width", "height"), [(0, 0, 300, 200), (130, 61, 222, 150)])
def test_a_known_crop(x: int, y: int, width: int, height: int) -> None:
    """The common part of an image and a crop of it is the crop, and to_a and to_b tell where it is."""
    crop = CAT[y : y + height, x : x + width]
    part = overlap(image(CAT), image(crop), shift(-x, -y))
    assert part is not None
    assert np.array_equal(crop, part.a)
    assert np.array_equal(crop, part.b)
    assert np.allclose(shift(x, y), part.to_a)
    assert np.allclose(np.eye(3), part.to_b)
    assert part.mask.all()


@pytest.mark.parametrize(
    "matrix", [shift(600, 0), shift(451 - LEAST + 1, 0), shift(0, -300 + LEAST - 1), shift(-9e5, 9e5)]
)
def test_a_tiny_overlap_says_nothing(matrix: np.ndarray) -> None:
    """Images that do not meet, or only in a strip narrower than LEAST pixels, have no common part."""
    assert overlap(image(CAT), image(CAT), matrix) is None
    assert overlap(image(CAT), image(CAT), np.linalg.inv(matrix)) is None


def test_just_enough() -> None:
    """A strip of LEAST pixels is a common part."""
    assert overlap(image(CAT), image(CAT), shift(451 - LEAST, 0)) is not None


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
    found = laid(pixels, pixels)
    assert found.agreement == pytest.approx(1, abs=1e-4)
    assert (found.changed, found.tone, found.detail, found.grain) == (0, 0, 0, 0)
    assert not found.where.any()


@pytest.mark.parametrize("width", [325, 350, 384, 415])
def test_identical_at_every_size(width: int) -> None:
    """An image of any size agrees with itself, and neither of the two is the sharper one."""
    noise = np.random.default_rng(0).integers(0, 256, (200, width, 3)).astype(np.uint8)
    found = laid(noise, noise)
    assert found.agreement > 0.9999
    assert abs(found.detail) < 1e-3
    assert found.grain < 1e-4


@pytest.mark.parametrize("pixels", [CAT, COFFEE], ids=["cat", "coffee"])
@pytest.mark.parametrize("name", COLOURS)
def test_colours_change_nothing_but_the_tone(name: str, pixels: np.ndarray) -> None:
    """A recoloured copy or negative differs nowhere, keeps structure and sharpness, and has another tone."""
    found = laid(pixels, COLOURS[name](pixels), inverted=name == "negative")
    assert found.changed < 0.002
    assert found.agreement > 0.95
    assert found.tone > 0.03
    assert abs(found.detail) < 0.1


def test_a_negative_is_one_only_if_it_is_said() -> None:
    """The structure of a negative is the opposite, unless one knows what it is."""
    assert laid(CAT, 255 - CAT).agreement == pytest.approx(-1, abs=1e-3)
    assert laid(CAT, 255 - CAT, inverted=True).agreement == pytest.approx(1, abs=1e-3)
    assert laid(CAT, CAT, inverted=True).agreement == pytest.approx(-1, abs=1e-3)


def test_other_images_do_not_agree() -> None:
    """A cat and a cup of coffee have no structure in common, and most of the part is something else."""
    found = laid(CAT, COFFEE[:300, :451])
    assert abs(found.agreement) < 0.15
    assert found.changed > 0.3


# --- what does


def drawn_square(part: Overlap, x: int, y: int, side: int) -> np.ndarray:
    """Which pixels of the common part show the square of image b whose corner is (x, y); the two lie upright."""
    height, width = part.mask.shape
    columns = [x <= (part.to_b @ (column + 0.5, 0, 1))[0] < x + side for column in range(width)]
    rows = [y <= (part.to_b @ (0, row + 0.5, 1))[1] < y + side for row in range(height)]
    return np.outer(rows, columns)


def intersection_over_union(part: Overlap, inverted: bool, x: int, y: int, side: int) -> float:
    where, expected = difference(part, inverted).where, drawn_square(part, x, y, side)
    return float((where & expected).sum() / (where | expected).sum())


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
    where = laid(COFFEE_SMALL, spot).where
    apart = np.abs(spot.astype(int) - COFFEE_SMALL).max(-1) / 255
    assert where[(apart > 0.07) & (weight[..., 0] > 0.2)].mean() > 0.95
    assert not where[weight[..., 0] == 0].any()
    trace = np.rint(COFFEE_SMALL + (weight > 0.5) * 255 * 0.04).clip(0, 255).astype(np.uint8)
    assert not laid(COFFEE_SMALL, trace).where.any()


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
    """A blurred copy has less detail, a sharpened one more, in either order; a JPEG leaves it."""
    assert laid(pixels, blurred(pixels)).detail < -0.2
    assert laid(pixels, sharpened(pixels)).detail > 0.2
    assert abs(laid(pixels, jpeg(pixels)).detail) < 0.05


@pytest.mark.parametrize("change", [blurred, sharpened, jpeg, seeded_noise, COLOURS["gamma 2"]])
def test_the_other_way_round(change: Change) -> None:
    """With a and b in each other's place detail has the other sign, and all else is the same."""
    there, back = laid(CAT, change(CAT)), laid(change(CAT), CAT)
    assert there.detail == pytest.approx(-back.detail, abs=1e-5)
    for name in ("agreement", "changed", "tone", "grain", "even"):
        assert getattr(there, name) == pytest.approx(getattr(back, name), abs=1e-5)
    assert np.array_equal(there.where, back.where)


@pytest.mark.parametrize("pixels", [CAT, COFFEE], ids=["cat", "coffee"])
def test_noise(pixels: np.ndarray) -> None:
    """The more noise the more grain, as strong where the image is smooth, unlike what JPEG and blur leave."""
    faint, strong = (laid(pixels, seeded_noise(pixels, deviation)) for deviation in (5, 15))
    assert 0 < faint.grain < strong.grain
    assert abs(strong.even) < 0.1
    for change in (jpeg, blurred, sharpened):
        assert laid(pixels, change(pixels)).even < strong.even - 0.1


def test_flat_images() -> None:
    """Two images of one colour have no structure to agree in, differ in tone alone, and give finite numbers."""
    grey, red = np.full((60, 80, 3), 90, np.uint8), np.full((60, 80, 3), (200, 10, 10), np.uint8)
    for found in (laid(grey, grey), laid(grey, red)):
        numbers = (found.agreement, found.changed, found.tone, found.detail, found.grain, found.even)
        assert all(math.isfinite(number) for number in numbers)
        assert (found.agreement, found.changed) == (0, 0)
    assert laid(grey, red).tone > 0.2


# --- moved into place


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("mirrored", [False, True])
def test_refined(mirrored: bool, inverted: bool) -> None:
    """A transform that is three pixels off is brought to within half a pixel of the true one."""
    b = COFFEE[:, ::-1] if mirrored else COFFEE
    true = np.array([[-1, 0, 600], [0, 1, 0], [0, 0, 1.0]]) if mirrored else np.eye(3)
    near = shift(2.0, -1.5, 1.003) @ true
    part = overlap(image(COFFEE), image(255 - b if inverted else b), near)
    assert part is not None
    found = refined(part, inverted)
    assert found is not None
    there = np.array([[0, 0, 1], [600, 0, 1], [600, 400, 1], [0, 400, 1]])
    assert np.abs(there @ (near - true).T).max() > 2
    assert np.abs(there @ (found - true).T).max() < 0.5


def test_refined_finds_nothing_in_noise() -> None:
    """Two images of noise cannot be moved into place: none, or a small move, but no error."""
    noise = [np.random.default_rng(seed).integers(0, 256, (100, 100, 3)).astype(np.uint8) for seed in (0, 1)]
    part = overlap(*map(image, noise), np.eye(3))
    assert part is not None
    found = refined(part, False)
    assert found is None or np.abs(found - np.eye(3)).max() < 10
