"""(3, 3) matrices between the pixels of two images, and points that go through them.

A position is (x, y) in pixels of the upright original, (0, 0) its top-left corner. OpenCV counts from the middle of the
first pixel instead: ``TO_CORNERS`` leads from there to here, ``TO_CENTRES`` back.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

SNAP_TOLERANCE = 1.0  # pixels of the coarser image
TO_CORNERS = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
TO_CENTRES = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1.0]])


def transform_points(matrix: Matrix, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N, 2) points through a (3, 3) matrix."""
    lifted = points.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(lifted[:, :2] / lifted[:, 2:], np.float64)


def corners(width: float, height: float) -> NDArray[np.float64]:
    """(4, 2): clockwise from the top-left."""
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)


def inverse(matrix: Matrix) -> Matrix:
    """The way back."""
    return np.asarray(np.linalg.inv(matrix), np.float64)


def scale_and_shift(scale: NDArray[np.floating], shift: NDArray[np.generic]) -> Matrix:
    """(3, 3): x and y times ``scale`` (2,), plus ``shift`` (2,)."""
    return np.array([[scale[0], 0, shift[0]], [0, scale[1], shift[1]], [0, 0, 1]], np.float64)


def rotation_degrees(matrix: Matrix) -> float:
    """Clockwise, -180..180: the rotation by which a, mirrored left to right if it has to be, lies on b."""
    a = matrix[:2, :2].copy()
    if np.linalg.det(a) < 0:
        a[:, 0] *= -1
    u, _, v = np.linalg.svd(a)
    rotation = u @ v
    return math.degrees(math.atan2(rotation[1, 0], rotation[0, 0]))


def snap_to_orientation(matrix: Matrix, orientation: Matrix, size: tuple[float, float]) -> Matrix:
    """``orientation``, which brings the whole of a, ``size`` (width, height), onto the whole of b, if ``matrix`` is no
    farther from it than SNAP_TOLERANCE at any corner; or else ``matrix``."""
    there = corners(*size)
    error = np.linalg.norm(transform_points(matrix, there) - transform_points(orientation, there), axis=1).max()
    scale = max(1.0, abs(np.linalg.det(matrix[:2, :2])) ** 0.5)
    return orientation if error <= SNAP_TOLERANCE * scale else matrix
