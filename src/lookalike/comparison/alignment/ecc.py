"""Lays an image on another without keypoints, for images that are blurred, flat or tiny.

The eight turns of the whole image are tried at a glance; the best is moved into place from coarse to fine by enhanced
correlation (Evangelidis and Psarakis, 2008). It finds no crops: what has no keypoints has too little for that.
"""

from __future__ import annotations

import cv2
import numpy as np

from lookalike.comparison.alignment.matching import Matrix, Placement
from lookalike.comparison.alignment.orientations import ORIENTATIONS, between
from lookalike.types import Floats, Image

GLANCE = 32  # pixels
ENOUGH = 0.5  # correlation at a glance from which a turn is followed
LEVELS = (64, 160)  # pixels of the longer side
STEPS = 30
HALF = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])  # OpenCV counts from the middle of the first pixel


def lay(a: Image, b: Image) -> Placement | None:
    """Where all of a lies on b, give or take a small move; None if none of the eight turns looks like b."""
    small = [_luma(image, (GLANCE, GLANCE)) for image in (a, b)]
    likeness = {name: _correlation(turn.apply(small[0]), small[1]) for name, turn in ORIENTATIONS.items()}  # type: ignore[arg-type]
    best = max(likeness, key=lambda name: abs(likeness[name]))
    if abs(likeness[best]) < ENOUGH:
        return None
    negative = likeness[best] < 0
    matrix = between(best, (a.width, a.height), (b.width, b.height))
    for side in LEVELS:
        matrix = _moved_into_place(a, b, matrix, side, negative)
    mirrored = bool(np.linalg.det(matrix[:2, :2]) < 0)
    none = np.zeros((0, 2), np.float32)
    return Placement(matrix, none, none, 0, mirrored, negative, 0.0)


def _luma(image: Image, size: tuple[int, int]) -> Floats:
    grey = cv2.cvtColor(image.pixels, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def _correlation(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum()) / length if length > GLANCE else 0.0  # one grey level apart is no structure


def _moved_into_place(a: Image, b: Image, matrix: Matrix, side: int, negative: bool) -> Matrix:
    """The matrix, made better at ``side`` pixels; as it was where nothing better is near."""
    sizes = [_fitting(image, side) for image in (a, b)]
    first, second = (
        cv2.GaussianBlur(_luma(image, size), (0, 0), 1.0) for image, size in zip((a, b), sizes, strict=True)
    )
    to_a, to_b = (
        np.diag([image.width / w, image.height / h, 1.0]) @ HALF for image, (w, h) in zip((a, b), sizes, strict=True)
    )
    back = np.linalg.inv(to_a) @ np.linalg.inv(matrix) @ to_b  # ECC asks for b -> a
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, STEPS, 1e-4)
    everywhere = np.ones(first.shape, np.uint8)
    try:
        _, found = cv2.findTransformECC(
            second, 255 - first if negative else first, back[:2].astype(np.float32), cv2.MOTION_AFFINE, criteria,
            everywhere, 5,
        )  # fmt: skip
    except cv2.error:  # it did not converge
        return matrix
    moved: Matrix = to_b @ np.linalg.inv(np.vstack([found, [0, 0, 1]])) @ np.linalg.inv(to_a)
    far = np.abs(np.linalg.inv(to_b) @ (moved - matrix) @ to_a)[:2].max()
    return moved if np.isfinite(moved).all() and far < side / 4 else matrix


def _fitting(image: Image, side: int) -> tuple[int, int]:
    scale = min(1.0, side / max(image.width, image.height))
    return max(8, round(image.width * scale)), max(8, round(image.height * scale))
