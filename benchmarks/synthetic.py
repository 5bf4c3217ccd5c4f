"""Galleries without images: rows and vectors written straight through the store, in large transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.calibration import shipped
from lookalike.descriptors import Described, DescriptorCard, get, register
from lookalike.descriptors.fusion import Blend
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.calibration.scoring import Scoring
from lookalike.gallery.search.allowed import Allowed
from lookalike.gallery.search.vector_search import VectorQuery, VectorSource
from lookalike.gallery.storage.base import NewImage
from lookalike.gallery.storage.embeddings import dtype_of
from lookalike.gallery.storage.row import Row
from lookalike.types import Hit, Image

BLOCK = 10_000  # images per transaction, and per array of vectors
FAMILY = 20  # vectors around each centre
NOISE = 0.75  # their distance from it, in lengths of the centre's vector: cosine distance 0.2 from it, 0.36 apart
BITS = 20  # the same for binary vectors

Block = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Registered:
    """A descriptor that has a card only."""

    card: DescriptorCard

    def describe(self, images: Sequence[Image]) -> Described:  # noqa: ARG002  the protocol's signature
        raise UserError(f"{self.card.name} has synthetic vectors alone: it describes no image")


def register_float(name: str, dim: int) -> None:
    """Make this process know a float descriptor with cosine distance, judged as texture is."""
    card = DescriptorCard(name, 1, "cosine", dim, 16 * dim, 64, 0.0, 1.0, "synthetic")
    register(card, lambda: Registered(card))
    shipped().curves[name] = shipped().curves["texture"]  # type: ignore[index]  # a calibration of its own, for this process


def block(name: str, first: int, size: int = BLOCK, uniform: bool = False) -> NDArray[Any]:
    """The vectors of images ``first`` and on: (size, D), in families unless ``uniform``; the same every time."""
    rng = np.random.default_rng([first, len(name)])
    card = get(name).card
    centres = np.arange(size) if uniform else np.arange(size) // FAMILY
    if card.metric == "hamming":
        bits = rng.integers(0, 256, (size, card.dim // 8), np.uint8)[centres]
        return bits if uniform else bits ^ flips(rng, size, card.dim, BITS)
    floats = rng.standard_normal((size, card.dim), np.float32)
    if uniform:
        return unit(floats)
    return unit(unit(rng.standard_normal((size, card.dim), np.float32))[centres] + NOISE * unit(floats))


def unit(vectors: NDArray[Any]) -> NDArray[Any]:
    """(N, D), each row of length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def flips(rng: np.random.Generator, count: int, dim: int, share: int) -> NDArray[np.uint8]:
    """(count, dim / 8) masks with exactly ``share`` bits set in each."""
    mask = np.zeros((count, dim), np.uint8)
    np.put_along_axis(mask, rng.random((count, dim)).argpartition(share, axis=1)[:, :share], 1, axis=1)
    return np.packbits(mask, axis=1)


def near(name: str, vectors: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Queries: each of these vectors, a little changed."""
    if get(name).card.metric == "hamming":
        return vectors ^ flips(rng, len(vectors), get(name).card.dim, BITS)
    noise = rng.standard_normal(vectors.shape, np.float32)
    return unit(vectors + 0.3 * unit(noise) * np.linalg.norm(vectors, axis=1, keepdims=True))


def fill(gallery: Gallery, first: int, last: int, make: Callable[[int, int], Block]) -> None:
    """Write images ``first`` to ``last`` - 1; ``make(first, size)`` gives descriptor name -> (size, D)."""
    dtypes = {name: dtype_of(get(name).card) for name in gallery.info().descriptors}
    for start in range(first, last, BLOCK):
        size = min(BLOCK, last - start)
        vectors = {name: part.astype(dtypes[name]) for name, part in make(start, size).items()}
        with gallery._library.store.transaction():
            for image in _images(start, size, vectors):
                gallery._library.store.put(image)


def _images(start: int, size: int, vectors: Block) -> Iterator[NewImage]:
    for place in range(size):
        number = start + place
        row = Row(0, path_of(number), f"{number:064x}", 200_000 + number, 0, 640, 480, "JPEG", None, None)
        yield NewImage(row, {name: (part[place].tobytes(), 1.0) for name, part in vectors.items()})


def path_of(number: int) -> str:
    """The path of the image with this number, from 0."""
    return f"/synthetic/{number // 1000:05}/{number:08}.jpg"


def described(vectors: NDArray[Any]) -> Described:
    """Vectors as a descriptor would give them."""
    return Described(vectors, np.ones(len(vectors), np.float32))


def new_gallery(folder: Path, name: str, count: int, uniform: bool = False) -> Gallery:
    """A gallery of one descriptor with this many synthetic images."""
    gallery = Gallery.create(folder, [name])
    fill(gallery, 0, count, lambda first, size: {name: block(name, first, size, uniform)})
    return gallery


def number_of(path: str) -> int:
    """The number in such a path."""
    return int(path.rpartition("/")[2].partition(".")[0])


def index_of(gallery: Gallery, name: str) -> Any:
    """The FAISS index behind a gallery's search, up to date."""
    return gallery._library.index.get(name)._index


def searched(
    gallery: Gallery, described: Mapping[str, Described], blend: Blend, k: int = 10, where: str | None = None
) -> list[Hit]:
    """Gallery.search from the point where the query has been described."""
    library = gallery._library
    with library.store.reading():
        source = VectorSource(library, Scoring.of(library.store, library.cards), blend.weights)
        return source.candidates(VectorQuery((described,)), k, Allowed.by(library, where), exact=False)
