"""A library of synthetic regions, and searching it as a process: python -m benchmarks.sides.regions FOLDER N.

32 unit vectors a picture, around centres that it shares with others. A query is a stored region with noise, looked at
twice, and 32 regions of its own, strangers. N queries are answered slowly as well. Prints JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.harness import SEED, peak_mib
from lookalike.describe.base import DescriptorCard
from lookalike.describe.regions import Regions
from lookalike.distance import normalise
from lookalike.gallery.packing import packed, unpacked
from lookalike.gallery.regional import RegionQuery, RegionSearcher
from lookalike.gallery.regioncopies import RegionCopies
from lookalike.gallery.regionstore import Packed
from lookalike.gallery.store import NewPicture, Row, Store
from lookalike.types import Floats

DIM, COUNT, NAME = 256, 32, "regions"
CARD = DescriptorCard(NAME, 1, "cosine", DIM, 8 * DIM, 1, 0.0, 1.0, "synthetic")
FILE, KEPT = "g.sqlite", "kept.npz"
QUERIES = 30
WHOLE = (0.0, 0.0, 1.0, 1.0)


def fill(folder: Path, pictures: int) -> None:
    """A gallery's file with so many pictures; the first ones are remembered, to be asked for."""
    random = np.random.default_rng(SEED)
    centres = random.standard_normal((max(pictures // 10, 100), DIM), np.float32)
    store, kept = Store.create(folder / FILE, [CARD]), []
    with store.transaction():
        store.regions.mark({NAME: []})
        for number in range(pictures):
            near = centres[random.integers(0, len(centres), COUNT)] + random.standard_normal((COUNT, DIM), np.float32)
            data = packed(_regions(random, normalise(near).astype(np.float32)))
            kept += [unpacked(data, "").vectors] if number < QUERIES else []
            row = Row(0, f"/{number}.jpg", f"{number:x}", 1, 1, 640, 480, "JPEG", None, None)
            store.put(NewPicture(row, {}, None, {NAME: Packed(data, {})}))
    store.close()
    np.savez(folder / KEPT, vectors=np.stack(kept))


def _regions(random: np.random.Generator, vectors: Floats) -> Regions:
    boxes = random.random((len(vectors), 4), np.float32) / 2
    boxes[0] = WHOLE
    return Regions(boxes, np.zeros(len(vectors), np.float32), np.full(len(vectors), -1), vectors)


def searched(folder: Path, exact: int) -> dict[str, object]:
    """Seconds of the first search and of each other, agreement with the slow search, and the most memory."""
    store = Store.open(folder / FILE)
    searcher = RegionSearcher(store, RegionCopies(folder / "index", store, {NAME: CARD}), {NAME: CARD})
    asked = list(_queries(np.load(folder / KEPT)["vectors"]))
    times, fast = [], []
    for query in asked:
        started = time.perf_counter()
        fast.append([hit.path for hit in searcher.search(NAME, query, 10, None, exact=False)])
        times.append(time.perf_counter() - started)
    peak = peak_mib()
    slow = [{hit.path for hit in searcher.search(NAME, query, 10, None, exact=True)} for query in asked[:exact]]
    agreed = [len(slow_one & set(hits)) / len(slow_one) for slow_one, hits in zip(slow, fast, strict=False)]
    return {"first": times[0], "others": times[1:], "agreed": agreed, "peak": peak}


def _queries(kept: Floats) -> list[RegionQuery]:
    random = np.random.default_rng(SEED + 1)
    made = []
    for number, vectors in enumerate(kept):
        noise = 0.5 * random.standard_normal((2, DIM)) / np.sqrt(DIM)
        looks = normalise(vectors[1 + number % (COUNT - 1)] + noise).astype(np.float32)
        own = normalise(random.standard_normal((COUNT, DIM))).astype(np.float32)
        made.append(RegionQuery(looks, _regions(random, own), 100, 100))
    return made


def main() -> None:
    print(json.dumps(searched(Path(sys.argv[1]), int(sys.argv[2]))))


if __name__ == "__main__":
    main()
