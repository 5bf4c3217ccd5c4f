"""What is rare in a data set, by the median and the median absolute deviation, which what is rare itself hardly moves:
modified z-scores above 3.5 (Iglewicz and Hoaglin, How to detect and handle outliers, 1993)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MIN_IMAGES = 20  # fewer have no usual distance, size or shape
MAX_SCORE = 3.5
DEVIATIONS = 1.4826  # median absolute deviations in a standard deviation, if values are normal


def odd(values: NDArray[np.float64], least: float) -> tuple[NDArray[np.bool_], float]:
    """(N,) -> (N,), which are too far from the median on either side, and how far that is, ``least`` or more."""
    if len(values) < MIN_IMAGES:
        return np.zeros(len(values), bool), least
    away = np.abs(values - np.median(values))
    limit = max(MAX_SCORE * DEVIATIONS * float(np.median(away)), least)
    return away > limit, limit


def scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) -> (N,) modified z-scores."""
    away = values - np.median(values)
    return np.asarray(away / max(DEVIATIONS * float(np.median(np.abs(away))), 1e-12), np.float64)


def upper_limit(values: NDArray[np.float64]) -> float:
    """(N,) -> the value above which one is rare."""
    middle = float(np.median(values))
    return middle + MAX_SCORE * DEVIATIONS * float(np.median(np.abs(values - middle)))
