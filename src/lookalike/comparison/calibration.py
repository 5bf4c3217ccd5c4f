"""From a distance to the probability that two images are copies of one original, and back.

A logistic curve per measure (Platt 1999), fitted by ``recipes/fit_calibration.py`` on as many copies as
negatives, so that it is right for a pair of which nothing is known beforehand (prior 0.5). Among N images a
copy is expected once at most, so a search or a hunt for duplicates asks with ``prior = 1 / (N + 1)``: the same
distance says less, the more images it was picked from.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import UserError
from lookalike.logistic import logit, sigmoid


@dataclass(frozen=True, slots=True)
class Calibration:
    """``probability = sigmoid(intercept - slope * distance - background_weight * background)`` at prior 0.5.

    ``slope`` is above zero. ``background_weight``: what a query loses per unit of background similarity, see
    score_normalization.py. ``complements_blend``: this measure finds copies that the blend of hashes cannot (crops,
    rotations), so both are asked where both are known; it overlooks edits."""

    slope: float
    intercept: float
    origin: str
    background_weight: float = 0.0
    complements_blend: bool = False

    def probability(self, distance: NDArray[Any] | float, prior: float = 0.5) -> NDArray[np.float64]:
        """Distances of any shape -> probabilities 0..1 of the same shape, given the share of copies expected."""
        return sigmoid(self.intercept - self.slope * np.asarray(distance, np.float64) + logit(prior))

    def odds(self, distance: float, prior: float = 0.5, background: float = 0.0) -> float:
        """The logarithm of the odds at one distance; tells apart what rounds to probability 1."""
        return self.evidence(distance, background) + logit(prior)

    def evidence(self, distance: float, background: float = 0.0) -> float:
        """The same at even odds: what the distance alone says."""
        return self.intercept - self.slope * distance - self.background_weight * background

    def distance(self, probability: float, prior: float = 0.5) -> float:
        """The largest distance that still has this probability; below zero if even 0 is not close enough."""
        return (self.intercept + logit(prior) - logit(probability)) / self.slope


@dataclass(frozen=True, slots=True)
class Fitted:
    """Everything in ``calibration.toml``, and the curves of the shipped networks in ``networks.toml``.

    ``curves``: measure -> Calibration, "blend" among them. ``edited``: weights (and "intercept") of a logistic rule
    over the blend's components, each in units of its card's ``median_negative_distance``: positive says edited,
    negative re-encoded. ``similar``: measure -> the distance that only 1 in 100 pairs of unrelated images stays under.
    """

    curves: Mapping[str, Calibration]
    edited: Mapping[str, float]
    similar: Mapping[str, float]


@cache
def shipped() -> Fitted:
    """The calibrations that come with the package."""
    table, networks = (
        tomllib.loads(resources.files("lookalike.comparison").joinpath(file).read_text("utf-8"))
        for file in ("calibration.toml", "networks.toml")
    )
    curves = {name: Calibration(**values) for name, values in (table["curves"] | networks["curves"]).items()}
    return Fitted(curves, table["edited"], table["similar"] | networks["similar"])


def curve(name: str) -> Calibration:
    """The calibration of a measure. Raises UserError if there is none."""
    try:
        return shipped().curves[name]
    except KeyError:
        raise UserError(
            f"no calibration for {name!r}, so its distances give no probability; there are curves for "
            f"{', '.join(shipped().curves)}, and `lookalike tune` fits one to pairs that you have judged"
        ) from None


def library_prior(images: int) -> float:
    """The share of copies to expect when one image is compared with a library of this many."""
    return 1.0 / (max(images, 1) + 1.0)
