"""Matched keypoints -> the affine transform that holds for many of them, or none.

Mutual nearest neighbours with Lowe's ratio test (2004), then MAGSAC++ (Barath et al., arXiv 1912.05909) for an affine
transform. The one image is also taken mirrored and as a negative, which costs no second pass over its pixels. A
transform that folds, collapses or rests on points in one spot or on one line is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.alignment.transforms import Matrix, transform_points
from lookalike.descriptors.keypoints import Keypoints, inverted, mirrored, root
from lookalike.types import Floats, Pixels

Rows = NDArray[np.int64]

RATIO = 0.85  # of distances (0.72 of their squares): the nearest must be this much nearer than the next
MIN_INLIERS = 4  # of which a transform is made at all; how many convince is for the evidence to say
MIN_EPIPOLAR_MATCHES = 8  # of which a fundamental matrix is made
CERTAIN_INLIERS = 60  # from here on no other variant, mirrored or negative, is tried
REPROJECTION_THRESHOLD = 3.0  # pixels, at the scale of the search: farther from its place no inlier is
MAX_SCALE = 20.0  # times that an image is enlarged, at most
MAX_ANISOTROPY = 3.0  # wider than high, relative to the other image, at most
MAX_ITERATIONS = 2000
CONFIDENCE = 0.999
LINE_RATIO = 0.02  # of the extents of a set of points: below it they lie on one line
UPRIGHT = (False, False)
_VARIANTS: Mapping[tuple[bool, bool], Callable[[Pixels], Pixels]] = {
    UPRIGHT: lambda vectors: vectors,
    (True, False): mirrored,
    (False, True): inverted,
    (True, True): lambda vectors: inverted(mirrored(vectors)),
}


@dataclass(frozen=True, slots=True)
class AffineMatch:
    """How image a lies on image b. ``matrix``: (3, 3) float64, pixels of the upright original a -> those of b.

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
        """How many matches the transform holds for."""
        return len(self.a)


@dataclass(frozen=True, slots=True)
class KeypointMatches:
    """What matched keypoints say of two images. ``affine``: None where no transform holds for enough of them.
    ``epipolar_inliers``: as of ``count_epipolar_inliers``."""

    affine: AffineMatch | None
    epipolar_inliers: int


def match_images(a: Keypoints, b: Keypoints) -> KeypointMatches:
    """Both at once: the matches of a as it is are looked for once."""
    if min(len(a), len(b)) < MIN_INLIERS:
        return KeypointMatches(None, 0)
    to = root(b.vectors)
    upright = match_keypoints(root(a.vectors), to)
    return KeypointMatches(_best_variant(a, b, to, upright), _epipolar_inliers(a, b, *upright))


def estimate_affine(a: Keypoints, b: Keypoints) -> AffineMatch | None:
    """The transform with most inliers of the four variants of a (as it is, mirrored, negative, both), or None where
    none has MIN_INLIERS."""
    if min(len(a), len(b)) < MIN_INLIERS:
        return None
    to = root(b.vectors)
    return _best_variant(a, b, to, match_keypoints(root(a.vectors), to))


def count_epipolar_inliers(a: Keypoints, b: Keypoints) -> int:
    """How many matches two photographs of one thing, taken from anywhere, could have: they have one fundamental matrix
    (Longuet-Higgins, 1981). Chance alone gives up to nine, copies all that match."""
    if min(len(a), len(b)) < MIN_INLIERS:
        return 0
    return _epipolar_inliers(a, b, *match_keypoints(root(a.vectors), root(b.vectors)))


def _best_variant(a: Keypoints, b: Keypoints, to: Floats, upright: tuple[Rows, Rows]) -> AffineMatch | None:
    """``to``: RootSIFT of b. ``upright``: the matches of a as it is."""
    best = None
    for variant in _VARIANTS:
        rows = upright if variant == UPRIGHT else match_keypoints(root(_VARIANTS[variant](a.vectors)), to)
        match = _estimate_variant(a, b, rows, *variant)
        if match and (best is None or match.inliers > best.inliers):
            best = match
        if best and best.inliers >= CERTAIN_INLIERS:
            break
    return best


def _epipolar_inliers(a: Keypoints, b: Keypoints, first: Rows, second: Rows) -> int:
    if len(first) < MIN_EPIPOLAR_MATCHES:
        return 0
    cv2.setRNGSeed(0)
    threshold = REPROJECTION_THRESHOLD / 2 * b.pixel_scale
    try:
        _, mask = cv2.findFundamentalMat(
            a.points[first], b.points[second], cv2.USAC_MAGSAC, threshold, CONFIDENCE, MAX_ITERATIONS
        )
    except cv2.error:  # no sample gave a matrix
        return 0
    return 0 if mask is None else int(mask.sum())


def match_keypoints(a: Floats, b: Floats) -> tuple[Rows, Rows]:
    """Rows of a and of b, (N, 128) and (M, 128) of unit length, that are each other's nearest and much nearer than the
    next."""
    similarity = a @ b.T
    nearest, other = similarity.argmax(1), similarity.argmax(0)
    rows = np.flatnonzero(other[nearest] == np.arange(len(a)))
    columns = nearest[rows]
    best = similarity[rows, columns]
    similarity[rows, columns] = -1
    second = np.maximum(similarity[rows].max(1), similarity[:, columns].max(0))
    clear = (2 - 2 * best) <= RATIO**2 * (2 - 2 * second)
    return rows[clear], columns[clear]


def _estimate_variant(
    a: Keypoints, b: Keypoints, rows: tuple[Rows, Rows], is_mirrored: bool, is_inverted: bool
) -> AffineMatch | None:
    first, second = rows
    if len(first) < MIN_INLIERS:
        return None
    from_, to = a.points[first], b.points[second]
    matrix, inliers = _magsac(from_, to, REPROJECTION_THRESHOLD * b.pixel_scale)
    if matrix is None or inliers.sum() < MIN_INLIERS or not _is_plausible(matrix, is_mirrored):
        return None
    from_, to = from_[inliers], to[inliers]
    if _is_degenerate(from_, a.pixel_scale) or _is_degenerate(to, b.pixel_scale):
        return None
    residual = float(np.median(np.linalg.norm(transform_points(matrix, from_) - to, axis=1))) / b.pixel_scale
    return AffineMatch(matrix, from_, to, len(first), is_mirrored, is_inverted, residual)


def _magsac(from_: Floats, to: Floats, threshold: float) -> tuple[Matrix | None, NDArray[np.bool_]]:
    cv2.setRNGSeed(0)
    matrix, mask = cv2.estimateAffine2D(
        from_,
        to,
        method=cv2.USAC_MAGSAC,
        ransacReprojThreshold=threshold,
        maxIters=MAX_ITERATIONS,
        confidence=CONFIDENCE,
    )
    if matrix is None or not np.isfinite(matrix).all():
        return None, np.zeros(len(from_), np.bool_)
    return np.vstack([matrix, [0.0, 0.0, 1.0]]), mask.ravel().astype(np.bool_)


def _is_plausible(matrix: Matrix, is_mirrored: bool) -> bool:
    """Neither folded over, nor collapsed, nor squeezed beyond what people do to images."""
    area = float(np.linalg.det(matrix[:2, :2]))
    large, small = np.linalg.svd(matrix[:2, :2], compute_uv=False)
    is_sized = small * MAX_SCALE >= 1 and large <= MAX_SCALE and large <= MAX_ANISOTROPY * small
    return (area < 0) == is_mirrored and bool(is_sized)


def _is_degenerate(points: Floats, pixel_scale: float) -> bool:
    """Whether these points leave a transform open: they are at too few places, or on one line."""
    return _count_places(points, pixel_scale) < MIN_INLIERS or _on_a_line(points)


def _count_places(points: Floats, pixel_scale: float) -> int:
    """How many places the points are at; SIFT often finds several directions at one."""
    return len(np.unique((points / (2 * pixel_scale)).astype(np.int64), axis=0))


def _on_a_line(points: Floats) -> bool:
    values = np.linalg.svd(points - points.mean(0), compute_uv=False)
    return bool(values[1] < LINE_RATIO * values[0])
