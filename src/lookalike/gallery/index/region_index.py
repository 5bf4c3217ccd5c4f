"""The fast copy of all regions: which ones are near a query, roughly; the store tells how near exactly.

Up to ``IVF_FROM`` regions each is compared, a byte a number, in steps that are the same for all of them. From there
on they lie in lists around the centres of k-means (Sivic and Zisserman 2003), as product codes of 64 bytes (Jégou et
al. 2011, doi 10.1109/TPAMI.2010.57); those nearest to the query are read. With their numbers 72 bytes a region: 230 MB
for 3.2 million. Lists that were made for few regions grow long: they are made anew for REBUILD_GROWTH times as many.
A region's number is its image's id * 64 + its place; place 0 is the whole image.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery.index.faiss_index import threads_for
from lookalike.gallery.storage.region_codec import MAX_REGIONS
from lookalike.types import Floats, Ids

IVF_FROM = 500_000  # regions
NLIST_FACTOR = 0.72  # times the root of the regions: 509 for 500,000
REBUILD_GROWTH = 4  # times as many regions as lists were made for
PQ_BITS = 8  # of a number of a code
PQ_BYTES = 64  # bytes of a product code
TRAIN_PER_LIST = 40  # regions for each list, to make them from
KMEANS_ITERATIONS = 8  # of k-means
NPROBE = 64  # lists that are read for a query
QUANT_RANGE_RMS = 6.4  # the largest number of a flat vector, of the root mean square of all: 0.4 for 256 numbers
QUANT_STEPS = 127


class RegionIndex:
    """Region numbers and unit vectors in a FAISS index. ``lists``: so many, which must be trained first; 0: flat.

    ``PARTS``: what an image has room for in the numbers."""

    PARTS = MAX_REGIONS
    mapped = False

    def __init__(self, dim: int, lists: int = 0, index: Any = None) -> None:
        self.lists = lists
        self.last_image = 0
        self._steps = 1.0 if lists else QUANT_STEPS / min(1, QUANT_RANGE_RMS / math.sqrt(dim))
        self._index = index if index is not None else _ivfpq(dim, lists) if lists else _flat(dim)

    @classmethod
    def load(cls, file: Path, dim: int) -> RegionIndex:
        """Read a saved index. Raises RuntimeError if the file is damaged, ValueError if it is of something else."""
        import faiss

        index = faiss.read_index(str(file))
        lists = int(getattr(index, "nlist", 0))
        kind = faiss.IndexIVFPQ if lists else faiss.IndexIDMap
        if index.d != dim or type(index) is not kind or (not lists and index.index.sa_code_size() != dim):
            raise ValueError(f"{file}: not an index of regions of {dim} numbers")
        made = cls(dim, lists, index)
        made.last_image = int(made.numbers().max(initial=0)) // cls.PARTS
        return made

    def save(self, file: Path) -> None:
        """Write the index to a file. Raises RuntimeError if there is no room."""
        import faiss

        faiss.write_index(self._index, str(file))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def graph(self) -> bool:
        """Whether it was made in one go for much, as FaissIndex."""
        return self.lists > 0

    @property
    def needs_rebuild(self) -> bool:
        """Whether there are too many regions for what it is."""
        if not self.lists:
            return len(self) > IVF_FROM
        return len(self) > IVF_FROM and nlist_for(len(self)) > math.sqrt(REBUILD_GROWTH) * self.lists

    def train(self, vectors: Floats) -> None:
        """Make the lists and codes for vectors like these; the same vectors make the same ones."""
        self._index.train(np.ascontiguousarray(vectors, np.float32))

    def add(self, numbers: Ids, vectors: Floats) -> None:
        """(N,) numbers that are not there yet, and their (N, D) vectors of unit length."""
        if len(numbers):
            self.last_image = max(self.last_image, int(numbers.max()) // self.PARTS)
            self._index.add_with_ids(self._stepped(vectors), np.ascontiguousarray(numbers))

    def remove(self, images: Ids) -> None:
        """Forget all regions of these images; unknown ones are ignored."""
        self._remove_numbers((np.unique(images)[:, None] * MAX_REGIONS + np.arange(MAX_REGIONS)).ravel())

    def numbers(self) -> Ids:
        """All that are there, in no order."""
        return _numbers(self._index)

    @property
    def unit(self) -> float:
        """What ``search`` says of two equal vectors."""
        return self._steps**2

    def _remove_numbers(self, numbers: Ids) -> None:
        import faiss

        if len(numbers) and len(self):
            self._index.remove_ids(faiss.IDSelectorBatch(numbers))

    def search(self, queries: Floats, reach: int, allowed: Ids | None = None) -> tuple[Ids, Floats]:
        """(Q, D) -> (Q, reach) numbers, the most alike first, -1 where there are fewer; and how alike they are, in the
        index's own unit. ``allowed``: ids of the images that may be told."""
        return self._search(queries, reach, *self._selector(allowed, MAX_REGIONS))

    def search_wholes(self, queries: Floats, reach: int, allowed: Ids | None = None) -> tuple[Ids, Floats]:
        """As ``search``, among whole images alone; flat ones are picked out first, for a filter is slower there."""
        if self.lists:
            return self._search(queries, reach, *self._selector(allowed, 1))
        numbers = _numbers(self._index)
        picked = numbers % MAX_REGIONS == 0
        if allowed is not None:
            picked &= np.isin(numbers // MAX_REGIONS, allowed)
        kept = self._kept()[picked].astype(np.float32) - 128
        similarities = self._stepped(queries) @ kept.T
        best = _largest(similarities, reach)
        return _filled(numbers[picked][best], -1, reach), _filled(
            np.take_along_axis(similarities, best, 1), -np.inf, reach
        )

    def _search(self, queries: Floats, reach: int, selector: Any, _bits: Any) -> tuple[Ids, Floats]:
        import faiss

        if self.lists:
            params = faiss.SearchParametersIVF(nprobe=NPROBE, sel=selector)
        else:
            params = faiss.SearchParameters(sel=selector)
        with threads_for(len(queries)):
            similarities, found = self._index.search(self._stepped(queries), reach, params=params)
        return found, similarities

    def _kept(self) -> NDArray[np.uint8]:
        """(N, D), the flat vectors where FAISS keeps them: in steps, and 128 added."""
        import faiss

        flat = faiss.downcast_index(self._index.index)
        codes = faiss.rev_swig_ptr(flat.codes.data(), flat.ntotal * flat.d)
        return np.asarray(codes).reshape(flat.ntotal, flat.d)

    def _stepped(self, vectors: Floats) -> Floats:
        """Vectors as they are kept, and asked with: flat ones in whole steps, where one byte has room for them."""
        if self.lists:
            return np.ascontiguousarray(vectors, np.float32)
        return np.ascontiguousarray(np.clip(np.rint(vectors * self._steps), -QUANT_STEPS, QUANT_STEPS), np.float32)

    def _selector(self, allowed: Ids | None, regions: int) -> tuple[Any, NDArray[np.uint8] | None]:
        """Of the ``allowed`` images, or of all, so many regions: a bit for each number, 64 of them an image; and
        where the bits lie, for FAISS reads them there."""
        import faiss

        if allowed is None and regions == MAX_REGIONS:
            return None, None
        rows = np.zeros((self.last_image + 1, MAX_REGIONS // 8), np.uint8)
        here = slice(None) if allowed is None else allowed[allowed <= self.last_image]
        rows[here] = np.packbits(np.arange(MAX_REGIONS) < regions, bitorder="little")
        bits = rows.ravel()
        return faiss.IDSelectorBitmap(bits), bits


def nlist_for(regions: int) -> int:
    """How many lists so many regions are kept in."""
    return max(int(NLIST_FACTOR * math.sqrt(regions)), 1)


def _flat(dim: int) -> Any:
    import faiss

    kind = faiss.ScalarQuantizer.QT_8bit_direct_signed
    return faiss.IndexIDMap(faiss.IndexScalarQuantizer(dim, kind, faiss.METRIC_INNER_PRODUCT))


def _ivfpq(dim: int, count: int) -> Any:
    import faiss

    centres = faiss.IndexFlatIP(dim)
    lists = faiss.IndexIVFPQ(centres, dim, count, math.gcd(dim, PQ_BYTES), PQ_BITS, faiss.METRIC_INNER_PRODUCT)
    lists.own_fields = True
    centres.this.disown()
    for clustering in (lists.cp, lists.pq.cp):
        clustering.niter = KMEANS_ITERATIONS
        clustering.min_points_per_centroid = 1
    return lists


def _numbers(index: Any) -> Ids:
    import faiss

    if isinstance(index, faiss.IndexIDMap):
        return np.asarray(faiss.vector_to_array(index.id_map), np.int64)
    lists = index.invlists
    parts = [faiss.rev_swig_ptr(lists.get_ids(n), lists.list_size(n)) for n in range(index.nlist) if lists.list_size(n)]
    return np.concatenate([np.array(part) for part in parts] or [np.empty(0, np.int64)]).astype(np.int64)


def _filled(rows: NDArray[Any], value: float, width: int) -> NDArray[Any]:
    """(Q, n) -> (Q, width), the value where there is nothing."""
    return np.pad(rows, ((0, 0), (0, width - rows.shape[1])), constant_values=value)


def _largest(values: Floats, count: int) -> Ids:
    """(Q, N) -> (Q, count or N) columns, the largest first."""
    some = np.argpartition(-values, count, axis=1)[:, :count] if count < values.shape[1] else np.arange(values.shape[1])
    some = np.broadcast_to(some, (len(values), some.shape[-1]))
    order = np.argsort(-np.take_along_axis(values, some, 1), axis=1, kind="stable")
    return np.take_along_axis(some, order, 1)
