"""From pairs that a person has judged to the shares of a blend and to a probability, with what it is worth.

Logistic regression without negative weights gives the shares; a logistic curve over the distance (Platt 1999, with his
smoothed targets, so that pairs which one line separates give no certainty) gives the probability at even odds. What is
told of it is cross-validated: every pair is judged by a fit that has not seen it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors import get
from lookalike.descriptors.fusion import LEARNING_L2, Blend
from lookalike.errors import UserError
from lookalike.logistic import fit, sigmoid
from lookalike.types import PairMetrics

FEWEST = 20  # pairs below which nothing is fitted
FEWEST_EACH = 5  # of either verdict
FOLDS = 5
SEED = 2026
CURVE_L2 = 0.01  # examples; the distance is in units of its spread
LEAST_SLOPE = 1e-6  # a curve is never flat

Mask = NDArray[np.bool_]
Distances = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Fit:
    """``weights``: descriptor name -> share, adding up to 1. ``slope``, ``intercept``: of the log-odds at even odds
    over the distance of these, in the descriptor's own unit if it is one alone."""

    weights: Mapping[str, float]
    slope: float
    intercept: float

    def odds(self, distances: Distances) -> NDArray[np.float64]:
        """name -> (N,) -> (N,) log-odds that a pair belongs together."""
        return self.intercept - self.slope * np.asarray(blended(self.weights, distances), np.float64)


def check_pairs(same: Mask) -> None:
    """Raises UserError for too few pairs, or for one verdict only."""
    yes, no = int(same.sum()), int((~same).sum())
    if len(same) < FEWEST or min(yes, no) < FEWEST_EACH:
        raise UserError(
            f"tuning needs {FEWEST} usable pairs, at least {FEWEST_EACH} of them same and {FEWEST_EACH} different; "
            f"there are {yes} same and {no} different"
        )


def fitted(distances: Distances, same: Mask) -> Fit:
    """name -> (N,) distances, (N,) bool -> the fit; of one descriptor alone only the curve.

    Raises UserError if in none of the distances the pairs that belong together are closer."""
    weights = _shares(distances, same)
    far = np.asarray(blended(weights, distances), np.float64)
    yes, no = int(same.sum()), int((~same).sum())
    sure = np.where(same, (yes + 1) / (yes + 2), (no + 1) / (no + 2))  # Platt's targets, as two weighted examples each
    balance, unit = _balance(same), _spread(far)
    x = np.concatenate([-far / unit, -far / unit])[:, None]
    both, weight = np.concatenate([same, ~same]), np.concatenate([sure * balance, (1 - sure) * balance])
    model = fit(x, both, l2=CURVE_L2, nonnegative=True, weights=weight)
    return Fit(weights, max(model.coefficients[0] / unit, LEAST_SLOPE), model.intercept)


def _shares(distances: Distances, same: Mask) -> dict[str, float]:
    """As ``learn_weights``, but each distance in units of its spread among these pairs, so that one that tells them
    apart by little is heard as well."""
    if len(distances) == 1:
        return dict.fromkeys(distances, 1.0)
    scaled = {
        name: part.astype(np.float64) / get(name).card.median_negative_distance for name, part in distances.items()
    }
    spreads = {name: _spread(part) for name, part in scaled.items()}
    table = np.column_stack([-part / spreads[name] for name, part in scaled.items()])
    model = fit(table, same, l2=LEARNING_L2, nonnegative=True, weights=_balance(same))
    weights = {name: share / spreads[name] for name, share in zip(scaled, model.coefficients, strict=True)}
    if not any(weights.values()):
        raise UserError("in none of these distances are the pairs that belong together closer than the others")
    return dict(Blend(weights).weights)


def _balance(same: Mask) -> NDArray[np.float64]:
    """(N,): how many examples each pair stands for, so that both verdicts weigh the same."""
    return np.asarray(np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum()) * len(same), np.float64)


def _spread(far: NDArray[np.float64]) -> float:
    return float(far.std()) or 1.0


def blended(weights: Mapping[str, float], distances: Distances) -> NDArray[Any]:
    """The distance that ranks: a single descriptor's own, or the weighted sum of several in units of
    ``median_negative_distance``."""
    blend = Blend(weights)
    return distances[blend.names[0]] if len(blend.names) == 1 else blend.combine(distances)


def cross_validated(distances: Distances, same: Mask) -> NDArray[np.float64]:
    """(N,) log-odds of each pair, by a fit on the other folds; folds hold both verdicts, and are always the same."""
    folds = np.empty(len(same), np.int64)
    rng = np.random.default_rng(SEED)
    for verdict in (True, False):
        places = rng.permutation(np.flatnonzero(same == verdict))
        folds[places] = np.arange(len(places)) % FOLDS
    odds = np.empty(len(same), np.float64)
    for fold in range(FOLDS):
        out = folds == fold
        learnt = fitted({name: part[~out] for name, part in distances.items()}, same[~out])
        odds[out] = learnt.odds({name: part[out] for name, part in distances.items()})
    return odds


def figures(odds: NDArray[np.float64], same: Mask, precision: float) -> PairMetrics:
    """(N,) log-odds, (N,) bool -> how well they tell the two apart; the limit is the probability ``precision``."""
    told = sigmoid(odds) >= precision
    return PairMetrics(
        accuracy=float(((odds >= 0) == same).mean()),
        auc=roc_auc(odds, same),
        recall=float(told[same].mean()),
        precision=float(same[told].mean()) if told.any() else None,
    )


def roc_auc(score: NDArray[Any], same: Mask) -> float:
    """The probability that a pair that belongs together has the higher score than one that does not; ties count half
    (Mann and Whitney, 1947). (N,), (N,) bool with both values."""
    yes, no = np.sort(score[same]), score[~same]
    below = np.searchsorted(yes, no, side="left") + np.searchsorted(yes, no, side="right")
    return float(1 - below.sum() / (2 * len(yes) * len(no)))
