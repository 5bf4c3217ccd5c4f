"""What a search costs beyond FAISS itself, and what the graph misses of the exact answer."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import SEED, Options, peak_mib, ratios, run, seconds, spread, table
from benchmarks.synthetic import (
    BLOCK,
    block,
    described,
    index_of,
    near,
    new_gallery,
    number_of,
    path_of,
    register_float,
    searched,
)
from lookalike.descriptors.fusion import Blend
from lookalike.gallery import Gallery
from lookalike.gallery.calibration.scoring import Scoring
from lookalike.gallery.index.exact import ExactIndex
from lookalike.gallery.index.faiss_index import HNSW_SEARCH
from lookalike.gallery.storage.embeddings import dtype_of

TITLE = "Search beside bare FAISS, in one process"
FLOATS = "float256"  # 256 numbers, cosine
BITS = "structure"  # 256 bits, hamming
K = 10
ROUNDS = 5
THREADS = faiss.omp_get_max_threads()
SPEED = (
    "vectors",
    "index",
    "bare, 1 thread, ms",
    f"bare, {THREADS} threads, ms",
    "gallery, ms",
    "gallery / bare, 1 thread",
    "fill + build, s",
    "peak MiB",
)
RECALL = ("vectors", "recall@10", "first one right")
PARTS = (
    "vectors",
    "FAISS, in step with the store",
    "with exact distances",
    "rows",
    "count",
    "judging",
)


@dataclass(frozen=True)
class Case:
    """One gallery to search."""

    name: str
    count: int
    uniform: bool = False

    def __str__(self) -> str:
        kind = "256 bits" if self.name == BITS else "256 floats"
        return f"{self.count:,} of {kind}, {'uniform' if self.uniform else 'in families'}"


def measure(options: Options) -> str:
    register_float(FLOATS, 256)
    few, many = options.size(100_000, 500), options.size(1_000_000, 1_000)
    cases = [Case(BITS, few), Case(BITS, many), Case(FLOATS, few), Case(FLOATS, few, True), Case(FLOATS, many)]
    answers = [_searched(case, options.size(100, 5)) for case in cases]
    parts = {head: [one[head] for one in answers] for head in ("speed", "recall", "parts")}
    return "\n\n".join(
        [
            f"{ROUNDS} rounds of {options.size(100, 5)} single queries, k = {K}, the sides in turn query by query.",
            table(SPEED, parts["speed"]),
            "Where the time of one search goes, microseconds (median):",
            table(PARTS, parts["parts"]),
            "The gallery's answer held against `exact.py` over the same vectors:",
            table(RECALL, parts["recall"]),
        ]
    )


def _searched(case: Case, queries: int) -> dict[str, tuple[object, ...]]:
    with tempfile.TemporaryDirectory(prefix="lookalike-bench-") as folder:
        started = time.perf_counter()
        with new_gallery(Path(folder) / "g", case.name, case.count, case.uniform) as gallery:
            filled = time.perf_counter()
            index = index_of(gallery, case.name)
            built = time.perf_counter()
            asked = _queries(case, queries)
            speed = (*_speed(gallery, index, case.name, asked), f"{filled - started:.0f} + {built - filled:.0f}")
            return {
                "speed": (case, *speed, f"{peak_mib():,.0f}"),
                "parts": (case, *_parts(gallery, case.name, asked)),
                "recall": (case, *_recall(gallery, case, asked)),
            }


def _queries(case: Case, count: int) -> NDArray[Any]:
    """(count, D): vectors of the gallery, spread over it, a little changed."""
    rng = np.random.default_rng(SEED)
    blocks = rng.integers(0, max(1, case.count // BLOCK), count)
    size = min(BLOCK, case.count)
    picked = [block(case.name, int(n) * BLOCK, size, case.uniform)[rng.integers(size)] for n in blocks]
    return near(case.name, np.stack(picked), rng)


def _speed(gallery: Gallery, index: Any, name: str, queries: NDArray[Any]) -> tuple[object, ...]:
    bare, ours = _bare(index), _ours(gallery, name)
    for query in queries[:20]:  # warm
        both = bare(query), ours(query)
        assert both[0][0] == both[1][0]
        assert len(set(both[0]) & set(both[1])) >= len(both[0]) // 2  # the rest may tie, or differ by half precision
    times = [_all_in_turn(bare, ours, queries) for _ in range(ROUNDS)]
    each = {side: [1000 * one[side] / len(queries) for one in times] for side in times[0]}
    return _kind(index), *(spread(side, 3) for side in each.values()), spread(ratios(each["gallery"], each["bare"]))


def _all_in_turn(bare: Callable[..., Any], ours: Callable[..., Any], queries: NDArray[Any]) -> dict[str, float]:
    """Seconds that all queries take on each side, asked in turn. One query gives FAISS nothing to share out."""
    sides: list[tuple[str, Callable[[NDArray[Any]], Any], int]]
    sides = [("bare", bare, 1), ("bare, threads", bare, THREADS), ("gallery", ours, THREADS)]
    total = {name: 0.0 for name, *_ in sides}
    for place, query in enumerate(queries):
        for name, side, threads in sides[place % 3 :] + sides[: place % 3]:  # who comes second finds a warm cache
            faiss.omp_set_num_threads(threads)
            total[name] += seconds(partial(side, query))
    return total


def _kind(index: Any) -> str:
    inner = index.index
    down = faiss.downcast_IndexBinary if isinstance(inner, faiss.IndexBinary) else faiss.downcast_index
    return type(down(inner)).__name__


def _bare(index: Any) -> Callable[[NDArray[Any]], list[str]]:
    """A query (D,) -> the paths of the nearest, from the gallery's own FAISS index."""
    options = (
        {"params": faiss.SearchParametersHNSW(efSearch=HNSW_SEARCH)} if _kind(index).startswith("IndexHNSW") else {}
    )

    def search(query: NDArray[Any]) -> list[str]:
        return [path_of(number - 1) for number in index.search(query[None], K, **options)[1][0].tolist()]

    return search


def _ours(gallery: Gallery, name: str) -> Callable[[NDArray[Any]], list[str]]:
    blend = Blend({name: 1.0})

    def search(query: NDArray[Any]) -> list[str]:
        asked = {name: described(query[None])}
        return [hit.path for hit in searched(gallery, asked, blend, K)]

    return search


def _parts(gallery: Gallery, name: str, queries: NDArray[Any]) -> list[str]:
    """Microseconds of each step of a search."""
    library = gallery._library
    store, cards = library.store, library.cards
    scoring = Scoring.of(store, cards)
    spent = []
    for vector in queries:
        ids = library.index.get(name).search(vector[None], K)[0][0].tolist()
        steps: list[Callable[[], Any]] = [
            partial(_by_index, gallery, name, "search", vector[None]),
            partial(_by_index, gallery, name, "nearest", vector[None]),
            partial(store.rows, ids),
            store.count,
            lambda: [scoring.score({name: 0.1}) for _ in range(K)],
        ]
        spent.append([seconds(step) * 1e6 for step in steps])
    return [f"{value:,.0f}" for value in np.median(spent, axis=0)]


def _by_index(gallery: Gallery, name: str, method: str, query: NDArray[Any]) -> None:
    getattr(gallery._library.index.get(name), method)(query, K)


def _recall(gallery: Gallery, case: Case, queries: NDArray[Any]) -> tuple[str, str]:
    """Share of the exact K nearest that the gallery finds, and how often its first is the exact first."""
    ours = [[number_of(path) + 1 for path in _ours(gallery, case.name)(query)] for query in queries]
    exact = _exact(gallery, case, queries)
    shares = [len(set(found) & set(best)) / len(best) for found, best in zip(ours, exact.tolist(), strict=True)]
    first = [found[:1] == best[:1] for found, best in zip(ours, exact.tolist(), strict=True)]
    return f"{np.mean(shares):.3f}", f"{np.mean(first):.3f}"


def _exact(gallery: Gallery, case: Case, queries: NDArray[Any]) -> NDArray[np.int64]:
    """(Q, K) image ids by ExactIndex, block by block so that a million fits."""
    card, best_ids, best = gallery._library.cards[case.name], np.empty((len(queries), 0), np.int64), None
    for start in range(0, case.count, 50_000):
        index = ExactIndex(card.metric)
        index.add(*gallery._library.store.vectors(case.name, after=start, limit=50_000, dtype=dtype_of(card)))
        ids, distances = index.search(queries, K)
        best_ids = np.concatenate([best_ids, ids], axis=1)
        best = distances if best is None else np.concatenate([best, distances], axis=1)
        order = np.lexsort((best_ids, best))[:, :K]
        best_ids, best = np.take_along_axis(best_ids, order, 1), np.take_along_axis(best, order, 1)
    return best_ids


if __name__ == "__main__":
    run(TITLE, measure)
