"""Alignment by enhanced correlation (ECC; Evangelidis and Psarakis, 2008): without keypoints, or to refine what they
say.

``align_ecc`` is for images that are blurred, flat or tiny: the eight orientations of the whole image are correlated as
thumbnails, and the best is aligned from coarse to fine. It finds no crops: what has no keypoints has too little for
that.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.alignment.matching import AffineMatch
from lookalike.comparison.alignment.orientations import ORIENTATIONS, orientation_matrix
from lookalike.comparison.alignment.overlap import Overlap, luma
from lookalike.comparison.alignment.transforms import TO_CENTRES, TO_CORNERS, Matrix
from lookalike.types import Floats, Image

THUMBNAIL_SIDE = 32  # pixels
MIN_CORRELATION = 0.5  # of thumbnails, from which on an orientation is followed
PYRAMID_SIDES = (64, 160)  # pixels of the longer side
MIN_SIDE = 8  # pixels of either side
MAX_STEPS, REFINE_STEPS = 30, 25
EPSILON = 1e-4  # gain in correlation below which it has converged
GAUSSIAN = 5  # pixels: the filter within ECC
MAX_REFINEMENT = 6.0  # pixels of the overlap


def align_ecc(a: Image, b: Image) -> AffineMatch | None:
    """How all of a lies on b, give or take a small shift; None if none of its eight orientations looks like b."""
    best, correlation = best_orientation(a, b)
    if abs(correlation) < MIN_CORRELATION:
        return None
    inverted = correlation < 0
    matrix = orientation_matrix(best, (a.width, a.height), (b.width, b.height))
    for side in PYRAMID_SIDES:
        matrix = _refine_at(a, b, matrix, side, inverted)
    mirrored = bool(np.linalg.det(matrix[:2, :2]) < 0)
    no_points = np.zeros((0, 2), np.float32)
    return AffineMatch(matrix, no_points, no_points, 0, mirrored, inverted, 0.0)


def best_orientation(a: Image, b: Image) -> tuple[str, float]:
    """The orientation of a in which its thumbnail is most like that of b, or like its negative, and their correlation,
    -1..1."""
    small = [_resized(image, (THUMBNAIL_SIDE, THUMBNAIL_SIDE)) for image in (a, b)]
    correlations = {name: _correlation(one.apply(small[0]), small[1]) for name, one in ORIENTATIONS.items()}
    best = max(correlations, key=lambda name: abs(correlations[name]))
    return best, correlations[best]


def refine_ecc(part: Overlap, inverted: bool) -> Matrix | None:
    """(3, 3), pixels of the upright original a -> b, better than a pixel; None where nothing better is near."""
    first, second = (_smooth(luma(pixels)) for pixels in (part.a, part.b))
    found = _find_transform(1 - first if inverted else first, second, np.eye(3), part.mask, REFINE_STEPS)
    if found is None or not np.isfinite(found).all() or np.abs(found - np.eye(3)).max() > MAX_REFINEMENT:
        return None
    cornered = np.linalg.inv(TO_CENTRES) @ found @ TO_CENTRES
    return np.asarray(part.to_b @ np.linalg.inv(part.to_a @ cornered), np.float64)


def _refine_at(a: Image, b: Image, matrix: Matrix, side: int, inverted: bool) -> Matrix:
    """The matrix, made better at ``side`` pixels; as it was where nothing better is near."""
    sizes = [_fitting(image, side) for image in (a, b)]
    first, second = (_smooth(_resized(image, size)) for image, size in zip((a, b), sizes, strict=True))
    to_a, to_b = (
        np.diag([image.width / w, image.height / h, 1.0]) @ TO_CORNERS
        for image, (w, h) in zip((a, b), sizes, strict=True)
    )
    start = np.linalg.inv(to_a) @ np.linalg.inv(matrix) @ to_b
    everywhere = np.ones(first.shape, np.bool_)
    found = _find_transform(255 - first if inverted else first, second, start, everywhere, MAX_STEPS)
    if found is None:
        return matrix
    better: Matrix = to_b @ np.linalg.inv(found) @ np.linalg.inv(to_a)
    shift = np.abs(np.linalg.inv(to_b) @ (better - matrix) @ to_a)[:2].max()
    return better if np.isfinite(better).all() and shift < side / 4 else matrix


def _find_transform(a: Floats, b: Floats, start: Matrix, mask: NDArray[np.bool_], steps: int) -> Matrix | None:
    """(3, 3) from pixels of b to pixels of a, both (h, w) and counted from the middle of the first pixel; None where it
    does not converge. ``mask``: (h, w) of a, where it is compared."""
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, steps, EPSILON)
    warp, where = start[:2].astype(np.float32), mask.astype(np.uint8)
    try:
        _, found = cv2.findTransformECC(b, a, warp, cv2.MOTION_AFFINE, criteria, where, GAUSSIAN)
    except cv2.error:  # it did not converge
        return None
    return np.vstack([found, [0, 0, 1]]).astype(np.float64)


def _smooth(x: Floats) -> Floats:
    return np.asarray(cv2.GaussianBlur(x, (0, 0), 1.0), np.float32)


def _resized(image: Image, size: tuple[int, int]) -> Floats:
    """(h, w) float32 luma, 0..255."""
    grey = cv2.cvtColor(image.pixels, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def _correlation(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum()) / length if length > THUMBNAIL_SIDE else 0.0  # one grey level apart is no structure


def _fitting(image: Image, side: int) -> tuple[int, int]:
    scale = min(1.0, side / max(image.width, image.height))
    return max(MIN_SIDE, round(image.width * scale)), max(MIN_SIDE, round(image.height * scale))
