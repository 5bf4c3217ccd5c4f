"""Affine transforms from keypoints: photographs warped by a known matrix, points placed by hand, explicit loops."""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np
import pytest

from lookalike.comparison.alignment.matching import (
    AffineMatch,
    count_epipolar_inliers,
    estimate_affine,
    match_keypoints,
)
from lookalike.comparison.alignment.transforms import transform_points
from lookalike.descriptors.keypoints import Keypoints, keypoints
from lookalike.types import Image
from samples import drawn, photograph

CONVINCING = 12  # inliers


def image(pixels: np.ndarray) -> Image:
    return Image(np.ascontiguousarray(pixels), pixels.shape[1], pixels.shape[0])


@cache
def points_of(name: str) -> Keypoints:
    return keypoints(image(images()[name] if name in images() else photograph(name)))


def linear(
    scale: float = 1, degrees: float = 0, mirror: bool = False, shear: float = 0, squeeze: float = 1
) -> np.ndarray:
    """(2, 2): mirrored left to right, then sheared and squeezed, then turned clockwise."""
    turn = math.radians(degrees)
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    return scale * rotation @ np.array([[1, shear], [0, squeeze]]) @ np.diag([-1 if mirror else 1, 1])


def framed(part: np.ndarray, width: int, height: int) -> tuple[np.ndarray, tuple[int, int]]:
    """The (3, 3) matrix with this linear part that brings an image into the frame of its new size; and that size."""
    there = np.array([[0, 0], [width, 0], [width, height], [0, height]]) @ part.T
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = part, -there.min(0)
    wide, high = np.ceil(np.ptp(there, axis=0)).astype(int).tolist()
    return matrix, (wide, high)


def warped(pixels: np.ndarray, matrix: np.ndarray, size: tuple[int, int], fine: int = 3) -> np.ndarray:
    """The image through a matrix between pixel corners: drawn three times too large, then reduced."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # OpenCV counts from the middle of the first pixel
    inner = np.linalg.inv(half) @ np.diag([fine, fine, 1]) @ matrix @ half
    large = cv2.warpAffine(pixels, inner[:2], (size[0] * fine, size[1] * fine), flags=cv2.INTER_LINEAR)
    return cv2.resize(large, size, interpolation=cv2.INTER_AREA)


def corner_error(first: np.ndarray, second: np.ndarray, width: float, height: float) -> float:
    """How far two matrices bring the corners of an image from one another, at most."""
    there = np.array([[x, y, 1] for x, y in ((0, 0), (width, 0), (width, height), (0, height))])
    return float(np.abs((there @ first.T - there @ second.T)[:, :2]).max())


# --- photographs

WARPS = {
    "as it is": {}, "0.4": {"scale": 0.4}, "0.6, 17": {"scale": 0.6, "degrees": 17}, "2": {"scale": 2},
    "45": {"degrees": 45}, "90": {"degrees": 90}, "180, 1.5": {"degrees": 180, "scale": 1.5}, "-100": {"degrees": -100},
    "3, 0.7": {"degrees": 3, "scale": 0.7}, "shear": {"shear": 0.25}, "squeeze": {"squeeze": 0.7},
    "mirror": {"mirror": True}, "mirror, 0.5, 60": {"mirror": True, "scale": 0.5, "degrees": 60},
    "mirror, 1.5, 180": {"mirror": True, "scale": 1.5, "degrees": 180},
    "all": {"scale": 0.8, "degrees": 20, "mirror": True, "shear": 0.1, "squeeze": 0.9},
}  # fmt: skip


@pytest.mark.parametrize("negative", [False, True], ids=["positive", "negative"])
@pytest.mark.parametrize("warp", WARPS)
def test_a_known_warp_is_recovered(warp: str, negative: bool) -> None:
    """Corners within a pixel, both ways round, and whether it is a mirror image or a negative."""
    name = ("chelsea.png", "coffee.png")[len(warp) % 2]
    pixels = photograph(name)
    height, width = pixels.shape[:2]
    matrix, size = framed(linear(**WARPS[warp]), width, height)
    copy = warped(pixels, matrix, size)
    there = keypoints(image(255 - copy if negative else copy))
    found, back = estimate_affine(points_of(name), there), estimate_affine(there, points_of(name))
    assert found is not None
    assert back is not None
    assert corner_error(matrix, found.matrix, width, height) < 1
    assert corner_error(np.eye(3), back.matrix @ found.matrix, width, height) < 1
    assert (WARPS[warp].get("mirror", False), negative) == (found.mirrored, found.inverted)
    assert (found.mirrored, found.inverted) == (back.mirrored, back.inverted)
    assert found.inliers > 100
    assert found.residual < 0.6


@pytest.mark.parametrize(("x", "y", "width", "height"), [(0, 0, 300, 200), (170, 60, 256, 220), (301, 199, 180, 150)])
def test_a_crop_gives_the_exact_shift(x: int, y: int, width: int, height: int) -> None:
    """The corners of a crop are where it was cut, to 0.75 pixels, although it is enlarged for the search."""
    pixels = photograph("coffee.png")[y : y + height, x : x + width]
    found = estimate_affine(keypoints(image(pixels)), points_of("coffee.png"))
    assert found is not None
    assert corner_error(np.array([[1, 0, x], [0, 1, y], [0, 0, 1]]), found.matrix, width, height) < 0.75


def test_a_match_knows_its_inliers() -> None:
    """The matrix brings the inliers of a near those of b, and they are no more than were matched."""
    pixels = photograph("chelsea.png")
    matrix, size = framed(linear(0.8, 30), pixels.shape[1], pixels.shape[0])
    found = estimate_affine(points_of("chelsea.png"), keypoints(image(warped(pixels, matrix, size))))
    assert isinstance(found, AffineMatch)
    assert found.a.shape == found.b.shape == (found.inliers, 2)
    away = np.linalg.norm(transform_points(found.matrix, found.a) - found.b, axis=1)
    assert found.inliers <= found.matches
    assert away.max() < 4
    assert found.residual == pytest.approx(np.median(away), abs=0.02)  # both were searched at full size, or enlarged


def test_the_same_every_time() -> None:
    """Chance numbers drawn in between change nothing: the same matrix and inliers to the last bit."""
    there = keypoints(image(photograph("coffee.png")[50:300, 80:500]))
    first = estimate_affine(points_of("coffee.png"), there)
    cv2.setRNGSeed(77)
    cv2.randu(np.zeros(9, np.uint8), 0, 99)
    second = estimate_affine(points_of("coffee.png"), there)
    assert first is not None
    assert second is not None
    assert first.matrix.tobytes() == second.matrix.tobytes()
    assert (first.a.tobytes(), first.b.tobytes()) == (second.a.tobytes(), second.b.tobytes())


# --- what is refused


@cache
def images() -> dict[str, np.ndarray]:
    """Textures that repeat, and with them everything that a keypoint can be mistaken for."""
    y, x = np.mgrid[:240, :320]

    def rgb(grey: np.ndarray) -> np.ndarray:
        return np.repeat(grey[..., None].astype(np.uint8), 3, 2)

    return {
        "checkerboard": rgb((x // 16 + y // 16) % 2 * 255),
        "larger checkerboard": rgb((x // 37 + y // 37) % 2 * 200 + 20),
        "tiles": np.tile(drawn(7, 40, 40), (6, 8, 1)),
        "other tiles": np.tile(drawn(8, 32, 24), (10, 10, 1)),
        "fence": rgb(np.where((x % 30 < 12) & (y > 60) & (y < 200), 220, 60 + y // 5)),
        "rails": rgb(np.where((x % 24 < 9) | (y % 100 < 14), 210, 70)),
        "stripes": rgb(x // 10 % 2 * 255),
        "diagonals": rgb((x + y) // 12 % 2 * 255),
        "grid": rgb(np.where((x % 20 < 2) | (y % 20 < 2), 0, 255)),
        "dots": rgb(np.where((x % 25 - 12) ** 2 + (y % 25 - 12) ** 2 < 50, 0, 230)),
        "noise": np.random.default_rng(0).integers(0, 256, (240, 320, 3)).astype(np.uint8),
    }


PHOTOGRAPHS = ("chelsea.png", "coffee.png", "brick.png", "text.png", "coins.png")
UNLIKE = [(a, b) for i, a in enumerate(PHOTOGRAPHS) for b in PHOTOGRAPHS[i + 1 :]]
UNLIKE += [(a, b) for a in images() for b in ("chelsea.png", "brick.png")]
UNLIKE += [("checkerboard", b) for b in ("larger checkerboard", "grid", "rails")]
UNLIKE += [("tiles", "other tiles"), ("fence", "rails"), ("stripes", "diagonals"), ("dots", "grid"), ("fence", "tiles")]


@pytest.mark.parametrize(("a", "b"), UNLIKE, ids=str)
def test_what_is_something_else_convinces_nobody(a: str, b: str) -> None:
    """Other photographs, and textures that repeat, are not aligned, or by few points."""
    for first, second in ((a, b), (b, a)):
        found = estimate_affine(points_of(first), points_of(second))
        assert found is None or found.inliers < CONVINCING


# --- points placed by hand


def scattered(count: int = 40, seed: int = 0) -> Keypoints:
    """Points anywhere in a 400 x 300 image, each with a vector like no other."""
    rng = np.random.default_rng(seed)
    points = rng.uniform((0, 0), (400, 300), (count, 2)).astype(np.float32)
    return Keypoints(points, rng.integers(0, 120, (count, 128)).astype(np.uint8), 1.0)


def through(points: Keypoints, part: np.ndarray) -> Keypoints:
    """The same points, moved by a (2, 2) matrix, with the same vectors."""
    return Keypoints((points.points @ part.T + (30, 20)).astype(np.float32), points.vectors, points.pixel_scale)


@pytest.mark.parametrize("part", [linear(), linear(1.5, 70), linear(0.1, -20), linear(15), linear(squeeze=0.4)])
def test_points_that_a_map_holds_for(part: np.ndarray) -> None:
    """Scattered points that are moved by one affine map are all inliers of it."""
    a = scattered()
    found = estimate_affine(a, through(a, part))
    assert found is not None
    assert (found.inliers, found.matches, found.mirrored, found.inverted) == (40, 40, False, False)
    assert np.allclose(part, found.matrix[:2, :2], atol=1e-2)
    assert np.allclose((30, 20), found.matrix[:2, 2], atol=0.1)


def test_points_that_lie_elsewhere_are_no_inliers() -> None:
    """Of 40 points 12 were put anywhere: the other 28 are the inliers."""
    a = scattered()
    b = through(a, linear(1.2, 40))
    b.points[:12] = np.random.default_rng(9).uniform(900, 1500, (12, 2))
    found = estimate_affine(a, b)
    assert found is not None
    assert a.points[12:].tolist() == found.a.tolist()
    assert (found.inliers, found.matches) == (28, 40)


REFUSED = {
    "folded over": linear(mirror=True),  # the vectors say that it is no mirror image
    "squeezed to a quarter": linear(squeeze=0.25),
    "squeezed to nothing": linear(squeeze=0.01),
    "shrunk to a spot": linear(0.02),
    "enlarged thirty times": linear(30),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_map_that_nobody_makes_is_refused(why: str) -> None:
    """Folding and collapsing maps are refused, however many points they hold for."""
    a = scattered()
    assert estimate_affine(a, through(a, REFUSED[why])) is None
    assert estimate_affine(through(a, REFUSED[why]), a) is None


@pytest.mark.parametrize("why", ["on one line", "nearly on one line", "in one spot", "in two spots"])
def test_points_that_hold_up_no_map(why: str) -> None:
    """Points on one line, or in one or two spots, in the one image or in both, leave the map open: refused."""
    rng, full = np.random.default_rng(1), scattered()
    along = np.linspace(10, 300, 40)
    placed = {
        "on one line": np.stack([along, 0.5 * along + 7], 1),
        "nearly on one line": np.stack([along, 0.5 * along + rng.normal(0, 0.3, 40)], 1),
        "in one spot": np.full((40, 2), 50.0) + rng.uniform(0, 0.5, (40, 2)),
        "in two spots": np.array([[50.2, 50.2], [200.2, 90.2]]).repeat(20, 0) + rng.uniform(0, 0.5, (40, 2)),
    }
    poor = Keypoints(placed[why].astype(np.float32), full.vectors, 1.0)
    assert estimate_affine(poor, poor) is None
    assert estimate_affine(poor, full) is None
    assert estimate_affine(full, poor) is None


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_points(count: int) -> None:
    """Fewer points than MIN_INLIERS give no transform, and none at all are no error."""
    assert estimate_affine(scattered(count), scattered()) is None
    assert estimate_affine(scattered(), scattered(count)) is None
    assert estimate_affine(scattered(count), scattered(count)) is None


def two_views(count: int, strays: int, seed: int = 3) -> tuple[Keypoints, Keypoints]:
    """``count`` points of a cloud as two cameras see them, one a step to the side and turned a little, and ``strays``
    that lie anywhere; row i of the one belongs to row i of the other."""
    rng = np.random.default_rng(seed)
    cloud = rng.uniform((-1, -1, 3), (1, 1, 6), (count, 3))
    turn = cv2.Rodrigues(np.array([0.02, 0.15, -0.03]))[0]
    seen = [p[:, :2] / p[:, 2:] * 400 + 200 for p in (cloud, cloud @ turn.T + np.array([-0.8, 0.1, 0.2]))]
    vectors = rng.integers(0, 200, (count + strays, 128)).astype(np.uint8)
    points = [np.concatenate([p, rng.uniform(0, 400, (strays, 2))]).astype(np.float32) for p in seen]
    return Keypoints(points[0], vectors, 1.0), Keypoints(points[1], vectors, 1.0)


@pytest.mark.parametrize(("count", "strays"), [(30, 0), (60, 20), (200, 200)])
def test_epipolar_inliers(count: int, strays: int) -> None:
    """Of a cloud of points that no flat map holds for, those that two cameras saw are counted and hardly any other."""
    a, b = two_views(count, strays)
    placed = estimate_affine(a, b)
    assert placed is None or placed.inliers < count / 2
    found = count_epipolar_inliers(a, b)
    assert count * 0.97 <= found <= count + strays / 10


def test_negatives_have_no_epipolar_inliers() -> None:
    """Matches that lie anywhere have no cameras in common but by chance, and two other images have few matches."""
    a, b = two_views(0, 40)
    assert count_epipolar_inliers(a, b) <= 12
    assert count_epipolar_inliers(points_of("chelsea.png"), points_of("coffee.png")) <= 9
    assert count_epipolar_inliers(*two_views(7, 0)) == 0


def test_the_reach_is_measured_in_the_other_image() -> None:
    """On a thumbnail a point that lies 12 of its pixels away is no inlier, however large the first image is."""
    large = Keypoints(scattered().points * 10, scattered().vectors, 6.3)  # 4000 x 3000
    thumbnail = through(scattered(), linear())  # 400 x 300
    thumbnail.points[:10] += np.random.default_rng(2).choice([-12, 12], (10, 2))
    found = estimate_affine(large, thumbnail)
    assert found is not None
    assert found.inliers == 30


# --- matches


def matched_by_loops(a: np.ndarray, b: np.ndarray) -> list[tuple[int, int]]:
    """Mutual nearest neighbours whose distance is at most 0.85 of the next one's, from either side."""
    distances = [[math.dist(x, y) for y in b.tolist()] for x in a.tolist()]
    found = []
    for i, row in enumerate(distances):
        j = row.index(min(row))
        column = [other[j] for other in distances]
        if column.index(min(column)) != i:
            continue
        others = [d for k, d in enumerate(row) if k != j] + [d for k, d in enumerate(column) if k != i]
        if row[j] <= 0.85 * min(others, default=2.0):
            found.append((i, j))
    return found


@pytest.mark.parametrize(("n", "m", "dim"), [(1, 1, 3), (1, 7, 3), (6, 1, 3), (12, 20, 3), (30, 25, 4), (40, 40, 16)])
def test_matches(n: int, m: int, dim: int) -> None:
    """The pairs are those that loops over every distance give, many of them near copies, many not."""
    rng = np.random.default_rng(n * m)
    a = rng.normal(size=(n, dim))
    b = rng.normal(size=(m, dim))
    some = min(n, m) // 2
    b[:some] = a[n - some :] + rng.normal(0, 0.1, (some, dim))
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
    first, second = match_keypoints(a.astype(np.float32), b.astype(np.float32))
    assert matched_by_loops(a, b) == list(zip(first.tolist(), second.tolist(), strict=True))


def test_matches_leave_their_input() -> None:
    """Neither array is written to."""
    a, b = (np.random.default_rng(s).normal(size=(9, 5)).astype(np.float32) for s in (1, 2))
    before = a.tobytes(), b.tobytes()
    match_keypoints(a, b)
    assert before == (a.tobytes(), b.tobytes())
