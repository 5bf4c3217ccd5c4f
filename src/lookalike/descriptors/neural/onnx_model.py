"""Neural: an ONNX file as descriptors, one for each of its outputs, in ONNX Runtime.

An image is squeezed to a square, goes through the network once, and every output that is asked for becomes
a vector. What is no number never leaves this file: such a vector becomes zeros of contrast 0. Nothing here
knows of card files: those are read in model_card.py.
"""

from __future__ import annotations

import hashlib
import platform
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import Described, DescriptorCard
from lookalike.descriptors.hashes.structure import FULL_CONTRAST
from lookalike.descriptors.neural.image_fit import SQUEEZED, ImageFit, fit_images
from lookalike.distance import normalise
from lookalike.errors import ModelCardInvalid, ModelDamaged, ModelMissing, UserError
from lookalike.types import Floats, Image, Pixels

PARTS = "_parts"  # after an output's name: the output that tells what each cell of the image adds to that one
LOGITS = "_logits"  # after an output's name: the output that tells how much speaks for each class of an image
MODEL_BATCH = 16  # images that are prepared at a time, and per forward pass on a graphics card, so that it has work
CPU_BATCH = 4  # per forward pass on a processor: as fast as any, and what lies between the layers stays small
STORED_MAX = float(np.finfo(np.float16).max)  # galleries keep half precision: a larger number would become infinite
FASTEST_FIRST = (
    "CUDAExecutionProvider",
    "MIGraphXExecutionProvider",
    "ROCMExecutionProvider",
    "CoreMLExecutionProvider",
    "OpenVINOExecutionProvider",
    "CPUExecutionProvider",
)
EXACT_8_BITS = "session.x64quantprecision"  # ONNX Runtime's setting: never cut a sum off, at half the speed
ERRORS_ONLY = 3  # ONNX Runtime's log level

Layout = Literal["NHWC", "NCHW"]
Type = Literal["uint8", "float32"]
Channels = Literal["RGB", "BGR"]
Triple = tuple[float, float, float]
TENSORS = {"uint8": "tensor(uint8)", "float32": "tensor(float)"}  # as ONNX Runtime names them


@dataclass(frozen=True, slots=True)
class ModelInput:
    """What a network takes: ``side`` x ``side`` pixels of sRGB, as ``layout`` and ``type`` say.

    uint8: 0..255. float32: (value / 255 - ``mean``) / ``std``, per channel of red, green, blue. ``channels``: the order
    in which these come. ``fit``: how an image becomes the square.
    """

    name: str
    side: int
    layout: Layout
    type: Type
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    channels: Channels = "RGB"
    fit: ImageFit = SQUEEZED

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one image, in this layout."""
        return (self.side, self.side, 3) if self.layout == "NHWC" else (3, self.side, self.side)

    @property
    def min_side(self) -> int:
        """Pixels: the shortest side that a decoded image must keep."""
        return max(self.side, self.fit.resize)

    def squares(self, images: Sequence[Image]) -> Pixels:
        """N images of any size -> (N, side, side, 3) uint8."""
        return fit_images(images, self.side, self.fit)

    def prepare(self, squeezed: Pixels) -> NDArray[Any]:
        """(N, side, side, 3) uint8 sRGB -> (N, 3, side, side) or (N, side, side, 3) of this type."""
        batch: NDArray[Any] = squeezed
        if self.type == "float32":
            scaled = squeezed.astype(np.float32) / np.float32(255)
            batch = (scaled - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        if self.channels == "BGR":
            batch = batch[..., ::-1]
        return np.ascontiguousarray(batch.transpose(0, 3, 1, 2) if self.layout == "NCHW" else batch)


@dataclass(frozen=True, slots=True)
class Labels:
    """What a network calls its classes.

    ``output``: the descriptor whose ONNX output + LOGITS, (N, C) float32, speaks of them. ``names``: C of them.
    ``temperature``: logits are divided by it before the softmax (Guo et al., arXiv 1706.04599).
    ``abstain_below``: 0..1, the probability below which it says nothing.
    """

    output: str
    names: tuple[str, ...]
    temperature: float
    abstain_below: float


class Network:
    """One ONNX file. It is looked at when the first image comes, and then kept open; any thread may use it."""

    def __init__(
        self,
        file: Path,
        sha256: str,
        input_spec: ModelInput,
        outputs: tuple[DescriptorCard, ...],
        labels: Labels | None = None,
    ) -> None:
        self.file, self.sha256, self.input_spec, self.labels = file, sha256, input_spec, labels
        self.outputs = {card.name: card for card in outputs}
        self.descriptors = {card.name: Neural(card, self) for card in outputs}
        self._dims = {card.name: card.dim for card in outputs}
        if labels:
            self._dims[labels.output + LOGITS] = len(labels.names)
        self._session = CheckedSession(file, sha256, self._check)

    def describe(self, images: Sequence[Image], names: Sequence[str]) -> dict[str, Described]:
        """N images of any size -> name of an output -> (N, dim) float32 and contrast 0..1, and of the output that
        ``labels`` names the probabilities of its classes; one forward pass.

        Cosine vectors have unit length. A vector that is not finite, too large for a gallery's half precision,
        or without a direction is zeros, with contrast 0. Raises ModelMissing, ModelDamaged, ModelCardInvalid.
        """
        logits = [self.labels.output + LOGITS] if self.labels and self.labels.output in names else []
        raw: dict[str, list[Floats]] = {
            name: [np.empty((0, self._dims[name]), np.float32)] for name in (*names, *logits)
        }
        contrast = [np.empty(0, np.float32)]
        for start in range(0, len(images), MODEL_BATCH):
            squeezed = self.input_spec.squares(images[start : start + MODEL_BATCH])
            contrast.append(contrast_of(squeezed))
            for name, part in self.run(squeezed, list(raw)).items():
                raw[name].append(part)
        contrasts = np.concatenate(contrast)
        found = {name: _usable(self.outputs[name], np.concatenate(raw[name]), contrasts) for name in names}
        if self.labels and logits:
            probabilities = softmax(np.concatenate(raw[logits[0]]), self.labels.temperature)
            found[self.labels.output] = replace(found[self.labels.output], probabilities=probabilities)
        return found

    def run(self, squeezed: Pixels, names: Sequence[str]) -> dict[str, Floats]:
        """(N, side, side, 3) uint8, N from 1 -> name -> (N, dim) float32, exactly as the network gives it."""
        step = self._step()
        parts = [self._forward(squeezed[start : start + step], names) for start in range(0, len(squeezed), step)]
        return {name: np.concatenate([part[row] for part in parts]) for row, name in enumerate(names)}

    def _step(self) -> int:
        """Images per forward pass: some files take one at a time."""
        session = self.open()
        if session.get_inputs()[0].shape[0] == 1:
            return 1
        return CPU_BATCH if session.get_providers()[0] == FASTEST_FIRST[-1] else MODEL_BATCH

    def _forward(self, squeezed: Pixels, names: Sequence[str]) -> list[Floats]:
        found = self._run_session(squeezed, names)
        for name, values in zip(names, found, strict=True):
            expected = (len(squeezed), self._dims[name])
            if values.shape != expected:
                raise ModelCardInvalid(
                    f"{self.file}: output {name!r} has the shape {values.shape}; by its card it is {expected}"
                )
        return found

    def _run_session(self, squeezed: Pixels, names: Sequence[str]) -> list[Floats]:
        try:
            return list(self.open().run(list(names), {self.input_spec.name: self.input_spec.prepare(squeezed)}))
        except Exception as error:
            raise ModelDamaged(f"{self.file}: the model does not run: {_first_line(error)}") from error

    def logits(self, images: Sequence[Image]) -> Floats:
        """N images of any size -> (N, C) float32, one column for each of ``labels``, as the network gives them.

        Raises UserError for a network without labels, ModelMissing, ModelDamaged, ModelCardInvalid."""
        if self.labels is None:
            raise UserError(f"{self.file}: a network without labels: its card has no table [labels]")
        whole = [
            self.input_spec.squares(images[start : start + MODEL_BATCH]) for start in range(0, len(images), MODEL_BATCH)
        ]
        parts = [self._logits(squeezed, self.labels) for squeezed in whole]
        return np.concatenate([np.empty((0, len(self.labels.names)), np.float32), *parts])

    def _logits(self, squeezed: Pixels, labels: Labels) -> Floats:
        """(N, side, side, 3) uint8, N from 1 -> (N, C) float32."""
        step = self._step()
        output, expected = labels.output + LOGITS, (len(squeezed), len(labels.names))
        parts = [
            self._run_session(squeezed[start : start + step], [output])[0] for start in range(0, len(squeezed), step)
        ]
        logits = np.concatenate(parts)
        if logits.shape != expected:
            raise ModelCardInvalid(
                f"{self.file}: output {output!r} has the shape {logits.shape}; "
                f"by labels.names of its card it is {expected}"
            )
        return logits

    def parts(self, image: Image, name: str) -> Floats | None:
        """What each cell of an image, squeezed to a square, adds to its vector: (h, w, dim) float32, whose sum is the
        vector ``name`` as the network gives it. None if the file has no output ``name`` + PARTS, or if that gives no
        such thing. Raises ModelMissing, ModelDamaged, ModelCardInvalid."""
        output = name + PARTS
        if output not in {one.name for one in self.open().get_outputs()}:
            return None
        parts = self._run_session(self.input_spec.squares([image]), [output])[0]
        fits = parts.ndim == 4 and parts.shape[:2] == (1, self.outputs[name].dim) and np.isfinite(parts).all()
        return np.ascontiguousarray(parts[0].transpose(1, 2, 0)) if fits else None

    def open(self) -> Any:
        """The ONNX Runtime session, made once: the file is the one of the card, and has its input and outputs."""
        return self._session.get()

    def _check(self, session: Any) -> None:
        _check_input(self.file, session, self.input_spec)
        _check_outputs(self.file, session, self.outputs)
        _check_labels(self.file, session, self.labels)

    def smoke_test(self) -> None:
        """Run it on two images of noise. Raises ModelDamaged if a number is not finite, or what ``open`` raises."""
        rng = np.random.default_rng(0)
        noise = rng.integers(0, 256, (2, self.input_spec.side, self.input_spec.side, 3), dtype=np.uint8)
        for name, values in self.run(noise, list(self.outputs)).items():
            if not _storable(self.outputs[name], values).all():
                raise ModelDamaged(f"{self.file}: output {name!r} is not finite for an ordinary image")
        if self.labels is not None and not np.isfinite(self._logits(noise, self.labels)).all():
            raise ModelDamaged(
                f"{self.file}: output {self.labels.output + LOGITS!r} is not finite for an ordinary image"
            )


@dataclass(frozen=True, slots=True)
class Neural:
    """One output of a network, as a descriptor."""

    card: DescriptorCard
    network: Network

    def describe(self, images: Sequence[Image]) -> Described:
        """N images of any size -> (N, dim) float32 and contrast 0..1; see Network.describe."""
        return self.network.describe(images, [self.card.name])[self.card.name]


def network(
    file: Path, sha256: str, input_spec: ModelInput, outputs: tuple[DescriptorCard, ...], labels: Labels | None = None
) -> Network:
    """The one Network of this file, for all threads. Cheap: nothing is read before the first image."""
    with _ONE_AT_A_TIME:
        return _network(file, sha256, input_spec, outputs, labels)


_ONE_AT_A_TIME = threading.Lock()
_network = cache(Network)


def check_digest(file: Path, sha256: str) -> None:
    """Raises ModelMissing if the file is not there, ModelDamaged if its bytes are not those of the card."""
    try:
        with file.open("rb") as stream:
            actual = hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise ModelMissing(f"{file}: the model file is not there; put it back beside its card") from error
    except OSError as error:
        raise ModelDamaged(f"{file}: the model file cannot be read: {error.strerror or error}") from error
    if actual != sha256:
        raise ModelDamaged(
            f"{file}: damaged or swapped model file: its sha256 is {actual}, its card says {sha256}; "
            "put the right file back, or correct the card"
        )


class CheckedSession:
    """The ONNX Runtime session of a file, made when it is first asked for. ``check``: raises what makes the network
    another one than its card says. Any thread may ask."""

    def __init__(self, file: Path, sha256: str, check: Callable[[Any], None]) -> None:
        self._file, self._sha256, self._check = file, sha256, check
        self._session: Any = None
        self._opening = threading.Lock()

    def get(self) -> Any:
        """The session. Raises ModelMissing, ModelDamaged, ModelCardInvalid; then it is tried again the next time."""
        with self._opening:
            if self._session is None:
                session = open_session(self._file, self._sha256)
                self._check(session)
                self._session = session
            return self._session


def open_session(file: Path, sha256: str) -> Any:
    """An ONNX Runtime session of this file, whose bytes are those of its card. One thread each: whoever describes many
    images does it from one thread per core. Raises ModelMissing, ModelDamaged."""
    check_digest(file, sha256)
    import onnxruntime  # takes 0.1 s: not before the first image

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    if not sums_8_bits_exactly():
        options.add_session_config_entry(EXACT_8_BITS, "1")
    installed = onnxruntime.get_available_providers()
    providers = [provider for provider in FASTEST_FIRST if provider in installed]
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=providers)
    except Exception as error:
        raise ModelDamaged(f"{file}: ONNX Runtime cannot open it: {_first_line(error)}") from error


@cache
def sums_8_bits_exactly(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this processor adds products of 8 bits up without cutting any off, so that a network in 8 bits gives the
    same vectors as elsewhere: all but those of x86 without VNNI. Where nobody tells, it is taken for one of these."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    try:
        return "vnni" in cpuinfo.read_text()
    except OSError:
        return False


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__


def _check_input(file: Path, session: Any, input_spec: ModelInput) -> None:
    present = {one.name: one for one in session.get_inputs()}
    if list(present) != [input_spec.name]:
        raise ModelCardInvalid(f"{file}: its card names the input {input_spec.name!r}; it has {_listed(present)}")
    one = present[input_spec.name]
    if one.type != TENSORS[input_spec.type]:
        raise ModelCardInvalid(
            f"{file}: input {input_spec.name!r} is {one.type}; its card says {TENSORS[input_spec.type]}"
        )
    _check_shape(file, f"input {input_spec.name!r}", one.shape, input_spec.shape)


def _check_outputs(file: Path, session: Any, outputs: dict[str, DescriptorCard]) -> None:
    """There are those of the card and, if the file gives them, the parts and the logits of these."""
    present = {one.name: one for one in session.get_outputs()}
    if set(present) - {name + more for name in outputs for more in (PARTS, LOGITS)} != set(outputs):
        raise ModelCardInvalid(f"{file}: its card names the outputs {_listed(outputs)}; it has {_listed(present)}")
    for name, one in ((name, present[name]) for name in outputs):
        if one.type != TENSORS["float32"]:
            raise ModelCardInvalid(f"{file}: output {name!r} is {one.type}, not {TENSORS['float32']}")
        _check_shape(file, f"output {name!r}", one.shape, (outputs[name].dim,))


def _check_labels(file: Path, session: Any, labels: Labels | None) -> None:
    """If the card names classes, the output that tells them is there, one number for each."""
    if labels is None:
        return
    output = labels.output + LOGITS
    present = {one.name: one for one in session.get_outputs()}
    if output not in present:
        raise ModelCardInvalid(
            f"{file}: by labels.output of its card it has the output {output!r}; it has {_listed(present)}"
        )
    if present[output].type != TENSORS["float32"]:
        raise ModelCardInvalid(f"{file}: output {output!r} is {present[output].type}, not {TENSORS['float32']}")
    _check_shape(file, f"output {output!r}", present[output].shape, (len(labels.names),), "labels.names of its card")


def _check_shape(
    file: Path, what: str, actual: Sequence[int | str | None], expected: tuple[int, ...], by: str = "its card"
) -> None:
    """The first length is the number of images: open, or 1. Of the others, the file may leave any open."""
    fits = len(actual) == 1 + len(expected) and (not isinstance(actual[0], int) or actual[0] == 1)
    for actual_length, length in zip(actual[1:], expected, strict=False):
        fits = fits and (not isinstance(actual_length, int) or actual_length == length)
    if not fits:
        raise ModelCardInvalid(
            f"{file}: {what} has the shape {_shape(actual)}; by {by} it is {_shape(['N', *expected])}, "
            "N being any number of images, or 1"
        )


def _shape(lengths: Sequence[int | str | None]) -> str:
    return f"({', '.join('?' if length is None else str(length) for length in lengths)})"


def _listed(names: Any) -> str:
    return ", ".join(map(repr, names)) or "none"


def contrast_of(squeezed: Pixels) -> Floats:
    """(N, side, side, 3) uint8 -> (N,) float32, 0..1: the standard deviation of grey, as structure.py counts it."""
    import cv2

    spread = [cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).std() / FULL_CONTRAST for pixels in squeezed]
    return np.minimum(np.array(spread, np.float32), np.float32(1))


def _usable(card: DescriptorCard, raw: Floats, contrast: Floats) -> Described:
    """(N, dim) as a network gives it -> vectors and contrast as a gallery may keep them."""
    sound = _storable(card, raw)
    vectors = np.where(sound[:, None], raw, np.float32(0))
    if card.metric == "cosine":
        vectors = normalise(vectors.astype(np.float64)).astype(np.float32)
        sound &= vectors.any(axis=1)
    return Described(vectors, np.where(sound, contrast, np.float32(0)))


def _storable(card: DescriptorCard, raw: Floats) -> NDArray[np.bool_]:
    """(N, dim) -> (N,): finite, and still so in half precision; cosine vectors are first brought to unit length."""
    limit = np.finfo(np.float32).max if card.metric == "cosine" else STORED_MAX
    return np.asarray((np.abs(raw) <= limit).all(axis=1))


def softmax(logits: Floats, temperature: float) -> Floats:
    """(N, C) logits -> (N, C) probabilities, each row adds up to 1; zeros where a row is not finite."""
    sound = np.isfinite(logits).all(axis=1, keepdims=True)
    scaled = np.where(sound, logits, 0).astype(np.float64) / temperature
    unnormalised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.where(sound, unnormalised / unnormalised.sum(axis=1, keepdims=True), 0).astype(np.float32)
