"""How sure a measured figure is, and whether a difference of two could be chance: intervals at 95 %."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
MIN_COUNT = 6  # of differences that can show anything: five of one sign come by chance once in sixteen

Verdict = Literal["better", "worse", "open"]


@dataclass(frozen=True, slots=True)
class Interval:
    """``value``, measured on ``count`` images, and the bounds between which it lies with a confidence of 95 %."""

    value: float
    low: float
    high: float
    count: int

    @property
    def verdict(self) -> Verdict:
        """Of a difference: ``open`` where 0 lies between the bounds, as far as these images can show."""
        return "better" if self.low > 0 else "worse" if self.high < 0 else "open"


def share_interval(successes: int, count: int) -> Interval:
    """The share of successes among ``count`` > 0 (Wilson, "Probable inference", 1927)."""
    z, share = NormalDist().inv_cdf((1 + CONFIDENCE) / 2), successes / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * (share * (1 - share) / count + z * z / (4 * count * count)) ** 0.5
    return Interval(share, max(middle - half, 0.0), min(middle + half, 1.0), count)


def paired_interval(before: NDArray[Any], after: NDArray[Any]) -> Interval:
    """(N,) and (N,) scores 0..1 of the same N > 0 images -> the mean of ``after - before``.

    Student's t for pairs ("The probable error of a mean", 1908). Of fewer than MIN_COUNT images anything is possible.
    """
    differences = np.asarray(after, np.float64) - np.asarray(before, np.float64)
    mean, count = float(differences.mean()), len(differences)
    if count < MIN_COUNT:
        return Interval(mean, -1.0, 1.0, count)
    half = _t_quantile(count - 1) * float(differences.std(ddof=1)) / count**0.5
    return Interval(mean, max(mean - half, -1.0), min(mean + half, 1.0), count)


def _t_quantile(freedom: int) -> float:
    """Of Student's t at CONFIDENCE, by the expansion of Cornish and Fisher; within 0.1 % from 5 degrees of freedom."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + float(sum(term / freedom**power for power, term in enumerate(terms, 1)))
