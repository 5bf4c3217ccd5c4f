"""The eight orientations: matrices against loops over pixels, and against corners known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.comparison.alignment.orientations import ORIENTATIONS, orientation_matrix
from samples import drawn

# Where an orientation takes the corners of an image: top left, top right, bottom right, bottom left of a -> of b.
CORNERS = {
    "upright": ("tl", "tr", "br", "bl"),
    "mirrored": ("tr", "tl", "bl", "br"),
    "flipped": ("bl", "br", "tr", "tl"),
    "rotated 90": ("tr", "br", "bl", "tl"),  # clockwise
    "rotated 180": ("br", "bl", "tl", "tr"),
    "rotated 270": ("bl", "tl", "tr", "br"),
    "transposed": ("tl", "bl", "br", "tr"),
    "transversed": ("br", "tr", "tl", "bl"),
}
SIDEWAYS = {"rotated 90", "rotated 270", "transposed", "transversed"}


def corners(width: float, height: float) -> dict[str, tuple[float, float]]:
    return {"tl": (0, 0), "tr": (width, 0), "br": (width, height), "bl": (0, height)}


def transformed(matrix: np.ndarray, x: float, y: float) -> tuple[float, float]:
    """One point through a (3, 3) matrix, by hand."""
    a, b, c = (row[0] * x + row[1] * y + row[2] for row in matrix.tolist())
    return a / c, b / c


def test_all_eight() -> None:
    """These are all orientations of a rectangle, and no two of them are the same."""
    assert list(CORNERS) == list(ORIENTATIONS)
    assert len({orientation.apply(drawn(0, 9, 9)).tobytes() for orientation in ORIENTATIONS.values()}) == 8


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_corners(name: str) -> None:
    """Each matrix takes the corners of a 30 x 20 image to those of the turned one, also at another size."""
    for scale in (1.0, 0.5, 3.0):
        size = (20 * scale, 30 * scale) if name in SIDEWAYS else (30 * scale, 20 * scale)
        matrix = orientation_matrix(name, (30, 20), size)
        expected = [corners(*size)[corner] for corner in CORNERS[name]]
        assert expected == [pytest.approx(transformed(matrix, x, y)) for x, y in corners(30, 20).values()]


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_every_pixel(name: str) -> None:
    """The middle of every pixel lands in the middle of the pixel that has its colour in the turned array."""
    pixels = drawn(3, 7, 5)
    turned = ORIENTATIONS[name].apply(pixels)
    matrix = orientation_matrix(name, (7, 5), (turned.shape[1], turned.shape[0]))
    for y in range(5):
        for x in range(7):
            column, row = transformed(matrix, x + 0.5, y + 0.5)
            assert pixels[y, x].tolist() == turned[round(row - 0.5), round(column - 0.5)].tolist()


@pytest.mark.parametrize(
    ("name", "back"), [(n, {"rotated 90": "rotated 270", "rotated 270": "rotated 90"}.get(n, n)) for n in ORIENTATIONS]
)
def test_and_back(name: str, back: str) -> None:
    """An orientation and its opposite leave pixels and positions as they were."""
    pixels = drawn(4, 8, 5)
    assert np.array_equal(pixels, ORIENTATIONS[back].apply(ORIENTATIONS[name].apply(pixels)))
    size = (50, 80) if name in SIDEWAYS else (80, 50)
    assert np.allclose(np.eye(3), orientation_matrix(back, size, (8, 5)) @ orientation_matrix(name, (8, 5), size))


@pytest.mark.parametrize("name", [name for name in ORIENTATIONS if name != "upright"])
def test_names(name: str) -> None:
    """An orientation that leaves an image readable is a rotation, the others are mirrorings (by their determinant)."""
    expected = "rotated" if np.linalg.det(ORIENTATIONS[name].unit) > 0 else "mirrored"
    assert expected == ORIENTATIONS[name].relation
