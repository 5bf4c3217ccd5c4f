"""Images with boxes to train a detector on: a COCO file, a folder of Pascal VOC files, or one of YOLO's.

**Which way is up.** Images are turned upright, as their EXIF says. Boxes in pixels belong to the upright image, as
people see it, unless the width and height that the file states are those of the image as it is stored: then the boxes
are rotated with it. Boxes in shares belong to the upright image.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import UserError
from lookalike.training.data.annotations import AnnotatedImage, AnnotationList, Size
from lookalike.training.data.annotations_coco import is_coco, read_coco
from lookalike.training.data.annotations_voc import ANNOTATIONS, read_voc, xml_files
from lookalike.training.data.annotations_yolo import IMAGES, LABELS, label_folders, read_yolo
from lookalike.training.data.exif_orientation import FileOrientation, read_orientation, rotate_boxes
from lookalike.training.data.image_cache import NO_LABEL, ImageCache, cache_files, with_labels
from lookalike.training.data.image_folder import Split, hold_out
from lookalike.types import Failure, Floats

OUTSIDE = 0.01  # share of an image that a box may lie beyond its edge before that is noted
ASPECT_TOLERANCE = 0.03  # by which the aspect ratio of a stated size may differ from the image's
FEW_BOXES = 10  # of a class, below which it is named


@dataclass(frozen=True, slots=True)
class DetectionDataset:
    """N images. ``boxes``: of each (n, 4) float32, x, y, width and height as shares 0..1 of the upright image, none
    for an image that shows nothing; ``classes``: of each (n,) int64 into ``names``, each of which has a box.
    ``sizes``: (N, 2) int64, width and height of the upright originals. ``notes``: what was left out, in words."""

    cache: ImageCache
    boxes: tuple[Floats, ...]
    classes: tuple[NDArray[np.int64], ...]
    names: tuple[str, ...]
    sizes: NDArray[np.int64]
    notes: tuple[str, ...]

    @property
    def counts(self) -> NDArray[np.int64]:
        """(C,): the boxes of each class."""
        return np.bincount(np.concatenate(self.classes), minlength=len(self.names))


def read_detection_dataset(source: Path, images: Path | None, side: int, cache_folder: Path) -> DetectionDataset:
    """The images of ``source``, each squeezed to ``side`` pixels, and their boxes.

    ``images``: the folder of the images, where they lie elsewhere. What cannot be used is left out and counted in
    the notes; files that are missing or damaged are the cache's failures. Raises UserError for a source of no known
    kind, and when fewer than two images with a box are left."""
    listed = read_annotations(source, images)
    there = [one for one in listed.images if one.path.is_file()]
    if not there:
        raise UserError(
            f"{source}: none of its {len(listed.images)} images is there; they were looked for in {listed.root}. "
            "Name their folder with --images"
        )
    cache = cache_files([one.path for one in there], listed.root, side, cache_folder)
    missing = [Failure(str(one.path), "no such file") for one in listed.images if not one.path.is_file()]
    cache = replace(cache, failed=(*missing, *cache.failed))
    dataset = _dataset(cache, {relative_name(one.path, listed.root): one for one in there}, listed)
    if sum(len(one) > 0 for one in dataset.boxes) < 2:
        notes = "; ".join(dataset.notes)
        raise UserError(f"{source}: at least two images with a usable box are needed{': ' + notes if notes else ''}")
    return dataset


def read_annotations(source: Path, images: Path | None = None) -> AnnotationList:
    """The annotations of ``source``, in whichever format. Raises UserError that names what was looked for."""
    if images and not images.is_dir():
        raise UserError(f"{images}: no such folder")
    if source.is_file():
        if source.suffix.lower() != ".json":
            raise UserError(f"{source}: a file of boxes is COCO JSON; name the folder for Pascal VOC or YOLO")
        return read_coco(source, images)
    if not source.is_dir():
        raise UserError(f"{source}: no such file or folder")
    if xml_files(source):
        return read_voc(source, images)
    if label_folders(source):
        return read_yolo(source, images)
    return read_coco(_json_in(source), images)


def _json_in(folder: Path) -> Path:
    found = [file for place in (folder, folder / "annotations") for file in sorted(place.glob("*.json"))]
    found = [file for file in found if is_coco(file)]
    if len(found) > 1:
        raise UserError(f"{folder}: {len(found)} COCO files; name one of them, as {found[0]}")
    if not found:
        raise UserError(
            f"{folder}: no boxes here. Looked for: Pascal VOC, *.xml here or in {ANNOTATIONS}/; YOLO, {LABELS}/ beside "
            f"{IMAGES}/; COCO, a JSON file with images, annotations and categories, here or in annotations/"
        )
    return found[0]


def hold_out_images(dataset: DetectionDataset, share: float, seed: int, kept: Path) -> Split:
    """Hold out a share of the images, of those with boxes and of those without alike; see ``image_folder.hold_out``."""
    by_content = with_labels(dataset.cache, ["boxes" if len(one) else "" for one in dataset.boxes])
    return hold_out(by_content, share, seed, kept)


def relative_name(path: Path, root: Path) -> str:
    """How an image cache calls this file."""
    return os.path.relpath(path, root)


# --- from annotations to what is trained on


def _dataset(cache: ImageCache, listed: dict[str, AnnotatedImage], source: AnnotationList) -> DetectionDataset:
    problems = Counter(source.problems)
    names = list(source.names)
    numbers = {name: number for number, name in enumerate(names)}
    rows = [_of_one(listed[path], read_orientation(listed[path].path), numbers, problems) for path in cache.paths]
    kinds = [row[1] for row in rows]
    used = np.unique(np.concatenate(kinds)) if kinds else np.empty(0, np.int64)
    fewer = np.full(len(names), NO_LABEL)
    fewer[used] = np.arange(len(used))
    dataset = DetectionDataset(
        cache=cache,
        boxes=tuple(row[0] for row in rows),
        classes=tuple(fewer[one] for one in kinds),
        names=tuple(names[number] for number in used),
        sizes=np.array([row[2] for row in rows], np.int64).reshape(-1, 2),
        notes=(),
    )
    return replace(dataset, notes=_notes(dataset, names, problems))


def _of_one(
    one: AnnotatedImage, kept: FileOrientation, numbers: dict[str, int], problems: Counter[str]
) -> tuple[Floats, NDArray[np.int64], Size]:
    """An image's boxes that can be used, their classes, and its upright size."""
    at = np.array([box.box for box in one.boxes], np.float64).reshape(-1, 4)
    kinds = np.array([numbers[box.name] for box in one.boxes], np.int64)
    if not one.normalised:
        at = _in_shares(at, one.size, kept, problems)
    sound = _sound(at, problems)
    at, kinds = clipped(at[sound]), kinds[sound]
    first = _each_once(at, kinds)
    if repeated := len(at) - len(first):
        problems["boxes listed more than once, taken once"] += repeated
    return at[first].astype(np.float32), kinds[first], kept.upright


def _in_shares(
    at: NDArray[np.float64], stated: Size | None, kept: FileOrientation, problems: Counter[str]
) -> NDArray[np.float64]:
    """Boxes in pixels of an image of the stated size -> in shares of the upright one; none if it is another image."""
    size = stated or kept.upright
    shares = at / np.array([*size, *size], np.float64)
    if _lies_on_its_side(size, kept):
        problems["images whose boxes were turned with them, as EXIF says"] += 1
        return rotate_boxes(shares, kept.orientation)
    if not _same_aspect(size, kept.upright):
        problems["images of another aspect ratio than the file of boxes states, their boxes left out"] += 1
        return shares * np.nan
    if kept.orientation > 1:
        problems["images that EXIF turns, their boxes taken as those of the upright image"] += 1
    return shares


def _lies_on_its_side(stated: Size, kept: FileOrientation) -> bool:
    """Whether the stated size is that of the image as stored, lying on its side."""
    if kept.upright == kept.size:
        return False
    return stated == kept.size or (_same_aspect(stated, kept.size) and not _same_aspect(stated, kept.upright))


def _same_aspect(one: Size, other: Size) -> bool:
    """Of the same shape: the same image, perhaps made smaller since."""
    return abs(one[0] * other[1] - one[1] * other[0]) <= ASPECT_TOLERANCE * one[1] * other[0] + max(*one, *other)


def _sound(at: NDArray[np.float64], problems: Counter[str]) -> NDArray[np.bool_]:
    """Which boxes lie in the image, at least in part, and have an area."""
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(at).all(1))
    at = np.where(finite[:, None], at, 0)
    extent: NDArray[np.bool_] = np.asarray((at[:, 2:] > 0).all(1))
    low, high = at[:, :2], at[:, :2] + at[:, 2:]
    inside: NDArray[np.bool_] = np.asarray((clipped(at)[:, 2:] > 0).all(1))
    beyond: NDArray[np.bool_] = np.asarray(((low < -OUTSIDE) | (high > 1 + OUTSIDE)).any(1))
    findings = (
        ("boxes that are no numbers, or of another image, left out", ~finite),
        ("boxes without width or height, left out", finite & ~extent),
        ("boxes outside their image, left out", finite & extent & ~inside),
        ("boxes that reach beyond their image, cut at its edge", finite & extent & inside & beyond),
    )
    for what, which in findings:
        problems[what] += int(which.sum())
    return finite & extent & inside


def clipped(at: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 4) x, y, width, height -> what lies within 0..1."""
    low = np.clip(at[:, :2], 0, 1)
    return np.concatenate([low, np.clip(at[:, :2] + at[:, 2:], 0, 1) - low], axis=1)


def _each_once(at: NDArray[np.float64], kinds: NDArray[np.int64]) -> NDArray[np.int64]:
    rows = np.column_stack([at.round(6), kinds])
    return np.sort(np.unique(rows, axis=0, return_index=True)[1])


def _notes(dataset: DetectionDataset, names: Sequence[str], problems: Counter[str]) -> tuple[str, ...]:
    empty = sum(not len(one) for one in dataset.boxes)
    few = [
        f"{name} ({count})"
        for name, count in zip(dataset.names, dataset.counts.tolist(), strict=True)
        if count < FEW_BOXES
    ]
    unused = len(names) - len(dataset.names)
    return (
        *(f"{what}: {count:,}" for what, count in problems.items() if count),
        *([f"images that show nothing: {empty:,}"] if empty else []),
        *([f"classes without a box that can be used, left out: {unused:,}"] if unused else []),
        *([f"classes with fewer than {FEW_BOXES} boxes, which teach little: {_some(few)}"] if few else []),
    )


def _some(words: Sequence[str], most: int = 12) -> str:
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")
