"""How good a detector is on images that it never saw, in figures and for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.evaluation.detection_metrics import (
    NONE,
    SAME,
    Array,
    Precision,
    Seen,
    average_precision,
    matched,
    overlaps,
    recall_at,
    surest_level,
)
from lookalike.training.data.image_folder import evenly
from lookalike.training.export.draw_boxes import FOUND, LONGER, TRUE, around, framed
from lookalike.training.export.training_page import Section, Shown, Strip, Table, shown
from lookalike.types import Pixels

SHOWN = 12  # images of each strip
NEAR = 0.1  # overlap from which a false find lies beside something
PROPOSED = (10, 32)  # boxes of an image whose recall is told


@dataclass(frozen=True, slots=True)
class Images:
    """H held-out images: ``pixels``, (H, s, s, 3) uint8, squeezed; ``sizes``, (H, 2), of the originals."""

    pixels: Pixels
    sizes: NDArray[np.int64]
    paths: Sequence[str]


@dataclass(frozen=True, slots=True)
class Judged:
    """``names``: of the classes, none for a detector that only tells what is an object. ``level``: the score from which
    on found boxes are believed. ``by_class`` and ``anything``: with and without regard to classes."""

    names: Sequence[str]
    truth: Sequence[Seen]
    found: Sequence[Seen]
    level: float
    by_class: Precision
    anything: Precision

    @property
    def figures(self) -> Mapping[str, float]:
        """Those that the card gets."""
        told, boxes, there = self.by_class, [one.boxes for one in self.found], [one.boxes for one in self.truth]
        return {
            "AP": told.ap,
            "AP50": told.ap50,
            "AP75": told.ap75,
            "AP50 of any object": self.anything.ap50,
            **{f"recall of {count} boxes": recall_at(boxes, there, count) for count in PROPOSED},
        }


def judge(found: Sequence[Seen], truth: Sequence[Seen], names: Sequence[str]) -> Judged:
    """Of H held-out images what was found, the surest first, and what is there. Without names, classes are not
    regarded."""
    if not names:
        found, truth = _nameless(found), _nameless(truth)
    by_class = average_precision(found, truth, max(1, len(names)))
    anything = average_precision(found, truth, 1, agnostic=True)
    return Judged(names, truth, found, surest_level(found, truth), by_class, anything)


def sections(judged: Judged, images: Images, trained: Sequence[int]) -> tuple[Section, ...]:
    """Class by class, some images, what was missed and what is not there. ``trained``: boxes of each class that were
    trained on."""
    return (
        _per_class(judged, trained),
        _looked_at(judged, images),
        _missed(judged, images),
        _false(judged, images),
    )


def _nameless(seen: Sequence[Seen]) -> list[Seen]:
    return [Seen(one.boxes, np.zeros(len(one), np.int64), one.scores) for one in seen]


def _believed(judged: Judged) -> list[Seen]:
    """Of each image the found boxes from the level on."""
    sure = [one.scores >= judged.level for one in judged.found]
    return [
        Seen(one.boxes[rows], one.classes[rows], one.scores[rows]) for one, rows in zip(judged.found, sure, strict=True)
    ]


def _name(judged: Judged, kind: int) -> str:
    return judged.names[kind] if judged.names else "object"


def _per_class(judged: Judged, trained: Sequence[int]) -> Section:
    told = judged.by_class
    rows = [
        (_name(judged, kind), f"{trained[kind]:,}", f"{told.asked[kind]:,}", *_two(told, kind))
        for kind in np.argsort(-np.nan_to_num(told.per_class, nan=-1.0), kind="stable")
    ]
    lede = (
        "Average precision as COCO has it: the mean over overlaps of 0.5, 0.55 ... 0.95, and that at 0.5 alone. "
        "A class that no held-out image shows has none."
    )
    table = Table(("class", "trained on", "held out", "AP", "AP at 0.5"), tuple(rows))
    return Section("Class by class", lede, tables=(table,))


def _two(told: Precision, kind: int) -> tuple[str, str]:
    if not told.asked[kind]:
        return "–", "–"
    return f"{told.per_class[kind]:.3f}", f"{told.per_class_50[kind]:.3f}"


def _looked_at(judged: Judged, images: Images) -> Section:
    believed, strip = _believed(judged), []
    for row in evenly(np.arange(len(judged.truth)), SHOWN):
        true, found = judged.truth[row], believed[row]
        drawn = framed(images.pixels[row], images.sizes[row].tolist(), true.boxes, found.boxes)
        right = int((matched(found, true) != NONE).sum())
        words = f"{right} of {len(true)} found" + (f", {len(found) - right} false" if len(found) > right else "")
        strip.append(_shown(drawn, words, images.paths[row]))
    lede = (
        "Held-out images, evenly chosen: true boxes blue and broad, found ones orange and narrow. Drawn are boxes "
        f"with a score of {judged.level:.2f} or more, where precision and recall are best together."
    )
    return Section("What it sees", lede, strips=_strips("True and found", strip))


def _missed(judged: Judged, images: Images) -> Section:
    found = [
        (float(true.boxes[number, 2:].prod()), row, number)
        for row, (true, seen) in enumerate(zip(judged.truth, _believed(judged), strict=True))
        for number in np.setdiff1d(np.arange(len(true)), matched(seen, true)).tolist()
    ]
    strip = []
    for area, row, number in sorted(found, key=lambda one: -one[0])[:SHOWN]:
        true = judged.truth[row]
        cut = around(images.pixels[row], images.sizes[row].tolist(), true.boxes[number], TRUE)
        strip.append(_shown(cut, f"{_name(judged, int(true.classes[number]))}, {area:.1%}", images.paths[row]))
    lede = f"{len(found):,} of {sum(map(len, judged.truth)):,} true boxes were not found. The largest:"
    return Section("Worst misses", lede, strips=_strips("What it is, and its share of the image", strip))


def _false(judged: Judged, images: Images) -> Section:
    believed = _believed(judged)
    wrong = [
        (float(seen.scores[number]), row, number)
        for row, (true, seen) in enumerate(zip(judged.truth, believed, strict=True))
        for number in np.flatnonzero(matched(seen, true) == NONE).tolist()
    ]
    strip = []
    for score, row, number in sorted(wrong, key=lambda one: -one[0])[:SHOWN]:
        box, kind = believed[row].boxes[number], int(believed[row].classes[number])
        cut = around(images.pixels[row], images.sizes[row].tolist(), box, FOUND)
        why = reason(box, kind, judged.truth[row], judged.names)
        strip.append(_shown(cut, f"{_name(judged, kind)} {score:.2f}: {why}", images.paths[row]))
    lede = f"{len(wrong):,} of {sum(map(len, believed)):,} boxes that it believes are not right. The surest:"
    return Section("Surest false finds", lede, strips=_strips("What it said, and what is there", strip))


def reason(box: Array, kind: int, truth: Seen, names: Sequence[str]) -> str:
    """Why a found box is none of the true ones."""
    near = overlaps(box[None], truth.boxes)[0]
    if not near.size or near.max() < NEAR:
        return "nothing is marked there"
    there = int(near.argmax())
    what = names[int(truth.classes[there])] if names else "object"
    if near[there] < SAME:
        return f"{what}, but beside its place"
    return f"it is {what}" if int(truth.classes[there]) != kind else f"{what}, but found twice"


def _shown(pixels: Pixels, text: str, path: str) -> Shown:
    return shown(pixels, text, path, LONGER)


def _strips(caption: str, images: Sequence[Shown]) -> tuple[Strip, ...]:
    return (Strip(caption, tuple(images), wide=True),) if images else ()
