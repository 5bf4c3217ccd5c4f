"""Evidence from images whose relation is known: the same from either side, by hand, never a NaN."""

from __future__ import annotations

import itertools
import math
from functools import cache

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from lookalike.comparison.alignment.align import KeypointImage, PairGeometry, inner_box, pair_geometry, with_keypoints
from lookalike.comparison.evidence import NO_ALIGNMENT, distance_evidence, evidence_values, with_distances
from lookalike.descriptors import describe_all, get
from lookalike.distance import METRICS
from lookalike.imaging import from_array
from lookalike.types import Image
from samples import drawn, photograph

CAT, COFFEE = photograph("chelsea.png"), photograph("coffee.png")


def loaded(pixels: np.ndarray) -> KeypointImage:
    return with_keypoints(Image(np.ascontiguousarray(pixels), pixels.shape[1], pixels.shape[0]))


def unaligned(a: KeypointImage, b: KeypointImage) -> PairGeometry:
    """What two images have that nothing aligns."""
    return PairGeometry(a, b, None, 0)


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
def bad() -> dict[str, KeypointImage]:
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
    return {name: loaded(pixels) for name, pixels in images.items()}


DISTANCES = {"one": 0.25, "two": 40.0}


@pytest.mark.parametrize("a", bad())
def test_bad_input(a: str) -> None:
    """With itself and with all that follow: the same keys as with no alignment, finite numbers, from either side."""
    keys = list(evidence_values(unaligned(bad()[a], bad()[a]), DISTANCES))
    for b in list(bad())[list(bad()).index(a) :]:
        one, other = bad()[a], bad()[b]
        geometry = pair_geometry(one, other)
        found = evidence_values(geometry, DISTANCES)
        assert keys == list(found)
        assert all(math.isfinite(value) for value in found.values()), (b, found)
        assert found == pytest.approx(evidence_values(pair_geometry(other, one), DISTANCES), abs=1e-9)
        if geometry.alignment is not None:
            box = inner_box(geometry.alignment, one.image, other.image)
            assert min(box.x, box.y, box.width, box.height) >= 0


UNLIKE = list(itertools.combinations(("noise", "other noise", "page", "other page", "tiles", "other tiles"), 2))


@pytest.mark.parametrize(("a", "b"), UNLIKE, ids=str)
def test_nothing_verifies_what_is_unlike(a: str, b: str) -> None:
    """Noise, pages and tiles that only look alike are not verified."""
    found = evidence_values(pair_geometry(bad()[a], bad()[b]), DISTANCES)
    assert found["verified"] < 0.2


@pytest.mark.parametrize("name", ["cat", "noise", "page", "tiles", "panorama"])
def test_an_image_with_itself(name: str) -> None:
    """It lies on itself, agrees, and nothing differs."""
    one = bad()[name]
    geometry = pair_geometry(one, one)
    assert geometry.alignment is not None
    assert np.allclose(np.eye(3), geometry.alignment.match.matrix)
    found = evidence_values(geometry, DISTANCES)
    zero = (
        "changed",
        "tone",
        "sharpness_log_ratio",
        "rotation",
        "tilt",
        "anisotropy",
        "mirrored",
        "negative",
        "outside_overlap",
        "outside_both",
    )
    assert {key: pytest.approx(0, abs=1e-6) for key in zero} == {key: found[key] for key in zero}
    assert found["verified"] == pytest.approx(1, abs=1e-3)


def test_nothing_found() -> None:
    """Without an alignment all is zero but the keypoints that are unmatched, and distances count in full."""
    found = evidence_values(unaligned(bad()["cat"], bad()["grey"]), DISTANCES)
    assert found == {**NO_ALIGNMENT, **DISTANCES, "verified": 0, "unverified_one": 0.25, "unverified_two": 40}
    unmatched = evidence_values(unaligned(bad()["cat"], bad()["noise"]), DISTANCES)
    assert unmatched["unmatched_keypoints"] == pytest.approx(
        math.log1p(min(len(bad()["cat"].keypoints), len(bad()["noise"].keypoints)))
    )


def test_distances_count_less_the_better_the_alignment_is_verified() -> None:
    """By hand: 15 inliers and a full local NCC verify it, 5 a third of it, and half the NCC half of that."""
    for inliers, local_ncc, verified in (
        (15, 1.0, 1.0),
        (400, 1.0, 1.0),
        (5, 1.0, 1 / 3),
        (5, 0.5, 1 / 6),
        (0, 1.0, 0.0),
    ):
        found = with_distances({**NO_ALIGNMENT, "inliers": math.log1p(inliers), "local_ncc": local_ncc}, DISTANCES)
        assert found["verified"] == pytest.approx(verified)
        assert found["unverified_two"] == pytest.approx(40 * (1 - verified))
        assert found["two"] == 40


def test_a_crop_leaves_scene_and_a_border_leaves_a_plain_colour() -> None:
    """What is outside the smaller image counts as scene or as plain: photograph, or one colour."""
    padded = np.full((400, 700, 3), 255, np.uint8)
    padded[33:333, 120:571] = CAT
    crop, border = (COFFEE[61:261, 130:430], COFFEE), (CAT, padded)
    of_crop, of_border = (evidence_values(pair_geometry(*map(loaded, pair)), DISTANCES) for pair in (crop, border))
    assert of_crop["outside_overlap"] > 0.7 > 0.5 > of_crop["outside_overlap_plain"]
    assert of_border["outside_overlap_plain"] > 0.7 > 0.2 > of_border["outside_overlap"]
    assert of_crop["outside_share"] == pytest.approx(0.75, abs=0.01)


def test_distances_in_units_of_the_median_negative() -> None:
    """Each distance is divided by the median negative distance; one that cannot be told counts as that."""
    names = ("colour", "structure", "copy")
    a, b = (describe_all([from_array(photograph(name))], names) for name in ("coffee.png", "chelsea.png"))
    blank = describe_all([from_array(np.full((64, 64, 3), 7, np.uint8))], names)
    found = distance_evidence(a, b)
    for name in names:
        card = get(name).card
        assert (
            found[f"{name}_distance"]
            == float(METRICS[card.metric](a[name].vectors, b[name].vectors)[0, 0]) / card.median_negative_distance
        )
    assert distance_evidence(a, blank)["structure_distance"] == 1.0
