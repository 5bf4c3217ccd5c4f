"""Figures of labels: by hand and by loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lookalike.evaluation import classification_metrics


def test_a_confusion_by_hand() -> None:
    """Six images of three classes: recall, precision, balanced accuracy and macro F1 as counted on paper."""
    labels, predictions = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 0])
    table = classification_metrics.confusion(labels, predictions, 3)
    assert table.tolist() == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]
    metrics = classification_metrics.class_metrics(table)
    assert metrics.recall.tolist() == pytest.approx([2 / 3, 1, 0])
    assert metrics.precision.tolist() == pytest.approx([2 / 3, 2 / 3, 0])
    assert metrics.balanced_accuracy == pytest.approx((2 / 3 + 1) / 3)
    assert metrics.macro_f1 == pytest.approx((2 / 3 + 0.8) / 3)


def test_a_class_that_nobody_asks_for() -> None:
    """It counts neither in the balanced accuracy nor in the macro F1."""
    metrics = classification_metrics.class_metrics(
        classification_metrics.confusion(np.array([0, 1]), np.array([0, 1]), 3)
    )
    assert (metrics.balanced_accuracy, metrics.macro_f1) == (1.0, 1.0)


def test_calibration_error_by_loops() -> None:
    """Bins of equal width: the weighted distance between the mean probability and the share that is right."""
    random = np.random.default_rng(0)
    shares = classification_metrics.probabilities(random.normal(size=(200, 4)) * 2)
    labels = random.integers(0, 4, 200)
    expected = 0.0
    for place in range(15):
        rows = [i for i in range(200) if place / 15 <= shares[i].max() < (place + 1) / 15]
        if rows:
            confidence = sum(shares[i].max() for i in rows) / len(rows)
            accuracy = sum(shares[i].argmax() == labels[i] for i in rows) / len(rows)
            expected += len(rows) / 200 * abs(confidence - accuracy)
    assert classification_metrics.calibration_error(shares, labels) == pytest.approx(expected)


def test_the_temperature_is_found_again() -> None:
    """Labels drawn from the softmax of logits; of three times those logits the best temperature is near 3."""
    random = np.random.default_rng(1)
    logits = random.normal(size=(20_000, 3)) * 2
    shares = classification_metrics.probabilities(logits)
    labels = (shares.cumsum(axis=1) > random.random((20_000, 1))).argmax(axis=1)
    assert classification_metrics.fitted_temperature(3 * logits, labels) == pytest.approx(3.0, rel=0.05)
    before = classification_metrics.calibration_error(classification_metrics.probabilities(3 * logits), labels)
    crossed = classification_metrics.cross_calibrated(3 * logits, labels)
    assert classification_metrics.calibration_error(crossed, labels) < 0.2 * before


def test_probabilities_of_large_logits() -> None:
    """They add up to 1 and stay finite; two equal logits share alike."""
    shares = classification_metrics.probabilities(np.array([[1e4, 1e4, -1e4]]))
    assert shares.tolist() == [[0.5, 0.5, 0.0]]
    assert classification_metrics.negative_log_likelihood(np.array([[0.0, 0.0]]), np.array([1])) == pytest.approx(
        math.log(2)
    )


def test_the_level_of_abstention() -> None:
    """The lowest probability at which the surer answers are right often enough; of equal ones all or none."""
    sure = np.array([0.9, 0.8, 0.7, 0.7, 0.6])
    shares, labels = np.stack([sure, 1 - sure], 1), np.array([0, 0, 0, 1, 0])
    assert classification_metrics.abstention_threshold(shares, labels, accuracy=1.0) == pytest.approx(0.8)
    assert classification_metrics.abstention_threshold(shares, labels, accuracy=0.7) == pytest.approx(0.6)
    assert classification_metrics.abstention_threshold(shares, 1 - labels, accuracy=1.0) == 1.0


def test_temperatures_never_saw_what_they_are_applied_to() -> None:
    """By loops over five folds: each image has the probabilities of the temperature of the four others."""
    random = np.random.default_rng(3)
    logits, labels = random.normal(0, 2, (23, 3)), random.integers(0, 3, 23)
    crossed = classification_metrics.cross_calibrated(logits, labels)
    for row in range(23):
        others = [other for other in range(23) if other % 5 != row % 5]
        temperature = classification_metrics.fitted_temperature(logits[others], labels[others])
        assert crossed[row] == pytest.approx(classification_metrics.probabilities(logits[[row]], temperature)[0])
    assert classification_metrics.cross_calibrated(logits[:1], labels[:1]).tolist() == (
        classification_metrics.probabilities(logits[:1]).tolist()
    )
