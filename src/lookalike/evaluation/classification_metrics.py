"""How good given labels and their probabilities are: pure functions. No images, no files.

``logits``: (N, C), any finite numbers; ``labels``: (N,) int, 0..C - 1. All scores lie in 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Doubles = NDArray[np.float64]
Whole = NDArray[np.int64]

BINS = 15
COLDEST, HOTTEST = 0.05, 20.0  # temperatures that are tried
TRUSTED = 0.95  # accuracy that answers above the level of abstention have


def probabilities(logits: Array, temperature: float = 1.0) -> Doubles:
    """(N, C) logits -> (N, C) shares that add up to 1: softmax of the logits over the temperature."""
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)


def confusion(labels: Whole, answers: Whole, classes: int) -> Whole:
    """(C, C): row by row, how the images of a class were answered."""
    return np.bincount(labels * classes + answers, minlength=classes**2).reshape(classes, classes)


@dataclass(frozen=True, slots=True)
class Told:
    """Of each class (C,): ``recall``, the share of its images that is found; ``precision``, the share of right
    answers among those that name it; both 0 where nothing is asked or answered. ``asked``: its images."""

    recall: Doubles
    precision: Doubles
    asked: Whole

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes that were asked for."""
        return float(self.recall[self.asked > 0].mean())

    @property
    def macro_f1(self) -> float:
        """The mean, over the classes that were asked for, of the harmonic mean of recall and precision."""
        both = self.recall + self.precision
        scores = np.divide(2 * self.recall * self.precision, both, out=np.zeros_like(both), where=both > 0)
        return float(scores[self.asked > 0].mean())


def told_of(table: Whole) -> Told:
    """The (C, C) confusion -> recall and precision of each class."""
    right, asked, answered = np.diag(table).astype(float), table.sum(axis=1), table.sum(axis=0)
    return Told(right / np.maximum(asked, 1), right / np.maximum(answered, 1), asked)


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers with a probability of about ``said``, on average; ``right``: the share of them that is right."""

    said: float
    right: float
    count: int


def reliability(shares: Doubles, labels: Whole, bins: int = BINS) -> list[Bin]:
    """(N, C) probabilities -> the bins of equal width that hold an answer, by the probability of that answer."""
    sure, right = shares.max(axis=1), shares.argmax(axis=1) == labels
    places = np.minimum((sure * bins).astype(int), bins - 1)
    chosen = [places == place for place in range(bins) if (places == place).any()]
    return [Bin(float(sure[one].mean()), float(right[one].mean()), int(one.sum())) for one in chosen]


def calibration_error(shares: Doubles, labels: Whole, bins: int = BINS) -> float:
    """The expected calibration error: how far what is said is from what is right, bin by bin (Guo et al.,
    arXiv 1706.04599)."""
    return sum(one.count * abs(one.said - one.right) for one in reliability(shares, labels, bins)) / len(labels)


def negative_log_likelihood(logits: Array, labels: Whole, temperature: float = 1.0) -> float:
    """The mean of minus the log of the probability that the right class was given."""
    right = probabilities(logits, temperature)[np.arange(len(labels)), labels]
    return float(-np.log(right.clip(min=1e-300)).mean())


def fitted_temperature(logits: Array, labels: Whole) -> float:
    """The temperature of the least negative log-likelihood (Guo et al., arXiv 1706.04599).

    The likelihood has one peak in 1 / temperature; golden sections of its logarithm close in on it."""
    low, high, golden = np.log(COLDEST), np.log(HOTTEST), (5**0.5 - 1) / 2
    while high - low > 1e-4:
        left, right = high - golden * (high - low), low + golden * (high - low)
        if negative_log_likelihood(logits, labels, np.exp(left)) < negative_log_likelihood(
            logits, labels, np.exp(right)
        ):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def calibrated_error(logits: Array, labels: Whole) -> float:
    """The calibration error with a temperature that never saw the images it is measured on: of each half, that of
    the other half."""
    shares = np.empty(np.shape(logits), np.float64)
    for mine in (0, 1):
        half, other = slice(mine, None, 2), slice(1 - mine, None, 2)
        fitted = fitted_temperature(logits[other], labels[other]) if len(labels) > 1 else 1.0
        shares[half] = probabilities(logits[half], fitted)
    return calibration_error(shares, labels)


def abstention_level(shares: Doubles, labels: Whole, trusted: float = TRUSTED) -> float:
    """The lowest probability at and above which the share ``trusted`` of the answers is right; 1 if there is none."""
    sure, right = shares.max(axis=1), shares.argmax(axis=1) == labels
    order = np.argsort(-sure, kind="stable")
    accuracy = right[order].cumsum() / np.arange(1, len(order) + 1)
    ends = np.append(sure[order][1:] < sure[order][:-1], True)  # of equal probabilities all or none
    good = np.flatnonzero((accuracy >= trusted) & ends)
    return float(sure[order[good[-1]]]) if len(good) else 1.0
