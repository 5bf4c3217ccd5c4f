"""Fast search with FAISS, the same contract as exact.py.

Binary vectors are compared with all others (FAISS needs about a millisecond for a million of 256 bits), so the
answer is exact. Float vectors are compared with all others up to ``HNSW_FROM``, and from there on through an
HNSW graph (Malkov and Yashunin 2018, arXiv 1603.09320) over half-precision copies: recall@10 of 0.987 and
more where images come in families, as in life, but 0.5 on uniform random vectors (benchmarks/results.md).
FAISS is imported where it is used: adding images does without it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.distance import Metric, normalise
from lookalike.gallery.index.exact import Neighbours
from lookalike.types import Ids

HNSW_FROM = 50_000  # vectors; below, comparing with all of them is as quick
HNSW_LINKS = 32
HNSW_BUILD = 80  # candidates looked at when a vector is linked
GRAPH_SHARE = 0.5  # of the vectors that a filter leaves: below it they are compared one by one
ROUNDING = 2e-3  # of half precision
HNSW_SEARCH = 96  # candidates looked at when a query is answered


class FaissIndex:
    """Vectors in a FAISS index. ``graph``: through an HNSW graph rather than one by one."""

    def __init__(self, metric: Metric, dim: int, graph: bool = False, index: Any = None) -> None:
        self._metric = metric
        self.graph = graph and metric != "hamming"
        self._index = index if index is not None else _new(metric, dim, self.graph)
        self._tombstones: Ids = np.empty(0, np.int64)

    @classmethod
    def load(cls, file: Path, metric: Metric, dim: int, graph: bool) -> FaissIndex:
        """Read a saved index. Raises RuntimeError if the file is damaged."""
        import faiss

        read = faiss.read_index_binary if metric == "hamming" else faiss.read_index
        return cls(metric, dim, graph, read(str(file)))

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
            self._index.add_with_ids(self._prepared(vectors), np.ascontiguousarray(ids))

    def remove(self, ids: Ids) -> None:
        """As VectorIndex.remove. A graph keeps them as dead ends."""
        if self.graph:
            import faiss

            here = faiss.vector_to_array(self._index.id_map)
            self._tombstones = np.union1d(self._tombstones, np.intersect1d(ids, here))
        elif len(ids):
            self._index.remove_ids(np.ascontiguousarray(ids))

    def search(self, queries: NDArray[Any], k: int, allowed: Ids | None = None) -> Neighbours:
        """As VectorIndex.search."""
        if self.graph and allowed is not None and len(allowed) < GRAPH_SHARE * len(self):
            return self._among(self._prepared(queries), k, allowed)
        distances, ids = self._index.search(self._prepared(queries), k, **self._options(k, allowed))
        return ids, self._readable(distances, ids)

    def _among(self, queries: NDArray[Any], k: int, allowed: Ids) -> Neighbours:
        """One by one what a filter leaves: a walk through the graph would mostly lead over what it does not."""
        import faiss

        known = faiss.vector_to_array(self._index.id_map)
        here = np.isin(known, allowed, kind="table") & ~np.isin(known, self._tombstones)
        storage = faiss.downcast_index(faiss.downcast_index(self._index.index).storage)
        distances, places = storage.search(queries, k, params=faiss.SearchParameters(sel=_selector(here)))
        ids = np.where(places >= 0, known[places], -1)
        return ids, self._readable(distances, ids)

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

    def _options(self, k: int, allowed: Ids | None) -> dict[str, Any]:
        import faiss

        if self.graph:
            walk = faiss.SearchParametersHNSW(efSearch=max(HNSW_SEARCH, 2 * k), sel=self._among_ids(allowed))
            return {"params": walk}
        return {} if allowed is None else {"params": faiss.SearchParameters(sel=self._among_ids(allowed))}

    def _among_ids(self, allowed: Ids | None) -> Any:
        import faiss

        if allowed is None:
            return faiss.IDSelectorNot(faiss.IDSelectorBatch(self._tombstones)) if len(self._tombstones) else None
        mask = np.zeros(int(allowed.max(initial=0)) + 1, bool)
        mask[allowed] = True
        mask[self._tombstones[self._tombstones < len(mask)]] = False
        return _selector(mask)


def _selector(mask: NDArray[np.bool_]) -> Any:
    """Those whose number has True in the mask (M,)."""
    import faiss

    return faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))


def _new(metric: Metric, dim: int, graph: bool) -> Any:
    import faiss

    if metric == "hamming":
        return faiss.IndexBinaryIDMap2(faiss.IndexBinaryFlat(dim))
    kind = faiss.METRIC_INNER_PRODUCT if metric == "cosine" else faiss.METRIC_L2
    if not graph:
        return faiss.IndexIDMap2(faiss.IndexFlat(dim, kind))
    inner = faiss.IndexHNSWSQ(dim, faiss.ScalarQuantizer.QT_fp16, HNSW_LINKS, kind)
    inner.hnsw.efConstruction = HNSW_BUILD
    inner.is_trained = True  # half precision needs no training
    return faiss.IndexIDMap2(inner)
