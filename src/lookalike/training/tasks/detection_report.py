"""How good a detector is on held-out images, in metrics and for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.evaluation.detection_metrics import (
    MATCH_IOU,
    UNMATCHED,
    Array,
    CocoMetrics,
    Detections,
    average_precision,
    best_f1_threshold,
    match_boxes,
    pairwise_iou,
    recall_at,
)
from lookalike.training.data.image_folder import evenly_spaced
from lookalike.training.export.draw_boxes import LONGER_SIDE, PREDICTED_COLOUR, TRUE_COLOUR, draw_boxes, draw_crop
from lookalike.training.export.training_page import CaptionedImage, Section, Strip, Table, captioned
from lookalike.types import Pixels

EXAMPLES = 12  # images of each strip
NEARBY_IOU = 0.1  # from which a false positive lies beside an object
RECALL_AT = (10, 32)  # boxes of an image whose recall is reported


@dataclass(frozen=True, slots=True)
class HeldOutImages:
    """H held-out images: ``pixels``, (H, s, s, 3) uint8, squeezed; ``sizes``, (H, 2), of the originals."""

    pixels: Pixels
    sizes: NDArray[np.int64]
    paths: Sequence[str]


@dataclass(frozen=True, slots=True)
class DetectorMetrics:
    """``names``: of the classes, none for a detector of objects of any class. ``threshold``: the score from
    which on boxes count as detected. ``by_class`` and ``agnostic``: with and without regard to classes."""

    names: Sequence[str]
    truth: Sequence[Detections]
    predicted: Sequence[Detections]
    threshold: float
    by_class: CocoMetrics
    agnostic: CocoMetrics

    @property
    def metrics(self) -> Mapping[str, float]:
        """Those that the card gets."""
        coco, boxes, there = self.by_class, [one.boxes for one in self.predicted], [one.boxes for one in self.truth]
        return {
            "AP": coco.ap,
            "AP50": coco.ap50,
            "AP75": coco.ap75,
            "AP50 of any object": self.agnostic.ap50,
            **{f"recall of {count} boxes": recall_at(boxes, there, count) for count in RECALL_AT},
        }


def evaluate_detector(
    predicted: Sequence[Detections], truth: Sequence[Detections], names: Sequence[str]
) -> DetectorMetrics:
    """Of H held-out images the detections, the most confident first, and the ground truth. Without names, classes do
    not count."""
    if not names:
        predicted, truth = _without_classes(predicted), _without_classes(truth)
    by_class = average_precision(predicted, truth, max(1, len(names)))
    agnostic = average_precision(predicted, truth, 1, agnostic=True)
    return DetectorMetrics(names, truth, predicted, best_f1_threshold(predicted, truth), by_class, agnostic)


def sections(evaluation: DetectorMetrics, images: HeldOutImages, trained: Sequence[int]) -> tuple[Section, ...]:
    """Class by class, some images, false negatives and false positives. ``trained``: boxes of each class that were
    trained on."""
    return (
        _per_class(evaluation, trained),
        _examples(evaluation, images),
        _false_negatives(evaluation, images),
        _false_positives(evaluation, images),
    )


def _without_classes(detections: Sequence[Detections]) -> list[Detections]:
    return [Detections(one.boxes, np.zeros(len(one), np.int64), one.scores) for one in detections]


def _detected(evaluation: DetectorMetrics) -> list[Detections]:
    """Of each image the boxes from the threshold on."""
    kept = [one.scores >= evaluation.threshold for one in evaluation.predicted]
    return [
        Detections(one.boxes[rows], one.classes[rows], one.scores[rows])
        for one, rows in zip(evaluation.predicted, kept, strict=True)
    ]


def _name(evaluation: DetectorMetrics, kind: int) -> str:
    return evaluation.names[kind] if evaluation.names else "object"


def _per_class(evaluation: DetectorMetrics, trained: Sequence[int]) -> Section:
    coco = evaluation.by_class
    rows = [
        (_name(evaluation, kind), f"{trained[kind]:,}", f"{coco.support[kind]:,}", *_precisions(coco, kind))
        for kind in np.argsort(-np.nan_to_num(coco.per_class, nan=-1.0), kind="stable")
    ]
    lede = (
        "Average precision as COCO has it: the mean over overlaps of 0.5, 0.55 ... 0.95, and that at 0.5 alone. "
        "A class that no held-out image shows has none."
    )
    table = Table(("class", "trained on", "held out", "AP", "AP at 0.5"), tuple(rows))
    return Section("Class by class", lede, tables=(table,))


def _precisions(coco: CocoMetrics, kind: int) -> tuple[str, str]:
    if not coco.support[kind]:
        return "–", "–"
    return f"{coco.per_class[kind]:.3f}", f"{coco.per_class_50[kind]:.3f}"


def _examples(evaluation: DetectorMetrics, images: HeldOutImages) -> Section:
    detected, strip = _detected(evaluation), []
    for row in evenly_spaced(np.arange(len(evaluation.truth)), EXAMPLES):
        true, found = evaluation.truth[row], detected[row]
        drawn = draw_boxes(images.pixels[row], images.sizes[row].tolist(), true.boxes, found.boxes)
        matches = int((match_boxes(found, true) != UNMATCHED).sum())
        false = f", {len(found) - matches} false" if len(found) > matches else ""
        words = f"{matches} of {len(true)} detected{false}"
        strip.append(_shown(drawn, words, images.paths[row]))
    lede = (
        "Held-out images, evenly chosen: ground truth blue and broad, detections orange and narrow. Drawn are boxes "
        f"with a score of {evaluation.threshold:.2f} or more, where F1 is largest."
    )
    return Section("Examples", lede, strips=_strips("Ground truth and detections", strip))


def _false_negatives(evaluation: DetectorMetrics, images: HeldOutImages) -> Section:
    missed = [
        (float(true.boxes[number, 2:].prod()), row, number)
        for row, (true, detections) in enumerate(zip(evaluation.truth, _detected(evaluation), strict=True))
        for number in np.setdiff1d(np.arange(len(true)), match_boxes(detections, true)).tolist()
    ]
    strip = []
    for area, row, number in sorted(missed, key=lambda one: -one[0])[:EXAMPLES]:
        true = evaluation.truth[row]
        cut = draw_crop(images.pixels[row], images.sizes[row].tolist(), true.boxes[number], TRUE_COLOUR)
        strip.append(_shown(cut, f"{_name(evaluation, int(true.classes[number]))}, {area:.1%}", images.paths[row]))
    lede = f"{len(missed):,} of {sum(map(len, evaluation.truth)):,} true boxes were not detected. The largest:"
    return Section("Largest false negatives", lede, strips=_strips("The class, and its share of the image", strip))


def _false_positives(evaluation: DetectorMetrics, images: HeldOutImages) -> Section:
    detected = _detected(evaluation)
    false = [
        (float(detections.scores[number]), row, number)
        for row, (true, detections) in enumerate(zip(evaluation.truth, detected, strict=True))
        for number in np.flatnonzero(match_boxes(detections, true) == UNMATCHED).tolist()
    ]
    strip = []
    for score, row, number in sorted(false, key=lambda one: -one[0])[:EXAMPLES]:
        box, kind = detected[row].boxes[number], int(detected[row].classes[number])
        cut = draw_crop(images.pixels[row], images.sizes[row].tolist(), box, PREDICTED_COLOUR)
        why = reason(box, kind, evaluation.truth[row], evaluation.names)
        strip.append(_shown(cut, f"{_name(evaluation, kind)} {score:.2f}: {why}", images.paths[row]))
    lede = f"{len(false):,} of {sum(map(len, detected)):,} detections are false positives. The most confident:"
    return Section("Most confident false positives", lede, strips=_strips("The prediction, and what is there", strip))


def reason(box: Array, kind: int, truth: Detections, names: Sequence[str]) -> str:
    """Why a detection is a false positive."""
    near = pairwise_iou(box[None], truth.boxes)[0]
    if not near.size or near.max() < NEARBY_IOU:
        return "no box is annotated there"
    there = int(near.argmax())
    what = names[int(truth.classes[there])] if names else "object"
    if near[there] < MATCH_IOU:
        return f"{what}, but poorly localised"
    return f"it is {what}" if int(truth.classes[there]) != kind else f"{what}, but detected twice"


def _shown(pixels: Pixels, text: str, path: str) -> CaptionedImage:
    return captioned(pixels, text, path, LONGER_SIDE)


def _strips(caption: str, images: Sequence[CaptionedImage]) -> tuple[Strip, ...]:
    return (Strip(caption, tuple(images), wide=True),) if images else ()
