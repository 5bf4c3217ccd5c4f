"""Faces: what a face looks like, as a box, five landmarks and a vector each, of two ONNX files that one card names.

A detector finds them (face_detector.py), each is aligned by its landmarks (face_alignment.py), and an embedder makes a
vector of it: SFace (Zhong et al., arXiv 2205.12010) or any other that takes aligned faces. A face that is too bad to
tell whose it is (face_utility.py) has a vector of zeros among an image's regions: it is like no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import Described, DescriptorCard
from lookalike.descriptors.neural.face_alignment import Template, aligned
from lookalike.descriptors.neural.face_detector import FaceDetector
from lookalike.descriptors.neural.face_utility import FaceUtility, Flaw, face_utility
from lookalike.descriptors.neural.onnx_model import ModelInput, Network
from lookalike.descriptors.neural.region_model import RegionDescriptor, Regions, no_regions
from lookalike.distance import normalise
from lookalike.errors import ModelDamaged
from lookalike.types import Floats, Image, Pixels

MAX_FACES = 64  # of an image, the surest: as many as an image's regions have numbers for
FACE_CLASS = 0
MIN_SIDE = 1080  # pixels that the shorter side of a decoded image keeps, so that the faces of a group have enough
QUARTERS = (1, 3, 2)  # in which a query without an upright face is looked at again
UPRIGHT_SCORE = 0.9  # what a face that lies on its side or stands on its head does not reach (AT&T: 0.93 against 0.90)


@dataclass(frozen=True, slots=True)
class DetectorFile:
    """The ONNX file of the detector, beside that of the embedder. ``threshold``: 0..1, of what is called a face."""

    file: str
    sha256: str
    input: ModelInput
    threshold: float


@dataclass(frozen=True, slots=True)
class FaceOutput:
    """What a card's table [faces] says. ``embedding``: the name of the ONNX output; ``template``: where an aligned
    face's five points lie, in pixels of a square of 112. ``slope``, ``intercept``: of the probability that two faces
    are of one person by their distance, at even odds, and ``fitted_on`` which faces."""

    output: str
    embedding: str
    template: Template
    detector: DetectorFile
    slope: float
    intercept: float
    fitted_on: str


@dataclass(frozen=True, slots=True)
class Faces(Regions):
    """Of one image, the surest first. ``landmarks``: (R, 5, 2) float32, as shares of the upright image; ``utility``:
    (R,) float32, 0..1; ``flaws``: what makes a face useless, None for one that can be compared."""

    landmarks: Floats
    utility: Floats
    flaws: tuple[Flaw | None, ...]

    def take(self, rows: NDArray[Any]) -> Faces:
        """These rows alone, in this order."""
        regions = (self.boxes[rows], self.scores[rows], self.classes[rows], self.vectors[rows])
        return Faces(*regions, self.landmarks[rows], self.utility[rows], tuple(self.flaws[row] for row in rows))

    @property
    def usable(self) -> NDArray[np.int64]:
        """The rows of those that can be compared, the largest first."""
        rows = np.array([row for row, flaw in enumerate(self.flaws) if flaw is None], np.int64)
        return rows[np.argsort(-self.boxes[rows, 2] * self.boxes[rows, 3], kind="stable")]

    @property
    def central(self) -> int | None:
        """The row of the face that a portrait is of, large and in its middle, good or bad; None without any."""
        away = np.linalg.norm(self.boxes[:, :2] + self.boxes[:, 2:] / 2 - 0.5, axis=1)
        return int((self.boxes[:, 2] * self.boxes[:, 3] * (1 - away)).argmax()) if len(self) else None


class FaceNetwork(RegionDescriptor):
    """Two ONNX files with a card that has a table [faces]. Any thread may use it."""

    names = ("face",)
    proposes_parts = False

    def __init__(
        self, file: Path, sha256: str, input_spec: ModelInput, card: DescriptorCard, output: FaceOutput
    ) -> None:
        self.card, self.output, self.input_spec = card, output, input_spec
        found = output.detector
        self.detector = FaceDetector(file.with_name(found.file), found.sha256, found.input, found.threshold)
        self._embedder = Network(file, sha256, input_spec, (replace(card, name=output.embedding),))

    def faces(self, image: Image) -> Faces:
        """All faces of an image, those too that are too bad to be compared, each with its vector.

        Raises ModelMissing, ModelDamaged, ModelCardInvalid."""
        found = self.detector.detect(image.pixels).surest(MAX_FACES)
        template, side = self.output.template, self.input_spec.side
        cut = [aligned(image.pixels, points, template, side) for points in found.landmarks]
        utilities = [face_utility(*one, template) for one in zip(found.boxes, found.landmarks, cut, strict=True)]
        size = np.array(image.pixels.shape[1::-1], np.float32)
        low = np.clip(found.boxes[:, :2] / size, 0, 1)
        high = np.clip((found.boxes[:, :2] + found.boxes[:, 2:]) / size, 0, 1)
        boxes = np.concatenate([low, high - low], 1)
        return self._faces(boxes, found.scores, found.landmarks / size, cut, utilities)

    def _faces(
        self, boxes: Floats, scores: Floats, landmarks: Floats, cut: Sequence[Pixels], utilities: Sequence[FaceUtility]
    ) -> Faces:
        vectors = self.embed(cut)
        sound = [bool(vector.any()) for vector in vectors]
        return Faces(
            boxes.astype(np.float32),
            scores,
            np.full(len(cut), FACE_CLASS, np.int64),
            vectors,
            landmarks.astype(np.float32),
            np.array([one.score * good for one, good in zip(utilities, sound, strict=True)], np.float32),
            tuple(one.flaw or (None if good else "blurred") for one, good in zip(utilities, sound, strict=True)),
        )

    def embed(self, faces: Sequence[Pixels]) -> Floats:
        """Aligned faces, (side, side, 3) uint8 each -> (N, dim) float32 of unit length; zeros of one that gives no
        number."""
        if not len(faces):
            return np.empty((0, self.card.dim), np.float32)
        raw = self._embedder.run(np.stack(faces), [self.output.embedding])[self.output.embedding]
        sound = np.isfinite(raw).all(1, keepdims=True)
        return np.asarray(normalise(np.where(sound, raw, 0).astype(np.float64)), np.float32)

    def regions(self, images: Sequence[Image]) -> list[Faces]:
        """As a gallery keeps them: of each image, the vectors of useless faces zeros. Faces of an image that lies on
        its side, or stands on its head, are found as well, and told where they are in the image as it lies."""
        return [_kept(self._any_way(image)) for image in images]

    def _any_way(self, image: Image) -> Faces:
        """Where no face is as sure as an upright one, a glance at the image turned by quarters; the surest counts."""
        found = self.faces(image)
        if _surest(found.scores) >= UPRIGHT_SCORE:
            return found
        glances = {n: _surest(self.detector.glance(_turned(image, n).pixels).scores) for n in QUARTERS}
        quarters = max(QUARTERS, key=lambda n: glances[n])
        if glances[quarters] < max(UPRIGHT_SCORE, _surest(found.scores)):
            return found
        return _turned_back(self.faces(_turned(image, quarters)), quarters)

    def upright_faces(self, image: Image) -> tuple[Faces, Image]:
        """The faces of a query, and the image as they are upright in it: where none is as sure as an upright one, it is
        turned by quarters, and the surest counts."""
        best = self.faces(image), image
        for quarters in QUARTERS:
            if _surest(best[0].scores) >= UPRIGHT_SCORE:
                break
            turned = _turned(image, quarters)
            found = self.faces(turned)
            if _surest(found.scores) > _surest(best[0].scores):
                best = found, turned
        return best

    def describe(self, images: Sequence[Image]) -> Described:
        """Of each image its largest usable face: (N, dim) float32, and how good it is, 0..1; zeros without any."""
        vectors = np.zeros((len(images), self.card.dim), np.float32)
        contrast = np.zeros(len(images), np.float32)
        for row, image in enumerate(images):
            found = self.faces(image)
            for best in found.usable[:1]:
                vectors[row], contrast[row] = found.vectors[best], max(found.utility[best], self.card.min_contrast)
        return Described(vectors, contrast)

    def contrast(self, image: Image) -> float:
        """Of the largest usable face, 0..1."""
        return float(self.describe([image]).contrast[0])

    def query_vectors(self, image: Image) -> Floats:
        """The query's largest usable face: (1, dim) float32 of unit length; (0, dim) without any."""
        found = self.upright_faces(image)[0]
        return found.vectors[found.usable[:1]]

    def query_regions(self, image: Image) -> Regions:  # noqa: ARG002  of the contract
        """None: a face is no whole image of a library."""
        return no_regions(self.card.dim)

    def smoke_test(self) -> None:
        """Run both on noise. Raises ModelDamaged if a number is not finite, or what opening them raises."""
        random = np.random.default_rng(0)
        side = self.detector.input_spec.side
        self.detector.detect(random.integers(0, 256, (side, side, 3), dtype=np.uint8))
        self._embedder.smoke_test()
        if not self.embed([random.integers(0, 256, (self.input_spec.side,) * 2 + (3,), dtype=np.uint8)]).any():
            raise ModelDamaged(f"{self._embedder.file}: its vectors are zeros for an ordinary image")


def _surest(scores: Floats) -> float:
    return float(scores.max(initial=0))


def _kept(faces: Faces) -> Faces:
    """Useless ones without a vector."""
    kept = np.array([flaw is None for flaw in faces.flaws], bool)
    return replace(faces, vectors=faces.vectors * kept[:, None])


def _turned(image: Image, quarters: int) -> Image:
    """By so many quarters, against the clock."""
    if not quarters:
        return image
    width, height = (image.height, image.width) if quarters % 2 else (image.width, image.height)
    return replace(image, pixels=np.ascontiguousarray(np.rot90(image.pixels, quarters)), width=width, height=height)


def _turned_back(faces: Faces, quarters: int) -> Faces:
    """The faces of an image that was turned against the clock, where they are in the image as it was."""
    boxes, points = faces.boxes, faces.landmarks
    for _ in range(quarters):
        x, y, width, height = boxes.T
        boxes = np.stack([1 - y - height, x, height, width], 1)
        points = np.stack([1 - points[..., 1], points[..., 0]], -1)
    return replace(faces, boxes=boxes, landmarks=points)
