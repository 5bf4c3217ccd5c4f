"""The engines that keep galleries, for tests that run over each of them: one line per engine in each list.

Each names a place, its folder or URL, at which no gallery is yet. Those that need a server are marked ``full``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from numpy.typing import NDArray

from lookalike.descriptors.base import DescriptorCard
from lookalike.distance import Metric
from lookalike.gallery.storage.base import NewGallery, NewImage, StoredIndex
from lookalike.gallery.storage.embeddings import dtype_of
from lookalike.gallery.storage.engines import engine_of
from lookalike.gallery.storage.row import Row
from lookalike.types import Floats, Ids
from milvus_server import MilvusServer
from postgres_server import PostgresServer

NewPlace = Callable[[pytest.FixtureRequest], str]


def _folder(request: pytest.FixtureRequest) -> str:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    return str(tmp_path / "g.gallery")


def _milvus(request: pytest.FixtureRequest) -> str:
    server: MilvusServer = request.getfixturevalue("milvus")
    return server.url()


def _milvus_long(request: pytest.FixtureRequest) -> str:
    """Where lists of ids are long already, and Milvus gives few neighbours at once."""
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    monkeypatch.setattr("lookalike.gallery.storage.milvus.index.LISTED", 10)
    monkeypatch.setattr("lookalike.gallery.storage.milvus.index.MOST", 30)
    return _milvus(request)


def _postgres(request: pytest.FixtureRequest) -> str:
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.url(uuid4().hex)


def _postgres_graph(request: pytest.FixtureRequest) -> str:
    """Where graphs are built of a few vectors already."""
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    monkeypatch.setattr("lookalike.gallery.storage.postgres.index.HNSW_FROM", 100)
    return _postgres(request)


ENGINES = [
    pytest.param(_folder, id="sqlite"),
    pytest.param(_milvus, id="milvus", marks=pytest.mark.full),
    pytest.param(_postgres, id="postgresql", marks=pytest.mark.full),
]

SEARCHING = [  # of these, those that search vectors themselves
    pytest.param(_milvus, id="milvus", marks=pytest.mark.full),
    pytest.param(_milvus_long, id="milvus-long", marks=pytest.mark.full),
    pytest.param(_postgres, id="postgresql", marks=pytest.mark.full),
    pytest.param(_postgres_graph, id="postgresql-graph", marks=pytest.mark.full),
]


class StoredVectors:
    """A gallery's own index, as a VectorIndex: what is added to it are images with one vector, under other ids."""

    def __init__(self, place: str, metric: Metric, dim: int) -> None:
        self._card = DescriptorCard(
            "one", 1, metric, dim, dim if metric == "hamming" else 16 * dim, 1, 0.1, 1.0, "none"
        )
        engine_of(place).create_storage(place, NewGallery([self._card]))
        self._store = engine_of(place).open_storage(place)
        self._ids: dict[int, int] = {}  # ours -> the gallery's

    def add(self, ids: Ids, vectors: NDArray[Any]) -> None:
        with self._store.transaction():
            for number in ids.tolist():
                row = Row(0, f"/{number}.jpg", str(number), 1, 1, 10, 10, "JPEG", None, None)
                self._ids[number] = self._store.put(NewImage(row, {}))
            packed = [vector.astype(dtype_of(self._card)).tobytes() for vector in vectors]
            pairs = zip(ids.tolist(), packed, strict=True)
            self._store.put_vectors("one", {self._ids[number]: (vector, 1.0) for number, vector in pairs})

    def remove(self, ids: Ids) -> None:
        with self._store.transaction():
            self._store.forget(f"/{number}.jpg" for number in ids.tolist())

    def search(self, queries: NDArray[Any], k: int, allowed: Ids | None = None) -> tuple[Ids, Floats]:
        known = None if allowed is None else np.array([self._ids[one] for one in allowed.tolist()], np.int64)
        found, distances = self._index.search(queries, k, known)
        ours = {theirs: number for number, theirs in self._ids.items()} | {-1: -1}
        return np.vectorize(ours.__getitem__, otypes=[np.int64])(found), distances

    def __len__(self) -> int:
        return len(self._index)

    @property
    def _index(self) -> StoredIndex:
        found = self._store.index(self._card)
        assert found is not None
        return found

    def close(self) -> None:
        self._store.close()
