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
Outcome = Literal["helped", "harmed", "open"]


@dataclass(frozen=True, slots=True)
class Interval:
    """``value``, measured on ``count`` images or pairs, and the bounds between which it lies with a confidence of
    95 %."""

    value: float
    low: float
    high: float
    count: int

    @property
    def verdict(self) -> Verdict:
        """Of a difference: ``open`` where 0 lies between the bounds, as far as these images can show."""
        return "better" if self.low > 0 else "worse" if self.high < 0 else "open"


def outcome(*gains: Interval) -> Outcome:
    """``harmed`` if one of the gains is below 0 beyond doubt, else ``helped`` if one is above it, else ``open``."""
    verdicts = [gain.verdict for gain in gains]
    return "harmed" if "worse" in verdicts else "helped" if "better" in verdicts else "open"


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


def paired_share_interval(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Interval:
    """(N,) and (N,) bool, whether each of the same N > 0 was right -> the share that was after, less that before.

    Few change between the two, so half of one is added to each cell of the table (Agresti and Min, "Simple improved
    confidence intervals for comparing matched proportions", 2005)."""
    count, gained, lost = len(before), int((after & ~before).sum()), int((before & ~after).sum())
    total, difference = count + 2, gained - lost
    spread = (gained + lost + 1 - difference * difference / total) ** 0.5 / total
    half, middle = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * spread, difference / total
    return Interval(difference / count, max(middle - half, -1.0), min(middle + half, 1.0), count)


def auc_gain_interval(before: NDArray[Any], after: NDArray[Any], positive: NDArray[np.bool_]) -> Interval:
    """(N,) and (N,) scores of the same N, and which are positive, of both kinds some -> the area under the ROC curve
    after, less that before.

    By the share of the other kind that each is on the right side of (DeLong et al., "Comparing the areas under two or
    more correlated receiver operating characteristic curves", 1988), with Student's t of the rarer kind. Of fewer than
    MIN_COUNT of a kind anything is possible."""
    found, later = (_placements(scores, positive) for scores in (before, after))
    parts = [late - early for early, late in zip(found, later, strict=True)]
    gain, count, fewest = float(parts[0].mean()), len(positive), min(len(part) for part in parts)
    if fewest < MIN_COUNT:
        return Interval(gain, -1.0, 1.0, count)
    spread = sum(float(part.var(ddof=1)) / len(part) for part in parts) ** 0.5
    half = _t_quantile(fewest - 1) * spread
    return Interval(gain, max(gain - half, -1.0), min(gain + half, 1.0), count)


def _placements(scores: NDArray[Any], positive: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each positive the share of the others with a lower score, of each other the share of positives with a higher
    one; ties half."""
    yes, no = np.sort(scores[positive]), np.sort(scores[~positive])
    below = (np.searchsorted(no, scores[positive], "left") + np.searchsorted(no, scores[positive], "right")) / 2
    not_above = (np.searchsorted(yes, scores[~positive], "left") + np.searchsorted(yes, scores[~positive], "right")) / 2
    return below / len(no), 1 - not_above / len(yes)


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
