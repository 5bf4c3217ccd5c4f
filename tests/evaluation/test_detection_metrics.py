"""Detections are evaluated by COCO's metrics, by hand-made examples and by explicit loops."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from lookalike.errors import MissingDependency
from lookalike.evaluation.detection_metrics import (
    UNMATCHED,
    Detections,
    average_precision,
    best_f1_threshold,
    match_boxes,
    pairwise_iou,
    recall_at,
    true_boxes,
)


def detections(*rows: tuple) -> Detections:
    """Of (box, class, score)."""
    boxes = np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4)
    return Detections(
        boxes, np.array([kind for _, kind, _ in rows], int), np.array([score for *_, score in rows], float)
    )


def annotated(*rows: tuple) -> Detections:
    return true_boxes(np.array([box for box, _ in rows]).reshape(-1, 4), np.array([kind for _, kind in rows], int))


A, B, FAR = (0.0, 0.0, 0.4, 0.4), (0.5, 0.5, 0.4, 0.4), (0.9, 0.0, 0.1, 0.1)


def slow_overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union, side by side."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    common = wide * high if wide > 0 and high > 0 else 0.0
    return common / (one[2] * one[3] + other[2] * other[3] - common)


def test_overlaps_as_by_hand() -> None:
    """Half of one in the other is a third; apart and touching are 0; the same is 1."""
    other = np.array([A, (0.2, 0.0, 0.4, 0.4), (0.4, 0.0, 0.4, 0.4), FAR])
    assert pairwise_iou(np.array([A]), other)[0] == pytest.approx([1, 1 / 3, 0, 0])
    assert pairwise_iou(np.zeros((1, 4)), np.zeros((2, 4))).tolist() == [[0, 0]]


def test_recall_by_explicit_loops() -> None:
    """What a loop over every true box and every one of the first boxes says, for each count and overlap."""
    random = np.random.default_rng(0)
    boxes = [random.uniform(0.01, 0.5, (n, 4)) for n in (0, 3, 9, 20)]
    truth = [random.uniform(0.01, 0.5, (n, 4)) for n in (2, 4, 0, 5)]
    for count in (1, 4, 100):
        for iou in (0.1, 0.3, 0.5):
            hits = [
                any(slow_overlap(box, one) >= iou for box in some[:count])
                for some, here in zip(boxes, truth, strict=True)
                for one in here
            ]
            assert recall_at(boxes, truth, count, iou) == pytest.approx(sum(hits) / len(hits))
    assert recall_at([np.zeros((0, 4))], [np.zeros((0, 4))], 5) == 0


def test_everything_found() -> None:
    """Every true box, exactly: all metrics are 1; a class that is nowhere has none."""
    metrics = average_precision([detections((A, 0, 0.9), (B, 1, 0.2))], [annotated((A, 0), (B, 1))], 3)
    assert (metrics.ap, metrics.ap50, metrics.ap75) == pytest.approx((1, 1, 1))
    assert metrics.per_class[:2] == pytest.approx([1, 1])
    assert np.isnan(metrics.per_class[2])
    assert metrics.support.tolist() == [1, 1, 0]
    assert metrics.recall == pytest.approx({1: 1, 10: 1, 100: 1})


def test_average_precision_by_hand() -> None:
    """A false box that is surer than the one right one: precision 1/2 at every recall. One of two found, nothing
    wrong: precision 1 at the recalls 0, 0.01 ... 0.5, which are 51 of 101."""
    false_first = average_precision([detections((FAR, 0, 0.9), (A, 0, 0.8))], [annotated((A, 0))], 1)
    assert (false_first.ap, false_first.ap50) == pytest.approx((0.5, 0.5))
    half = average_precision([detections((A, 0, 0.9))], [annotated((A, 0), (B, 0))], 1)
    assert half.ap == pytest.approx(51 / 101)
    assert half.recall[100] == pytest.approx(0.5)


def test_overlaps_between_the_thresholds() -> None:
    """A box that overlaps the true one by 0.62 counts at 0.5, 0.55 and 0.6, three of ten."""
    metrics = average_precision([detections(((0.0, 0.0, 0.4, 0.4 * 0.62), 0, 0.9))], [annotated((A, 0))], 1)
    assert (metrics.ap, metrics.ap50, metrics.ap75) == pytest.approx((0.3, 1.0, 0.0))


def test_without_regard_to_classes() -> None:
    """A box with the wrong name is wrong by class, and right as an object."""
    found, truth = [detections((A, 1, 0.9)), detections()], [annotated((A, 0)), annotated()]
    assert average_precision(found, truth, 2).ap == 0
    assert average_precision(found, truth, 2, agnostic=True).ap == pytest.approx(1)


def test_nothing_to_find_and_nothing_found(capsys: pytest.CaptureFixture[str]) -> None:
    """Both are 0, and no figure is missing; nothing is printed."""
    assert average_precision([detections((A, 0, 0.5))], [annotated()], 1).ap == 0
    metrics = average_precision([detections(), detections()], [annotated((A, 0)), annotated()], 1)
    assert (metrics.ap, metrics.recall[10]) == (0, 0)
    assert capsys.readouterr().out == ""


def test_the_surest_chooses_first() -> None:
    """Two boxes on one true one: the surer has it, the other is one too many; another class gets nothing."""
    found = detections((A, 0, 0.3), (A, 0, 0.9), (B, 1, 0.8))
    assert match_boxes(found, annotated((A, 0), (B, 0))).tolist() == [UNMATCHED, 0, UNMATCHED]
    assert match_boxes(found, annotated()).tolist() == [UNMATCHED] * 3


def test_the_threshold_of_best_f1() -> None:
    """Right at 0.9 and 0.6, wrong at 0.5 and below: 0.6. Without a right one, none is kept."""
    found = [detections((A, 0, 0.9), (FAR, 0, 0.5)), detections((B, 0, 0.6), (FAR, 0, 0.4))]
    assert best_f1_threshold(found, [annotated((A, 0)), annotated((B, 0))]) == 0.6
    assert best_f1_threshold(found, [annotated(), annotated()]) == 1


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    monkeypatch.setitem(sys.modules, "pycocotools.cocoeval", None)
    with pytest.raises(MissingDependency, match=r"lookalike\[train\]"):
        average_precision([detections()], [annotated((A, 0))], 1)
