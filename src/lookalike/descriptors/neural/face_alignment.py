"""Five-point alignment: eyes, nose and corners of the mouth are laid on the places where an embedder expects them.

The similarity (rotation, scale, shift) of least squares: Umeyama 1991, doi 10.1109/34.88573. The places are those of
ArcFace (Deng et al., arXiv 1801.07698), which most embedders of faces share.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookalike.types import Floats, Pixels

Points = NDArray[
    np.float64
]  # (5, 2), x and y: the right eye, the left one, the nose, the mouth's right corner, its left
Template = tuple[tuple[float, float], ...]

ARCFACE: Template = (  # pixels of a square of TEMPLATE_SIDE; the person's right is on the image's left
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
TEMPLATE_SIDE = 112


def similarity_transform(source: Points | Floats, target: Points | Floats) -> NDArray[np.float64]:
    """(N, 2) points -> (2, 3): the rotation, scale and shift that brings ``source`` nearest to ``target``. Points that
    all lie on one spot give a scale of 0."""
    a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
    centre_a, centre_b = a.mean(0), b.mean(0)
    u, sizes, vt = np.linalg.svd((b - centre_b).T @ (a - centre_a) / len(a))
    signs = np.array([1.0, np.sign(np.linalg.det(u @ vt)) or 1.0])  # no mirroring
    spread = (a - centre_a).var(0).sum()
    scale = float((sizes * signs).sum() / spread) if spread > 0 else 0.0
    linear = scale * (u * signs) @ vt
    return np.column_stack([linear, centre_b - linear @ centre_a])


def aligned(pixels: Pixels, landmarks: Points | Floats, template: Template, side: int) -> Pixels:
    """(h, w, 3), and a face's (5, 2) landmarks in its pixels -> (side, side, 3). What lies outside of the image is
    black. A large face is made smaller by whole factors first, so that no detail turns into noise."""
    import cv2

    target = np.asarray(template) * (side / TEMPLATE_SIDE)
    transform = similarity_transform(landmarks, target)
    factor = int(0.5 / max(float(np.sqrt(abs(np.linalg.det(transform[:, :2])))), 1e-6)) if transform.any() else 1
    if factor > 1:
        pixels, landmarks = _shrunk(pixels, np.asarray(landmarks, np.float64), factor)
        transform = similarity_transform(landmarks, target)
    return np.asarray(cv2.warpAffine(pixels, transform, (side, side), flags=cv2.INTER_LINEAR), np.uint8)


def misfit(landmarks: Points | Floats, template: Template) -> float:
    """How far from the template a face's landmarks lie once aligned, as a share of the template's side: their root mean
    square. 0.02 to 0.04 from the front, more the further it is turned."""
    target = np.asarray(template)
    transform = similarity_transform(landmarks, target)
    rest = np.asarray(landmarks, np.float64) @ transform[:, :2].T + transform[:, 2] - target
    return float(np.sqrt((rest**2).sum(1).mean())) / TEMPLATE_SIDE


def yaw(landmarks: Points | Floats) -> float:
    """How far a face is turned aside, by where its nose lies between its eyes: 0 from the front, about 1 in profile."""
    right, left, nose = (np.asarray(landmarks, np.float64)[n] for n in range(3))
    between = left - right
    length = float(between @ between)
    return abs(2 * float((nose - right) @ between) / length - 1) if length > 0 else np.inf


def _shrunk(pixels: Pixels, landmarks: Points, factor: int) -> tuple[Pixels, Points]:
    """The part of an image around a face, and its landmarks there, ``factor`` times smaller."""
    import cv2

    reach = 2.0 * float(np.ptp(landmarks, axis=0).max())
    height, width = pixels.shape[:2]
    low = np.clip(np.floor(landmarks.min(0) - reach), 0, [width - 1, height - 1]).astype(int)
    high = np.clip(np.ceil(landmarks.max(0) + reach), low + 1, [width, height]).astype(int)
    part = pixels[low[1] : high[1], low[0] : high[0]]
    size = (max(part.shape[1] // factor, 1), max(part.shape[0] // factor, 1))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), (landmarks - low + 0.5) * (np.array(size) / part.shape[1::-1]) - 0.5
