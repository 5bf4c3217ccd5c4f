"""Exact search by comparing with everything: short, obviously right, and the oracle for the fast one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.distance import METRICS, Metric
from lookalike.types import Floats, Ids

Neighbours = tuple[Ids, Floats]


class ExactIndex:
    """All vectors in memory, each query compared with each of them."""

    def __init__(self, metric: Metric) -> None:
        self._distances = METRICS[metric]
        self._ids: Ids = np.empty(0, np.int64)
        self._vectors: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, ids: Ids, vectors: NDArray[Any]) -> None:
        """As VectorIndex.add."""
        if len(ids):
            self._ids = np.concatenate([self._ids, ids])
            self._vectors = vectors if self._vectors is None else np.concatenate([self._vectors, vectors])

    def remove(self, ids: Ids) -> None:
        """As VectorIndex.remove."""
        if self._vectors is not None:
            stays = ~np.isin(self._ids, ids)
            self._ids, self._vectors = self._ids[stays], self._vectors[stays]

    def search(self, queries: NDArray[Any], k: int, allowed: Ids | None = None) -> Neighbours:
        """As VectorIndex.search; ties in the order of the ids."""
        if self._vectors is None:
            return padded(np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32), k)
        rows = np.arange(len(self._ids)) if allowed is None else np.flatnonzero(np.isin(self._ids, allowed))
        distances = self._distances(queries, self._vectors[rows])
        best = np.lexsort((np.broadcast_to(self._ids[rows], distances.shape), distances))[:, :k]
        return padded(self._ids[rows][best], np.take_along_axis(distances, best, axis=1), k)


def padded(ids: Ids, distances: Floats, k: int) -> Neighbours:
    """(Q, n) found, n <= k -> (Q, k) with id -1 and distance inf behind them."""
    gap = ((0, 0), (0, k - ids.shape[1]))
    return np.pad(ids, gap, constant_values=-1), np.pad(distances, gap, constant_values=np.inf)
