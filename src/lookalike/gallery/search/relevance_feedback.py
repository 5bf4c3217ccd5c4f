"""Relevance feedback: images that are what is meant draw a search towards them, others push it away.

Rocchio's method, in distances: d(query) + 0.75 mean d(good) - 0.25 mean d(bad) (Rocchio 1971). For cosine distance
between unit vectors, and for Hamming distance, it ranks just as the distance to the moved query vector does; said in
distances it holds for every measure, and its parts tell what each example changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import DescriptorCard
from lookalike.descriptors.fusion import Blend
from lookalike.gallery.search.query import stored_embeddings
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.embeddings import Embeddings
from lookalike.gallery.storage.row import Row
from lookalike.types import Floats

GOOD, BAD = 0.75, -0.25


@dataclass(frozen=True, slots=True)
class Example:
    """An image that was judged. ``weight``: by how much its distance counts. ``vectors``: name -> (1, D)."""

    row: Row
    weight: float
    vectors: Mapping[str, NDArray[Any]]


def examples(
    store: GalleryStorage,
    cards: Mapping[str, DescriptorCard],
    names: Sequence[str],
    good: Sequence[Row],
    bad: Sequence[Row],
) -> tuple[Example, ...]:
    """Of the judged images those in which every one of the named descriptors sees something."""
    found = []
    for rows, weight in ((good, GOOD), (bad, BAD)):
        for row in rows:
            described = stored_embeddings(store, cards, names, row)
            if all(described[name].contrast[0] >= cards[name].min_contrast for name in names):
                vectors = {name: part.vectors for name, part in described.items()}
                found.append(Example(row, weight / len(rows), vectors))
    return tuple(found)


def feedback_contributions(blend: Blend, embeddings: Embeddings, examples_given: Sequence[Example]) -> Floats:
    """What each example adds to the distance of each image, (examples, N): its weight of how much farther than
    unrelated images are the image is from it. Nothing, where the two are as far apart as unrelated ones."""
    median = 1.0 if len(blend.names) > 1 else embeddings.cards[blend.names[0]].median_negative_distance
    rows = [one.weight * (blend.distance(embeddings.from_query(one.vectors)) - median) for one in examples_given]
    return np.asarray(rows, np.float32).reshape(len(rows), len(embeddings))
