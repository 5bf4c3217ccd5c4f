"""One step with a store of regions: python -m benchmarks.sides.regions fill|build|search|recall FOLDER SIZE; JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import SEED, peak_mib, seconds
from lookalike.descriptors.base import DescriptorCard
from lookalike.descriptors.neural.region_model import NO_CLASS, Regions
from lookalike.gallery.index.catalogue_cache import CatalogueCache
from lookalike.gallery.index.frame_index_cache import FrameIndexCache
from lookalike.gallery.index.index_cache import IndexCache
from lookalike.gallery.index.region_index_cache import RegionIndexCache
from lookalike.gallery.index.sound_index import SoundIndex
from lookalike.gallery.index.text_columns import TextColumnsCaches
from lookalike.gallery.index.word_index import WordIndexCache
from lookalike.gallery.library import Library
from lookalike.gallery.search.region_matching import RegionQuery
from lookalike.gallery.search.region_search import RegionSource
from lookalike.gallery.storage.base import NewGallery, NewImage, PackedRegions
from lookalike.gallery.storage.engines import engine_of
from lookalike.gallery.storage.region_codec import packed
from lookalike.gallery.storage.row import Row
from lookalike.types import Hit

DIM, COUNT, NAME, K = 256, 32, "regions", 10
CARD = DescriptorCard(NAME, 1, "cosine", DIM, 8 * DIM, 1, 0.0, 1.0, "synthetic")
BLOCK = 1_000  # images per transaction
WARM, COMPARED = 50, 20  # queries whose time is taken, and that are also asked slowly


def fill(folder: Path, size: int) -> dict[str, float]:
    """Write the rows, without images."""
    place = str(folder / "g")
    engine_of(place).create_storage(place, NewGallery([CARD], {NAME: []}))
    store = engine_of(place).open_storage(place)
    for start in range(0, size, BLOCK):
        with store.transaction():
            for number, one in enumerate(images(start, min(BLOCK, size - start), size), start):
                row = Row(0, f"/{number}.jpg", f"{number:x}", 1, 1, 640, 480, "JPEG", None, None)
                store.put(NewImage(row, {}, None, {NAME: PackedRegions(packed(one), {})}))
    result = {"store": float(store.disk_bytes())}
    store.close()
    return result


def build(folder: Path, size: int) -> dict[str, float]:  # noqa: ARG001  as the others
    """The first search's index."""
    store = engine_of(folder).open_storage(str(folder / "g"))
    took = seconds(lambda: RegionIndexCache(folder / "index", store, {NAME: CARD}).get(NAME))
    store.close()
    return {"seconds": took, "index": sum(file.stat().st_size for file in (folder / "index").glob("*.faiss"))}


def search(folder: Path, size: int) -> dict[str, float]:
    """A process that only opens and searches."""
    ask = _opened(folder)
    asked = [query for _, query in queries(size, WARM + 1)]
    times = [1000 * seconds(lambda q=one: ask(q)) for one in asked][1:]
    return {"median": float(np.median(times)), "late": float(np.percentile(times, 90))}


def recall(folder: Path, size: int) -> dict[str, float]:
    """Of what the slow search finds, and whether the image that a query is of comes first."""
    ask = _opened(folder)
    shares, first = [], []
    for number, query in queries(size, COMPARED):
        fast, slow = ([hit.path for hit in ask(query, exact)] for exact in (False, True))
        shares.append(len(set(fast) & set(slow)) / len(slow))
        first.append(fast[0] == f"/{number}.jpg")
    return {"recall": float(np.mean(shares)), "first": float(np.mean(first))}


def images(start: int, count: int, size: int) -> Iterator[Regions]:
    """Those from ``start`` on; the same every time."""
    random = np.random.default_rng([SEED, start])
    centres = _centres(size)
    boxes = np.tile(np.array([0.25, 0.25, 0.5, 0.5], np.float32), (COUNT, 1))
    boxes[0] = (0, 0, 1, 1)
    for _ in range(count):
        near = centres[random.integers(0, len(centres), COUNT)]
        vectors = unit(near + random.standard_normal((COUNT, DIM), np.float32) / np.sqrt(DIM))
        yield Regions(boxes, np.zeros(COUNT, np.float32), np.full(COUNT, NO_CLASS), vectors)


def queries(size: int, count: int) -> Iterator[tuple[int, RegionQuery]]:
    """The number of the image that each is of, and the query."""
    random = np.random.default_rng(0)
    for number, one in enumerate(images(0, min(count, size), size)):
        looks = one.vectors[1 + number % (COUNT - 1)] + 0.5 * random.standard_normal((2, DIM)) / np.sqrt(DIM)
        parts = Regions(one.boxes, one.scores, one.classes, unit(random.standard_normal((COUNT, DIM))))
        yield number, RegionQuery(unit(looks), parts, 100, 100)


def unit(vectors: NDArray[Any]) -> NDArray[Any]:
    """(N, D), each row of length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


def _centres(size: int) -> NDArray[Any]:
    return unit(np.random.default_rng(SEED).standard_normal((max(size * COUNT // 320, 100), DIM), np.float32))


def _opened(folder: Path) -> Any:
    store = engine_of(folder).open_storage(str(folder / "g"))
    index = RegionIndexCache(folder / "index", store, {NAME: CARD})
    caches = (cache(folder / "index", store, {}) for cache in (FrameIndexCache, WordIndexCache, TextColumnsCaches))
    others = (*caches, CatalogueCache(folder / "index", store), SoundIndex(store))
    whole = IndexCache(folder / "index", store, {})
    source = RegionSource(Library(str(folder), folder, store, {}, {NAME: CARD}, whole, index, *others), NAME)

    def ask(query: RegionQuery, exact: bool = False) -> list[Hit]:
        return source.candidates(query, K, None, exact)

    return ask


if __name__ == "__main__":
    what = {"fill": fill, "build": build, "search": search, "recall": recall}[sys.argv[1]]
    print(json.dumps(what(Path(sys.argv[2]), int(sys.argv[3])) | {"peak": peak_mib()}))
