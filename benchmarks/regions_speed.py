"""How long a search by regions takes, how often it agrees with the slow one, and what it costs in room.

    python benchmarks/regions_speed.py --pictures 10000

Vectors are synthetic: 32 unit vectors a picture around centres that it shares with others. A query is a stored region
with noise, at two looks, and 32 regions of its own.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from lookalike.describe.base import DescriptorCard
from lookalike.describe.regions import Regions
from lookalike.gallery.packing import objects, packed
from lookalike.gallery.regional import RegionQuery, RegionSearcher
from lookalike.gallery.regioncopies import RegionCopies
from lookalike.gallery.regionstore import Packed
from lookalike.gallery.store import NewPicture, Row, Store

DIM, COUNT, NAME = 256, 32, "regions"
CARD = DescriptorCard(NAME, 1, "cosine", DIM, 8 * DIM, 1, 0.0, 1.0, "synthetic")


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def picture(random: np.random.Generator, centres: np.ndarray) -> Regions:
    near = centres[random.integers(0, len(centres), COUNT)]
    vectors = unit(near + random.normal(size=near.shape) / np.sqrt(DIM))
    boxes = random.random((COUNT, 4)).astype(np.float32) / 2
    boxes[0] = (0, 0, 1, 1)
    return Regions(boxes, np.zeros(COUNT, np.float32), np.full(COUNT, -1), vectors)


def filled(file: Path, pictures: int, random: np.random.Generator) -> tuple[Store, list[Regions]]:
    store = Store.create(file, [CARD])
    centres = unit(random.normal(size=(max(pictures // 10, 100), DIM)))
    kept = []
    with store.transaction():
        store.regions.mark({NAME: []})
        for number in range(pictures):
            one = picture(random, centres)
            kept += [one] if len(kept) < 100 else []
            row = Row(0, f"/{number}.jpg", f"{number:x}", 1, 1, 640, 480, "JPEG", None, None)
            store.put(NewPicture(row, {}, None, {NAME: Packed(packed(one), objects(one, []))}))
    return store, kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--exact", type=int, default=5, help="so many of them are also searched for slowly")
    asked = parser.parse_args()
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        store, kept = filled(Path(folder) / "g.sqlite", asked.pictures, random)
        searcher = RegionSearcher(store, RegionCopies(Path(folder) / "index", store, {NAME: CARD}), {NAME: CARD})
        times, agreed, first = [], [], []
        for number in range(asked.queries):
            one = kept[number % len(kept)]
            noise = random.normal(size=(2, DIM)) * 0.5 / np.sqrt(DIM)
            centres = unit(random.normal(size=(COUNT, DIM)))
            own = Regions(one.boxes, one.scores, one.classes, centres)
            query = RegionQuery(unit(one.vectors[1 + number % 31] + noise), own, 100, 100)
            begun = time.perf_counter()
            hits = searcher.search(NAME, query, 10, None, exact=False)
            times.append(time.perf_counter() - begun)
            first.append(hits[0].path == f"/{number % len(kept)}.jpg")
            if number < asked.exact:
                slow = searcher.search(NAME, query, 10, None, exact=True)
                agreed.append(len({hit.path for hit in hits} & {hit.path for hit in slow}) / len(slow))
        index = sum(file.stat().st_size for file in (Path(folder) / "index").glob("*.faiss"))
        print(f"{asked.pictures:,} pictures, {COUNT * asked.pictures:,} regions of {DIM} numbers, seed 0")
        print(f"first search, which makes the index: {times[0]:.1f} s")
        print(f"a search: median {1000 * np.median(times[1:]):.0f} ms, longest {1000 * max(times[1:]):.0f} ms")
        print(f"recall@10 against exact: {np.mean(agreed):.3f}; the picture itself first: {np.mean(first):.3f}")
        print(
            f"bytes a picture: {store.disk_bytes() / asked.pictures:.0f} in the store, "
            f"{index / asked.pictures:.0f} in the index"
        )
        print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
        store.close()


if __name__ == "__main__":
    main()
