"""A stretch of two videos -> named numbers that say whether the one is a copy of the other, and the probability.

``similarity``: mean cosine of the frames that run along. ``centred``: the correlation of their changes, less of it
where hardly anything changes. ``distinct``: how much more that is than at any quite other offset: of a fixed camera all
offsets are alike. ``stillness``: 0..1, how little changes. ``motion``: how well every place's changes over time agree
once the images are laid on one another, -1..1. ``frame_odds``: the mean log-odds of a few pairs of frames, compared as
two images are; less of it in a still, for a fixed camera has the same one at other times. ``seconds``: logarithm of how
long it lasts, as far as changes agree: a still proves no more the longer it is shown. ``other_speed``: 0..1.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.temporal import UNUSUAL_FROM, TemporalMatch
from lookalike.logistic import scalar_sigmoid
from lookalike.types import Comparison, Floats, Image

STILL = 0.2  # variation from which on a stretch is no still at all
MIN_ODDS, MAX_ODDS = -4.0, 8.0  # of a pair of frames: what cannot be aligned may be dark or blurred as well
MAX_SECONDS = 60.0  # beyond which length says nothing more
MOTION_SIDE = 64  # pixels of the views whose changes are compared
MOTION_BLUR = 3
MOVES = 4.0  # levels, root mean square: below, what is left over time is noise of compression
MIN_COVERED = 0.02  # of a view's places

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class VideoCurve:
    """log-odds = ``intercept`` + the sum of ``weights`` times evidence, fitted by recipes/fit_video.py, which says
    how many stretches are taken for copies beforehand."""

    intercept: float
    weights: Mapping[str, float]


@cache
def shipped_curve() -> VideoCurve:
    """The curve that comes with the package."""
    table = tomllib.loads(resources.files("lookalike.comparison").joinpath("video.toml").read_text("utf-8"))
    return VideoCurve(float(table["intercept"]), table["weights"])


def probability(evidence: Mapping[str, float], curve: VideoCurve) -> float:
    """0..1, that a stretch with this evidence is a copy."""
    return scalar_sigmoid(curve.intercept + sum(weight * evidence[name] for name, weight in curve.weights.items()))


def stretch_evidence(match: TemporalMatch, compared: Sequence[Comparison], motion: float) -> dict[str, float]:
    """The named numbers of a stretch. ``compared``: a few of its pairs of frames; ``motion``: by motion_agreement."""
    stillness = max(STILL - match.variation, 0.0) / STILL
    odds = [_odds(one) for one in compared]
    centred = match.centred * (1 - stillness)
    return {
        "similarity": match.similarity,
        "centred": centred,
        "distinct": (match.centred - match.elsewhere) * (1 - stillness),
        "stillness": stillness,
        "motion": motion,
        "frame_odds": (float(np.mean(odds)) if odds else MIN_ODDS) * (1 - stillness),
        "seconds": math.log(min(match.a_end - match.a_start, MAX_SECONDS)) * max(centred, motion, 0.0),
        "other_speed": min(abs(math.log2(match.slope)) / UNUSUAL_FROM, 1.0),
    }


def _odds(comparison: Comparison) -> float:
    if comparison.odds is None:  # the same pixels
        return MAX_ODDS
    return min(max(comparison.odds, MIN_ODDS), MAX_ODDS)


def motion_agreement(pairs: Sequence[tuple[Image, Image]], matrix: Matrix | None) -> float:
    """How well the places of N pairs of frames change alike over time, -1..1; 0 where nothing moves.

    ``matrix``: (3, 3), a's pixels -> b's pixels, upright; None: the one lies on the whole of the other. What is drawn
    over all frames alike and what stands still are in each place's mean, which is taken off."""
    if len(pairs) < 3:
        return 0.0
    first, second, covered = _aligned_views(pairs, matrix)
    if covered.mean() < MIN_COVERED:
        return 0.0
    changes = [views[:, covered] - views[:, covered].mean(0) for views in (first, second)]
    levels = [math.sqrt(float((part**2).mean())) for part in changes]
    if min(levels) < MOVES:
        return 0.0
    return float((changes[0] * changes[1]).mean()) / (levels[0] * levels[1])


def _aligned_views(
    pairs: Sequence[tuple[Image, Image]], matrix: Matrix | None
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """(N, s, s) float32 luma of a's frames laid on b's, and of b's, and which of their places both show."""
    side = (MOTION_SIDE, MOTION_SIDE)
    a, b = pairs[0]
    scale_a, scale_b = (np.diag([MOTION_SIDE / one.width, MOTION_SIDE / one.height, 1.0]) for one in (a, b))
    onto = (scale_b @ (matrix if matrix is not None else np.linalg.inv(scale_b) @ scale_a) @ np.linalg.inv(scale_a))[:2]
    first = [cv2.warpAffine(_view(one), onto, side, flags=cv2.INTER_AREA) for one, _ in pairs]
    covered = cv2.warpAffine(np.full(side, 255, np.uint8), onto, side) > 250
    return np.stack(first), np.stack([_view(other) for _, other in pairs]), covered


def _view(image: Image) -> Floats:
    small = cv2.resize(image.pixels, (MOTION_SIDE, MOTION_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.blur(small.mean(axis=2, dtype=np.float32), (MOTION_BLUR, MOTION_BLUR)), np.float32)
