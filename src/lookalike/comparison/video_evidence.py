"""A stretch of two videos -> named numbers that say whether the one is a copy of the other, and the probability.

``similarity``: mean cosine of the frames that run along. ``centred``: the correlation of their changes, less of it
where hardly anything changes. ``distinct``: how much more that is than at any quite other offset: of a fixed camera all
offsets are alike. ``stillness``: 0..1, how little changes. ``motion``: how well every place's changes over time agree
once the images are laid on one another, -1..1. ``frame_odds``: the mean log-odds of a few pairs of frames, compared as
two images are; less of it in a still whose places do not change alike either, for a fixed camera has the same one at
other times. ``seconds``: logarithm of how long it lasts, as far as changes agree: a still proves no more the longer it
is shown. ``other_speed``: 0..1.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from lookalike.comparison.temporal import STILL, UNUSUAL_FROM, TemporalMatch
from lookalike.logistic import scalar_sigmoid
from lookalike.types import Comparison

MIN_ODDS, MAX_ODDS = -4.0, 8.0  # of a pair of frames: what cannot be aligned may be dark or blurred as well
MAX_SECONDS = 60.0  # beyond which length says nothing more


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
        "frame_odds": (float(np.mean(odds)) if odds else MIN_ODDS) * max(1 - stillness, motion),
        "seconds": math.log(min(match.a_end - match.a_start, MAX_SECONDS)) * max(centred, motion, 0.0),
        "other_speed": min(abs(math.log2(match.slope)) / UNUSUAL_FROM, 1.0),
    }


def _odds(comparison: Comparison) -> float:
    if comparison.odds is None:  # the same pixels
        return MAX_ODDS
    return min(max(comparison.odds, MIN_ODDS), MAX_ODDS)
