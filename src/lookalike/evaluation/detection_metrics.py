"""How good detections are: pure functions, no images, no files.

Boxes are (n, 4), x, y, width and height in one unit for all, such as shares of the image. Average precision is that
of COCO (Lin et al., arXiv 1405.0312), by its own package, pycocotools. All scores lie in 0..1.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import MissingDependency

Array = NDArray[Any]
Doubles = NDArray[np.float64]

MATCH_IOU = 0.5  # overlap from which a box is taken for the true one
MAX_DETECTIONS = (1, 10, 100)  # boxes of an image that AR is computed for
UNMATCHED = -1  # no such box


@dataclass(frozen=True, slots=True)
class Detections:
    """Of one image: ``boxes``, (n, 4); ``classes``, (n,) int; ``scores``, (n,), the confidence of each; of
    ground truth the scores do not count."""

    boxes: Array
    classes: Array
    scores: Array

    def __len__(self) -> int:
        return len(self.boxes)


def true_boxes(boxes: Array, classes: Array) -> Detections:
    """The ground truth of one image."""
    return Detections(boxes, classes, np.ones(len(boxes)))


@dataclass(frozen=True, slots=True)
class CocoMetrics:
    """``ap``: the mean over overlaps of 0.5, 0.55, ... 0.95 and over classes; ``ap50``, ``ap75``: at one overlap alone.
    ``recall``: at most so many boxes of an image -> the mean recall over the overlaps. Of each class (C,):
    ``per_class``, ``per_class_50``, NaN for one that no image shows; ``support``, its true boxes."""

    ap: float
    ap50: float
    ap75: float
    recall: dict[int, float]
    per_class: Doubles
    per_class_50: Doubles
    support: NDArray[np.int64]


def average_precision(
    predicted: Sequence[Detections],
    truth: Sequence[Detections],
    classes: int,
    agnostic: bool = False,
    most: Sequence[int] = MAX_DETECTIONS,
) -> CocoMetrics:
    """COCO's metrics of N images. ``agnostic``: a box counts wherever an object is, whatever its class.

    All are 0 where there is no object. Raises MissingDependency without pycocotools."""
    if agnostic:
        predicted, truth, classes = _of_one_class(predicted), _of_one_class(truth), 1
    support = np.bincount(_joined([one.classes for one in truth]).astype(np.int64), minlength=classes)
    if not support.sum():
        empty = np.full(classes, np.nan)
        return CocoMetrics(0.0, 0.0, 0.0, dict.fromkeys(most, 0.0), empty, empty, support)
    precision, recall = _evaluated(predicted, truth, classes, most)
    mean, at_50 = _mean(precision, (0, 1)), _mean(precision[0], (0,))
    return CocoMetrics(
        ap=float(np.nanmean(mean)),
        ap50=float(np.nanmean(at_50)),
        ap75=float(np.nanmean(_mean(precision[5], (0,)))),
        recall={count: float(np.nanmean(_mean(recall[..., row], (0,)))) for row, count in enumerate(most)},
        per_class=mean,
        per_class_50=at_50,
        support=support,
    )


def recall_at(boxes: Sequence[Array], truth: Sequence[Array], count: int, iou: float = MATCH_IOU) -> float:
    """The share of the true boxes of N images that one of the first ``count`` boxes of their image overlaps by
    ``iou`` or more; 0 where there is no true box."""
    hits = [
        (pairwise_iou(there, some[:count]) >= iou).any(1)
        for some, there in zip(boxes, truth, strict=True)
        if len(there)
    ]
    return float(np.concatenate(hits).mean()) if hits else 0.0


def pairwise_iou(one: Array, other: Array) -> Doubles:
    """(n, 4) and (m, 4) -> (n, m): intersection over union; 0 where both are empty."""
    one, other = np.asarray(one, np.float64)[:, None], np.asarray(other, np.float64)[None]
    low = np.maximum(one[..., :2], other[..., :2])
    high = np.minimum(one[..., :2] + one[..., 2:], other[..., :2] + other[..., 2:])
    common = np.maximum(high - low, 0).prod(-1)
    union = one[..., 2:].prod(-1) + other[..., 2:].prod(-1) - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0), np.float64)


def match_boxes(predicted: Detections, truth: Detections, iou: float = MATCH_IOU) -> NDArray[np.int64]:
    """(n,): the true box that each detection matches, or UNMATCHED. The most confident choose first, of those of their
    class the one that they overlap most and nobody has; as COCO does."""
    near = np.where(predicted.classes[:, None] == truth.classes[None], pairwise_iou(predicted.boxes, truth.boxes), 0.0)
    which = np.full(len(predicted), UNMATCHED, np.int64)
    for row in np.argsort(-np.asarray(predicted.scores), kind="stable"):
        if near.shape[1] and near[row].max() >= iou:
            which[row] = int(near[row].argmax())
            near[:, which[row]] = 0
    return which


def best_f1_threshold(predicted: Sequence[Detections], truth: Sequence[Detections]) -> float:
    """The score from which on boxes should count as detected: there F1, the harmonic mean of precision and recall, is
    largest. 1 where no box matches."""
    scores = _joined([one.scores for one in predicted])
    true_positive = _joined([match_boxes(one, there) != UNMATCHED for one, there in zip(predicted, truth, strict=True)])
    if not true_positive.any():
        return 1.0
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(true_positive[order])
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + sum(map(len, truth)))
    f1[:-1][scores[order][:-1] == scores[order][1:]] = 0  # all of one score stand or fall together
    return float(scores[order][f1.argmax()])


def _joined(parts: Sequence[Array]) -> Array:
    return np.concatenate([np.empty(0), *parts])


# --- by pycocotools


def _of_one_class(seen: Sequence[Detections]) -> list[Detections]:
    return [Detections(one.boxes, np.zeros(len(one), np.int64), one.scores) for one in seen]


def _mean(values: Doubles, axes: tuple[int, ...]) -> Doubles:
    """The mean over these axes; NaN for a class that no image shows, which pycocotools says with -1."""
    return np.where((values < 0).all(axes), np.nan, values.mean(axes))


def _evaluated(
    predicted: Sequence[Detections], truth: Sequence[Detections], classes: int, most: Sequence[int]
) -> tuple[Doubles, Doubles]:
    """(overlaps, recalls, classes): precision with the largest of ``most``; (overlaps, classes, most): recall."""
    try:
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise MissingDependency("pycocotools is not installed; get it with: pip install 'lookalike[train]'") from error
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        run = COCOeval(_coco(truth, classes), _coco(predicted, classes), "bbox")
        run.params.maxDets = list(most)
        run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
        run.evaluate()
        run.accumulate()
    return run.eval["precision"][:, :, :, 0, -1], run.eval["recall"][:, :, 0, :]


def _coco(seen: Sequence[Detections], classes: int) -> Any:
    """As pycocotools keeps images and boxes."""
    from pycocotools.coco import COCO

    rows = [
        (image, box, kind, score)
        for image, one in enumerate(seen)
        for box, kind, score in zip(one.boxes.tolist(), one.classes.tolist(), one.scores.tolist(), strict=True)
    ]
    made = COCO()
    made.dataset = {
        "images": [{"id": image} for image in range(len(seen))],
        "categories": [{"id": kind} for kind in range(classes)],
        "annotations": [
            {"id": number, "image_id": image, "category_id": int(kind), "bbox": box, "area": box[2] * box[3],
             "iscrowd": 0, "score": score}
            for number, (image, box, kind, score) in enumerate(rows, start=1)
        ],
    }  # fmt: skip
    made.createIndex()
    return made
