"""How one image lies on another: matched keypoints -> a transform that holds for many of them, or none.

Mutual nearest neighbours with Lowe's ratio test (2004), then MAGSAC++ (Barath et al., arXiv 1912.05909) for an affine
map. The one image is also taken mirrored and as a negative, which costs no second look at its pixels. A map that
folds, collapses or rests on points in one spot or on one line is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.keypoints import Keypoints, inverted, mirrored, root
from lookalike.types import Floats, Pixels

Matrix = NDArray[np.float64]
Rows = NDArray[np.int64]

RATIO = 0.85  # of distances (0.72 of their squares): the nearest must be this much nearer than the next
FEWEST = 4  # inliers of which a map is made at all; how many convince is for the evidence to say
FEWEST_SEEN = 8  # matches that a fundamental matrix is made of
CERTAIN = 60  # inliers from which on no other way of laying the two on one another is tried
REACH = 3.0  # pixels, at the scale of the search: farther from its place no inlier is
LARGEST = 20.0  # times that an image is enlarged, at most
SQUEEZE = 3.0  # wider than high, relative to the other image, at most
TRIALS = 2000
SNAP = 1.0  # pixel
_WAYS: Mapping[tuple[bool, bool], Callable[[Pixels], Pixels]] = {
    (False, False): lambda vectors: vectors,
    (True, False): mirrored,
    (False, True): inverted,
    (True, True): lambda vectors: inverted(mirrored(vectors)),
}


@dataclass(frozen=True, slots=True)
class Placement:
    """Where image a lies on image b. ``matrix``: (3, 3) float64, pixels of the upright original a -> those of b.

    ``a``, ``b``: (I, 2) float32, the inliers in each image. ``matches``: how many pairs of points were proposed.
    ``mirrored``, ``inverted``: a lies there as its mirror image, as its negative. ``residual``: median distance of the
    inliers from where they should be, in pixels of the search."""

    matrix: Matrix
    a: Floats
    b: Floats
    matches: int
    mirrored: bool
    inverted: bool
    residual: float

    @property
    def inliers(self) -> int:
        return len(self.a)


def place(a: Keypoints, b: Keypoints) -> Placement | None:
    """The best of the four ways to lay a on b, or None where no map is held up by FEWEST points."""
    if min(len(a), len(b)) < FEWEST:
        return None
    best = None
    for mirror, negative in _WAYS:
        placed = _placed(a, b, mirror, negative)
        if placed and (best is None or placed.inliers > best.inliers):
            best = placed
        if best and best.inliers >= CERTAIN:
            break
    return best


def seen_from_two_places(a: Keypoints, b: Keypoints) -> int:
    """How many matches there are that two photographs of one thing, taken from anywhere, could have: they have one
    fundamental matrix (Longuet-Higgins, 1981). Chance alone gives up to nine, copies all that match."""
    first, second = matches(root(a.vectors), root(b.vectors)) if min(len(a), len(b)) >= FEWEST else ((), ())
    if len(first) < FEWEST_SEEN:
        return 0
    cv2.setRNGSeed(0)
    reach = REACH / 2 * b.grain
    try:
        _, mask = cv2.findFundamentalMat(a.points[first], b.points[second], cv2.USAC_MAGSAC, reach, 0.999, TRIALS)
    except cv2.error:  # no sample gave a matrix
        return 0
    return 0 if mask is None else int(mask.sum())


def _placed(a: Keypoints, b: Keypoints, is_mirrored: bool, is_inverted: bool) -> Placement | None:
    first, second = matches(root(_WAYS[is_mirrored, is_inverted](a.vectors)), root(b.vectors))
    if len(first) < FEWEST:
        return None
    from_, to = a.points[first], b.points[second]
    matrix, kept = _estimated(from_, to, REACH * b.grain)
    if matrix is None or kept.sum() < FEWEST or not _sane(matrix, is_mirrored):
        return None
    from_, to = from_[kept], to[kept]
    if _spots(from_, a.grain) < FEWEST or _spots(to, b.grain) < FEWEST or _on_a_line(from_) or _on_a_line(to):
        return None
    residual = float(np.median(np.linalg.norm(moved(matrix, from_) - to, axis=1))) / b.grain
    return Placement(matrix, from_, to, len(first), is_mirrored, is_inverted, residual)


def matches(a: Floats, b: Floats) -> tuple[Rows, Rows]:
    """Rows of a and of b, (N, 128) and (M, 128) of unit length, that are each other's nearest and much nearer than the
    next."""
    similar = a @ b.T
    nearest, other = similar.argmax(1), similar.argmax(0)
    rows = np.flatnonzero(other[nearest] == np.arange(len(a)))
    columns = nearest[rows]
    best = similar[rows, columns]
    similar[rows, columns] = -1
    second = np.maximum(similar[rows].max(1), similar[:, columns].max(0))
    clear = (2 - 2 * best) <= RATIO**2 * (2 - 2 * second)
    return rows[clear], columns[clear]


def _estimated(from_: Floats, to: Floats, reach: float) -> tuple[Matrix | None, NDArray[np.bool_]]:
    cv2.setRNGSeed(0)
    matrix, mask = cv2.estimateAffine2D(
        from_, to, method=cv2.USAC_MAGSAC, ransacReprojThreshold=reach, maxIters=TRIALS, confidence=0.999
    )
    if matrix is None or not np.isfinite(matrix).all():
        return None, np.zeros(len(from_), np.bool_)
    return np.vstack([matrix, [0.0, 0.0, 1.0]]), mask.ravel().astype(np.bool_)


def _sane(matrix: Matrix, is_mirrored: bool) -> bool:
    """Neither folded over, nor collapsed, nor squeezed beyond what people do to images."""
    area = float(np.linalg.det(matrix[:2, :2]))
    large, small = np.linalg.svd(matrix[:2, :2], compute_uv=False)
    return (area < 0) == is_mirrored and small * LARGEST >= 1 and large <= LARGEST and large <= SQUEEZE * small


def _spots(points: Floats, grain: float) -> int:
    """How many places the points are at; SIFT often finds several directions at one."""
    return len(np.unique((points / (2 * grain)).astype(np.int64), axis=0))


def _on_a_line(points: Floats) -> bool:
    values = np.linalg.svd(points - points.mean(0), compute_uv=False)
    return bool(values[1] < 0.02 * values[0])


def snapped(matrix: Matrix, turn: Matrix, a: tuple[float, float]) -> Matrix:
    """``turn``, which lays the whole of a, (width, height), on the whole of b, if ``matrix`` is no farther from it than
    SNAP pixels of the coarser image at any corner; or else ``matrix``."""
    there = corners(*a)
    apart = np.linalg.norm(moved(matrix, there) - moved(turn, there), axis=1).max()
    return turn if apart <= SNAP * max(1.0, abs(np.linalg.det(matrix[:2, :2])) ** 0.5) else matrix


def moved(matrix: Matrix, points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N, 2) points through a (3, 3) matrix."""
    lifted = points.astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(lifted[:, :2] / lifted[:, 2:], np.float64)


def corners(width: float, height: float) -> NDArray[np.float64]:
    """(4, 2): clockwise from the top-left."""
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)


def turn_of(matrix: Matrix) -> float:
    """Degrees, clockwise, -180..180, by which a, mirrored left to right if it has to be, is turned to lie on b."""
    a = matrix[:2, :2].copy()
    if np.linalg.det(a) < 0:
        a[:, 0] *= -1
    u, _, v = np.linalg.svd(a)
    turn = u @ v
    return math.degrees(math.atan2(turn[1, 0], turn[0, 0]))


def inverse(matrix: Matrix) -> Matrix:
    """The way back."""
    return np.asarray(np.linalg.inv(matrix), np.float64)
