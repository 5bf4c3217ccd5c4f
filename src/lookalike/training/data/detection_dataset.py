"""Images with boxes to train a detector on: a COCO file, a folder of Pascal VOC files, or one of YOLO's.

**Which way is up.** Images are turned upright, as their EXIF says. Boxes in pixels belong to the upright image, as
people see it, unless the width and height that the file tells are those of the image as it is stored: then the boxes
are turned with it. Boxes in shares belong to the upright image.
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
from lookalike.training.data.box_list import BoxList, Listed, Size
from lookalike.training.data.boxes_coco import is_coco, read_coco
from lookalike.training.data.boxes_voc import ANNOTATIONS, read_voc, xml_files
from lookalike.training.data.boxes_yolo import IMAGES, LABELS, label_folders, read_yolo
from lookalike.training.data.exif_orientation import Stored, stored, turned
from lookalike.training.data.image_cache import NO_LABEL, Pack, pack_files, with_labels
from lookalike.training.data.image_folder import Split, split
from lookalike.types import Failure, Floats

OUTSIDE = 0.01  # share of an image that a box may lie beyond its edge before it is told
SHAPE = 0.03  # by which a told size may differ in shape from the image's
FEW = 10  # boxes of a class below which it is named


@dataclass(frozen=True, slots=True)
class Boxed:
    """N images. ``boxes``: of each (n, 4) float32, x, y, width and height as shares 0..1 of the upright image, none
    for an image that shows nothing; ``classes``: of each (n,) int64 into ``names``, each of which has a box.
    ``sizes``: (N, 2) int64, width and height of the upright originals. ``notes``: what was left out, in words."""

    pack: Pack
    boxes: tuple[Floats, ...]
    classes: tuple[NDArray[np.int64], ...]
    names: tuple[str, ...]
    sizes: NDArray[np.int64]
    notes: tuple[str, ...]

    @property
    def counts(self) -> NDArray[np.int64]:
        """(C,): the boxes of each class."""
        return np.bincount(np.concatenate(self.classes), minlength=len(self.names))


def read_boxed(source: Path, images: Path | None, side: int, cache: Path) -> Boxed:
    """The images of ``source``, each squeezed to ``side`` pixels, and their boxes.

    ``images``: the folder of the images, where they lie elsewhere. What cannot be used is left out and counted in
    the notes; files that are missing or damaged are the pack's failures. Raises UserError for a source of no known
    kind, and when fewer than two images with a box are left."""
    listed = listed_of(source, images)
    there = [one for one in listed.images if one.path.is_file()]
    if not there:
        raise UserError(
            f"{source}: none of its {len(listed.images)} images is there; they were looked for in {listed.root}. "
            "Name their folder with --images"
        )
    pack = pack_files([one.path for one in there], listed.root, side, cache)
    missing = [Failure(str(one.path), "no such file") for one in listed.images if not one.path.is_file()]
    pack = replace(pack, failed=(*missing, *pack.failed))
    made = _boxed(pack, {pack_name(one.path, listed.root): one for one in there}, listed)
    if sum(len(one) > 0 for one in made.boxes) < 2:
        told = "; ".join(made.notes)
        raise UserError(f"{source}: it takes two images with a box that can be used{': ' + told if told else ''}")
    return made


def listed_of(source: Path, images: Path | None = None) -> BoxList:
    """What ``source`` tells, of whichever kind it is. Raises UserError that names what was looked for."""
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


def held_out(made: Boxed, share: float, seed: int, kept: Path) -> Split:
    """Hold out a share of the images, of those with boxes and of those without alike; see ``labelled.split``."""
    shown = with_labels(made.pack, ["boxes" if len(one) else "" for one in made.boxes])
    return split(shown, share, seed, kept)


def pack_name(path: Path, root: Path) -> str:
    """How a pack calls this file."""
    return os.path.relpath(path, root)


# --- from what is told to what is trained on


def _boxed(pack: Pack, listed: dict[str, Listed], source: BoxList) -> Boxed:
    trouble = Counter(source.trouble)
    names = list(source.names)
    numbers = {name: number for number, name in enumerate(names)}
    rows = [_of_one(listed[path], stored(listed[path].path), numbers, trouble) for path in pack.paths]
    kinds = [row[1] for row in rows]
    used = np.unique(np.concatenate(kinds)) if kinds else np.empty(0, np.int64)
    fewer = np.full(len(names), NO_LABEL)
    fewer[used] = np.arange(len(used))
    made = Boxed(
        pack=pack,
        boxes=tuple(row[0] for row in rows),
        classes=tuple(fewer[one] for one in kinds),
        names=tuple(names[number] for number in used),
        sizes=np.array([row[2] for row in rows], np.int64).reshape(-1, 2),
        notes=(),
    )
    return replace(made, notes=_notes(made, names, trouble))


def _of_one(
    one: Listed, kept: Stored, numbers: dict[str, int], trouble: Counter[str]
) -> tuple[Floats, NDArray[np.int64], Size]:
    """An image's boxes that can be used, their classes, and its upright size."""
    at = np.array([box.box for box in one.boxes], np.float64).reshape(-1, 4)
    kinds = np.array([numbers[box.name] for box in one.boxes], np.int64)
    if not one.shares:
        at = _in_shares(at, one.size, kept, trouble)
    sound = _sound(at, trouble)
    at, kinds = clipped(at[sound]), kinds[sound]
    first = _each_once(at, kinds)
    if repeated := len(at) - len(first):
        trouble["boxes told more than once, taken once"] += repeated
    return at[first].astype(np.float32), kinds[first], kept.upright


def _in_shares(at: NDArray[np.float64], told: Size | None, kept: Stored, trouble: Counter[str]) -> NDArray[np.float64]:
    """Boxes in pixels of an image of the told size -> in shares of the upright one; none if it is another image."""
    size = told or kept.upright
    shares = at / np.array([*size, *size], np.float64)
    if _lies(size, kept):
        trouble["images whose boxes were turned with them, as EXIF says"] += 1
        return turned(shares, kept.orientation)
    if not _alike(size, kept.upright):
        trouble["images of another shape than the file of boxes tells, their boxes left out"] += 1
        return shares * np.nan
    if kept.orientation > 1:
        trouble["images that EXIF turns, their boxes taken as those of the upright image"] += 1
    return shares


def _lies(told: Size, kept: Stored) -> bool:
    """Whether the told size is that of the image as stored, lying on its side."""
    if kept.upright == kept.size:
        return False
    return told == kept.size or (_alike(told, kept.size) and not _alike(told, kept.upright))


def _alike(one: Size, other: Size) -> bool:
    """Of the same shape: the same image, perhaps made smaller since."""
    return abs(one[0] * other[1] - one[1] * other[0]) <= SHAPE * one[1] * other[0] + max(*one, *other)


def _sound(at: NDArray[np.float64], trouble: Counter[str]) -> NDArray[np.bool_]:
    """Which boxes lie in the image, at least in part, and have an area."""
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(at).all(1))
    at = np.where(finite[:, None], at, 0)
    extent: NDArray[np.bool_] = np.asarray((at[:, 2:] > 0).all(1))
    low, high = at[:, :2], at[:, :2] + at[:, 2:]
    inside: NDArray[np.bool_] = np.asarray((clipped(at)[:, 2:] > 0).all(1))
    beyond: NDArray[np.bool_] = np.asarray(((low < -OUTSIDE) | (high > 1 + OUTSIDE)).any(1))
    told = (
        ("boxes that are no numbers, or of another image, left out", ~finite),
        ("boxes without width or height, left out", finite & ~extent),
        ("boxes outside their image, left out", finite & extent & ~inside),
        ("boxes that reach beyond their image, cut at its edge", finite & extent & inside & beyond),
    )
    for what, which in told:
        trouble[what] += int(which.sum())
    return finite & extent & inside


def clipped(at: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 4) x, y, width, height -> what lies within 0..1."""
    low = np.clip(at[:, :2], 0, 1)
    return np.concatenate([low, np.clip(at[:, :2] + at[:, 2:], 0, 1) - low], axis=1)


def _each_once(at: NDArray[np.float64], kinds: NDArray[np.int64]) -> NDArray[np.int64]:
    told = np.column_stack([at.round(6), kinds])
    return np.sort(np.unique(told, axis=0, return_index=True)[1])


def _notes(made: Boxed, names: Sequence[str], trouble: Counter[str]) -> tuple[str, ...]:
    empty = sum(not len(one) for one in made.boxes)
    few = [f"{name} ({count})" for name, count in zip(made.names, made.counts.tolist(), strict=True) if count < FEW]
    unused = len(names) - len(made.names)
    return (
        *(f"{what}: {count:,}" for what, count in trouble.items() if count),
        *([f"images that show nothing: {empty:,}"] if empty else []),
        *([f"classes without a box that can be used, left out: {unused:,}"] if unused else []),
        *([f"classes with fewer than {FEW} boxes, which teach little: {_some(few)}"] if few else []),
    )


def _some(words: Sequence[str], most: int = 12) -> str:
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")
