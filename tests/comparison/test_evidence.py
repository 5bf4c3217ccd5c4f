"""Evidence from images whose relation is known: the same from either side, boxes where they were cut, never a NaN."""

from __future__ import annotations

import itertools
import math
from functools import cache

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from lookalike.comparison.evidence import NOTHING, Finding, Subject, box_of, examine, measured, subject, with_distances
from lookalike.types import Image
from samples import drawn, photograph

CAT, COFFEE = photograph("chelsea.png"), photograph("coffee.png")


def looked(pixels: np.ndarray) -> Subject:
    return subject(Image(np.ascontiguousarray(pixels), pixels.shape[1], pixels.shape[0]))


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
    "turned crop": (np.rot90(COFFEE[61:261, 130:430]), COFFEE, (130, 61, 300, 200)),
    "negative crop": (255 - COFFEE[61:261, 130:430], COFFEE, (130, 61, 300, 200)),
    "padded": (CAT, pasted(np.full((400, 700, 3), 255, np.uint8), CAT, 120, 33), (120, 33, 451, 300)),
    "pasted": (CAT, pasted(COFFEE, resized(CAT, 226, 150), 301, 199), (301, 199, 226, 150)),
}
COPIES = {
    "itself": (CAT, CAT),
    "reduced": (CAT, SMALL),
    "turned, negative": (CAT, 255 - np.rot90(CAT)),
    "blurred": (CAT, cv2.GaussianBlur(CAT, (0, 0), 2)),
    "hardly any points": tuple(cv2.GaussianBlur(x, (0, 0), 12) for x in (CAT, CAT[::-1])),
    "two crops": (COFFEE[:350, :450], COFFEE[60:, 100:]),
    "others": (CAT, COFFEE),
}
PAIRS = COPIES | {name: part[:2] for name, part in PARTS.items()}


@cache
def examined(name: str) -> tuple[Subject, Subject, Finding | None, Finding | None]:
    a, b = map(looked, PAIRS[name])
    return a, b, examine(a, b), examine(b, a)


@pytest.mark.parametrize("name", PAIRS)
def test_seen_from_the_other(name: str) -> None:
    """Either order gives the same finding, with everything that has a direction the other way round."""
    _, _, there, back = examined(name)
    assert (there is None) == (back is None)
    if there is None or back is None:
        return
    assert np.allclose(np.eye(3), back.placement.matrix @ there.placement.matrix, atol=1e-9)
    assert (there.outside_a, there.outside_b, there.shared) == (back.outside_b, back.outside_a, back.shared)
    for field in ("inliers", "matches", "mirrored", "inverted", "residual"):
        assert getattr(there.placement, field) == getattr(back.placement, field)
    for field in ("agreement", "structured", "changed", "tone", "grain", "even"):
        assert getattr(there.difference, field) == getattr(back.difference, field)
    assert there.difference.detail == -back.difference.detail
    assert np.array_equal(there.difference.where, back.difference.where)
    assert np.array_equal(there.placement.a, back.placement.b)
    assert np.array_equal(there.part.a, back.part.b)
    assert np.array_equal(there.part.to_a, back.part.to_b)


@pytest.mark.parametrize("name", [name for name in PAIRS if name not in ("itself", "others", "two crops")])
def test_copies_agree(name: str) -> None:
    """Every kind of copy is found, and where it lies the two agree."""
    _, _, found, _ = examined(name)
    assert found is not None
    assert found.difference.agreement > 0.85
    assert found.difference.changed < 0.02


def test_others_have_nothing_in_common() -> None:
    """Two photographs of other things are not laid on one another, or do not agree there."""
    _, _, found, _ = examined("others")
    assert found is None or (found.placement.inliers < 12 and found.difference.agreement < 0.3)


@pytest.mark.parametrize("name", PARTS)
def test_the_box_is_where_it_was_cut(name: str) -> None:
    """Within a pixel, and in the image that shows more, whichever of the two comes first."""
    a, b, there, back = examined(name)
    assert there is not None
    assert back is not None
    assert (there.box_in, back.box_in) == ("b", "a")
    for box in (box_of(there, a.image, b.image), box_of(back, b.image, a.image)):
        assert (box.x, box.y, box.width, box.height) == pytest.approx(PARTS[name][2], abs=1)


@pytest.mark.parametrize("name", PARTS)
def test_the_share_outside(name: str) -> None:
    """What the smaller image does not show of the larger is known from their areas; nothing of it is outside."""
    _, b, found, _ = examined(name)
    assert found is not None
    width, height = PARTS[name][2][2:]
    assert found.outside_a == pytest.approx(0, abs=0.01)
    assert found.outside_b == pytest.approx(1 - width * height / (b.image.width * b.image.height), abs=0.01)


def test_a_copy_of_the_whole_has_nothing_outside() -> None:
    """Of an image, its reduced copy and its turned negative exactly nothing is outside: they snap to the whole."""
    for name in ("itself", "reduced", "turned, negative"):
        _, _, found, _ = examined(name)
        assert found is not None
        assert (found.outside_a, found.outside_b) == pytest.approx((0, 0), abs=1e-6)


def test_two_crops_of_one_image() -> None:
    """Each shows something that the other does not: the shares follow from where they were cut."""
    _, _, found, _ = examined("two crops")
    assert found is not None
    common = 350 * 290
    assert found.outside_a == pytest.approx(1 - common / (450 * 350), abs=0.01)
    assert found.outside_b == pytest.approx(1 - common / (500 * 340), abs=0.01)


def test_hardly_any_points_are_laid_all_the_same() -> None:
    """Blurred images that no keypoints hold up are found by laying them; which turn it was is known."""
    _, _, found, _ = examined("hardly any points")
    assert found is not None
    assert found.placement.mirrored
    assert np.allclose([[1, 0, 0], [0, -1, 300], [0, 0, 1]], found.placement.matrix, atol=4)


# --- as numbers


def page(seed: int) -> np.ndarray:
    """Lines of random letters, black on white, the lines of every page in the same places."""
    rng = np.random.default_rng(seed)
    image = Pillow.new("RGB", (300, 400), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(12)
    for y in range(20, 380, 15):
        words = ["".join(rng.choice(list("etaoinshrdlucm"), rng.integers(2, 9))) for _ in range(6)]
        draw.text((20, y), " ".join(words), fill="black", font=font)
    return np.asarray(image)


@cache
def bad() -> dict[str, Subject]:
    """What breaks a careless comparison."""
    y, x = np.mgrid[:180, :240]

    def rgb(grey: np.ndarray) -> np.ndarray:
        return np.repeat(grey[..., None].astype(np.uint8), 3, 2)

    def noise(height: int, width: int) -> np.ndarray:
        return np.random.default_rng(height).integers(0, 256, (height, width, 3)).astype(np.uint8)

    images = {
        "grey": np.full((90, 120, 3), 130, np.uint8),
        "white": np.full((200, 120, 3), 255, np.uint8),
        "noise": noise(180, 240),
        "other noise": noise(200, 300),
        "page": page(1),
        "other page": page(2),
        "tiles": np.tile(drawn(7, 40, 40), (5, 6, 1)),
        "other tiles": np.tile(drawn(8, 24, 32), (7, 7, 1)),
        "fence": rgb(np.where((x % 30 < 12) & (y > 40), 220, 60 + y // 5)),
        "checkerboard": rgb((x // 16 + y // 16) % 2 * 255),
        "1x1": noise(1, 1),
        "1x5000": noise(1, 5000),
        "5000x1": noise(5000, 1),
        "2x2": drawn(1, 2, 2),
        "panorama": np.hstack([drawn(i, 200, 100) for i in range(5)]),
        "cat": CAT,
    }
    return {name: looked(pixels) for name, pixels in images.items()}


DISTANCES = {"one": 0.25, "two": 40.0}


@pytest.mark.parametrize("a", bad())
def test_bad_input(a: str) -> None:
    """With itself and with all that follow: the same keys as with no finding, finite numbers, from either side."""
    keys = list(measured(bad()[a], bad()[a], None, DISTANCES))
    for b in list(bad())[list(bad()).index(a) :]:
        one, other = bad()[a], bad()[b]
        finding = examine(one, other)
        found = measured(one, other, finding, DISTANCES)
        assert keys == list(found)
        assert all(math.isfinite(value) for value in found.values()), (b, found)
        assert found == pytest.approx(measured(other, one, examine(other, one), DISTANCES), abs=1e-9)
        if finding is not None:
            box = box_of(finding, one.image, other.image)
            assert min(box.x, box.y, box.width, box.height) >= 0


UNLIKE = list(itertools.combinations(("noise", "other noise", "page", "other page", "tiles", "other tiles"), 2))


@pytest.mark.parametrize(("a", "b"), UNLIKE, ids=str)
def test_nothing_is_proved_of_what_is_unlike(a: str, b: str) -> None:
    """Noise, pages and tiles that only look alike prove nothing."""
    found = measured(bad()[a], bad()[b], examine(bad()[a], bad()[b]), DISTANCES)
    assert found["proved"] < 0.2


@pytest.mark.parametrize("name", ["cat", "noise", "page", "tiles", "panorama"])
def test_an_image_with_itself(name: str) -> None:
    """It lies on itself, agrees, and nothing differs."""
    one = bad()[name]
    finding = examine(one, one)
    assert finding is not None
    assert np.allclose(np.eye(3), finding.placement.matrix)
    found = measured(one, one, finding, DISTANCES)
    zero = (
        "changed",
        "tone",
        "sharpness",
        "turned",
        "tilted",
        "stretched",
        "mirrored",
        "negative",
        "beyond",
        "shifted",
    )
    assert {key: pytest.approx(0, abs=1e-6) for key in zero} == {key: found[key] for key in zero}
    assert found["proved"] == pytest.approx(1, abs=1e-3)


def test_nothing_found() -> None:
    """Without a finding every measure is zero but those of the points that were missed, and distances count in full."""
    found = measured(bad()["cat"], bad()["grey"], None, DISTANCES)
    assert found == {**NOTHING, **DISTANCES, "proved": 0, "unproved one": 0.25, "unproved two": 40}
    missed = measured(bad()["cat"], bad()["noise"], None, DISTANCES)
    assert missed["missed"] == pytest.approx(math.log1p(min(len(bad()["cat"].points), len(bad()["noise"].points))))


def test_distances_count_less_the_better_the_place_is_proved() -> None:
    """By hand: 15 inliers and full agreement prove it, 5 prove a third, and half the agreement half of that."""
    for inliers, agreement, proved in (
        (15, 1.0, 1.0),
        (400, 1.0, 1.0),
        (5, 1.0, 1 / 3),
        (5, 0.5, 1 / 6),
        (0, 1.0, 0.0),
    ):
        found = with_distances({**NOTHING, "inliers": math.log1p(inliers), "agreement": agreement}, DISTANCES)
        assert found["proved"] == pytest.approx(proved)
        assert found["unproved two"] == pytest.approx(40 * (1 - proved))
        assert found["two"] == 40


def test_a_crop_leaves_scene_and_a_border_leaves_a_plain_colour() -> None:
    """What is beyond the smaller image is told apart: photograph, or one colour."""
    of_crop, of_border = (measured(*examined(name)[:3], DISTANCES) for name in ("crop", "padded"))
    assert of_crop["beyond"] > 0.7 > 0.5 > of_crop["beyond plain"]
    assert of_border["beyond plain"] > 0.7 > 0.2 > of_border["beyond"]
    assert of_crop["beyond much"] == pytest.approx(0.75, abs=0.01)
