"""Faces -> persons, by their vectors alone: complete linkage under the rule that a person is once in a photograph.

Any two faces of a group are near one another, so that no chain of similar faces joins two people, and on average they
are as near as the size of the library asks for: among many faces some are near by chance. Who is undecided stays alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lookalike.comparison.calibration import Calibration
from lookalike.gallery.dedup.complete_linkage import complete_linkage
from lookalike.types import Floats, Ids

FACES_PER_PERSON = 10  # that a library is expected to hold, of a person who is in it
MEAN_PROBABILITY = 0.5  # of the average pair of a group, among as many faces as there are
WORST_PROBABILITY = 0.1  # of every pair of a group, at even odds
BLOCK = 512  # faces that are held against all others at a time: 100 MB for 50,000


def person_prior(faces: int) -> float:
    """The share of a library's faces that are of a given person."""
    return min(FACES_PER_PERSON / max(faces, 1), 0.5)


def group_faces(vectors: Floats, images: Ids, names: Sequence[int | None], curve: Calibration) -> list[list[int]]:
    """(N, D) unit vectors of faces, (N,) the images that they are in, and the person that a user says each is ->
    groups of two and more rows. Faces of one image, or of two named persons, are never in one group."""
    worst = curve.distance(WORST_PROBABILITY)
    mean = min(curve.distance(MEAN_PROBABILITY, person_prior(len(vectors))), worst)
    shown, said = images.tolist(), list(names)

    def close(a: list[int], b: list[int]) -> bool:
        if not {shown[row] for row in a}.isdisjoint([shown[row] for row in b]):
            return False
        if len({said[row] for row in (*a, *b)} - {None}) > 1:
            return False
        distances = 1 - vectors[a] @ vectors[b].T
        return float(distances.max()) <= worst and float(distances.mean()) <= mean

    return complete_linkage(_pairs(vectors, mean), close)


def mean_distances(vectors: Floats, group: Sequence[int], to: Sequence[int]) -> Floats:
    """Of each face of a group, to those of ``to`` but for itself: (G,) float32; 0 of one that is alone there."""
    distances = 1 - vectors[list(group)] @ vectors[list(to)].T
    others = np.array(group)[:, None] != np.array(to)
    return np.asarray((distances * others).sum(1) / np.maximum(others.sum(1), 1), np.float32)


def _pairs(vectors: Floats, limit: float) -> Iterator[tuple[int, int]]:
    """The pairs of rows up to this distance, nearest first: each block against itself and what comes after it."""
    found: list[tuple[Ids, Ids, Floats]] = []
    for start in range(0, len(vectors), BLOCK):
        similarities = vectors[start : start + BLOCK] @ vectors[start:].T
        first, second = np.nonzero(similarities >= 1 - limit)
        later = second > first
        first, second = first[later], second[later]
        found.append((first + start, second + start, similarities[first, second]))
    if not found:
        return
    first, second, near = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(-near, kind="stable")
    yield from zip(first[order].tolist(), second[order].tolist(), strict=True)
