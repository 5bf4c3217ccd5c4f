"""Indexes kept in step with a store: built without a second copy in memory, saved meanwhile, shared from their file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread, current_thread, main_thread
from typing import Any
from weakref import ref

import numpy as np
import pytest
from numpy.typing import NDArray

from lookalike.descriptors import get
from lookalike.gallery import Gallery
from lookalike.gallery.index import index_cache
from lookalike.gallery.index.faiss_index import FaissIndex
from lookalike.gallery.index.index_cache import IndexCache
from lookalike.gallery.library import open_storage
from lookalike.gallery.storage.base import GalleryStorage, NewImage
from lookalike.gallery.storage.row import Row

NAME, COUNT, FLAT, BLOCK = "content", 120, 30, 20  # a graph from more than FLAT vectors on, which are read by the BLOCK


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GalleryStorage]:
    """COUNT rows with vectors, and no files."""
    Gallery.create(tmp_path / "g", [NAME]).close()
    made = open_storage(tmp_path / "g")
    put(made, 0, COUNT)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything as for a million, at a scale of 120."""
    blocks = index_cache.vector_blocks
    monkeypatch.setattr(
        index_cache, "vector_blocks", lambda store, card, after=0, size=BLOCK: blocks(store, card, after, size)
    )
    monkeypatch.setattr(index_cache, "HNSW_FROM", FLAT)
    monkeypatch.setattr(index_cache, "MIN_UNSAVED", 10)


def vectors(first: int, last: int) -> NDArray[np.float16]:
    found = [np.random.default_rng(number).normal(size=256) for number in range(first, last)]
    return np.stack([one / np.linalg.norm(one) for one in found]).astype(np.float16)


def put(store: GalleryStorage, first: int, last: int) -> None:
    with store.transaction():
        for number, vector in zip(range(first, last), vectors(first, last), strict=True):
            row = Row(0, f"/{number}.jpg", f"{number:064x}", 1, 1, 9, 9, "JPEG", None, None)
            store.put(NewImage(row, {NAME: (vector.tobytes(), 1.0)}))


def cache(store: GalleryStorage, tmp_path: Path) -> IndexCache:
    return IndexCache(tmp_path / "index", store, {NAME: get(NAME).card})


def added(monkeypatch: pytest.MonkeyPatch, most: int = COUNT) -> list[tuple[bool, int]]:
    """What is added to indexes from now on: (to a graph, how many); a process that is killed after ``most`` of them."""
    seen: list[tuple[bool, int]] = []
    real = FaissIndex.add

    def add(self: FaissIndex, ids: Any, given: Any) -> None:
        if sum(count for graph, count in seen if graph) >= most:
            raise KeyboardInterrupt
        real(self, ids, given)
        seen.append((self.graph, len(ids)))

    monkeypatch.setattr(FaissIndex, "add", add)
    return seen


def test_no_second_copy_is_in_memory(store: GalleryStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flat index takes no more than make it outgrow itself, and is gone before its graph is begun."""
    flat: list[Any] = []
    real = IndexCache._empty

    def empty(self: IndexCache, name: str, graph: bool = False) -> Any:
        assert not graph or [one() for one in flat] == [None]
        made = real(self, name, graph)
        flat.append(ref(made.index))
        return made

    monkeypatch.setattr(IndexCache, "_empty", empty)
    seen = added(monkeypatch)
    index = cache(store, tmp_path).get(NAME)
    assert (index.graph, len(index)) == (True, COUNT)
    assert sum(count for graph, count in seen if not graph) <= FLAT + BLOCK


def test_who_was_killed_goes_on(store: GalleryStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long is saved meanwhile: another process adds the rest and no more, and finds everything."""
    monkeypatch.setattr(index_cache, "CHECKPOINT_SECONDS", -1.0)
    with monkeypatch.context() as patch:
        added(patch, most=60)
        with pytest.raises(KeyboardInterrupt):
            cache(store, tmp_path).get(NAME)
    seen = added(monkeypatch)
    index = cache(store, tmp_path).get(NAME)
    assert seen == [(True, BLOCK)] * 3
    assert index.search(vectors(0, COUNT), 1)[0].ravel().tolist() == list(range(1, COUNT + 1))


def test_one_process_builds_for_all(store: GalleryStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one that asks meanwhile waits for it, adds nothing itself, and reads what it saved."""
    monkeypatch.setattr(index_cache, "ALONE_FROM", 50)
    waiting: list[Thread] = []
    found: list[Any] = []
    real = FaissIndex.add

    def other() -> None:
        with closing(open_storage(tmp_path / "g")) as own:
            found.append(cache(own, tmp_path).get(NAME))

    def add(self: FaissIndex, ids: Any, given: Any) -> None:
        assert current_thread() is main_thread()
        if not waiting:
            waiting.append(Thread(target=other))
            waiting[0].start()
        real(self, ids, given)

    monkeypatch.setattr(FaissIndex, "add", add)
    held = cache(store, tmp_path)
    assert len(held.get(NAME)) == COUNT
    waiting[0].join(60)
    assert [(len(one), one.mapped) for one in found] == [(COUNT, True)]
    put(store, COUNT, COUNT + 1)
    assert len(held.get(NAME)) == COUNT + 1


def test_where_no_lock_can_be_had_everyone_builds(store: GalleryStorage, tmp_path: Path, monkeypatch: Any) -> None:
    """A folder is where the lock's file would be: nobody waits, and everything is found."""
    monkeypatch.setattr(index_cache, "ALONE_FROM", 50)
    (tmp_path / "index" / f"{NAME}.lock").mkdir(parents=True)
    assert len(cache(store, tmp_path).get(NAME)) == COUNT


def test_a_graph_with_dead_ends_is_built_anew(
    store: GalleryStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond a tenth of removed images; until then the old file stays in force, though half of the new one is there."""
    monkeypatch.setattr(index_cache, "CHECKPOINT_SECONDS", -1.0)
    held = cache(store, tmp_path)
    held.get(NAME)
    monkeypatch.setattr(index_cache, "MIN_UNSAVED", 1)
    with store.transaction():
        store.forget(f"/{number}.jpg" for number in range(40))
    with monkeypatch.context() as patch:
        added(patch, most=40)
        with pytest.raises(KeyboardInterrupt):
            held.get(NAME)
    other = cache(store, tmp_path)
    assert other._loaded(NAME).last_image == COUNT
    index = other.get(NAME)
    assert (index.tombstones, len(index)) == (0, COUNT - 40)
    assert held.get(NAME).search(vectors(0, 40), 1)[0].min() > 40


def test_a_saved_graph_is_shared_until_something_is_added(store: GalleryStorage, tmp_path: Path) -> None:
    """It stays in its file, where all processes have the same pages, removed images or not; then it is read."""
    cache(store, tmp_path).get(NAME)
    held = cache(store, tmp_path)
    assert held.get(NAME).mapped
    with store.transaction():
        store.forget(["/3.jpg"])
    assert held.get(NAME).mapped
    assert held.get(NAME).search(vectors(3, 4), 1)[0][0, 0] != 4
    put(store, COUNT, COUNT + 1)
    assert not held.get(NAME).mapped
    assert held.get(NAME).search(vectors(COUNT, COUNT + 1), 1)[0].tolist() == [[COUNT + 1]]
    assert held.get(NAME).search(vectors(3, 4), 1)[0][0, 0] != 4


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_a_graph_tells_exact_distances(metric: Any) -> None:
    """Those to the vectors in half precision that were given, whatever FAISS's own arithmetic says."""
    given = vectors(0, 50)
    index = FaissIndex(metric, 256, graph=True)
    index.add(np.arange(50, dtype=np.int64) * 2, given)
    queries = vectors(5, 8).astype(np.float32)
    ids, distances = index.nearest(queries, 60)
    assert ids[:, 0].tolist() == [10, 12, 14]
    assert distances[:, 0].tolist() == [0, 0, 0]
    wanted = by_hand(metric, queries, given)
    for row in range(3):
        np.testing.assert_array_equal(distances[row, :50], wanted[row][ids[row, :50] // 2])
    assert (ids[:, 50:] == -1).all()
    assert np.isinf(distances[:, 50:]).all()


def by_hand(metric: Any, queries: NDArray[Any], given: NDArray[Any]) -> NDArray[np.float32]:
    """By hand, in double precision."""
    a, b = queries.astype(np.float64), given.astype(np.float64)
    if metric == "euclidean":
        found = np.sqrt(((a[:, None] - b[None]) ** 2).sum(2))
    else:
        found = 1 - (a @ b.T) / np.linalg.norm(a, axis=1)[:, None] / np.linalg.norm(b, axis=1)[None]
    return np.where(found < 1e-12, 0, found).astype(np.float32)
