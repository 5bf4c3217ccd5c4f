"""Fast search with FAISS, the same contract as exact.py.

Binary vectors are compared with all others (FAISS needs about a millisecond for a million of 256 bits), so the
answer is exact. Float vectors are compared with all others up to ``HNSW_FROM``, and from there on through an
HNSW graph (Malkov and Yashunin 2018, arXiv 1603.09320) over half-precision copies: recall@10 of 0.987 and
more where images come in families, as in life, but 0.5 on uniform random vectors (benchmarks/results.md).
FAISS is imported where it is used: adding images does without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.distance import Metric, normalise, paired
from lookalike.gallery.index.exact import Neighbours
from lookalike.types import Floats, Ids

HNSW_FROM = 50_000  # vectors; below, comparing with all of them is as quick
HNSW_LINKS = 32
HNSW_BUILD = 80  # candidates looked at when a vector is linked
GRAPH_SHARE = 0.5  # of the vectors that a filter leaves: below it they are compared one by one
PAIRS = 10_000  # whose exact distances are computed at a time: bounds the memory
ROUNDING = 2e-3  # of half precision
HNSW_SEARCH = 96  # candidates looked at when a query is answered


class FaissIndex:
    """Vectors in a FAISS index. ``graph``: through an HNSW graph rather than one by one. ``mapped``: it lies in its
    file still, of which processes share the pages; nothing can be added to it."""

    def __init__(
        self, metric: Metric, dim: int, graph: bool = False, index: Any = None, *, mapped: bool = False
    ) -> None:
        self._metric = metric
        self.graph, self.mapped = graph and metric != "hamming", mapped
        self._index = index if index is not None else _new(metric, dim, self.graph)
        self._tombstones: Ids = np.empty(0, np.int64)
        self._living: Any = None  # a selector of the places of all but the tombstones, None without any
        self._graph: Any = self._inner if self.graph else None
        self._memory: tuple[Ids, NDArray[np.float16]] | None = None
        self._usual: tuple[int, Any, Any] | None = None  # effort, selector, and the walk that they make

    @classmethod
    def load(cls, file: Path, metric: Metric, dim: int, graph: bool, *, mapped: bool = False) -> FaissIndex:
        """Read a saved index; ``mapped``: leave a graph in its file. Raises RuntimeError if the file is damaged."""
        import faiss

        if metric == "hamming":
            return cls(metric, dim, graph, faiss.read_index_binary(str(file)))
        mapped = mapped and graph
        flags = (faiss.IO_FLAG_MMAP_IFC,) if mapped else ()
        return cls(metric, dim, graph, faiss.read_index(str(file), *flags), mapped=mapped)

    def save(self, file: Path) -> None:
        """Write the index to a file. Raises RuntimeError if there is no room."""
        import faiss

        write = faiss.write_index_binary if self._metric == "hamming" else faiss.write_index
        write(self._index, str(file))

    def stored(self) -> tuple[Ids, NDArray[Any]]:
        """Everything that is in it, removed vectors as well: ids (N,), and (N, D) packed bits, or floats of unit length
        for the cosine."""
        import faiss

        ids = faiss.vector_to_array(self._index.id_map)
        if self._metric == "hamming":
            return ids, faiss.vector_to_array(faiss.downcast_IndexBinary(self._index.index).xb).reshape(len(ids), -1)
        inner = faiss.downcast_index(self._index.index)
        codes = faiss.vector_to_array((faiss.downcast_index(inner.storage) if self.graph else inner).codes)
        return ids, codes.view(np.float16 if self.graph else np.float32).reshape(len(ids), -1)

    def agrees(self, held: NDArray[Any], vectors: NDArray[Any]) -> bool:
        """Whether (N, D) of ``stored`` are these vectors as they were given, up to the rounding of half precision."""
        wanted = self._prepared(vectors)
        return held.shape == wanted.shape and bool(np.allclose(held, wanted, atol=ROUNDING, rtol=ROUNDING))

    def __len__(self) -> int:
        return int(self._index.ntotal) - len(self._tombstones)

    @property
    def wants_graph(self) -> bool:
        """Whether many of these vectors are searched faster through a graph."""
        return self._metric != "hamming"

    @property
    def tombstones(self) -> int:
        """Removed vectors that the graph still walks through; rebuild when they become many."""
        return len(self._tombstones)

    def add(self, ids: Ids, vectors: NDArray[Any]) -> None:
        """As VectorIndex.add."""
        if len(ids):
            self._index.add_with_ids(self._kept(vectors), np.ascontiguousarray(ids))
            self._memory = None

    def remove(self, ids: Ids) -> None:
        """As VectorIndex.remove. A graph keeps them as dead ends."""
        if not self.graph:
            if len(ids):
                self._index.remove_ids(np.ascontiguousarray(ids))
            return
        import faiss

        known = self._known
        self._tombstones = np.union1d(self._tombstones, np.intersect1d(ids, known))
        if len(self._tombstones):  # what is added later is no dead end
            self._living = faiss.IDSelectorNot(_selector(np.isin(known, self._tombstones)))

    def search(self, queries: NDArray[Any], k: int, allowed: Ids | None = None) -> Neighbours:
        """As VectorIndex.search."""
        wanted = self._prepared(queries)
        with threads_for(len(wanted)):
            if self.graph:
                distances, places = self._walked(wanted, k, allowed)
                ids = self._ids_at(places)
            else:
                distances, ids = self._index.search(wanted, k, **self._options(allowed))
        return ids, self._readable(distances, ids)

    @property
    def holds_vectors(self) -> bool:
        """Whether ``nearest`` can tell exact distances."""
        return self.graph or self._metric == "hamming"

    def nearest(self, queries: NDArray[Any], k: int, allowed: Ids | None = None) -> Neighbours:
        """As ``search``, with the distances to the vectors as the store keeps them, of which a graph has copies; but
        cosines of vectors that had no unit length are of what was rounded once more."""
        if not self.graph:
            return self.search(queries, k, allowed)
        with threads_for(len(queries)):
            _, places = self._walked(self._prepared(queries), k, allowed)
        distances, codes = np.full(places.shape, np.inf, np.float32), self._codes
        rows, columns = np.nonzero(places >= 0)
        for start in range(0, len(rows), PAIRS):
            row, column = rows[start : start + PAIRS], columns[start : start + PAIRS]
            distances[row, column] = paired(self._metric, queries[row], codes[places[row, column]])
        return self._ids_at(places), distances

    def _walked(self, queries: NDArray[Any], k: int, allowed: Ids | None) -> tuple[Floats, Ids]:
        """What the graph says: FAISS's distances, and the places of the vectors, -1 for none. What a filter leaves of
        it is compared one by one if it is little: a walk would mostly lead over what it does not leave."""
        import faiss

        inner = self._graph
        if allowed is not None and len(allowed) < GRAPH_SHARE * len(self):
            known = self._known
            here = np.isin(known, allowed, kind="table") & ~np.isin(known, self._tombstones)
            storage = faiss.downcast_index(inner.storage)
            distances, places = storage.search(queries, k, params=faiss.SearchParameters(sel=_selector(here)))
        else:
            distances, places = inner.search(queries, k, params=self._walk(k, allowed))
        return distances, places

    def _ids_at(self, places: Ids) -> Ids:
        """-1 for none."""
        ids = np.full(places.shape, -1, np.int64)
        ids[places >= 0] = self._known[places[places >= 0]]
        return ids

    def _walk(self, k: int, allowed: Ids | None) -> Any:
        import faiss

        effort = max(HNSW_SEARCH, 2 * k)
        if allowed is not None:
            translated = faiss.IDSelectorTranslated(self._index.id_map, self._among_ids(allowed))
            return faiss.SearchParametersHNSW(efSearch=effort, sel=translated)
        if self._usual is None or self._usual[:2] != (effort, self._living):
            self._usual = effort, self._living, faiss.SearchParametersHNSW(efSearch=effort, sel=self._living)
        return self._usual[2]

    @property
    def _known(self) -> Ids:
        """(N,): the ids of a graph in the order of their places, where FAISS keeps them."""
        return self._kept_by_faiss[0]

    @property
    def _codes(self) -> NDArray[np.float16]:
        """(N, D): the vectors of a graph, where FAISS keeps them."""
        return self._kept_by_faiss[1]

    @property
    def _kept_by_faiss(self) -> tuple[Ids, NDArray[np.float16]]:
        """Looked up again once something was added, for then it may lie elsewhere."""
        if self._memory is None:
            import faiss

            ids = np.asarray(faiss.rev_swig_ptr(self._index.id_map.data(), self._index.ntotal))
            codes = faiss.downcast_index(self._inner.storage).codes
            numbers = np.asarray(faiss.rev_swig_ptr(codes.data(), codes.size()))
            self._memory = ids, numbers.view(np.float16).reshape(len(ids), self._index.d)
        return self._memory

    @property
    def _inner(self) -> Any:
        """The graph behind the ids."""
        import faiss

        return faiss.downcast_index(self._index.index)

    def _kept(self, vectors: NDArray[Any]) -> NDArray[Any]:
        """Vectors as they are kept: as they were given, but for those that FAISS's inner products could not tell the
        cosine of."""
        if self._metric != "cosine":
            return self._prepared(vectors)
        floats = np.array(vectors, np.float32)
        odd = np.abs(np.linalg.norm(floats, axis=1) - 1) > ROUNDING
        floats[odd] = normalise(floats[odd])
        return floats

    def _prepared(self, vectors: NDArray[Any]) -> NDArray[Any]:
        if self._metric == "hamming":
            return np.ascontiguousarray(vectors)
        floats = np.ascontiguousarray(vectors, np.float32)
        return normalise(floats) if self._metric == "cosine" else floats

    def _readable(self, distances: NDArray[Any], ids: Ids) -> NDArray[np.float32]:
        """FAISS gives bits, squared lengths or inner products."""
        if self._metric == "cosine":
            distances = np.clip(1.0 - distances, 0.0, 2.0)
        elif self._metric == "euclidean":
            distances = np.sqrt(np.maximum(distances, 0.0))
        result = distances.astype(np.float32)
        result[ids < 0] = np.inf
        return result

    def _options(self, allowed: Ids | None) -> dict[str, Any]:
        import faiss

        return {} if allowed is None else {"params": faiss.SearchParameters(sel=self._among_ids(allowed))}

    def _among_ids(self, allowed: Ids) -> Any:
        mask = np.zeros(int(allowed.max(initial=0)) + 1, bool)
        mask[allowed] = True
        mask[self._tombstones[self._tombstones < len(mask)]] = False
        return _selector(mask)


@contextmanager
def threads_for(queries: int) -> Iterator[None]:
    """FAISS shares queries out among threads. One alone leaves the other threads nothing but to be waited for, which
    takes milliseconds where other programs keep the cores busy."""
    import faiss

    if queries > 1:
        yield
        return
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _selector(mask: NDArray[np.bool_]) -> Any:
    """Those whose number has True in the mask (M,)."""
    import faiss

    return faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))


def _new(metric: Metric, dim: int, graph: bool) -> Any:
    import faiss

    if metric == "hamming":
        return faiss.IndexBinaryIDMap(faiss.IndexBinaryFlat(dim))
    kind = faiss.METRIC_INNER_PRODUCT if metric == "cosine" else faiss.METRIC_L2
    if not graph:
        return faiss.IndexIDMap(faiss.IndexFlat(dim, kind))
    inner = faiss.IndexHNSWSQ(dim, faiss.ScalarQuantizer.QT_fp16, HNSW_LINKS, kind)
    inner.hnsw.efConstruction = HNSW_BUILD
    inner.is_trained = True  # half precision needs no training
    return faiss.IndexIDMap(inner)
