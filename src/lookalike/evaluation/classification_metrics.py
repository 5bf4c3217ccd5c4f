"""How good predicted labels and their probabilities are: pure functions. No images, no files.

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

FOLDS = 5  # of the images that temperatures are judged on
CALIBRATION_BINS = 15
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0  # temperatures that are tried
TARGET_ACCURACY = 0.95  # of the predictions above the abstention threshold


def probabilities(logits: Array, temperature: float = 1.0) -> Doubles:
    """(N, C) logits -> (N, C) shares that add up to 1: softmax of the logits over the temperature."""
    scaled = np.asarray(logits, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)


def confusion(labels: Whole, predictions: Whole, classes: int) -> Whole:
    """(C, C): row by row, the predictions of the images of a class."""
    return np.bincount(labels * classes + predictions, minlength=classes**2).reshape(classes, classes)


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """Of each class (C,): ``recall``, the share of its images that are predicted as it; ``precision``, the share of its
    images among those that are; both 0 where there are none. ``support``: its images."""

    recall: Doubles
    precision: Doubles
    support: Whole

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes that have images."""
        return float(self.recall[self.support > 0].mean())

    @property
    def macro_f1(self) -> float:
        """The mean, over the classes that have images, of the harmonic mean of recall and precision."""
        both = self.recall + self.precision
        scores = np.divide(2 * self.recall * self.precision, both, out=np.zeros_like(both), where=both > 0)
        return float(scores[self.support > 0].mean())


def class_metrics(table: Whole) -> ClassMetrics:
    """The (C, C) confusion -> recall and precision of each class."""
    correct, support, predicted = np.diag(table).astype(float), table.sum(axis=1), table.sum(axis=0)
    return ClassMetrics(correct / np.maximum(support, 1), correct / np.maximum(predicted, 1), support)


@dataclass(frozen=True, slots=True)
class Bin:
    """The predictions of about this ``confidence``, on average, and their ``accuracy``."""

    confidence: float
    accuracy: float
    count: int


def reliability(shares: Doubles, labels: Whole, bins: int = CALIBRATION_BINS) -> list[Bin]:
    """(N, C) probabilities -> the bins of equal width that hold a prediction, by its probability."""
    confidence, correct = shares.max(axis=1), shares.argmax(axis=1) == labels
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    chosen = [places == place for place in range(bins) if (places == place).any()]
    return [Bin(float(confidence[one].mean()), float(correct[one].mean()), int(one.sum())) for one in chosen]


def calibration_error(shares: Doubles, labels: Whole, bins: int = CALIBRATION_BINS) -> float:
    """The expected calibration error: the gap between confidence and accuracy, bin by bin (Guo et al.,
    arXiv 1706.04599)."""
    return sum(one.count * abs(one.confidence - one.accuracy) for one in reliability(shares, labels, bins)) / len(
        labels
    )


def negative_log_likelihood(logits: Array, labels: Whole, temperature: float = 1.0) -> float:
    """The mean of minus the log of the probability of the true class."""
    return log_loss(probabilities(logits, temperature), labels)


def log_loss(shares: Doubles, labels: Whole) -> float:
    """The same of (N, C) probabilities."""
    own = shares[np.arange(len(labels)), labels]
    return float(-np.log(own.clip(min=1e-300)).mean())


def fitted_temperature(logits: Array, labels: Whole) -> float:
    """The temperature of the least negative log-likelihood (Guo et al., arXiv 1706.04599).

    The likelihood has one peak in 1 / temperature; golden sections of its logarithm close in on it."""
    low, high, golden = np.log(MIN_TEMPERATURE), np.log(MAX_TEMPERATURE), (5**0.5 - 1) / 2
    while high - low > 1e-4:
        left, right = high - golden * (high - low), low + golden * (high - low)
        if negative_log_likelihood(logits, labels, np.exp(left)) < negative_log_likelihood(
            logits, labels, np.exp(right)
        ):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def cross_calibrated(logits: Array, labels: Whole, folds: int = FOLDS) -> Doubles:
    """(N, C) logits -> (N, C) probabilities by temperatures that never saw the images they are applied to: on each
    fold, that of all the others. Of a single image, without any."""
    shares, folds = probabilities(logits), min(folds, len(labels))
    for fold in range(folds if folds > 1 else 0):
        mine = np.arange(len(labels)) % folds == fold
        shares[mine] = probabilities(logits[mine], fitted_temperature(logits[~mine], labels[~mine]))
    return shares


@dataclass(frozen=True, slots=True)
class TemperatureFit:
    """A classifier's ``temperature``: the ``fitted`` one where that pays, else 1. ``before``: the calibration error
    without a temperature; ``after``: with fitted ones, on images that they were not fitted on."""

    temperature: float
    fitted: float
    before: float
    after: float

    @property
    def kept(self) -> bool:
        return self.temperature == self.fitted

    @property
    def error(self) -> float:
        """The calibration error of what is handed over."""
        return self.after if self.kept else self.before


def calibration(logits: Array, labels: Whole) -> TemperatureFit:
    """(N, C) logits of held-out images -> the temperature that pays: by cross-validation it lowers both the calibration
    error and, as that is coarse, the mean of minus the log of the true class's probability."""
    plain, crossed = probabilities(logits), cross_calibrated(logits, labels)
    before, after = calibration_error(plain, labels), calibration_error(crossed, labels)
    fitted = fitted_temperature(logits, labels)
    pays = after < before and log_loss(crossed, labels) < log_loss(plain, labels)
    return TemperatureFit(fitted if pays else 1.0, fitted, before, after)


def abstention_threshold(shares: Doubles, labels: Whole, accuracy: float = TARGET_ACCURACY) -> float:
    """The lowest probability at and above which predictions have this ``accuracy``; 1 if there is none."""
    confidence, correct = shares.max(axis=1), shares.argmax(axis=1) == labels
    order = np.argsort(-confidence, kind="stable")
    running = correct[order].cumsum() / np.arange(1, len(order) + 1)
    ends = np.append(confidence[order][1:] < confidence[order][:-1], True)  # of equal probabilities all or none
    good = np.flatnonzero((running >= accuracy) & ends)
    return float(confidence[order[good[-1]]]) if len(good) else 1.0
