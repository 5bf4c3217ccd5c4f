"""Training images for a detector: mosaics of images with their boxes, cut, mirrored, recoloured, pasted on.

Mosaics (Bochkovskiy et al., arXiv 2004.10934) make small objects of large ones, and many of one; pasting (Ghiasi et
al., arXiv 2012.07177), by the box or along the outline, puts objects where their surroundings do not give them away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lookalike.types import Floats, Pixels

MIN_VISIBLE = 0.4  # share of an object that a cut must leave, for it to count
MAX_COVERED = 0.6  # share of an object under something pasted, from which it no longer counts
MIN_OBJECT_SIDE = 6.0  # pixels: the shorter side of an object that can be learnt
PASTE_PROBABILITY = 0.3
CUTOUT_COUNTS = (0, 1, 1, 2, 3)  # how many are pasted along their outline, one number as likely as another
CUTOUT_SIDES = (0.1, 0.5)  # of the mosaic's side: the root of the area that such a one takes
MAX_TRIES = 5  # cuts that are tried until an object is left


@dataclass(frozen=True, slots=True)
class Boxes:
    """``xywh``: (n, 4) float32, x, y, width, height; ``classes``: (n,) int64."""

    xywh: Floats
    classes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.xywh)

    def take(self, rows: NDArray[np.bool_]) -> Boxes:
        return Boxes(self.xywh[rows], self.classes[rows])


NOTHING = Boxes(np.empty((0, 4), np.float32), np.empty(0, np.int64))


@dataclass(frozen=True, slots=True)
class Cutout:
    """An object without its ground, cut tightly: ``pixels`` (h, w, 3) uint8; ``alpha``: (h, w) uint8, 255 where it
    is."""

    pixels: Pixels
    alpha: Pixels


@dataclass(frozen=True, slots=True)
class Mosaic:
    """``pixels``: (s, s, 3) uint8; ``boxes``: of all its objects, in pixels; ``pasted``: those that were pasted along
    their outline, each with its box x, y, width, height in pixels."""

    pixels: Pixels
    boxes: Boxes
    pasted: Sequence[tuple[Cutout, Floats]] = ()


@dataclass(frozen=True, slots=True)
class MosaicSource:
    """Images that mosaics are drawn from: ``pixels`` (N, s, s, 3) uint8, their ``boxes`` in shares, none of them if
    these are not known; ``rows``: those that may be used. ``tiles``: how many may lie side by side, each way, one as
    likely as another; ``per_batch``: mosaics of a batch that are drawn from them; ``cutouts``: what is pasted along its
    outline onto them."""

    pixels: Pixels
    boxes: Sequence[Boxes]
    rows: NDArray[np.int64]
    tiles: tuple[int, ...] = (1, 1, 1, 2)
    per_batch: int = 16
    cutouts: Sequence[Cutout] = ()

    @property
    def has_boxes(self) -> bool:
        return len(self.boxes) > 0

    def boxes_of(self, row: int) -> Boxes:
        return self.boxes[row] if self.has_boxes else NOTHING


def draw_mosaic(random: np.random.Generator, source: MosaicSource, side: int) -> Mosaic:
    """An image of ``side`` x ``side`` pixels, and its objects."""
    count = int(random.choice(source.tiles))
    drawn = np.empty((side, side, 3), np.uint8)
    columns, found = _lines(random, count, side), []
    for left, right in pairwise(columns):
        rows = _lines(random, count, side)
        for top, bottom in pairwise(rows):
            tile, boxes = _tile(random, source, bottom - top, right - left)
            drawn[top:bottom, left:right] = tile
            found.append(Boxes(boxes.xywh + np.array([left, top, 0, 0], np.float32), boxes.classes))
    boxes = _joined(found)
    if random.random() < PASTE_PROBABILITY:
        boxes = _paste(random, source, drawn, boxes)
    pasted: list[tuple[Cutout, Floats]] = []
    for _ in range(int(random.choice(CUTOUT_COUNTS)) if len(source.cutouts) else 0):
        cutout = source.cutouts[int(random.integers(len(source.cutouts)))]
        over = _paste_cutout(random, cutout, drawn)
        pasted = [(other, at) for other, at in pasted if _hidden(at[None], over)[0] < MAX_COVERED] + [(cutout, over)]
        boxes = _covered(boxes, Boxes(over[None], np.zeros(1, np.int64)))
    return Mosaic(_recoloured(random, drawn), boxes.take(boxes.xywh[:, 2:].min(1) >= MIN_OBJECT_SIDE), pasted)


def _lines(random: np.random.Generator, count: int, side: int) -> list[int]:
    """Where tiles begin and end, about evenly."""
    inner = (np.arange(1, count) + random.uniform(-0.25, 0.25, count - 1)) / count
    return [0, *np.round(inner * side).astype(int).tolist(), side]


def _tile(random: np.random.Generator, source: MosaicSource, height: int, width: int) -> tuple[Pixels, Boxes]:
    row = int(random.choice(source.rows))
    pixels, boxes = source.pixels[row], source.boxes_of(row)
    for _ in range(MAX_TRIES):
        cut = _cut(random)
        left = _within(boxes, cut)
        if len(left) or not len(boxes):
            break
    at, mirrored = left.xywh.copy(), random.random() < 0.5
    if mirrored:
        at[:, 0] = 1 - at[:, 0] - at[:, 2]
    at *= np.array([width, height, width, height], np.float32)
    tile = _resized(_sliced(pixels, cut), height, width)
    return np.asarray(tile[:, ::-1] if mirrored else tile), Boxes(at, left.classes)


def _cut(random: np.random.Generator) -> Floats:
    """A part of an image, in shares."""
    if random.random() < 0.3:
        return np.array([0, 0, 1, 1], np.float32)
    sides = np.sqrt(random.uniform(0.25, 1)) * np.exp(random.uniform(-0.2, 0.2) * np.array([1, -1]))
    sides = np.minimum(sides, 1)
    return np.concatenate([random.uniform(0, 1 - sides), sides]).astype(np.float32)


def _within(boxes: Boxes, cut: Floats) -> Boxes:
    """What a cut leaves of them, in shares of the cut."""
    low = np.maximum(boxes.xywh[:, :2], cut[:2])
    high = np.minimum(boxes.xywh[:, :2] + boxes.xywh[:, 2:], cut[:2] + cut[2:])
    sides = np.maximum(high - low, 0)
    seen = sides.prod(1) >= MIN_VISIBLE * np.maximum(boxes.xywh[:, 2:].prod(1), 1e-9)
    at = np.concatenate([(low - cut[:2]) / cut[2:], sides / cut[2:]], 1).astype(np.float32)
    return Boxes(at, boxes.classes).take(seen & (sides > 0).all(1))


def _sliced(pixels: Pixels, cut: Floats) -> Pixels:
    height, width = pixels.shape[:2]
    x, y, w, h = cut.tolist()
    left, top = min(int(x * width), width - 1), min(int(y * height), height - 1)
    return np.asarray(pixels[top : max(round((y + h) * height), top + 1), left : max(round((x + w) * width), left + 1)])


def _resized(pixels: Pixels, height: int, width: int) -> Pixels:
    import cv2

    shrinks = pixels.shape[0] >= height and pixels.shape[1] >= width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(pixels), (width, height), interpolation=method), np.uint8)


def _paste(random: np.random.Generator, source: MosaicSource, drawn: Pixels, boxes: Boxes) -> Boxes:
    """An object from elsewhere onto ``drawn``; the boxes afterwards."""
    row = int(random.choice(source.rows))
    there, side = source.boxes_of(row), len(drawn)
    if not len(there):
        return boxes
    chosen = int(random.integers(len(there)))
    cut = there.xywh[chosen]
    piece = _sliced(source.pixels[row], cut)
    longer = random.uniform(0.12, 0.45) * side
    shape = np.sqrt(np.clip(piece.shape[1] / piece.shape[0], 1 / 3, 3)) * np.exp(random.uniform(-0.2, 0.2))
    width, height = (int(np.clip(length, MIN_OBJECT_SIDE + 1, side - 1)) for length in (longer * shape, longer / shape))
    left, top = int(random.integers(side - width)), int(random.integers(side - height))
    drawn[top : top + height, left : left + width] = _resized(piece, height, width)
    over = np.array([left, top, width, height], np.float32)
    return _covered(boxes, Boxes(over[None], there.classes[chosen : chosen + 1]))


def _paste_cutout(random: np.random.Generator, cutout: Cutout, drawn: Pixels) -> Floats:
    """Along its outline onto ``drawn``, somewhere, perhaps mirrored; its box afterwards."""
    side = len(drawn)
    height, width = cutout.alpha.shape
    share = np.exp(random.uniform(*np.log(CUTOUT_SIDES))) * side
    shape = np.sqrt(width / height) * np.exp(random.uniform(-0.1, 0.1))
    width, height = (int(np.clip(length, MIN_OBJECT_SIDE + 1, side - 1)) for length in (share * shape, share / shape))
    left, top = int(random.integers(side - width)), int(random.integers(side - height))
    pixels, alpha = _resized(cutout.pixels, height, width), _resized(cutout.alpha, height, width)
    if random.random() < 0.3:
        pixels, alpha = pixels[:, ::-1], alpha[:, ::-1]
    under, weight = drawn[top : top + height, left : left + width], alpha[..., None].astype(np.float32) / 255
    drawn[top : top + height, left : left + width] = np.rint(weight * pixels + (1 - weight) * under).astype(np.uint8)
    return np.array([left, top, width, height], np.float32)


def _covered(boxes: Boxes, new: Boxes) -> Boxes:
    """Those that a new one does not hide, and the new one."""
    return _joined([boxes.take(_hidden(boxes.xywh, new.xywh[0]) < MAX_COVERED), new])


def _hidden(at: Floats, over: Floats) -> Floats:
    """The share of each box that another one covers."""
    return np.asarray(_common(at, over) / np.maximum(at[:, 2:].prod(1), 1e-9), np.float32)


def _common(at: Floats, over: Floats) -> Floats:
    low = np.maximum(at[:, :2], over[:2])
    high = np.minimum(at[:, :2] + at[:, 2:], over[:2] + over[2:])
    return np.asarray(np.maximum(high - low, 0).prod(1), np.float32)


def _recoloured(random: np.random.Generator, pixels: Pixels) -> Pixels:
    """Each channel a little stronger or weaker, and sometimes no colour at all."""
    if random.random() < 0.05:
        pixels = np.repeat(pixels.mean(2, keepdims=True), 3, 2).astype(np.uint8)
    gain, shift = np.exp(random.uniform(-0.2, 0.2, 3)), random.uniform(-25, 25)
    table = np.clip(np.arange(256)[:, None] * gain + shift, 0, 255).astype(np.uint8)
    return np.asarray(np.stack([table[pixels[..., channel], channel] for channel in range(3)], 2))


def _joined(parts: Sequence[Boxes]) -> Boxes:
    parts = [part for part in parts if len(part)] or [NOTHING]
    return Boxes(np.concatenate([part.xywh for part in parts]), np.concatenate([part.classes for part in parts]))
