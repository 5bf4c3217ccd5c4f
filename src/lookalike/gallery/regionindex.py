"""The fast copy of all regions: which ones are near a query, roughly; the store tells how near exactly.

Up to ``LISTED_FROM`` regions each is compared, at half precision. From there on they lie in lists around the centres
of k-means (Sivic and Zisserman 2003), as product codes of 64 bytes (Jégou et al. 2011, doi 10.1109/TPAMI.2010.57);
those nearest to the query are read. With their numbers 72 bytes a region: 230 MB for 3.2 million.
A region's number is its picture's id * 64 + its place; place 0 is the whole picture.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery.exact import Ids
from lookalike.gallery.packing import MOST
from lookalike.types import Floats

LISTED_FROM = 500_000  # regions
FILLED = 1500  # regions of a list, about, when they are made
GROWN = 4  # times as many regions as when the lists were made, from which more are made
CODE = 64  # parts of a product code
BITS = 8  # of each
TRAINED_ON = 40  # regions for each list
PROBES = 24  # lists that are read for a query
WIDE = 6.4  # times the root mean square of a unit vector's numbers: what a byte reaches to


class RegionIndex:
    """Region numbers and unit vectors in a FAISS index. ``lists``: so many, which must be trained first; 0 for none."""

    def __init__(self, dim: int, lists: int = 0, index: Any = None) -> None:
        self.listed = lists > 0
        self.last_picture = 0
        self._index = index if index is not None else _lists(dim, lists) if lists else _flat(dim)

    @classmethod
    def load(cls, file: Path, dim: int, listed: bool) -> RegionIndex:
        """Read a saved index. Raises RuntimeError if the file is damaged, ValueError if it is of something else."""
        import faiss

        index = faiss.read_index(str(file))
        if index.d != dim:
            raise ValueError(f"{file}: of {index.d} numbers, not {dim}")
        made = cls(dim, listed, index)
        made.last_picture = int(_numbers(index, listed).max(initial=0)) // MOST
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
        return self.listed

    @property
    def outgrown(self) -> bool:
        """Whether it should be built again, with lists, or with more of them."""
        if not self.listed:
            return len(self) > LISTED_FROM
        return len(self) > GROWN * FILLED * int(self._index.nlist)

    def train(self, vectors: Floats) -> None:
        """Make the lists and codes for vectors like these; the same vectors make the same ones."""
        self._index.train(np.ascontiguousarray(vectors, np.float32))

    def add(self, numbers: Ids, vectors: Floats) -> None:
        """(N,) numbers that are not there yet, and their (N, D) vectors of unit length."""
        if len(numbers):
            self.last_picture = max(self.last_picture, int(numbers.max()) // MOST)
            given = vectors if self.listed else _bytes(vectors)
            self._index.add_with_ids(np.ascontiguousarray(given, np.float32), np.ascontiguousarray(numbers))

    def remove(self, pictures: Ids) -> None:
        """Forget all regions of these pictures; unknown ones are ignored."""
        import faiss

        if len(pictures) and len(self):
            numbers = (np.unique(pictures)[:, None] * MOST + np.arange(MOST)).ravel()
            self._index.remove_ids(faiss.IDSelectorBatch(numbers))

    def search(self, queries: Floats, reach: int, allowed: Ids | None = None, *, wholes: bool = False) -> Ids:
        """(Q, D) -> (Q, reach) numbers, the most alike first, -1 where there are fewer. ``allowed``: ids of the
        pictures that may be told; ``wholes``: these alone, and no part."""
        import faiss

        selector, _bits = self._selector(allowed, wholes)
        if self.listed:
            params = faiss.SearchParametersIVF(nprobe=PROBES, sel=selector)
        else:
            params = faiss.SearchParameters(sel=selector)
        given = queries if self.listed else _bytes(queries)
        found: Ids = self._index.search(np.ascontiguousarray(given, np.float32), reach, params=params)[1]
        return found

    def _selector(self, allowed: Ids | None, wholes: bool) -> tuple[Any, NDArray[np.uint8] | None]:
        """A bit for each number, 64 of them a picture; and where they lie, for FAISS reads them there."""
        import faiss

        if allowed is None and not wholes:
            return None, None
        rows = np.zeros((self.last_picture + 1, MOST // 8), np.uint8)
        here = slice(None) if allowed is None else allowed[allowed <= self.last_picture]
        rows[here] = np.array([1, *[0] * 7] if wholes else [255] * 8, np.uint8)
        bits = rows.ravel()
        return faiss.IDSelectorBitmap(bits), bits


def lists_for(regions: int) -> int:
    """How many lists so many regions are to lie in."""
    return int(2 ** max(0, round(math.log2(max(regions, 1) / FILLED))))


def _bytes(vectors: Floats) -> Floats:
    """Unit vectors -> whole numbers of -127..127, all in the same steps, so that their products rank like cosines."""
    step = min(1.0, WIDE / math.sqrt(vectors.shape[1])) / 127
    return np.asarray(np.clip(np.rint(vectors / step), -127, 127), np.float32)


def _flat(dim: int) -> Any:
    import faiss

    kind = faiss.ScalarQuantizer.QT_8bit_direct_signed
    return faiss.IndexIDMap2(faiss.IndexScalarQuantizer(dim, kind, faiss.METRIC_INNER_PRODUCT))


def _lists(dim: int, count: int) -> Any:
    import faiss

    centres = faiss.IndexFlatIP(dim)
    lists = faiss.IndexIVFPQ(centres, dim, count, math.gcd(dim, CODE), BITS, faiss.METRIC_INNER_PRODUCT)
    lists.own_fields = True
    centres.this.disown()
    lists.cp.niter = 8
    return lists


def _numbers(index: Any, listed: bool) -> Ids:
    """Those that an index holds."""
    import faiss

    if not listed:
        return np.asarray(faiss.vector_to_array(index.id_map), np.int64)
    lists = index.invlists
    parts = [faiss.rev_swig_ptr(lists.get_ids(n), lists.list_size(n)) for n in range(index.nlist) if lists.list_size(n)]
    return np.concatenate([np.array(part) for part in parts] or [np.empty(0, np.int64)]).astype(np.int64)
