"""SIFT points: where they lie (drawn blobs), and what a mirror and a negative make of their vectors (SIFT itself)."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from lookalike.descriptors import keypoints as module
from lookalike.descriptors.keypoints import Keypoints, inverted, keypoints, mirrored, root
from lookalike.types import Image
from samples import drawn, photograph

SHAPES = ((1, 1), (1, 5000), (5000, 1), (2, 2), (5, 5), (40, 5), (64, 80))


def image(pixels: np.ndarray, scale: int = 1) -> Image:
    """``scale``: how much larger the original is said to be."""
    return Image(np.ascontiguousarray(pixels), pixels.shape[1] * scale, pixels.shape[0] * scale)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def blob(x: float, y: float, spread: float, height: int, width: int) -> np.ndarray:
    """A soft bright spot on grey, its middle at (x, y) counted from the image's corner."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    grey = 40 + 180 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * spread**2))
    return np.repeat(grey.round().astype(np.uint8)[..., None], 3, 2)


@pytest.mark.parametrize("pixels", [photograph("coffee.png"), drawn(1), drawn(2, 40, 30), noise(2, 2)])
def test_shapes(pixels: np.ndarray) -> None:
    """However many points there are, the arrays are (N, 2) float32 and (N, 128) uint8, and the points lie inside."""
    found = keypoints(image(pixels))
    assert (found.points.shape, found.points.dtype) == ((len(found), 2), np.float32)
    assert (found.vectors.shape, found.vectors.dtype) == ((len(found), 128), np.uint8)
    assert (found.points >= 0).all()
    assert (found.points <= (pixels.shape[1], pixels.shape[0])).all()


@pytest.mark.parametrize(
    ("height", "width", "spread"), [(100, 120, 2.0), (200, 300, 6.0), (600, 500, 12.0), (1100, 1300, 20.0)]
)
def test_a_blob_is_found_where_it_was_drawn(height: int, width: int, spread: float) -> None:
    """Points lie on the middle of a drawn spot, in images that are enlarged, kept and reduced for the search."""
    at = (width * 0.37 + 0.3, height * 0.61)
    found = keypoints(image(blob(*at, spread, height, width)))
    away = np.linalg.norm(found.points - at, axis=1)
    assert away.min() < 0.3
    assert np.median(away) < 0.5


@pytest.mark.parametrize("scale", [2, 7])
def test_points_are_in_pixels_of_the_original(scale: int) -> None:
    """An image held at a part of its size has its points where the original has them."""
    found = keypoints(image(blob(90.5, 70.25, 6, 150, 200), scale))
    assert np.linalg.norm(found.points - np.array([90.5, 70.25]) * scale, axis=1).min() < 0.3 * scale


def test_pixel_scale_is_the_step_of_the_search() -> None:
    """Small images are enlarged to at most twice their sides, large ones reduced to SEARCH_AREA; the
    pixel scale says by how much."""
    assert keypoints(image(drawn(1, 100, 80))).pixel_scale == 0.5
    assert keypoints(image(drawn(1, 100, 80), 10)).pixel_scale == 5.0
    assert keypoints(image(drawn(1, 400, 300))).pixel_scale == 1.0
    assert keypoints(image(drawn(1, 1200, 1000))).pixel_scale == pytest.approx(
        math.sqrt(1_200_000 / module.SEARCH_AREA), rel=0.01
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_on_one_colour(shape: tuple[int, int]) -> None:
    """A flat image of any shape has no points, and that is no error."""
    assert len(keypoints(image(np.full((*shape, 3), 200, np.uint8)))) == 0


@pytest.mark.parametrize("shape", SHAPES[:5])
def test_nothing_where_there_is_no_room(shape: tuple[int, int]) -> None:
    """Noise that is one or a few pixels wide has no points either."""
    found = keypoints(image(noise(*shape)))
    assert (found.points.shape, found.vectors.shape) == ((0, 2), (0, 128))
    assert found.pixel_scale > 0


@pytest.mark.parametrize("most", [1, 50, 300])
def test_at_most(most: int) -> None:
    """A crowded image gives as many points as were asked for and no more, also where several tie."""
    assert len(keypoints(image(photograph("coffee.png")), most)) == most
    tiled = np.tile(drawn(7, 40, 40), (6, 6, 1))
    assert len(keypoints(image(tiled), most)) <= most


def test_a_faint_image_has_points() -> None:
    """A photograph with a tenth of its contrast has points, where the points of the photograph lie."""
    pixels = photograph("coffee.png")
    faint = np.rint(pixels / 10 + 110).astype(np.uint8)
    here, there = (keypoints(image(one)).points for one in (faint, pixels))
    assert len(here) >= 150
    nearest = np.linalg.norm(here[:, None] - there, axis=2).min(1)
    assert np.mean(nearest <= 2) > 0.5


def test_the_same_every_time() -> None:
    """Two looks at one image give the same bytes."""
    first, second = (keypoints(image(photograph("chelsea.png"))) for _ in range(2))
    assert first.points.tobytes() == second.points.tobytes()
    assert first.vectors.tobytes() == second.vectors.tobytes()


def similarities_by_place(places: np.ndarray, vectors: np.ndarray, there: Keypoints) -> list[float]:
    """For every place the best cosine with a vector that SIFT found within 0.6 pixels of it, where there is one."""
    said, known, found = vectors.astype(float), there.vectors.astype(float), []
    for place, vector in zip(places, said, strict=True):
        near = np.flatnonzero(np.linalg.norm(there.points - place, axis=1) < 0.6)
        cosines = [known[i] @ vector / np.linalg.norm(known[i]) / np.linalg.norm(vector) for i in near]
        found += [max(cosines)] if cosines else []
    return found


@pytest.mark.parametrize("way", ["mirrored", "inverted", "both"])
def test_what_sift_would_find(way: str) -> None:
    """The rearranged vectors are those that SIFT finds at the same place in the mirrored or negative image."""
    pixels = photograph("chelsea.png")
    here = keypoints(image(pixels))
    places, vectors = here.points.copy(), here.vectors
    if way != "inverted":
        pixels, vectors = pixels[:, ::-1], mirrored(vectors)
        places[:, 0] = pixels.shape[1] - places[:, 0]
    if way != "mirrored":
        pixels, vectors = 255 - pixels, inverted(vectors)
    found = similarities_by_place(places, vectors, keypoints(image(pixels)))
    assert len(found) > 0.9 * len(here)
    assert np.percentile(found, 10) > 0.98
    unchanged = similarities_by_place(places, here.vectors, keypoints(image(pixels)))
    assert np.median(unchanged) < 0.9  # the check can fail


@pytest.mark.parametrize("turned", [mirrored, inverted])
def test_there_and_back(turned: Callable[[np.ndarray], np.ndarray]) -> None:
    """Twice mirrored, or twice a negative, is what it was; once is not, but keeps its numbers."""
    vectors = np.random.default_rng(0).integers(0, 256, (5, 128)).astype(np.uint8)
    once = turned(vectors)
    assert (once.shape, once.dtype) == (vectors.shape, vectors.dtype)
    assert not np.array_equal(vectors, once)
    assert np.array_equal(np.sort(vectors, axis=1), np.sort(once, axis=1))
    assert np.array_equal(vectors, turned(once))


def test_cells_of_the_mirror_and_of_the_negative() -> None:
    """Row y, column x, direction d of the 4 x 4 x 8 histogram: where one number goes, counted by hand."""
    for y, x, d in ((0, 0, 0), (1, 2, 3), (3, 1, 7)):
        vector = np.zeros((1, 128), np.uint8)
        vector[0, (y * 4 + x) * 8 + d] = 9
        assert mirrored(vector)[0].argmax() == ((3 - y) * 4 + x) * 8 + (8 - d) % 8
        assert inverted(vector)[0].argmax() == ((3 - y) * 4 + 3 - x) * 8 + d


def test_root() -> None:
    """The square root of each share of the sum, number by number; its length is 1."""
    vectors = np.random.default_rng(1).integers(0, 256, (4, 128)).astype(np.uint8)
    actual = root(vectors)
    assert actual.dtype == np.float32
    for row, vector in zip(actual, vectors.tolist(), strict=True):
        assert row.tolist() == pytest.approx([math.sqrt(value / sum(vector)) for value in vector], abs=1e-6)
        assert math.hypot(*row.tolist()) == pytest.approx(1, abs=1e-5)


def test_root_of_nothing() -> None:
    """A vector of zeros stays one, without a warning; no vectors stay none."""
    assert root(np.zeros((2, 128), np.uint8)).tolist() == np.zeros((2, 128)).tolist()
    assert root(np.zeros((0, 128), np.uint8)).shape == (0, 128)


def test_most_contrasted_first() -> None:
    """Of a strong and a faint spot the strong one is kept."""
    pixels = blob(60, 60, 6, 200, 300)
    faint = blob(220, 130, 6, 200, 300).astype(int) - 40
    pixels = (pixels + faint // 4).clip(0, 255).astype(np.uint8)
    found = keypoints(image(cv2.GaussianBlur(pixels, (0, 0), 1)), 1)
    assert np.linalg.norm(found.points[0] - (60, 60)) < 2
