"""Which labels are worth a look, for the nearest labelled neighbours disagree with them, and which are likely wrong.

A weighted vote of the k nearest (Wu et al., arXiv 1805.01978, section 3.4): a vote fades as the neighbour is farther
away than the nearest one. Confident disagreement with a label is what finds wrong ones (Northcutt et al., arXiv
1911.00068); how probable it is that one is wrong is what ``label_noise`` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import DescriptorCard
from lookalike.errors import UserError
from lookalike.gallery.index.faiss_index import FaissIndex
from lookalike.gallery.labels.label_noise import LabelledVectors, wrong_probabilities
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.embeddings import Embeddings
from lookalike.gallery.storage.row import Row
from lookalike.types import Floats, Ids, Label, LabelError, Neighbour

NEIGHBOURS = 10
PRECISION = 0.9  # of the labels that are called likely wrong, so many are
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
    store: GalleryStorage,
    card: DescriptorCard,
    k: int = NEIGHBOURS,
    source: str | None = None,
    precision: float = PRECISION,
) -> list[LabelError]:
    """The images whose k nearest labelled neighbours give another label the majority, and those whose label is likely
    wrong whatever these say; the most probably wrong first.

    ``source``: only labels from there; otherwise the one that a search sees. A byte-identical copy of the same label
    has no vote. ``precision``: how probable it must be that a label is wrong to be called likely. Raises UserError if
    fewer than two labels are there to choose from, or fewer than k + 1 images."""
    labels = {number: one.labels[0] for number, one in store.labels.of_images(source=source)}
    return label_errors_among(store, card, labels, k, precision)


def label_errors_among(
    store: GalleryStorage,
    card: DescriptorCard,
    labels: Mapping[int, Label],
    k: int = NEIGHBOURS,
    precision: float = PRECISION,
) -> list[LabelError]:
    """The same of labels that need not be stored: image id -> its label."""
    called = _called(store, card, labels)
    if len(set(called.kinds.tolist())) < 2 or len(called.rows) <= k:
        raise UserError(
            f"wrong labels are found among images of two labels or more, and more than {k} of them; there are "
            f"{len(called.rows)} labelled images with a usable {card.name!r} vector; use classify or labels import"
        )
    near, distances = _nearest(called, card, k)
    votes = np.exp(-(distances - distances.min(axis=1, keepdims=True)) / (FADING * card.median_negative_distance))
    labelled = LabelledVectors(_numbers(called, card), called.kinds, near, votes)
    wrong = wrong_probabilities(labelled)
    found = [
        _label_error(called, near[row], distances[row], winner, row, float(wrong[row]), precision)
        for row, winner in _disagreed(labelled, wrong >= precision)
    ]
    return sorted(found, key=lambda one: (-one.probability, -one.share, one.own_share, one.path))


def _nearest(called: _Called, card: DescriptorCard, k: int) -> tuple[NDArray[np.int64], Floats]:
    """(N, k) the nearest others of each image, nearest first, and (N, k) their distances."""
    vectors, count = called.embeddings.vectors[card.name], len(called.rows)
    index = FaissIndex(card.metric, card.dim)
    index.add(np.arange(count), vectors)
    near, far = np.empty((count, k), np.int64), np.empty((count, k), np.float32)
    for start in range(0, count, SEARCH_BLOCK):
        rows = np.arange(start, min(start + SEARCH_BLOCK, count))
        found, distances = index.search(vectors[rows], k + 1)
        itself = found == rows[:, None]
        itself[~itself.any(axis=1), -1] = True  # of more than k identical ones it may not be among them
        near[rows], far[rows] = found[~itself].reshape(-1, k), distances[~itself].reshape(-1, k)
    return near, far


def _numbers(called: _Called, card: DescriptorCard) -> Floats:
    """(N, D) float32 that sums can be taken of: bits count as -1 and 1."""
    vectors = called.embeddings.vectors[card.name]
    if card.metric == "hamming":
        return np.asarray(np.unpackbits(vectors, axis=1) * 2.0 - 1.0, np.float32)
    return np.asarray(vectors, np.float32)


@dataclass(frozen=True, slots=True)
class _Winner:
    """The other class with most of the votes, its share and that of the image's own label."""

    kind: int
    share: float
    own_share: float


def _disagreed(labelled: LabelledVectors, likely: NDArray[np.bool_]) -> Iterator[tuple[int, _Winner]]:
    """The rows whose neighbours give another label the majority of their votes, and those that are ``likely`` wrong of
    whose neighbours any has another label."""
    for row, own in enumerate(labelled.kinds.tolist()):
        votes = labelled.votes[row]
        shares = np.minimum(
            np.bincount(labelled.kinds[labelled.near[row]], votes, labelled.classes) / votes.sum(dtype=np.float64), 1
        )
        own_share, shares[own] = float(shares[own]), 0.0
        best = int(shares.argmax())
        if shares[best] > (0.0 if likely[row] else MAJORITY):
            yield row, _Winner(best, float(shares[best]), own_share)


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


def _label_error(
    called: _Called, near: Ids, far: Floats, winner: _Winner, row: int, wrong: float, precision: float
) -> LabelError:
    neighbours = tuple(
        Neighbour(called.rows[other].path, called.labels[other].label, float(distance))
        for other, distance in zip(near.tolist(), far.tolist(), strict=True)
    )
    return LabelError(
        path=called.rows[row].path,
        label=called.labels[row],
        suggested=next(called.labels[other].label for other in near.tolist() if called.kinds[other] == winner.kind),
        share=winner.share,
        own_share=winner.own_share,
        probability=wrong,
        likely=wrong >= precision,
        neighbours=neighbours,
    )
