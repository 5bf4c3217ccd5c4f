"""How much of a person an aligned face shows: its size, its sharpness, and how far it is turned aside.

A bad one is like other bad ones rather than like its person, so it is told, and compared with nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from lookalike.descriptors.neural.face_alignment import Template, misfit, yaw
from lookalike.types import Floats, Pixels

Flaw = Literal["small", "blurred", "turned", "forgotten"]  # the last: a person wished it so
MIN_FACE = 20.0  # pixels of a face's shorter side
GOOD_FACE = 80.0  # from here on nothing is gained
MIN_SHARPNESS, GOOD_SHARPNESS = 0.06, 0.25  # see ``sharpness``
MAX_MISFIT, GOOD_MISFIT = 0.09, 0.04  # see face_alignment.py
MAX_YAW, GOOD_YAW = 0.95, 0.4


@dataclass(frozen=True, slots=True)
class FaceUtility:
    """``score``: 0..1, of the worst of its measures; ``flaw``: what makes it useless, None for one that can be
    compared."""

    score: float
    flaw: Flaw | None


def face_utility(box: Floats, landmarks: Floats, face: Pixels, template: Template) -> FaceUtility:
    """Of a face with this box, (4,), and these landmarks, (5, 2), in pixels of the image that it was found in;
    ``face``: aligned."""
    pose = min(_share(misfit(landmarks, template), MAX_MISFIT, GOOD_MISFIT), _share(yaw(landmarks), MAX_YAW, GOOD_YAW))
    measures: dict[Flaw, float] = {
        "small": _share(float(box[2:].min()), MIN_FACE, GOOD_FACE),
        "turned": pose,
        "blurred": _share(sharpness(face), MIN_SHARPNESS, GOOD_SHARPNESS),
    }
    worst = min(measures, key=lambda name: measures[name])
    flawed = next((name for name, value in measures.items() if value <= 0), None)
    return FaceUtility(measures[worst], flawed)


def sharpness(face: Pixels) -> float:
    """How much of the contrast of an aligned face is in details of one to two pixels: 0 for a blank one. It does not
    depend on the light."""
    import cv2

    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.float32)
    inner = grey[len(grey) // 4 : -len(grey) // 4, len(grey) // 6 : -len(grey) // 6]
    spread = float(inner.std())
    if spread < 1:
        return 0.0
    return float((inner - cv2.GaussianBlur(inner, (0, 0), 1.5)).std()) / spread


def _share(value: float, worst: float, best: float) -> float:
    """0 at the worst value and beyond it, 1 at the best."""
    return min(max((value - worst) / (best - worst), 0.0), 1.0)
