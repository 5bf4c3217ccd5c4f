"""Matrices and points by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lookalike.comparison.alignment.orientations import ORIENTATIONS, orientation_matrix
from lookalike.comparison.alignment.transforms import (
    SNAP_TOLERANCE,
    corners,
    rotation_degrees,
    snap_to_orientation,
    transform_points,
)


def linear(
    scale: float = 1, degrees: float = 0, mirror: bool = False, shear: float = 0, squeeze: float = 1
) -> np.ndarray:
    """(2, 2): mirrored left to right, then sheared and squeezed, then turned clockwise."""
    turn = math.radians(degrees)
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    return scale * rotation @ np.array([[1, shear], [0, squeeze]]) @ np.diag([-1 if mirror else 1, 1])


@pytest.mark.parametrize("degrees", [-179, -90, -12.5, 0, 45, 90, 180])
@pytest.mark.parametrize("mirror", [False, True])
def test_rotation_degrees(degrees: float, mirror: bool) -> None:
    """The clockwise rotation of matrices made of a mirror, a scale and a rotation; what they shift does not matter."""
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = linear(3, degrees, mirror), (7, -9)
    actual = rotation_degrees(matrix)
    assert math.cos(math.radians(actual - degrees)) == pytest.approx(1)
    assert -180 <= actual <= 180


def test_rotation_of_a_stretch() -> None:
    """An image made wider is not rotated."""
    assert rotation_degrees(np.diag([2.0, 0.7, 1.0])) == pytest.approx(0)
    assert rotation_degrees(np.diag([-2.0, 0.7, 1.0])) == pytest.approx(0)


def test_rotation_of_the_eight() -> None:
    """By their names; a flip is a mirror and half a rotation."""
    known = {"upright": 0, "mirrored": 0, "rotated 90": 90, "rotated 270": -90, "rotated 180": 180, "flipped": 180}
    assert known == {
        name: pytest.approx(
            abs(rotation_degrees(ORIENTATIONS[name].unit))
            if known[name] == 180
            else rotation_degrees(ORIENTATIONS[name].unit)
        )
        for name in known
    }


def test_transform_points() -> None:
    """Points through a shift, a quarter turn and a perspective, by hand; the weight is divided out."""
    points = np.array([[0, 0], [4, 2]], np.float32)
    assert transform_points(np.array([[1, 0, 5], [0, 1, -1], [0, 0, 1.0]]), points).tolist() == [[5, -1], [9, 1]]
    assert transform_points(np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]]), points).tolist() == [[0, 0], [-2, 4]]
    assert transform_points(np.array([[1, 0, 0], [0, 1, 0], [0.25, 0, 1.0]]), points).tolist() == [[0, 0], [2, 1]]
    assert transform_points(np.eye(3), points).dtype == np.float64


def test_corners() -> None:
    """Clockwise from the top left."""
    assert corners(30, 20).tolist() == [[0, 0], [30, 0], [30, 20], [0, 20]]


@pytest.mark.parametrize(("size", "grown"), [((300, 200), 1), ((1200, 800), 4), ((75, 50), 1)])
def test_snap_to_orientation(size: tuple[int, int], grown: int) -> None:
    """Less than SNAP_TOLERANCE pixels of the coarser image off, the whole is the whole; a little more, and it is
    not."""
    whole = orientation_matrix("mirrored", (300, 200), size)
    for share, expected in ((0, whole), (0.8, whole), (1.2, None)):
        near = whole.copy()
        near[0, 2] += share * SNAP_TOLERANCE * grown
        assert np.array_equal(near if expected is None else expected, snap_to_orientation(near, whole, (300, 200)))


def test_every_corner_counts() -> None:
    """A transform that leaves the upper corners in their place and moves the lower ones is not the whole."""
    whole, bent = np.eye(3), np.eye(3)
    bent[0, 1] = 2 * SNAP_TOLERANCE / 200  # only the lower corners move
    assert np.array_equal(bent, snap_to_orientation(bent, whole, (300, 200)))
