"""Regions: what is to be seen in an image, as boxes with a vector each; Faster R-CNN (Ren et al., arXiv 1506.01497).

One ONNX file does it all: a trunk, proposals, their refinement, and a vector for each box and for fixed cells, so that
nothing is missed where proposals fail. An image is squeezed to a square of the card's ``side``; a query, which is a
part of something, keeps its shape and is looked at small, at the sizes at which parts are seen in a library.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import Described, DescriptorCard
from lookalike.descriptors.hashes.structure import FULL_CONTRAST
from lookalike.descriptors.neural.background import on_grey
from lookalike.descriptors.neural.onnx_model import ModelInput, contrast_of, open_session, squeeze
from lookalike.errors import ModelCardInvalid, ModelDamaged
from lookalike.types import Box, Floats, Image, Pixels

BOXES, SCORES, CLASSES = "_boxes", "_scores", "_classes"  # after the output's name: the three that go with it
BATCH = 4  # images per forward pass: their maps are large
GRAIN = 16  # pixels of a query's sides that make a cell of the last map
LONGEST = 3  # times its other side: a longer image is also looked at in windows
FINER = 2  # times the side at which a query's own regions are seen as well
CLOSER = 3  # and if there is time
WINDOW = 1.5  # their longer side, of their shorter
MOST_WINDOWS = 8
LEAST_SIDE = 2 * GRAIN  # pixels of a query's sides, as the network sees it
NO_CLASS = -1
OBJECT = 0.35  # score from which a box is said to be an object: the best balance of found and false on COCO


@dataclass(frozen=True, slots=True)
class RegionOutput:
    """What a network of regions gives. ``count``: boxes per image, the first of them the whole. ``looks``: pixels,
    the sides of squares with the area that a query is looked at with. ``names``: of its classes, none for a network
    that only tells what is an object."""

    output: str
    count: int
    looks: tuple[int, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Regions:
    """Of one image, at most ``count``: the whole, proposals, the surest first, then cells; none of a blank one.

    ``boxes``: (R, 4) float32, x, y, width and height as shares of the upright image. ``scores``: (R,) float32, 0..1,
    how surely it is an object; 0 for a cell and for the whole. ``classes``: (R,) int64 into the names of the network,
    NO_CLASS for none. ``vectors``: (R, D) float32 of unit length.
    """

    boxes: Floats
    scores: Floats
    classes: NDArray[np.int64]
    vectors: Floats

    def __len__(self) -> int:
        return len(self.boxes)

    def take(self, rows: NDArray[Any]) -> Regions:
        """These rows alone, in this order."""
        return Regions(self.boxes[rows], self.scores[rows], self.classes[rows], self.vectors[rows])


class RegionNetwork:
    """One ONNX file with a card that has a table [regions]. Any thread may use it."""

    def __init__(self, file: Path, sha256: str, takes: ModelInput, card: DescriptorCard, gives: RegionOutput) -> None:
        self.file, self.sha256, self.takes, self.card, self.gives = file, sha256, takes, card, gives
        self._session: Any = None
        self._opening = threading.Lock()

    def describe(self, images: Sequence[Image]) -> Described:
        """The whole images: (N, dim) float32 and contrast 0..1."""
        vectors = [np.empty((0, self.card.dim), np.float32)]
        contrast = [np.empty(0, np.float32)]
        for start in range(0, len(images), BATCH):
            squares = squeeze(images[start : start + BATCH], self.takes.side)
            vectors.append(self._run(squares)[0][:, 0])
            contrast.append(contrast_of(squares))
        return Described(_unit(np.concatenate(vectors)), np.concatenate(contrast))

    def contrast(self, image: Image) -> float:
        """The contrast of the whole image, 0..1, without a pass through the network."""
        return float(contrast_of(squeeze([image], self.takes.side))[0])

    def regions(self, images: Sequence[Image]) -> list[Regions]:
        """Of each image. A region without contrast is left out: it would be like every other blank one.

        Raises ModelMissing, ModelDamaged, ModelCardInvalid."""
        found: list[Regions] = []
        for start in range(0, len(images), BATCH):
            found += self._of_squares(squeeze(images[start : start + BATCH], self.takes.side))
        return [self._with_windows(image, one) for image, one in zip(images, found, strict=True)]

    def looks(self, image: Image) -> Floats:
        """A query -> (L, dim) float32 of unit length, one for each of the card's looks, in its own shape; of a thing
        on a plain ground as many again, on grey."""
        grey = on_grey(image.pixels)
        ways = [image.pixels, *([grey] if grey is not None else [])]
        seen = [self._run(_shaped(way, side)[None])[0][:, 0] for way in ways for side in self.gives.looks]
        return _unit(np.concatenate(seen))

    def parts(self, image: Image, closer: bool = False) -> Regions:
        """A query's own regions, seen as a library's images are and at FINER times the side, ``closer`` at CLOSER
        times as well: there, an image that lies within the query is about as large as whole ones in the library."""
        sides = [scale * self.takes.side for scale in (FINER, CLOSER)[: 1 + closer]]
        finer = [self._of_squares(squeeze([image], side))[0] for side in sides]
        return _joined([self.regions([image])[0], *finer])

    def open(self) -> Any:
        """The ONNX Runtime session, made once: the file is the one of the card, and has its outputs."""
        with self._opening:
            if self._session is None:
                session = open_session(self.file, self.sha256)
                self._check(session)
                self._session = session
            return self._session

    def try_out(self) -> None:
        """Run it on noise. Raises ModelDamaged if a number is not finite, or what ``open`` raises."""
        noise = np.random.default_rng(0).integers(0, 256, (1, self.takes.side, self.takes.side, 3), dtype=np.uint8)
        for values in self._run(noise)[:3]:
            if not np.isfinite(values).all():
                raise ModelDamaged(f"{self.file}: its regions are not finite for an ordinary image")

    # --- one pass

    @property
    def _outputs(self) -> list[str]:
        name = self.gives.output
        return [name, name + BOXES, name + SCORES, name + CLASSES]

    def _run(self, pixels: Pixels) -> tuple[Floats, Floats, Floats, NDArray[np.int64]]:
        """(N, h, w, 3) uint8 -> vectors (N, R, D), boxes (N, R, 4), scores (N, R), classes (N, R)."""
        try:
            told = self.open().run(self._outputs, {self.takes.name: self.takes.prepare(pixels)})
        except (ModelCardInvalid, ModelDamaged):
            raise
        except Exception as error:
            raise ModelDamaged(f"{self.file}: the model does not run: {str(error).splitlines()[0]}") from error
        rows = (len(pixels), self.gives.count)
        for name, values, shape in zip(self._outputs, told, ((self.card.dim,), (4,), (), ()), strict=True):
            if values.shape != (*rows, *shape):
                raise ModelCardInvalid(
                    f"{self.file}: output {name!r} has the shape {values.shape}; by its card it is {(*rows, *shape)}"
                )
        return told[0], told[1], told[2], told[3].astype(np.int64)

    def _of_squares(self, squares: Pixels) -> list[Regions]:
        vectors, boxes, scores, classes = self._run(squares)
        told = []
        for square, *of_one in zip(squares, np.clip(boxes, 0, 1), scores, classes, vectors, strict=True):
            one = Regions(*of_one)
            sound = np.isfinite(one.vectors).all(1) & (_contrasts(square, one.boxes) >= self.card.min_contrast)
            sound[0] |= sound.any()  # the whole of an image with something in it, however small
            told.append(Regions(one.boxes, one.scores, one.classes, _unit(one.vectors)).take(np.flatnonzero(sound)))
        return told

    def _with_windows(self, image: Image, whole: Regions) -> Regions:
        """A long image is looked at in windows as well, for squeezed to a square its things are beyond knowing."""
        places = _windows(image.width, image.height)
        if not places:
            return whole
        height, width = image.pixels.shape[:2]
        parts = []
        for x, y, w, h in places:
            rows = slice(round(y * height), max(round((y + h) * height), round(y * height) + 1))
            columns = slice(round(x * width), max(round((x + w) * width), round(x * width) + 1))
            cut = Image(np.ascontiguousarray(image.pixels[rows, columns]), 0, 0)
            one = self._of_squares(squeeze([cut], self.takes.side))[0]
            boxes = one.boxes * np.array([w, h, w, h], np.float32) + np.array([x, y, 0, 0], np.float32)
            parts.append(Regions(boxes, one.scores, one.classes, one.vectors))
        return _merged(whole, parts, self.gives.count)

    def _check(self, session: Any) -> None:
        there = {one.name for one in session.get_outputs()}
        if there != set(self._outputs):
            raise ModelCardInvalid(
                f"{self.file}: its card names the outputs {', '.join(self._outputs)}; it has {', '.join(sorted(there))}"
            )
        inputs = [one.name for one in session.get_inputs()]
        if inputs != [self.takes.name]:
            raise ModelCardInvalid(f"{self.file}: its card names the input {self.takes.name!r}; it has {inputs}")


def in_pixels(box: Floats, width: int, height: int) -> Box:
    """A box in shares of an image -> pixels of the upright original."""
    x, y, w, h = (float(value) for value in box)
    return Box(x * width, y * height, w * width, h * height)


def _shaped(pixels: Pixels, side: int) -> Pixels:
    """(h, w, 3) -> about side * side pixels in the same shape, by at most LONGEST to 1, in whole cells of the map."""
    import cv2

    shape = math.sqrt(min(max(pixels.shape[1] / pixels.shape[0], 1 / LONGEST), LONGEST))
    width, height = (max(LEAST_SIDE, round(length / GRAIN) * GRAIN) for length in (side * shape, side / shape))
    shrinks = pixels.shape[0] >= height and pixels.shape[1] >= width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=method), np.uint8)


def _windows(width: int, height: int) -> list[tuple[float, float, float, float]]:
    """(x, y, w, h) in shares, overlapping, over an image that is longer than LONGEST to 1; none for any other."""
    shape = max(width, height) / max(min(width, height), 1)
    if shape <= LONGEST:
        return []
    count = min(MOST_WINDOWS, math.ceil(shape / WINDOW * 1.25))
    length = max(WINDOW / shape, 1.25 / count)
    starts = np.linspace(0, 1 - length, count).tolist()
    return [(at, 0.0, length, 1.0) if width > height else (0.0, at, 1.0, length) for at in starts]


def _merged(whole: Regions, parts: Sequence[Regions], count: int) -> Regions:
    """The whole and each window as regions, then the surest of all proposals."""
    all_of = (whole, *parts)
    every = _joined(all_of)
    starts = np.cumsum([0, *(len(one) for one in all_of[:-1])])
    first = starts[[len(one) > 0 for one in all_of]]
    rest = np.setdiff1d(np.arange(len(every)), first)
    rest = rest[np.argsort(-every.scores[rest], kind="stable")]
    return every.take(np.concatenate([first, rest])[:count])


def _joined(parts: Sequence[Regions]) -> Regions:
    return Regions(
        np.concatenate([one.boxes for one in parts]),
        np.concatenate([one.scores for one in parts]),
        np.concatenate([one.classes for one in parts]),
        np.concatenate([one.vectors for one in parts]),
    )


def _contrasts(square: Pixels, boxes: Floats) -> Floats:
    """(side, side, 3) and (R, 4) in shares -> (R,): as ``contrast_of``, of each region, from sums over the image."""
    import cv2

    side = len(square)
    low = np.clip(np.floor(boxes[:, :2] * side), 0, side - 1).astype(int)
    high = np.clip(np.ceil((boxes[:, :2] + boxes[:, 2:]) * side).astype(int), low + 1, side)
    sums = cv2.integral2(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY), sdepth=cv2.CV_64F, sqdepth=cv2.CV_64F)
    (left, top), (right, bottom) = low.T, high.T
    count = ((right - left) * (bottom - top)).astype(float)
    first, second = (one[bottom, right] - one[top, right] - one[bottom, left] + one[top, left] for one in sums)
    spread = np.sqrt(np.maximum(second / count - (first / count) ** 2, 0))
    return np.asarray(np.minimum(spread / FULL_CONTRAST, 1), np.float32)


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), np.float32)
