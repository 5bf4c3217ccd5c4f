"""Logistic regression: from measurements to a probability. Numpy only, for a handful of features.

Cox, The regression analysis of binary sequences, 1958; fitted by iteratively reweighted least squares
(Newton's method), with a ridge penalty (le Cessie & van Houwelingen, 1992), so that data which one line
separates perfectly still have one finite answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import UserError

Reals = NDArray[np.float64]

MAX_STEPS = 200
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Logistic:
    """``coefficients``: one per feature. ``intercept``: the log-odds where every feature is 0."""

    coefficients: tuple[float, ...]
    intercept: float


@overload
def sigmoid(z: float) -> float: ...
@overload
def sigmoid(z: NDArray[Any]) -> Reals: ...
def sigmoid(z: float | NDArray[Any]) -> float | Reals:
    """Log-odds -> probability 0..1: a number, or any shape in float64. Neither overflows nor warns for any finite z."""
    small = np.exp(-np.abs(np.asarray(z, np.float64)))
    shares: Reals = np.where(np.asarray(z) >= 0, 1.0, small) / (1.0 + small)
    return shares if isinstance(z, np.ndarray) else float(shares)


def scalar_sigmoid(z: float) -> float:
    """The same of one number, without the cost of an array: a search asks for every hit."""
    small = math.exp(-abs(z))
    return (1.0 if z >= 0 else small) / (1.0 + small)


def logit(probability: float) -> float:
    """Probability -> log-odds, the inverse of ``sigmoid``. Raises UserError for one that is not between 0 and 1."""
    if not 0.0 < probability < 1.0:
        raise UserError(f"a probability between 0 and 1 is needed, not {probability}")
    return math.log(probability / (1.0 - probability))


def probability(model: Logistic, x: NDArray[Any]) -> Reals:
    """(N, F) features -> (N,) float64, 0..1: the probability of True."""
    odds: Reals = _table(x, len(model.coefficients)) @ np.asarray(model.coefficients) + model.intercept
    return sigmoid(odds)


def fit(
    x: NDArray[Any],
    y: NDArray[Any],
    *,
    l2: float,
    nonnegative: bool = False,
    weights: NDArray[Any] | None = None,
) -> Logistic:
    """The coefficients that make the labels most likely, less ``l2`` / 2 times their squared length.

    ``x``: (N, F), ``y``: (N,) bool with both labels. ``l2`` > 0, in units of examples; the intercept is free
    of it. ``nonnegative``: no coefficient below 0 (an active set: what would go below is held at 0).
    ``weights``: (N,), how many examples each one stands for; 1 if not given.
    Raises UserError if a label is missing, a number is not finite, or the shapes do not fit.
    """
    table, labels = _table(x), np.asarray(y).astype(bool)
    _check(table, labels, l2)
    with_one = np.column_stack([table, np.ones(len(table))])
    penalty = np.append(np.full(table.shape[1], float(l2)), 0.0)
    lower = np.append(np.full(table.shape[1], 0.0 if nonnegative else -np.inf), -np.inf)
    counts = np.ones(len(table)) if weights is None else np.asarray(weights, np.float64)
    beta = _descend(with_one, labels.astype(np.float64), counts, penalty, lower)
    return Logistic(tuple(float(value) for value in beta[:-1]), float(beta[-1]))


def _table(x: NDArray[Any], features: int | None = None) -> Reals:
    table = np.asarray(x, np.float64)
    if table.ndim != 2 or (features is not None and table.shape[1] != features):
        raise UserError(f"features must be (N, {features or 'F'}), not {table.shape}")
    return table


def _check(x: Reals, y: NDArray[np.bool_], l2: float) -> None:
    if y.shape != (len(x),):
        raise UserError(f"{len(x)} examples need {len(x)} labels, not {y.shape}")
    if not np.isfinite(x).all():
        raise UserError("features must be finite numbers")
    if y.all() or not y.any():
        raise UserError("examples of both labels are needed: pairs that belong together and pairs that do not")
    if not (np.isfinite(l2) and l2 > 0):
        raise UserError(f"l2 must be above zero, not {l2}")


def _loss(x: Reals, y: Reals, counts: Reals, penalty: Reals, beta: Reals) -> float:
    z = x @ beta
    return float((counts * (np.logaddexp(0.0, z) - y * z)).sum() + 0.5 * (penalty * beta**2).sum())


def _descend(x: Reals, y: Reals, counts: Reals, penalty: Reals, lower: Reals) -> Reals:
    """Projected Newton (Bertsekas, 1982): the loss is convex, so where it stops is the minimum."""
    beta = np.zeros(x.shape[1])
    for _ in range(MAX_STEPS):
        p = sigmoid(x @ beta)
        gradient = x.T @ (counts * (p - y)) + penalty * beta
        free = (beta > lower) | (gradient < 0)
        if np.abs(gradient[free]).max(initial=0.0) < TOLERANCE * counts.sum():
            break
        hessian = (x.T * (counts * p * (1 - p))) @ x + np.diag(penalty + TOLERANCE)
        step = np.zeros_like(beta)
        step[free] = np.linalg.solve(hessian[np.ix_(free, free)], gradient[free])
        shorter = _line_search(x, y, counts, penalty, lower, beta, step)
        if shorter is None:
            break
        beta = shorter
    return beta


def _line_search(
    x: Reals, y: Reals, counts: Reals, penalty: Reals, lower: Reals, beta: Reals, step: Reals
) -> Reals | None:
    """The first of full step, half, quarter... that lowers the loss; None when none does (any more)."""
    start = _loss(x, y, counts, penalty, beta)
    for halvings in range(40):
        candidate = np.maximum(beta - 0.5**halvings * step, lower)
        if _loss(x, y, counts, penalty, candidate) < start:
            return candidate
    return None
