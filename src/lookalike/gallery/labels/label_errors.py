"""Which labels are likely wrong: those that the nearest labelled neighbours of an image disagree with.

A weighted vote of the k nearest (Wu et al., arXiv 1805.01978, section 3.4): a vote fades as the neighbour is farther
away than the nearest one. Confident disagreement with a label is what finds wrong ones (Northcutt et al., arXiv
1911.00068).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import DescriptorCard
from lookalike.errors import UserError
from lookalike.gallery.index.faiss_index import FaissIndex
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.embeddings import Embeddings
from lookalike.gallery.storage.row import Row
from lookalike.types import Floats, Ids, Label, LabelError, Neighbour

NEIGHBOURS = 10
SEARCH_BLOCK = 4096  # images searched at a time
MAJORITY = 0.5  # of the votes, which another label must win
FADING = 0.1  # of the median negative distance: so much farther than the nearest, a vote counts 1 / e


@dataclass(frozen=True, slots=True)
class _Called:
    """N labelled images with their vectors; of byte-identical ones of one label the first. ``kinds``: (N,) numbers of
    labels."""

    embeddings: Embeddings
    rows: Sequence[Row]
    labels: Sequence[Label]
    kinds: NDArray[np.int64]


def find_label_errors(
    store: GalleryStorage, card: DescriptorCard, k: int = NEIGHBOURS, source: str | None = None
) -> list[LabelError]:
    """The images whose label is not that of the majority of their k nearest labelled neighbours, the surest first.

    ``source``: only labels from there; otherwise the one that a search sees. A byte-identical copy of the same label
    has no vote. Raises UserError if fewer than two labels are there to choose from, or fewer than k + 1 images."""
    labels = {number: one.labels[0] for number, one in store.labels.of_images(source=source)}
    called = _called(store, card, labels)
    if len(set(called.kinds.tolist())) < 2 or len(called.rows) <= k:
        raise UserError(
            f"wrong labels are found among images of two labels or more, and more than {k} of them; there are "
            f"{len(called.rows)} labelled images with a usable {card.name!r} vector; use classify or labels import"
        )
    index = FaissIndex(card.metric, card.dim)
    index.add(np.arange(len(called.rows)), called.embeddings.vectors[card.name])
    found = []
    for start in range(0, len(called.rows), SEARCH_BLOCK):
        positions = np.arange(start, min(start + SEARCH_BLOCK, len(called.rows)))
        near, distances = index.search(called.embeddings.vectors[card.name][positions], k + 1)
        voted = map(
            _vote,
            [called] * len(positions),
            positions.tolist(),
            near,
            distances,
            [card.median_negative_distance] * len(positions),
        )
        found += [label_error for label_error in voted if label_error is not None]
    return sorted(found, key=lambda one: (-one.share, one.own_share, one.path))


def _called(store: GalleryStorage, card: DescriptorCard, labels: Mapping[int, Label]) -> _Called:
    embeddings = Embeddings.read(store, {card.name: card}, [card.name], np.array(sorted(labels), np.int64))
    rows = store.rows(embeddings.ids.tolist())
    first: dict[tuple[str, str], int] = {}
    for position, number in enumerate(embeddings.ids.tolist()):
        first.setdefault((rows[number].sha256, labels[number].label), position)
    positions = np.array(list(first.values()), np.int64)
    kept = embeddings.keep(positions)
    first_labels = [labels[number] for number in kept.ids.tolist()]
    kinds = np.unique([one.label for one in first_labels], return_inverse=True)[1]
    return _Called(kept, [rows[number] for number in kept.ids.tolist()], first_labels, np.asarray(kinds, np.int64))


def _vote(called: _Called, position: int, near: Ids, distances: Floats, median: float) -> LabelError | None:
    """(k + 1,) nearest images, itself perhaps among them -> what they say; None if they agree with the label."""
    kept = np.flatnonzero(near != position)[: len(near) - 1]
    others, far = near[kept].tolist(), distances[kept]
    votes = np.exp(-(far - far.min()) / (FADING * median))
    shares = np.minimum(np.bincount(called.kinds[others], votes) / votes.sum(dtype=np.float64), 1)
    best, own = int(shares.argmax()), int(called.kinds[position])
    own_share = float(shares[own]) if own < len(shares) else 0.0
    if best == own or shares[best] <= MAJORITY:
        return None
    neighbours = tuple(
        Neighbour(called.rows[other].path, called.labels[other].label, float(distance))
        for other, distance in zip(others, far.tolist(), strict=True)
    )
    suggested = next(called.labels[other].label for other in others if called.kinds[other] == best)
    return LabelError(
        called.rows[position].path, called.labels[position], suggested, float(shares[best]), own_share, neighbours
    )
