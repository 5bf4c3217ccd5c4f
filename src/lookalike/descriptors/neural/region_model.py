"""Regions: what is to be seen in an image, as boxes with a vector each; Faster R-CNN (Ren et al., arXiv 1506.01497).

One ONNX file does it all: a trunk, proposals, their refinement, and a vector for each box and for fixed cells, so that
nothing is missed where proposals fail. An image is squeezed to a square of the card's ``side``; a query, which is a
part of something, keeps its shape and is embedded small, at the scales at which parts are seen in a library.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import Described, DescriptorCard
from lookalike.descriptors.hashes.structure import FULL_CONTRAST
from lookalike.descriptors.neural.background import with_grey_background
from lookalike.descriptors.neural.image_fit import squeeze
from lookalike.descriptors.neural.onnx_model import CheckedSession, ModelInput, contrast_of
from lookalike.errors import ModelCardInvalid, ModelDamaged
from lookalike.types import Box, Floats, Image, Pixels

BOXES, SCORES, CLASSES = "_boxes", "_scores", "_classes"  # after the output's name: the three that go with it
REGION_BATCH = 4  # images per forward pass: their maps are large
STRIDE = 16  # pixels of a query's sides that make a cell of the last map
MAX_ASPECT_RATIO = 3  # to 1: a longer image is also described in windows
FINE_SCALE = 2  # times the side: a query's own regions are sought at this scale as well
WINDOW_ASPECT_RATIO = 1.5  # of such windows, to 1
MAX_WINDOWS = 8
MIN_QUERY_SIDE = 2 * STRIDE  # pixels of a query's sides, as the network sees it
NO_CLASS = -1
OBJECT_THRESHOLD = 0.35  # score from which a box is said to be an object: the best balance of found and false on COCO


@dataclass(frozen=True, slots=True)
class RegionOutput:
    """What a network of regions gives. ``count``: boxes per image, the first of them the whole. ``query_scales``:
    pixels, the sides of squares with the area that a query is embedded at. ``names``: of its classes, none for a
    network that only tells what is an object."""

    output: str
    count: int
    query_scales: tuple[int, ...]
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


class RegionDescriptor(ABC):
    """What gives several boxes of an image, with a vector each. ``names``: of its classes. ``proposes_parts``: whether
    its regions are parts that may be images of their own, so that copies are looked for by them."""

    card: DescriptorCard
    names: tuple[str, ...] = ()
    proposes_parts = True

    @abstractmethod
    def describe(self, images: Sequence[Image]) -> Described:
        """One vector for each image, (N, dim) float32, and its contrast 0..1."""

    @abstractmethod
    def contrast(self, image: Image) -> float:
        """0..1; below the card's ``min_contrast`` the image is like no other."""

    @abstractmethod
    def regions(self, images: Sequence[Image]) -> Sequence[Regions]:
        """Of each image, as a gallery keeps them."""

    @abstractmethod
    def query_vectors(self, image: Image) -> Floats:
        """What of a query is held against the regions of others: (S, dim) float32 of unit length."""

    @abstractmethod
    def query_regions(self, image: Image) -> Regions:
        """What of a query may be another image as a whole."""


class RegionNetwork(RegionDescriptor):
    """One ONNX file with a card that has a table [regions]. Any thread may use it."""

    def __init__(
        self, file: Path, sha256: str, input_spec: ModelInput, card: DescriptorCard, output: RegionOutput
    ) -> None:
        self.file, self.sha256, self.input_spec, self.card, self.output = file, sha256, input_spec, card, output
        self.names = output.names
        self._session = CheckedSession(file, sha256, self._check)

    def describe(self, images: Sequence[Image]) -> Described:
        """The whole images: (N, dim) float32 and contrast 0..1."""
        vectors = [np.empty((0, self.card.dim), np.float32)]
        contrast = [np.empty(0, np.float32)]
        for start in range(0, len(images), REGION_BATCH):
            squares = squeeze(images[start : start + REGION_BATCH], self.input_spec.side)
            vectors.append(self._run(squares)[0][:, 0])
            contrast.append(contrast_of(squares))
        return Described(_unit(np.concatenate(vectors)), np.concatenate(contrast))

    def contrast(self, image: Image) -> float:
        """The contrast of the whole image, 0..1, without a pass through the network."""
        return float(contrast_of(squeeze([image], self.input_spec.side))[0])

    def regions(self, images: Sequence[Image]) -> list[Regions]:
        """Of each image. A region without contrast is left out: it would be like every other blank one.

        Raises ModelMissing, ModelDamaged, ModelCardInvalid."""
        found: list[Regions] = []
        for start in range(0, len(images), REGION_BATCH):
            found += self._detect(squeeze(images[start : start + REGION_BATCH], self.input_spec.side))
        return [self._with_windows(image, one) for image, one in zip(images, found, strict=True)]

    def query_vectors(self, image: Image) -> Floats:
        """A query -> (S, dim) float32 of unit length, one for each of the card's ``query_scales``, in its own shape; of
        a product shot as many again, its background made grey."""
        grey = with_grey_background(image.pixels)
        variants = [image.pixels, *([grey] if grey is not None else [])]
        vectors = [
            self._run(_resize_query(one, side)[None])[0][:, 0] for one in variants for side in self.output.query_scales
        ]
        return _unit(np.concatenate(vectors))

    def query_regions(self, image: Image) -> Regions:
        """A query's own regions, seen as a library's images are and at FINE_SCALE times the side: there, an image that
        lies within the query is about as large as whole ones in the library."""
        finer = self._detect(squeeze([image], FINE_SCALE * self.input_spec.side))[0]
        return _concatenated([self.regions([image])[0], finer])

    def open(self) -> Any:
        """The ONNX Runtime session, made once: the file is the one of the card, and has its outputs."""
        return self._session.get()

    def smoke_test(self) -> None:
        """Run it on noise. Raises ModelDamaged if a number is not finite, or what ``open`` raises."""
        noise = np.random.default_rng(0).integers(
            0, 256, (1, self.input_spec.side, self.input_spec.side, 3), dtype=np.uint8
        )
        for values in self._run(noise)[:3]:
            if not np.isfinite(values).all():
                raise ModelDamaged(f"{self.file}: its regions are not finite for an ordinary image")

    # --- one pass

    @property
    def _output_names(self) -> list[str]:
        name = self.output.output
        return [name, name + BOXES, name + SCORES, name + CLASSES]

    def _run(self, pixels: Pixels) -> tuple[Floats, Floats, Floats, NDArray[np.int64]]:
        """(N, h, w, 3) uint8 -> vectors (N, R, D), boxes (N, R, 4), scores (N, R), classes (N, R)."""
        try:
            outputs = self.open().run(self._output_names, {self.input_spec.name: self.input_spec.prepare(pixels)})
        except (ModelCardInvalid, ModelDamaged):
            raise
        except Exception as error:
            raise ModelDamaged(f"{self.file}: the model does not run: {str(error).splitlines()[0]}") from error
        rows = (len(pixels), self.output.count)
        for name, values, shape in zip(self._output_names, outputs, ((self.card.dim,), (4,), (), ()), strict=True):
            if values.shape != (*rows, *shape):
                raise ModelCardInvalid(
                    f"{self.file}: output {name!r} has the shape {values.shape}; by its card it is {(*rows, *shape)}"
                )
        return outputs[0], outputs[1], outputs[2], outputs[3].astype(np.int64)

    def _detect(self, squares: Pixels) -> list[Regions]:
        vectors, boxes, scores, classes = self._run(squares)
        outputs = []
        for square, *of_one in zip(squares, np.clip(boxes, 0, 1), scores, classes, vectors, strict=True):
            one = Regions(*of_one)
            sound = np.isfinite(one.vectors).all(1) & (_contrasts(square, one.boxes) >= self.card.min_contrast)
            sound[0] |= sound.any()  # the whole of an image with something in it, however small
            outputs.append(Regions(one.boxes, one.scores, one.classes, _unit(one.vectors)).take(np.flatnonzero(sound)))
        return outputs

    def _with_windows(self, image: Image, whole: Regions) -> Regions:
        """A long image is described in windows as well: squeezed to a square its objects are beyond recognition."""
        windows = _windows(image.width, image.height)
        if not windows:
            return whole
        height, width = image.pixels.shape[:2]
        parts = []
        for x, y, w, h in windows:
            rows = slice(round(y * height), max(round((y + h) * height), round(y * height) + 1))
            columns = slice(round(x * width), max(round((x + w) * width), round(x * width) + 1))
            cut = Image(np.ascontiguousarray(image.pixels[rows, columns]), 0, 0)
            one = self._detect(squeeze([cut], self.input_spec.side))[0]
            boxes = one.boxes * np.array([w, h, w, h], np.float32) + np.array([x, y, 0, 0], np.float32)
            parts.append(Regions(boxes, one.scores, one.classes, one.vectors))
        return _merged(whole, parts, self.output.count)

    def _check(self, session: Any) -> None:
        present = {one.name for one in session.get_outputs()}
        if present != set(self._output_names):
            expected, actual = ", ".join(self._output_names), ", ".join(sorted(present))
            raise ModelCardInvalid(f"{self.file}: its card names the outputs {expected}; it has {actual}")
        inputs = [one.name for one in session.get_inputs()]
        if inputs != [self.input_spec.name]:
            raise ModelCardInvalid(f"{self.file}: its card names the input {self.input_spec.name!r}; it has {inputs}")


def no_regions(dim: int) -> Regions:
    """Of an image that shows nothing."""
    return Regions(
        np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64), np.empty((0, dim), np.float32)
    )


def in_pixels(box: Floats, width: int, height: int) -> Box:
    """A box in shares of an image -> pixels of the upright original."""
    x, y, w, h = (float(value) for value in box)
    return Box(x * width, y * height, w * width, h * height)


def _resize_query(pixels: Pixels, side: int) -> Pixels:
    """(h, w, 3) -> about side * side pixels in the same shape, by at most MAX_ASPECT_RATIO to 1, in whole cells of the
    map."""
    import cv2

    shape = math.sqrt(min(max(pixels.shape[1] / pixels.shape[0], 1 / MAX_ASPECT_RATIO), MAX_ASPECT_RATIO))
    width, height = (max(MIN_QUERY_SIDE, round(length / STRIDE) * STRIDE) for length in (side * shape, side / shape))
    shrinks = pixels.shape[0] >= height and pixels.shape[1] >= width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=method), np.uint8)


def _windows(width: int, height: int) -> list[tuple[float, float, float, float]]:
    """(x, y, w, h) in shares, overlapping, over an image that is longer than MAX_ASPECT_RATIO to 1; none for any
    other."""
    shape = max(width, height) / max(min(width, height), 1)
    if shape <= MAX_ASPECT_RATIO:
        return []
    count = min(MAX_WINDOWS, math.ceil(shape / WINDOW_ASPECT_RATIO * 1.25))
    length = max(WINDOW_ASPECT_RATIO / shape, 1.25 / count)
    starts = np.linspace(0, 1 - length, count).tolist()
    return [(at, 0.0, length, 1.0) if width > height else (0.0, at, 1.0, length) for at in starts]


def _merged(whole: Regions, parts: Sequence[Regions], count: int) -> Regions:
    """The whole and each window as regions, then the surest of all proposals."""
    all_of = (whole, *parts)
    every = _concatenated(all_of)
    starts = np.cumsum([0, *(len(one) for one in all_of[:-1])])
    first = starts[[len(one) > 0 for one in all_of]]
    rest = np.setdiff1d(np.arange(len(every)), first)
    rest = rest[np.argsort(-every.scores[rest], kind="stable")]
    return every.take(np.concatenate([first, rest])[:count])


def _concatenated(parts: Sequence[Regions]) -> Regions:
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
