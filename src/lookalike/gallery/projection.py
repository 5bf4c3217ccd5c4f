"""Every image of a gallery as a point in two dimensions, those that are alike near one another.

The first two principal components of the vectors, from a sample of about SAMPLE images; packed bits count as -1 and 1.
It is a projection: near there may be far here, never the other way round by more than the scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import DescriptorCard
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.embeddings import vector_blocks
from lookalike.pca import PCA, principal_components
from lookalike.types import Floats

SAMPLE = 20_000


@dataclass(frozen=True, slots=True)
class Projection2D:
    """``ids``: (N,) int64, of the images that show something. ``places``: (N, 2) float32, -1..1. ``explained``: the
    share of the variance that each of the two directions holds, 0..1."""

    by: str
    ids: NDArray[np.int64]
    places: Floats
    explained: tuple[float, float]


def project(store: GalleryStorage, card: DescriptorCard) -> Projection2D:
    """All images, by one descriptor."""
    pca = _fitted(store, card)
    ids, places = [np.empty(0, np.int64)], [np.empty((0, 2), np.float32)]
    for numbers, vectors in vector_blocks(store, card):
        ids.append(numbers)
        places.append(pca.project(_numbers(vectors, card)))
    flat = np.concatenate(places)
    first, second = pca.explained.tolist()
    return Projection2D(
        card.name, np.concatenate(ids), flat / max(float(np.abs(flat).max(initial=0.0)), 1e-9), (first, second)
    )


def _fitted(store: GalleryStorage, card: DescriptorCard) -> PCA:
    """The two directions in which a sample varies most."""
    step = max(1, store.count() // SAMPLE)
    sample = [_numbers(vectors[::step], card) for _, vectors in vector_blocks(store, card)]
    return principal_components(np.concatenate([np.empty((0, card.dim), np.float32), *sample]), 2)


def _numbers(vectors: NDArray[Any], card: DescriptorCard) -> Floats:
    if card.metric == "hamming":
        return np.unpackbits(vectors, axis=1).astype(np.float32) * 2 - 1
    return vectors.astype(np.float32)
