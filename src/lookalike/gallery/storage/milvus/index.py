"""The nearest of a descriptor's vectors, found by Milvus.

A filter is a list of ids to it, for vectors lie in another collection than what filters speak of. A short list goes
with the query. Of a long one the nearest of all are looked at, more and more of them, until enough of them are in it;
if that takes too many, the list is compared one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import DescriptorCard
from lookalike.distance import METRICS
from lookalike.gallery.storage.embeddings import dtype_of
from lookalike.gallery.storage.milvus.collections import vectors_of
from lookalike.gallery.storage.milvus.descriptors import Descriptors
from lookalike.gallery.storage.milvus.expressions import both, members
from lookalike.gallery.storage.milvus.session import Session
from lookalike.gallery.storage.milvus.vectors import VectorStore
from lookalike.types import Floats, Ids

MOST = 16_384  # neighbours that Milvus gives at once
LISTED = 5_000  # ids that go with a query: about 50 ms
CANDIDATES = 96  # that the graph is asked for at least
_QUERIES = 256  # of one request
_BLOCK = 8_192  # vectors compared one by one at a time


class MilvusIndex:
    """The vectors of one descriptor that have enough contrast."""

    def __init__(
        self,
        session: Session,
        descriptors: Descriptors,
        vectors: VectorStore,
        card: DescriptorCard,
        select: Callable[[str | None], Ids],
    ) -> None:
        """``select``: the ids of the images that a filter leaves."""
        self._session, self._vectors, self._card, self._select = session, vectors, card, select
        self._number = descriptors.number
        self._bits = card.metric == "hamming"

    def __len__(self) -> int:
        return self._vectors.count(self._number(self._card.name), self._card.min_contrast)

    def search(
        self, queries: NDArray[Any], k: int, allowed: Ids | None = None, where: str | None = None
    ) -> tuple[Ids, Floats]:
        """As in the contract."""
        if where is not None:
            left = self._select(where)
            allowed = left if allowed is None else np.intersect1d(allowed, left)
        ids = np.full((len(queries), k), -1, np.int64)
        distances = np.full((len(queries), k), np.inf, np.float32)
        if k == 0 or (allowed is not None and not len(allowed)):
            return ids, distances
        for start in range(0, len(queries), _QUERIES):
            part = slice(start, start + _QUERIES)
            for row, (found, far) in enumerate(self._nearest(queries[part], k, allowed), start):
                ids[row, : len(found)], distances[row, : len(found)] = found, far
        return ids, distances

    def _nearest(self, queries: NDArray[Any], k: int, allowed: Ids | None) -> Iterator[tuple[Ids, Floats]]:
        if k > MOST:
            yield from self._one_by_one(queries, k, allowed)
        elif allowed is None:
            yield from self._asked(queries, k, "")
        elif len(allowed) <= LISTED:
            yield from self._asked(queries, k, members("id", allowed.tolist()))
        else:
            yield from self._among(queries, k, allowed)

    def _asked(self, queries: NDArray[Any], k: int, condition: str) -> Iterator[tuple[Ids, Floats]]:
        state = self._session.state()
        least = f"contrast >= {self._card.min_contrast!r}" if self._card.min_contrast else ""
        found = self._session.server.search(
            vectors_of(self._session.gallery, self._number(self._card.name)),
            [one.tobytes() for one in queries] if self._bits else list(queries.astype(np.float32)),
            k,
            both(f"id < {state.image}", least, condition),
            {} if self._bits else {"ef": max(CANDIDATES, k)},
            state.timestamp,
        )
        for hits in found:
            yield np.array([one[0] for one in hits], np.int64), self._distances([one[1] for one in hits])

    def _distances(self, given: list[float]) -> Floats:
        """As in distance.py: Milvus gives the cosine itself, and Euclid's distance squared."""
        numbers = np.array(given, np.float64)
        if self._card.metric == "cosine":
            numbers = np.clip(1.0 - numbers, 0.0, 2.0)
        if self._card.metric == "euclidean":
            numbers = np.sqrt(np.maximum(numbers, 0.0))
        return np.asarray(numbers, np.float32)

    def _among(self, queries: NDArray[Any], k: int, allowed: Ids) -> Iterator[tuple[Ids, Floats]]:
        share = len(allowed) / max(len(self), 1)
        candidates = min(MOST, int(2 * k / min(share, 1.0)) + 50)
        while True:
            found = [(ids[kept], far[kept]) for ids, far, kept in self._kept(queries, candidates, allowed)]
            if min(len(ids) for ids, _ in found) >= min(k, len(allowed)):
                yield from ((ids[:k], far[:k]) for ids, far in found)
                return
            if candidates == MOST:
                yield from self._one_by_one(queries, k, allowed)
                return
            candidates = min(MOST, 4 * candidates)

    def _kept(
        self, queries: NDArray[Any], candidates: int, allowed: Ids
    ) -> Iterator[tuple[Ids, Floats, NDArray[np.bool_]]]:
        for ids, far in self._asked(queries, candidates, ""):
            yield ids, far, np.isin(ids, allowed)

    def _one_by_one(self, queries: NDArray[Any], k: int, allowed: Ids | None) -> Iterator[tuple[Ids, Floats]]:
        """Every vector, read and compared; the k nearest of each block are kept."""
        best = [(np.empty(0, np.int64), np.empty(0, np.float32)) for _ in queries]
        for ids, vectors in self._blocks(allowed):
            for row, far in enumerate(METRICS[self._card.metric](queries, vectors)):
                every, distances = np.concatenate([best[row][0], ids]), np.concatenate([best[row][1], far])
                order = np.argsort(distances, kind="stable")[:k]
                best[row] = every[order], distances[order]
        yield from best

    def _blocks(self, allowed: Ids | None) -> Iterator[tuple[Ids, NDArray[Any]]]:
        name, options = self._card.name, {"contrast": self._card.min_contrast, "dtype": dtype_of(self._card)}
        if allowed is None:
            after = 0
            while len((found := self._vectors.vectors(name, after=after, limit=_BLOCK, **options))[0]):
                yield found
                after = int(found[0][-1])
            return
        for start in range(0, len(allowed), _BLOCK):
            found = self._vectors.vectors_of(name, allowed[start : start + _BLOCK], **options)
            if len(found[0]):
                yield found
