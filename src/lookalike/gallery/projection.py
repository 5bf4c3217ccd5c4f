"""A plan of the library: every image as a point in two dimensions, those that are alike near one another.

The two principal components of the vectors (Pearson 1901), from a sample of about SAMPLE images; packed bits count
as -1 and 1. It is a projection: near there may be far here, never the other way round by more than the scale.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import DescriptorCard
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.embeddings import dtype_of
from lookalike.types import Floats

SAMPLE = 20_000
BLOCK = 20_000


@dataclass(frozen=True, slots=True)
class Projection2D:
    """``ids``: (N,) int64, of the images that show something. ``places``: (N, 2) float32, -1..1. ``explained``: the
    share of the variance that each of the two directions holds, 0..1."""

    by: str
    ids: NDArray[np.int64]
    places: Floats
    explained: tuple[float, float]


def project(store: GalleryStorage, card: DescriptorCard) -> Projection2D:
    """The plan of all images by one descriptor."""
    mean, axes, explained = _directions(store, card)
    ids, places = [np.empty(0, np.int64)], [np.empty((0, 2), np.float32)]
    for numbers, vectors in _blocks(store, card):
        ids.append(numbers)
        places.append((vectors - mean) @ axes)
    flat = np.concatenate(places).astype(np.float32)
    return Projection2D(
        card.name, np.concatenate(ids), flat / max(float(np.abs(flat).max(initial=0.0)), 1e-9), explained
    )


def _directions(store: GalleryStorage, card: DescriptorCard) -> tuple[Floats, Floats, tuple[float, float]]:
    """Mean (D,), the two directions (D, 2) in which a sample varies most, and their shares of its variance."""
    dim = card.dim
    step = max(1, store.count() // SAMPLE)
    sample = np.concatenate([np.empty((0, dim), np.float32)] + [v[::step] for _, v in _blocks(store, card)])
    mean = sample.mean(axis=0) if len(sample) else np.zeros(dim, np.float32)
    if len(sample) < 2:
        return mean, np.eye(dim, 2, dtype=np.float32), (0.0, 0.0)
    values, vectors = np.linalg.eigh(np.cov(sample - mean, rowvar=False))
    total = max(float(values.sum()), 1e-12)
    axes = vectors[:, [-1, -2]]
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), [0, 1]] < 0, -1, 1)  # the same way round each time
    first, second = (max(0.0, float(values[n])) / total for n in (-1, -2))
    return mean, axes.astype(np.float32), (first, second)


def _blocks(store: GalleryStorage, card: DescriptorCard) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
    last = 0
    while True:
        ids, vectors = store.vectors(
            card.name, after=last, limit=BLOCK, contrast=card.min_contrast, dtype=dtype_of(card)
        )
        if not len(ids):
            return
        yield ids, _numbers(vectors, card)
        last = int(ids[-1])


def _numbers(vectors: NDArray[Any], card: DescriptorCard) -> Floats:
    if card.metric == "hamming":
        return np.unpackbits(vectors, axis=1).astype(np.float32) * 2 - 1
    return vectors.astype(np.float32)
