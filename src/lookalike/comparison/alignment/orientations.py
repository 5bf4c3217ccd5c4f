"""The eight orientations of a rectangle: quarter rotations and mirrorings, as arrays and as matrices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.alignment.transforms import Matrix
from lookalike.types import Relation


@dataclass(frozen=True, slots=True)
class Orientation:
    """One of the eight. ``relation``: what an image in this orientation is called.

    ``apply``: (h, w, ...) -> the array in this orientation, a view. ``unit``: (3, 3), the same on the unit square with
    (0, 0) its top-left corner."""

    relation: Relation
    apply: Callable[[NDArray[Any]], NDArray[Any]]
    unit: Matrix


def _matrix(xx: int, xy: int, xt: int, yx: int, yy: int, yt: int) -> Matrix:
    return np.array([[xx, xy, xt], [yx, yy, yt], [0, 0, 1]], np.float64)


ORIENTATIONS: Mapping[str, Orientation] = {
    "upright": Orientation("edited", lambda p: p, _matrix(1, 0, 0, 0, 1, 0)),
    "mirrored": Orientation("mirrored", lambda p: p[:, ::-1], _matrix(-1, 0, 1, 0, 1, 0)),
    "flipped": Orientation("mirrored", lambda p: p[::-1], _matrix(1, 0, 0, 0, -1, 1)),
    "rotated 90": Orientation("rotated", lambda p: np.rot90(p, -1), _matrix(0, -1, 1, 1, 0, 0)),
    "rotated 180": Orientation("rotated", lambda p: p[::-1, ::-1], _matrix(-1, 0, 1, 0, -1, 1)),
    "rotated 270": Orientation("rotated", lambda p: np.rot90(p, 1), _matrix(0, 1, 0, -1, 0, 1)),
    "transposed": Orientation("mirrored", lambda p: p.swapaxes(0, 1), _matrix(0, 1, 0, 1, 0, 0)),
    "transversed": Orientation("mirrored", lambda p: p[::-1, ::-1].swapaxes(0, 1), _matrix(0, -1, 1, -1, 0, 1)),
}


def orientation_matrix(name: str, a: tuple[int, int], b: tuple[int, int]) -> Matrix:
    """(3, 3): pixels of image a -> pixels of image b, if b is a in this orientation. Sizes as (width, height)."""
    shrink = np.diag([1.0 / a[0], 1.0 / a[1], 1.0])
    grow = np.diag([float(b[0]), float(b[1]), 1.0])
    return np.asarray(grow @ ORIENTATIONS[name].unit @ shrink, np.float64)


def nearest_orientation(matrix: Matrix) -> str:
    """The one of the eight that a (3, 3) matrix between pixels comes nearest to."""
    u, _, v = np.linalg.svd(matrix[:2, :2])
    return max(ORIENTATIONS, key=lambda name: float(np.trace(ORIENTATIONS[name].unit[:2, :2].T @ u @ v)))
