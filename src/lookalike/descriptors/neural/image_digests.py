"""Which images a model was trained on: a file of short digests that its card names; see docs/how-to/models.md.

Eight bytes an image, the first of the sha256 of its file: enough to tell whether an image that is at hand was among
them, and nothing that an image could be made of. A stranger is taken for one of N by chance of N in 2^64.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.neural.onnx_model import check_digest
from lookalike.errors import ModelDamaged

ENDING = ".digests"
NUMBER = np.dtype("<u8")  # of an image, in the file
HEX_DIGITS = 16  # of a sha256 that are kept

Digests = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class DigestsFile:
    """A card's entry: ``file``, beside the card, whose bytes have this ``sha256``; how many images it names."""

    file: str
    sha256: str
    trained: int
    held_out: int


@dataclass(frozen=True, slots=True)
class ImageDigests:
    """``trained``: of the images whose errors moved the weights; ``held_out``: of those that chose the best step, and
    set temperature and thresholds. Each sorted, each once."""

    trained: Digests
    held_out: Digests


def image_digests(trained: Iterable[int], held_out: Iterable[int]) -> ImageDigests:
    """Digests in any order -> sorted, each once. What is in both was trained on."""
    first, second = (np.unique(np.array(list(some), np.uint64)) for some in (trained, held_out))
    return ImageDigests(first, np.setdiff1d(second, first))


def short_digests(sha256s: Sequence[str]) -> Digests:
    """Hexadecimal sha256 of N files -> (N,) uint64."""
    return np.array([int(one[:HEX_DIGITS], 16) for one in sha256s], np.uint64)


def write_digests(digests: ImageDigests, path: Path) -> DigestsFile:
    """Write them to ``path``; returns what the card says of it."""
    data = digests.trained.astype(NUMBER).tobytes() + digests.held_out.astype(NUMBER).tobytes()
    path.write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    return DigestsFile(path.name, sha256, len(digests.trained), len(digests.held_out))


def read_digests(path: Path, entry: DigestsFile) -> ImageDigests:
    """The digests in ``path``. Raises ModelMissing if it is not there, ModelDamaged if it is not what the card says."""
    check_digest(path, entry.sha256)
    numbers = np.fromfile(path, NUMBER).astype(np.uint64)
    if path.stat().st_size != NUMBER.itemsize * (entry.trained + entry.held_out):
        raise ModelDamaged(
            f"{path}: {path.stat().st_size} bytes are not the {entry.trained} + {entry.held_out} images of its card; "
            "put the right file back, or correct the card"
        )
    return ImageDigests(numbers[: entry.trained], numbers[entry.trained :])
