"""From annotated pairs to the weights of a blend and to a probability, with how good they are.

Logistic regression without negative weights gives the weights; a logistic curve over the distance (Platt 1999, with his
smoothed targets, so that pairs which one line separates give no certainty) gives the probability at even odds. Its
metrics are cross-validated: every pair is scored by a fit that has not seen it.
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

MIN_PAIRS = 20  # below which nothing is fitted
MIN_PAIRS_EACH = 5  # of either verdict
FOLDS = 5
SEED = 2026
CURVE_L2 = 0.01  # examples; the distance is in units of its spread
MIN_SLOPE = 1e-6  # a curve is never flat

Mask = NDArray[np.bool_]
Distances = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Fit:
    """``weights``: descriptor name -> weight, adding up to 1. ``slope``, ``intercept``: of the log-odds at even odds
    over the distance of these, in the descriptor's own unit if it is one alone."""

    weights: Mapping[str, float]
    slope: float
    intercept: float

    def odds(self, distances: Distances) -> NDArray[np.float64]:
        """name -> (N,) -> (N,) log-odds that a pair belongs together."""
        return self.intercept - self.slope * np.asarray(Blend(self.weights).distance(distances), np.float64)


def check_pairs(same: Mask) -> None:
    """Raises UserError for too few pairs, or for one verdict only."""
    yes, no = int(same.sum()), int((~same).sum())
    if len(same) < MIN_PAIRS or min(yes, no) < MIN_PAIRS_EACH:
        raise UserError(
            f"tuning needs {MIN_PAIRS} usable pairs, at least {MIN_PAIRS_EACH} of them same and {MIN_PAIRS_EACH} "
            f"different; there are {yes} same and {no} different"
        )


def fitted(distances: Distances, same: Mask) -> Fit:
    """name -> (N,) distances, (N,) bool -> the fit; of one descriptor alone only the curve.

    Raises UserError if no descriptor separates the pairs that match from those that do not."""
    weights = _weights(distances, same)
    far = np.asarray(Blend(weights).distance(distances), np.float64)
    yes, no = int(same.sum()), int((~same).sum())
    sure = np.where(same, (yes + 1) / (yes + 2), (no + 1) / (no + 2))  # Platt's targets, as two weighted examples each
    balance, unit = _balance(same), _spread(far)
    x = np.concatenate([-far / unit, -far / unit])[:, None]
    both, weight = np.concatenate([same, ~same]), np.concatenate([sure * balance, (1 - sure) * balance])
    model = fit(x, both, l2=CURVE_L2, nonnegative=True, weights=weight)
    return Fit(weights, max(model.coefficients[0] / unit, MIN_SLOPE), model.intercept)


def _weights(distances: Distances, same: Mask) -> dict[str, float]:
    """As ``learn_weights``, but each distance in units of its spread among these pairs, so that one that separates
    them by little counts as well."""
    if len(distances) == 1:
        return dict.fromkeys(distances, 1.0)
    scaled = {
        name: part.astype(np.float64) / get(name).card.median_negative_distance for name, part in distances.items()
    }
    spreads = {name: _spread(part) for name, part in scaled.items()}
    table = np.column_stack([-part / spreads[name] for name, part in scaled.items()])
    model = fit(table, same, l2=LEARNING_L2, nonnegative=True, weights=_balance(same))
    weights = {name: weight / spreads[name] for name, weight in zip(scaled, model.coefficients, strict=True)}
    if not any(weights.values()):
        raise UserError(
            "no descriptor separates matching from non-matching pairs: the former are closer by none of them"
        )
    return dict(Blend(weights).weights)


def _balance(same: Mask) -> NDArray[np.float64]:
    """(N,): how many examples each pair stands for, so that both verdicts weigh the same."""
    return np.asarray(np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum()) * len(same), np.float64)


def _spread(far: NDArray[np.float64]) -> float:
    return float(far.std()) or 1.0


def cross_validated(distances: Distances, same: Mask) -> NDArray[np.float64]:
    """(N,) log-odds of each pair, by a fit on the other folds; folds hold both verdicts, and are always the same."""
    folds = np.empty(len(same), np.int64)
    rng = np.random.default_rng(SEED)
    for verdict in (True, False):
        pairs = rng.permutation(np.flatnonzero(same == verdict))
        folds[pairs] = np.arange(len(pairs)) % FOLDS
    odds = np.empty(len(same), np.float64)
    for fold in range(FOLDS):
        out = folds == fold
        learnt = fitted({name: part[~out] for name, part in distances.items()}, same[~out])
        odds[out] = learnt.odds({name: part[out] for name, part in distances.items()})
    return odds


def pair_metrics(odds: NDArray[np.float64], same: Mask, precision: float) -> PairMetrics:
    """(N,) log-odds, (N,) bool -> how well they separate the two; the threshold is the probability ``precision``."""
    predicted = sigmoid(odds) >= precision
    return PairMetrics(
        accuracy=float(((odds >= 0) == same).mean()),
        auc=roc_auc(odds, same),
        recall=float(predicted[same].mean()),
        precision=float(same[predicted].mean()) if predicted.any() else None,
    )


def roc_auc(score: NDArray[Any], same: Mask) -> float:
    """The probability that a pair that belongs together has the higher score than one that does not; ties count half
    (Mann and Whitney, 1947). (N,), (N,) bool with both values."""
    yes, no = np.sort(score[same]), score[~same]
    below = np.searchsorted(yes, no, side="left") + np.searchsorted(yes, no, side="right")
    return float(1 - below.sum() / (2 * len(yes) * len(no)))
