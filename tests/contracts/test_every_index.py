"""What every index must satisfy: the exact one, FAISS one by one and through a graph, and those of engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import numpy as np
import pytest
from numpy.typing import NDArray

from engines import SEARCHING, StoredVectors
from lookalike.distance import METRICS, Metric
from lookalike.gallery.index.exact import ExactIndex
from lookalike.gallery.index.faiss_index import FaissIndex
from lookalike.gallery.storage.base import VectorIndex

DIM = 64
KINDS: dict[str, Callable[[Metric], VectorIndex]] = {
    "exact": lambda metric: ExactIndex(metric),
    "faiss": lambda metric: FaissIndex(metric, DIM),
    "graph": lambda metric: FaissIndex(metric, DIM, graph=True),
}


def vectors(metric: Metric, count: int, seed: int = 0) -> NDArray[np.generic]:
    rng = np.random.default_rng(seed)
    if metric == "hamming":
        return rng.integers(0, 256, (count, DIM // 8), dtype=np.uint8)
    return rng.normal(size=(count, DIM)).astype(np.float32)


@pytest.fixture(params=list(METRICS))
def metric(request: pytest.FixtureRequest) -> Metric:
    return request.param


@pytest.fixture(params=[*KINDS, *SEARCHING])
def index(request: pytest.FixtureRequest, metric: Metric) -> Iterator[VectorIndex]:
    if isinstance(request.param, str):
        yield KINDS[request.param](metric)
        return
    with closing(StoredVectors(request.param(request), metric, DIM)) as stored:
        yield stored


def filled(index: VectorIndex, metric: Metric, count: int = 300) -> NDArray[np.int64]:
    ids = np.arange(count, dtype=np.int64) * 3 + 7
    index.add(ids, vectors(metric, count))
    return ids


def test_finds_what_explicit_loops_find(index: VectorIndex, metric: Metric) -> None:
    """The k nearest ids and their distances are those that a loop over all vectors gives."""
    ids = filled(index, metric)
    queries = vectors(metric, 5, seed=1)
    found, distances = index.search(queries, 10)
    for row, query in enumerate(queries):
        truth = np.array([METRICS[metric](query[None], v[None])[0, 0] for v in vectors(metric, 300)])
        nearest = np.sort(truth)[:10]
        np.testing.assert_allclose(np.sort(distances[row]), nearest, rtol=2e-3, atol=2e-3)
        np.testing.assert_allclose(truth[(found[row] - 7) // 3], distances[row], rtol=2e-3, atol=2e-3)
    assert set(found.ravel().tolist()) <= set(ids.tolist())


def test_best_comes_first(index: VectorIndex, metric: Metric) -> None:
    """Distances never fall from one place to the next, and a vector that is held is nearest to itself."""
    ids = filled(index, metric)
    found, distances = index.search(vectors(metric, 300)[:20], 8)
    assert (np.diff(distances, axis=1) >= 0).all()
    assert found[:, 0].tolist() == ids[:20].tolist()


def test_fills_up_with_nothing(index: VectorIndex, metric: Metric) -> None:
    """Asked for more than there are, the rest is id -1 at distance inf; an empty index gives only that."""
    assert index.search(vectors(metric, 1), 3)[0].tolist() == [[-1, -1, -1]]
    filled(index, metric, 2)
    found, distances = index.search(vectors(metric, 1), 5)
    assert sorted(found[0].tolist()) == [-1, -1, -1, 7, 10]
    assert np.isinf(distances[0, 2:]).all()


def test_forgets_what_is_removed(index: VectorIndex, metric: Metric) -> None:
    """Removed ids are never found again and no longer counted; unknown ids are ignored."""
    ids = filled(index, metric)
    index.remove(np.array([ids[0], ids[1], 99999], np.int64))
    found, _ = index.search(vectors(metric, 300)[:2], 300)
    assert len(index) == 298
    assert not {int(ids[0]), int(ids[1])} & set(found.ravel().tolist())


def test_looks_only_among_the_allowed(index: VectorIndex, metric: Metric) -> None:
    """A filter leaves the nearest of the allowed ids, whatever lies nearer outside."""
    ids = filled(index, metric)
    allowed = ids[100:200]
    queries = vectors(metric, 300)[:3]
    found, distances = index.search(queries, 5, allowed)
    truth = np.sort(METRICS[metric](queries, vectors(metric, 300)[100:200]), axis=1)[:, :5]
    np.testing.assert_allclose(distances, truth, rtol=2e-3, atol=2e-3)
    assert set(found.ravel().tolist()) <= set(allowed.tolist())


def test_takes_more_after_a_search(index: VectorIndex, metric: Metric) -> None:
    """Vectors can be added at any time."""
    filled(index, metric)
    index.search(vectors(metric, 1), 1)
    index.add(np.array([5000], np.int64), vectors(metric, 1, seed=9))
    assert index.search(vectors(metric, 1, seed=9), 1)[0].tolist() == [[5000]]
    assert len(index) == 301


@pytest.mark.parametrize("graph", [False, True])
def test_a_saved_index_answers_the_same(tmp_path, metric: Metric, graph: bool) -> None:
    """Written to a file and read again, FAISS finds the same ids at the same distances."""
    index = FaissIndex(metric, DIM, graph=graph)
    filled(index, metric)
    index.save(tmp_path / "i.faiss")
    again = FaissIndex.load(tmp_path / "i.faiss", metric, DIM, graph)
    for old, new in zip(index.search(vectors(metric, 9), 5), again.search(vectors(metric, 9), 5), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("graph", [False, True])
def test_it_stores_what_was_added(metric: Metric, graph: bool) -> None:
    """FAISS's own copies, id by id, agree with the vectors that they were made of and with no others."""
    index = FaissIndex(metric, DIM, graph=graph)
    given, numbers = vectors(metric, 20), np.arange(20, dtype=np.int64)[::-1].copy()
    index.add(numbers, given)
    ids, held = index.stored()
    assert sorted(ids.tolist()) == sorted(numbers.tolist())
    order = np.argsort(-ids)
    assert index.agrees(held[order], given)
    assert not index.agrees(held[order], np.roll(given, 1, 0))
