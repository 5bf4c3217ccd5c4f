"""Where faces are, and five points of each: YuNet (Wu et al. 2023, doi 10.1007/s11633-023-1423-y), in ONNX Runtime.

An image is seen whole, fitted into the network's square, and a large one in overlapping tiles at up to FINE_SCALE times
that size as well, so that the forty faces of a group are found and not only the one of a portrait.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.descriptors.neural.onnx_model import CheckedSession, ModelInput
from lookalike.errors import ModelCardInvalid, ModelDamaged
from lookalike.types import Floats, Pixels

STRIDES = (8, 16, 32)  # pixels of a cell of each of the network's maps
PARTS = ("cls", "obj", "bbox", "kps")  # class, objectness, box, key points; an output of each for every stride
POINTS = 5
MAX_OVERLAP = 0.3  # of two boxes, over what both cover, from which they are of one face
FINE_SCALE = 2  # times the network's side: the longer side of the image that is seen in tiles
TILE_OVERLAP = 0.2  # of a tile's side: what a face may be large and still be whole in one of two
ENLARGE_SIDE = 0.5  # of the network's side: a smaller image is enlarged to it, by MAX_ENLARGE at most
MAX_ENLARGE = 3.0


@dataclass(frozen=True, slots=True)
class FoundFaces:
    """``boxes``: (F, 4) float32, x, y, width, height in pixels of the array that was looked at; ``scores``: (F,) 0..1,
    the surest first; ``landmarks``: (F, 5, 2) x, y."""

    boxes: Floats
    scores: Floats
    landmarks: Floats

    def __len__(self) -> int:
        return len(self.scores)

    def surest(self, count: int) -> FoundFaces:
        """At most so many of them."""
        return FoundFaces(self.boxes[:count], self.scores[:count], self.landmarks[:count])

    def scaled(self, scale: float) -> FoundFaces:
        """The same in pixels of the image of which this one is ``scale`` times as large."""
        return FoundFaces(self.boxes / np.float32(scale), self.scores, self.landmarks / np.float32(scale))


class FaceDetector:
    """One ONNX file with the outputs of YuNet. Any thread may use it."""

    def __init__(self, file: Path, sha256: str, input_spec: ModelInput, threshold: float) -> None:
        """``threshold``: 0..1, the score below which it is no face."""
        self.file, self.sha256, self.input_spec, self.threshold = file, sha256, input_spec, threshold
        self._session = CheckedSession(file, sha256, self._check)

    def detect(self, pixels: Pixels) -> FoundFaces:
        """The faces in (h, w, 3) uint8 sRGB. Raises ModelMissing, ModelDamaged, ModelCardInvalid."""
        side = self.input_spec.side
        longest = max(pixels.shape[:2])
        found = [self.glance(pixels)]
        if longest > side / (1 - TILE_OVERLAP):
            fine = min(1.0, FINE_SCALE * side / longest)
            whole = _resized(pixels, fine)
            found += [self._detect_tile(whole, x, y).scaled(fine) for x, y in _tiles(whole, side)]
        return _without_repeats(found)

    def glance(self, pixels: Pixels) -> FoundFaces:
        """The faces that are large enough to be seen in the whole, fitted into the network's square: one pass."""
        side = self.input_spec.side
        longest = max(pixels.shape[:2])
        scale = min(side / longest, max(1.0, min(ENLARGE_SIDE * side / longest, MAX_ENLARGE)))
        return _without_repeats([self._detect(_resized(pixels, scale)).scaled(scale)])

    def open(self) -> Any:
        """The ONNX Runtime session, made once: the file is the one of the card, and has YuNet's input and outputs."""
        return self._session.get()

    def _detect_tile(self, whole: Pixels, x: int, y: int) -> FoundFaces:
        """Those that no inner edge of the tile at (x, y) cuts: they are whole in the next one."""
        side = self.input_spec.side
        found = self._detect(whole[y : y + side, x : x + side])
        low, high = found.boxes[:, :2], found.boxes[:, :2] + found.boxes[:, 2:]
        corner, end = np.array([x, y]), np.array([x, y]) + side
        cut = ((low < 0) & (corner > 0)) | ((high > side) & (end < whole.shape[1::-1]))
        kept = np.flatnonzero(~cut.any(1))
        shift = np.array([x, y], np.float32)
        boxes = found.boxes[kept] + np.append(shift, [0, 0]).astype(np.float32)
        return FoundFaces(boxes, found.scores[kept], found.landmarks[kept] + shift)

    def _detect(self, part: Pixels) -> FoundFaces:
        """In an image that is no larger than the network's square, which is filled up with black."""
        side = self.input_spec.side
        canvas = np.zeros((1, side, side, 3), np.uint8)
        canvas[0, : part.shape[0], : part.shape[1]] = part
        boxes, scores, points = self._decode(self._run(canvas))
        rows = np.flatnonzero(scores >= self.threshold)
        return FoundFaces(boxes[rows], scores[rows], points[rows])

    def _run(self, canvas: Pixels) -> dict[str, Floats]:
        names = [f"{part}_{stride}" for stride in STRIDES for part in PARTS]
        try:
            outputs = self.open().run(names, {self.input_spec.name: self.input_spec.prepare(canvas)})
        except (ModelCardInvalid, ModelDamaged):
            raise
        except Exception as error:
            raise ModelDamaged(f"{self.file}: the model does not run: {str(error).splitlines()[0]}") from error
        widths = dict(zip(PARTS, (1, 1, 4, 2 * POINTS), strict=True))
        for name, values in zip(names, outputs, strict=True):
            part, stride = name.split("_")
            expected = (1, (self.input_spec.side // int(stride)) ** 2, widths[part])
            if values.shape != expected:
                raise ModelCardInvalid(f"{self.file}: output {name!r} has the shape {values.shape}, not {expected}")
        return dict(zip(names, outputs, strict=True))

    def _decode(self, outputs: dict[str, Floats]) -> tuple[Floats, Floats, Floats]:
        """Of every cell of every map: boxes (C, 4), scores (C,) and points (C, 5, 2), in pixels of the canvas."""
        boxes, scores, points = [], [], []
        for stride in STRIDES:
            cells = self.input_spec.side // stride
            place = np.stack(np.meshgrid(np.arange(cells), np.arange(cells)), -1).reshape(-1, 2).astype(np.float32)
            sure, there = (np.clip(outputs[f"{part}_{stride}"][0, :, 0], 0, 1) for part in ("cls", "obj"))
            box = outputs[f"bbox_{stride}"][0]
            size = np.exp(np.minimum(box[:, 2:], 20)) * stride
            boxes.append(np.concatenate([(place + box[:, :2]) * stride - size / 2, size], 1))
            scores.append(np.sqrt(sure * there))
            points.append((outputs[f"kps_{stride}"][0].reshape(-1, POINTS, 2) + place[:, None]) * stride)
        joined = np.concatenate(boxes), np.nan_to_num(np.concatenate(scores)), np.concatenate(points)
        return tuple(np.asarray(one, np.float32) for one in joined)  # type: ignore[return-value]  # three of them

    def _check(self, session: Any) -> None:
        present = {one.name for one in session.get_outputs()}
        lacking = [name for stride in STRIDES for part in PARTS if (name := f"{part}_{stride}") not in present]
        if lacking:
            raise ModelCardInvalid(f"{self.file}: no detector like YuNet: it lacks the outputs {', '.join(lacking)}")
        inputs = [one.name for one in session.get_inputs()]
        if inputs != [self.input_spec.name]:
            raise ModelCardInvalid(f"{self.file}: its card names the input {self.input_spec.name!r}; it has {inputs}")


def _resized(pixels: Pixels, scale: float) -> Pixels:
    import cv2

    if scale == 1:
        return pixels
    size = tuple(max(round(length * scale), 1) for length in pixels.shape[1::-1])
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR))


def _tiles(pixels: Pixels, side: int) -> Iterator[tuple[int, int]]:
    """The upper left corners of squares of this side that overlap and cover an image."""
    columns, rows = (_starts(length, side) for length in pixels.shape[1::-1])
    yield from ((x, y) for y in rows for x in columns)


def _starts(length: int, side: int) -> list[int]:
    if length <= side:
        return [0]
    count = 1 + int(np.ceil((length - side) / (side * (1 - TILE_OVERLAP))))
    return [round(start) for start in np.linspace(0, length - side, count)]


def _without_repeats(found: list[FoundFaces]) -> FoundFaces:
    """All of them, the surest first, and of those that overlap only the surest (greedy non-maximum suppression)."""
    boxes, scores, points = (
        np.concatenate([getattr(one, name) for one in found]) for name in ("boxes", "scores", "landmarks")
    )
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(order):
        best, order = int(order[0]), order[1:]
        kept.append(best)
        order = order[overlap(boxes[best], boxes[order]) <= MAX_OVERLAP]
    return FoundFaces(boxes[kept], scores[kept], points[kept])


def overlap(box: Floats, others: Floats) -> Floats:
    """(4,) and (N, 4) boxes -> (N,) 0..1: what both cover, as a share of what either does."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[:2] + box[2:], others[:, :2] + others[:, 2:])
    common = np.clip(high - low, 0, None).prod(1)
    return np.asarray(common / np.maximum(box[2:].prod() + others[:, 2:].prod(1) - common, 1e-9), np.float32)
