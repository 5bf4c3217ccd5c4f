"""The text tower of a network that was trained on images with captions: a text as a vector beside those of images.

Radford et al., "Learning transferable visual models from natural language supervision", arXiv 2103.00020 (CLIP); Zhai
et al., "Sigmoid loss for language image pre-training", arXiv 2303.15343 (SigLIP). Beside the ONNX file lie the
tokenizer, in the format of the library `tokenizers`, and the vectors of many names, which a text is held against.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.neural.onnx_model import check_digest, open_session
from lookalike.distance import normalise
from lookalike.errors import MissingDependency, ModelCardInvalid, ModelDamaged
from lookalike.types import Floats

TOKENS = "tokens"  # the ONNX input: (N, length) int64
TEXT_BATCH = 64  # texts per forward pass
MIN_LENGTH = 2  # tokens that a tower of any length takes at least


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file in the card's folder."""

    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class TextTower:
    """``output``: the descriptor whose vectors texts are compared with, and the ONNX output of the text tower.
    ``length``: tokens of a text, padded; a tower whose input is open there gets no more than the longest text has.
    ``scale``: what a cosine is multiplied by to be a logit, as the network was trained. ``prompt``: what stands around
    a text, "{}" for the text itself. ``names``: .npz with the vectors of names."""

    output: str
    length: int
    scale: float
    prompt: str
    tower: NamedFile
    tokenizer: NamedFile
    names: NamedFile

    @property
    def files(self) -> tuple[NamedFile, ...]:
        return self.tower, self.tokenizer, self.names


@dataclass(frozen=True, slots=True)
class NameVectors:
    """``vectors``: (K, D) float32 of unit length, those of the K ``names`` within the prompt."""

    names: tuple[str, ...]
    vectors: Floats


class TextNetwork:
    """The text tower of one card in ``folder``, for vectors of ``dim`` numbers. Its files are read when the first text
    comes; any thread may use it."""

    def __init__(self, folder: Path, tower: TextTower, dim: int) -> None:
        self.folder, self.tower, self.dim = folder, tower, dim
        self._session: Any = None
        self._tokenizer: Any = None
        self._names: NameVectors | None = None
        self._opening = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Floats:
        """N texts, each put into the prompt -> (N, dim) float32 of unit length.

        Raises MissingDependency, ModelMissing, ModelDamaged, ModelCardInvalid."""
        prompted = [self.tower.prompt.format(text.strip()) for text in texts]
        parts = [
            self._forward(*self._tokenized(prompted[start : start + TEXT_BATCH]))
            for start in range(0, len(prompted), TEXT_BATCH)
        ]
        return normalise(np.concatenate([np.empty((0, self.dim), np.float32), *parts]))

    def tokens(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """N texts as they are -> (N, length) int64; what is longer is cut off."""
        return self._tokenized(texts)[0]

    def _tokenized(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], int]:
        """The same, and how many tokens the longest text has without the padding behind it."""
        with self._opening:
            if self._tokenizer is None:
                self._tokenizer = _tokenizer(self.folder / self.tower.tokenizer.file, self.tower)
        found = self._tokenizer.encode_batch(list(texts))
        tokens = np.array([one.ids for one in found], np.int64).reshape(len(texts), self.tower.length)
        used = np.array([one.attention_mask for one in found], bool).reshape(tokens.shape)
        return tokens, int(np.flatnonzero(used.any(axis=0)).max(initial=0)) + 1

    def names(self) -> NameVectors:
        """What texts are held against. Raises ModelMissing, ModelDamaged."""
        with self._opening:
            if self._names is None:
                self._names = _read_names(self.folder / self.tower.names.file, self.tower.names.sha256, self.dim)
            return self._names

    def smoke_test(self) -> None:
        """Raises what is wrong with any of its files."""
        if not np.isfinite(self.encode(["a dog", ""])).all():
            raise ModelDamaged(f"{self.folder / self.tower.tower.file}: the vector of a text is not finite")
        self.names()

    def _forward(self, tokens: NDArray[np.int64], used: int) -> Floats:
        """A tower that takes texts of any length does not get the padding, which would cost most of the time."""
        file = self.folder / self.tower.tower.file
        with self._opening:
            if self._session is None:
                self._session = open_session(file, self.tower.tower.sha256)
        if not isinstance(self._session.get_inputs()[0].shape[1], int):
            tokens = tokens[:, : max(used, MIN_LENGTH)]
        try:
            found = self._session.run([self.tower.output], {TOKENS: tokens})[0]
        except Exception as error:
            raise ModelDamaged(f"{file}: the text tower does not run: {str(error).splitlines()[0]}") from error
        if found.shape != (len(tokens), self.dim):
            raise ModelCardInvalid(f"{file}: its output has the shape {found.shape}, not {(len(tokens), self.dim)}")
        return np.asarray(found, np.float32)


def write_names(names: Sequence[str], vectors: Floats, path: Path) -> None:
    """(K, D) unit vectors of K names, in half precision."""
    with path.open("wb") as stream:
        np.savez(stream, names=np.array(names), vectors=vectors.astype(np.float16))


def _read_names(file: Path, sha256: str, dim: int) -> NameVectors:
    check_digest(file, sha256)
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as data:
            names, vectors = tuple(data["names"].tolist()), data["vectors"].astype(np.float32)
    except (OSError, ValueError, KeyError) as error:
        raise ModelDamaged(f"{file}: cannot be read as names and their vectors: {error}") from error
    if vectors.shape != (len(names), dim):
        raise ModelCardInvalid(f"{file}: vectors of the shape {vectors.shape}, not {(len(names), dim)}")
    return NameVectors(names, normalise(vectors))


def _tokenizer(file: Path, tower: TextTower) -> Any:
    """The tokenizer, which pads and cuts to the tower's length by itself."""
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingDependency("tokenizers is not installed; get it with: pip install 'lookalike[text]'") from error
    check_digest(file, tower.tokenizer.sha256)
    try:
        found = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises no class of its own
        raise ModelDamaged(f"{file}: cannot be read as a tokenizer: {error}") from error
    lengths = {(found.padding or {}).get("length"), (found.truncation or {}).get("max_length")}
    if lengths != {tower.length}:
        raise ModelCardInvalid(f"{file}: the tokenizer must pad and cut texts to {tower.length} tokens, as on the card")
    return found
