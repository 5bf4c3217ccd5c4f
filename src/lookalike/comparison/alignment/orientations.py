"""The eight ways to lay a rectangle on a rectangle: quarter turns and mirrors, as arrays and as matrices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.types import Pixels, Relation

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Turn:
    """One of the eight. ``relation``: what a picture turned so is called.

    ``unit``: (3, 3), the turn on the unit square with (0, 0) its top-left corner."""

    relation: Relation
    apply: Callable[[Pixels], Pixels]
    unit: Matrix


def _matrix(xx: int, xy: int, xt: int, yx: int, yy: int, yt: int) -> Matrix:
    return np.array([[xx, xy, xt], [yx, yy, yt], [0, 0, 1]], np.float64)


TURNS: Mapping[str, Turn] = {
    "upright": Turn("edited", lambda p: p, _matrix(1, 0, 0, 0, 1, 0)),
    "mirrored": Turn("mirrored", lambda p: p[:, ::-1], _matrix(-1, 0, 1, 0, 1, 0)),
    "flipped": Turn("mirrored", lambda p: p[::-1], _matrix(1, 0, 0, 0, -1, 1)),
    "rotated 90": Turn("rotated", lambda p: np.rot90(p, -1), _matrix(0, -1, 1, 1, 0, 0)),
    "rotated 180": Turn("rotated", lambda p: p[::-1, ::-1], _matrix(-1, 0, 1, 0, -1, 1)),
    "rotated 270": Turn("rotated", lambda p: np.rot90(p, 1), _matrix(0, 1, 0, -1, 0, 1)),
    "transposed": Turn("mirrored", lambda p: p.swapaxes(0, 1), _matrix(0, 1, 0, 1, 0, 0)),
    "transversed": Turn("mirrored", lambda p: p[::-1, ::-1].swapaxes(0, 1), _matrix(0, -1, 1, -1, 0, 1)),
}


def between(turn: str, a: tuple[int, int], b: tuple[int, int]) -> Matrix:
    """(3, 3): pixels of picture a -> pixels of picture b, if b is a after this turn. Sizes as (width, height)."""
    shrink = np.diag([1.0 / a[0], 1.0 / a[1], 1.0])
    grow = np.diag([float(b[0]), float(b[1]), 1.0])
    return np.asarray(grow @ TURNS[turn].unit @ shrink, np.float64)


def nearest(matrix: Matrix) -> str:
    """The one of the eight that a (3, 3) matrix between pixels comes nearest to."""
    u, _, v = np.linalg.svd(matrix[:2, :2])
    return max(TURNS, key=lambda name: float(np.trace(TURNS[name].unit[:2, :2].T @ u @ v)))
