"""Which part of an image shows a word: the box that `search --text --boxes` tells, beside COCO's boxes of that noun."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import Options, run, table
from benchmarks.words import COCO_NAMES, words
from lookalike.gallery.search.word_place import MIN_SIDE, PartViews, look_at_parts, place_of
from lookalike.imaging import load
from lookalike.types import Box
from lookalike.words.concept_odds import concept_odds
from lookalike.words.vocabulary import Concept, vocabulary

TITLE = "Words: which part of an image shows one"
CHOSEN_ON = 82  # images of coco128, the first ones, on which the way to a box was chosen
MOST_OF_IMAGE = 0.5  # a thing that fills more is nowhere in particular
HEADER = ("nouns", "box", "things", "its centre on the thing, %", "IoU, mean", "IoU 0.3 and more, %", "0.5 and more, %")
Rectangle = tuple[float, float, float, float]  # left, top, right, bottom, in shares of the image
CENTRE: Rectangle = (0.25, 0.25, 0.75, 0.75)
WHOLE: Rectangle = (0, 0, 1, 1)


@dataclass(frozen=True)
class Place:
    """Of a noun in one image: whether a tag knows it, the boxes of COCO, ours, and the nearest proposal's."""

    tagged: bool
    true: list[Rectangle]
    predicted: Rectangle
    nearest: Rectangle


def measure(options: Options) -> str:
    files = sorted((options.data / "coco128" / "images").rglob("*.jpg"))[CHOSEN_ON:][:: options.size(1, 60)]
    labelled = [(file, boxes) for file in files if (boxes := dict(_boxes(options.data / "coco128", file)))]
    began = time.perf_counter()
    viewed = [(look_at_parts(load(file, min_side=MIN_SIDE)), boxes) for file, boxes in labelled]
    seconds = (time.perf_counter() - began) / max(len(viewed), 1)
    places = [place for views, boxes in viewed for place in _places(views, boxes)]
    rows = [row for tagged in (True, False) for row in _rows(tagged, [one for one in places if one.tagged is tagged])]
    note = (
        f"{len(labelled)} images of coco128, none of the first {CHOSEN_ON}, on which the way to the box was chosen. "
        "Nouns that the image shows more likely than not, none of whose things fills more than "
        f"{100 * MOST_OF_IMAGE:.0f} % of it; of several things the one that is met best. Nouns by tags and by classes "
        "alone. Centre: the middle quarter of the image. Nearest proposal: what the network of regions allows at best. "
        f"Looking at the parts of an image took {seconds:.2f} s."
    )
    return f"{table(HEADER, rows)}\n\n{note}"


def _boxes(folder: Path, image: Path) -> Iterator[tuple[str, list[Rectangle]]]:
    """Noun -> where COCO has it."""
    file = folder / "object_detection" / "labels" / image.parent.name / f"{image.stem}.txt"
    names = [word.text for word in words()[: len(COCO_NAMES)]]
    lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    found: dict[str, list[Rectangle]] = {}
    for number, *numbers in lines:
        x, y, width, height = map(float, numbers)
        found.setdefault(names[int(number)], []).append((x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    yield from found.items()


def _places(views: PartViews, boxes: dict[str, list[Rectangle]]) -> Iterator[Place]:
    proposals = [(float(x), float(y), float(x + w), float(y + h)) for x, y, w, h in views.boxes]
    for noun, true in boxes.items():
        concept = vocabulary().find(noun)
        if concept is None or max(_area(one) for one in true) > MOST_OF_IMAGE:
            continue
        if concept_odds(concept, views.vectors[:1], views.probabilities[:1])[0] < 0:
            continue
        nearest = max(proposals, key=lambda one: _best_iou(one, true))
        yield Place(bool(concept.tags), true, _predicted(concept, views), nearest)


def _predicted(concept: Concept, views: PartViews) -> Rectangle:
    box: Box | None = place_of(concept, views)
    if box is None:
        return WHOLE
    width, height = views.image.width, views.image.height
    return box.x / width, box.y / height, (box.x + box.width) / width, (box.y + box.height) / height


def _rows(tagged: bool, places: Sequence[Place]) -> Iterator[tuple[str, ...]]:
    kinds = {"**search --boxes**": [one.predicted for one in places], "centre": [CENTRE] * len(places)}
    kinds |= {"nearest proposal": [one.nearest for one in places]}
    for name, boxes in kinds.items() if places else ():
        found = [_best_iou(box, one.true) for box, one in zip(boxes, places, strict=True)]
        hit = [_on_one(box, one.true) for box, one in zip(boxes, places, strict=True)]
        yield (
            *("by tags" if tagged else "by classes", name, str(len(places)), f"{100 * statistics.mean(hit):.0f}"),
            *(f"{statistics.mean(found):.2f}", *(f"{_share(found, least):.0f}" for least in (0.3, 0.5))),
        )


def _share(values: Sequence[float], least: float) -> float:
    return 100 * statistics.mean(one >= least for one in values)


def _on_one(box: Rectangle, true: Sequence[Rectangle]) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return any(left <= x <= right and top <= y <= bottom for left, top, right, bottom in true)


def _best_iou(box: Rectangle, true: Sequence[Rectangle]) -> float:
    return max(_iou(box, one) for one in true)


def _iou(a: Rectangle, b: Rectangle) -> float:
    shared = _area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))
    return shared / (_area(a) + _area(b) - shared)


def _area(box: Rectangle) -> float:
    return max(box[2] - box[0], 0) * max(box[3] - box[1], 0)


if __name__ == "__main__":
    run(TITLE, measure)
