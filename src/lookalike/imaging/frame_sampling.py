"""Which frames of a video are looked at: so many a second, and the first after each cut."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

RATE = 2.0
"""Frames a second that are looked at, where a caller does not say otherwise; cuts come on top."""
CUT = 28.0  # levels, mean absolute difference between two neighbouring frames from which on a cut lies between them
MIN_STEP_SHARE = 0.25  # of the time between two frames that are looked at: flicker must not make more of them


class FrameSampler:
    """Asked of every frame that is decoded, in the order of time."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._due = -math.inf
        self._last = -math.inf
        self._before: NDArray[np.uint8] | None = None

    def wants(self, time: float, luma: NDArray[np.uint8] | None = None) -> bool:
        """Whether the frame at ``time`` seconds is to be looked at. ``luma``: (h, w), a coarse view of it in which a
        cut is seen; None if cuts are not looked for."""
        is_cut = self._is_cut(luma) and time - self._last >= MIN_STEP_SHARE / self._rate
        if time < self._due and not is_cut:
            return False
        self._last = time
        self._due = (math.floor(time * self._rate + 1e-6) + 1) / self._rate - 1e-6
        return True

    def _is_cut(self, luma: NDArray[np.uint8] | None) -> bool:
        before, self._before = self._before, luma
        if luma is None or before is None or before.shape != luma.shape:
            return False
        return cv2.norm(luma, before, cv2.NORM_L1) > CUT * luma.size
