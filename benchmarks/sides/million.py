"""One step in the life of a large gallery: python -m benchmarks.sides.million STEP FOLDER ROWS; prints JSON.

FOLDER/real is a gallery of photographs with small thumbnails, FOLDER/g the large one: its vectors are those of the
photographs in turn, moved along the difference between two others, and its hashes have some bits turned.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import SEED, peak_mib, seconds
from benchmarks.synthetic import BITS, BLOCK, Block, fill, flips, near, number_of, path_of, unit
from lookalike.descriptors import get
from lookalike.gallery import Gallery, QueryVectors
from lookalike.gallery.index.exact import ExactIndex
from lookalike.gallery.storage.embeddings import dtype_of
from lookalike.gallery.storage.thumbnails import Thumbnails

FLOATS, HASHES = "copy", "structure"
NAMES = (FLOATS, HASHES)
MOVED = 0.5  # of the difference between two others: a cosine distance of about 0.2 from the real one
K, QUERIES, BATCH, ROUNDS = 10, 100, 100, 5
REMOVED_SHARE = 0.11  # of all images: a graph is built anew beyond a tenth
ADDED = 256  # images a transaction, as `lookalike index` writes them

Step = dict[str, Any]


@dataclass(frozen=True)
class Real:
    """R photographs: ``vectors``, name -> (R, D), and ``thumbnails``."""

    vectors: Block
    thumbnails: Sequence[bytes]


@cache
def real(folder: Path) -> Real:
    """The photographs in FOLDER/real that have both vectors and a thumbnail."""
    with Gallery.open(folder / "real") as gallery, closing(Thumbnails(folder / "real")) as thumbnails:
        rows = [row for row in gallery if thumbnails.get(row.sha256, 320)]
        found = {name: _of(gallery, name, [row.id for row in rows]) for name in NAMES}
        held = set.intersection(*(set(one) for one in found.values()))
        kept = [row for row in rows if row.id in held]
        vectors = {name: np.stack([one[row.id] for row in kept]) for name, one in found.items()}
        return Real(vectors, [thumbnails.get(row.sha256, 320) or b"" for row in kept])


def _of(gallery: Gallery, name: str, ids: Sequence[int]) -> dict[int, NDArray[Any]]:
    card = get(name).card
    found, vectors = gallery._library.store.vectors_of(name, ids, contrast=card.min_contrast, dtype=dtype_of(card))
    return dict(zip(found.tolist(), vectors, strict=True))


def made(folder: Path, first: int, size: int) -> Block:
    """The vectors of images ``first`` and on, the same every time: name -> (size, D)."""
    held, rng = real(folder).vectors, np.random.default_rng([SEED, first])
    count = len(held[FLOATS])
    places, one, other = np.arange(first, first + size) % count, *rng.integers(0, count, (2, size))
    floats = held[FLOATS].astype(np.float32)
    moved = unit(floats[places] + MOVED * (floats[one] - floats[other]))
    return {FLOATS: moved, HASHES: held[HASHES][places] ^ flips(rng, size, get(HASHES).card.dim, BITS)}


def fill_up(folder: Path, rows: int) -> Step:
    """The rows and thumbnails that are lacking."""
    if not (folder / "g").exists():
        Gallery.create(folder / "g", NAMES).close()
    small = real(folder).thumbnails
    with Gallery.open(folder / "g") as gallery, closing(Thumbnails(folder / "g")) as thumbnails:
        for first in range(len(gallery), rows, BLOCK):
            last = min(first + BLOCK, rows)
            thumbnails.put_all((f"{n:064x}", small[n % len(small)]) for n in range(first, last))
            fill(gallery, first, last, lambda start, size: made(folder, start, size))
        return {"rows": len(gallery), "store": gallery._library.store.disk_bytes(), "real": len(small)}


def build(folder: Path, rows: int, name: str) -> Step:  # noqa: ARG001  as the others
    """The index of a descriptor, by the first search; its file."""
    with Gallery.open(folder / "g") as gallery:
        took = seconds(lambda: gallery._library.index.get(name))
        kind = _kind(gallery, name)
    file = max((one.stat().st_size for one in (folder / "g" / "index").glob(f"{name}.*.faiss")), default=0)
    return {"took": took, "file": file, "kind": kind}


def ask(folder: Path, rows: int, name: str) -> Step:
    """Opening and the first search; then single queries and batches, beside FAISS alone, in turn."""
    asked = queries(folder, rows, name)
    started = time.perf_counter()
    with Gallery.open(folder / "g") as gallery:
        _ours(gallery, name, asked[:1])
        opened = time.perf_counter() - started
        cold = resident_mib()
        bare, ours = _bare(gallery, name), _caller(gallery, name)
        for side in (bare, ours):
            side(asked)
        single = [_singles(bare, ours, asked, place) for place in range(ROUNDS)]
        batches = [_in_turn((bare, ours), asked, place) for place in range(ROUNDS)]
        return {
            "opened": opened,
            "cold": cold,
            "resident": resident_mib(),
            "single": np.median(np.reshape(single, (-1, 2)), axis=0).tolist(),
            "batch": (np.median(batches, axis=0) / len(asked)).tolist(),
        }


def recall(folder: Path, rows: int, name: str) -> Step:
    """Of the exact nearest the share that the gallery finds, and how often its first is the first."""
    asked = queries(folder, rows, name)
    with Gallery.open(folder / "g") as gallery:
        found = [[number_of(path) + 1 for path in one] for one in _ours(gallery, name, asked)]
        exact = _exact(gallery, name, asked)
    shares = [len(set(one) & set(best)) / K for one, best in zip(found, exact, strict=True)]
    first = [one[0] == best[0] for one, best in zip(found, exact, strict=True)]
    return {"recall": float(np.mean(shares)), "first": float(np.mean(first))}


def add(folder: Path, rows: int, name: str) -> Step:
    """Single searches while another process adds 20 transactions; then what it added is removed again."""
    asked = queries(folder, rows, name)
    with Gallery.open(folder / "g") as gallery:
        _ours(gallery, name, asked)
        writer = subprocess.Popen(
            [sys.executable, "-m", __spec__.name, "write", str(folder), str(rows), "20"], stdout=subprocess.DEVNULL
        )
        times = []
        while writer.poll() is None:
            times += [seconds(partial(_ours, gallery, name, query[None])) for query in asked[:10]]
        added = len(gallery) - rows
        found = _ours(gallery, name, made(folder, rows, BLOCK)[name][:1])[0]
        gallery.remove([path_of(number) for number in range(rows, rows + added)])
    late = statistics.quantiles(times, n=100)[98]
    return {
        "added": added,
        "searches": len(times),
        "median": statistics.median(times),
        "late": late,
        "longest": max(times),
        "found": path_of(rows) in found,
    }


def write(folder: Path, rows: int, transactions: int) -> Step:
    """Add so many transactions behind the last image."""
    vectors = made(folder, rows, BLOCK)
    with Gallery.open(folder / "g") as gallery:
        for start in range(0, int(transactions) * ADDED, ADDED):
            fill(
                gallery,
                rows + start,
                rows + start + ADDED,
                lambda first, size: {n: part[first - rows : first - rows + size] for n, part in vectors.items()},
            )
    return {}


def compact(folder: Path, rows: int, name: str) -> Step:
    """Remove more images than a graph keeps as dead ends, and search: it is built again without them."""
    asked = queries(folder, rows, name)
    with Gallery.open(folder / "g") as gallery:
        _ours(gallery, name, asked)
        gone = [path_of(number) for number in range(0, rows, round(1 / REMOVED_SHARE))]
        removing = seconds(lambda: gallery.remove(gone))
        took = seconds(lambda: gallery._library.index.get(name))
        return {
            "removed": len(gone),
            "removing": removing,
            "took": took,
            "tombstones": gallery._library.index.get(name).tombstones,
        }


def resident_mib() -> float:
    """What this process has in memory now, MiB; pages that it shares with others count."""
    return int(re.findall(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) / 1024


def queries(folder: Path, rows: int, name: str) -> NDArray[Any]:
    """(Q, D): vectors of the gallery, spread over it, a little changed."""
    rng = np.random.default_rng(SEED)
    starts = rng.integers(0, max(1, rows // BLOCK), QUERIES) * BLOCK
    size = min(BLOCK, rows)
    blocks = {start: made(folder, start, size)[name] for start in np.unique(starts).tolist()}
    return near(name, np.stack([blocks[start][rng.integers(size)] for start in starts.tolist()]), rng)


def _ours(gallery: Gallery, name: str, queries: NDArray[Any]) -> list[list[str]]:
    asked = [QueryVectors({name: query}) for query in queries]
    return [[hit.path for hit in hits] for hits in gallery.search_many(asked, K, by=name)]


def _caller(gallery: Gallery, name: str) -> Callable[[NDArray[Any]], object]:
    def side(queries: NDArray[Any]) -> object:
        if len(queries) == 1:
            return gallery.search(QueryVectors({name: queries[0]}), K, by=name)
        return gallery.search_many([QueryVectors({name: query}) for query in queries], K, by=name)

    return side


def _bare(gallery: Gallery, name: str) -> Callable[[NDArray[Any]], object]:
    """FAISS's own call with the gallery's own index and settings: (Q, D) -> ids and distances."""
    held = gallery._library.index.get(name)
    index, options = held._index, {"params": held._walk(K, None)} if held.graph else {}
    binary = get(name).card.metric == "hamming"

    def side(queries: NDArray[Any]) -> object:
        faiss.omp_set_num_threads(1 if len(queries) == 1 else THREADS)
        return index.search(queries if binary else np.ascontiguousarray(queries, np.float32), K, **options)

    return side


THREADS = faiss.omp_get_max_threads()


def _singles(bare: Callable[..., object], ours: Callable[..., object], queries: NDArray[Any], place: int) -> Any:
    """Processor seconds of both sides, (Q, 2); who goes first changes, for the second finds a warm cache."""
    return [_in_turn((bare, ours), query[None], place + number) for number, query in enumerate(queries)]


def _in_turn(sides: Sequence[Callable[..., object]], queries: NDArray[Any], place: int) -> list[float]:
    times = [0.0, 0.0]
    for side in (0, 1) if place % 2 else (1, 0):
        started = time.process_time()
        sides[side](queries)
        times[side] = time.process_time() - started
    return times


def _kind(gallery: Gallery, name: str) -> str:
    inner = gallery._library.index.get(name)._index.index
    down = faiss.downcast_IndexBinary if isinstance(inner, faiss.IndexBinary) else faiss.downcast_index
    return type(down(inner)).__name__


def _exact(gallery: Gallery, name: str, queries: NDArray[Any]) -> list[list[int]]:
    """Ids of the nearest by comparing with all, block by block."""
    card = get(name).card
    after, best, best_ids = 0, np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    while True:
        index = ExactIndex(card.metric)
        ids, vectors = gallery._library.store.vectors(name, after=after, limit=20_000, dtype=dtype_of(card))
        if not len(ids):
            return best_ids.tolist()
        index.add(ids, vectors)
        found, distances = index.search(queries, K)
        best_ids, best = np.concatenate([best_ids, found], 1), np.concatenate([best, distances], 1)
        order = np.lexsort((best_ids, best))[:, :K]
        best_ids, best = np.take_along_axis(best_ids, order, 1), np.take_along_axis(best, order, 1)
        after = int(ids[-1])


STEPS: dict[str, Callable[..., Step]] = {
    "fill": fill_up,
    "build": build,
    "ask": ask,
    "recall": recall,
    "add": add,
    "write": write,
    "compact": compact,
}


if __name__ == "__main__":
    step, where, count, *more = sys.argv[1:]
    answer = STEPS[step](Path(where), int(count), *more)
    print(json.dumps(answer | {"peak": peak_mib()}))
