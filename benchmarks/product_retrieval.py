"""How well another item of the same kind is found by what a product looks like, beside MobileNet's features."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.content_retrieval import Labelled, labelled_sets
from benchmarks.copies import drawn_from, encoded, one_thread
from benchmarks.copy_recall import Vectors, distances, known, of_file, stacked
from benchmarks.harness import IMAGES, Options, run, table
from benchmarks.sides import mobilenet
from benchmarks.street_to_shop import elsewhere
from lookalike.distance import cosine
from lookalike.imaging import load
from lookalike.types import Floats

TITLE = "Products: another item of the same kind"
WAYS = {
    "content": "`content`",
    "copy": "`copy`",
    "colour": "colour histogram (`colour`)",
    "structure": "hash (`structure`, phash-256)",
}
FOLDERS = {  # sets with a folder per kind: where their photographs lie, and which of them are none
    "grocery": ("**/*", "iconic"),
    "furniture": ("app/static/images/*/*", "room_scenes"),  # deeper ones are the same once more, processed
}
K = 10
BLOCK = 500  # queries ranked at a time
HEADER = ("set", "by", "recall@1, %", f"recall@{K}, %", f"nDCG@{K}")
LAST = np.finfo(np.float32).max  # the distance of an image with too little to say
LAMPS, ASKED = 3_000, 500  # that are searched, and of which another photograph is made
NOTE = (
    "{counts}. Every image asks once among all the others. Clothing: photographs of 20 kinds of garment by many "
    "senders; the query's sender's other images do not count. Grocery: the test photographs of 81 kinds of fruit, "
    "vegetables and packages on a shop's shelves. Furniture: a shop's products by the kind of its folder. Lamps: the "
    "kinds, styles and materials that come with this set are drawn at random, so the kind is the lamp itself: of "
    "{asked} of {lamps:,} another shop's photograph is made (mirrored, half as large, lighter, of other contrast and "
    "hue, JPEG of quality 60), which asks for the one that it was made of, and the other way round; other photographs "
    "of the same lamp, of which there are some, count as wrong. **`content` and `copy` saw photographs of grocery, "
    "furniture and lamps in training**, without labels. Recall: at least one of the first is of the same kind. nDCG: "
    "gain 1 for the same kind.{missing}"
)


def measure(options: Options) -> str:
    clothing = [one for one in labelled_sets(options) if one.name == "clothing"]
    with (
        mobilenet.network(options) as peer,
        ProcessPoolExecutor(initializer=one_thread) as pool,
        tempfile.TemporaryDirectory(prefix="lookalike-bench-") as place,
    ):
        folders = [_by_folder(options, name, *which) for name, which in FOLDERS.items()]
        sets = [one for one in (*clothing, *folders, _lamps(options, Path(place))) if one.files]
        rows = [row for one in sets for row in _rows(one, pool, peer)]
    counts = "; ".join(f"{one.name}: {len(one.files):,} images of {len(set(one.labels)):,} kinds" for one in sets)
    note = NOTE.format(
        counts=counts or "There is no labelled set", asked=ASKED, lamps=LAMPS,
        missing="" if peer else f" {mobilenet.MISSING}",
    )  # fmt: skip
    return f"{table(HEADER, rows)}\n\n{note}"


def _by_folder(options: Options, name: str, pattern: str, left_out: str) -> Labelled:
    """A folder for each kind; every photograph is its own sender."""
    folder = options.data / name
    files = [file for file in sorted(folder.glob(pattern)) if file.suffix.lower() in IMAGES]
    files = [file for file in files if left_out not in str(file.relative_to(folder))]
    files = drawn_from(files, options.size(len(files), 20))
    labels = np.unique([file.parent.name for file in files], return_inverse=True)[1]
    return Labelled(name, files, labels, np.arange(len(files)))


def _lamps(options: Options, place: Path) -> Labelled:
    """Lamps, each a kind of its own, and another shop's photographs of some, which all are of one sender."""
    files = [file for file in sorted((options.data / "lamps").rglob("*")) if file.suffix.lower() in IMAGES]
    files = drawn_from(files, options.size(LAMPS, 20))
    made = []
    for number, file in enumerate(files[: options.size(ASKED, 5)]):
        made.append(place / f"{number}.png")
        made[-1].write_bytes(encoded(elsewhere(load(file).pixels), as_jpeg=False))
    labels = np.concatenate([np.arange(len(files)), np.arange(len(made))])
    senders = np.concatenate([np.arange(len(files)), np.full(len(made), len(files))])
    return Labelled("lamps", [*files, *made], labels, senders)


def _rows(one: Labelled, pool: ProcessPoolExecutor, peer: Path | None) -> Iterator[tuple[str, ...]]:
    names = known(tuple(WAYS))
    vectors = stacked(pool.map(partial(of_file, names, peer), one.files, chunksize=8))
    for name in (*names, *([mobilenet.NAME] if peer else [])):
        blocks = [_ranked(one, name, vectors, start) for start in range(0, len(one.files), BLOCK)]
        first, ten, gain = (float(np.concatenate(part).mean()) for part in zip(*blocks, strict=True))
        yield one.name, WAYS.get(name, name), f"{100 * first:.1f}", f"{100 * ten:.1f}", f"{gain:.3f}"


def _ranked(one: Labelled, name: str, vectors: Vectors, start: int) -> tuple[NDArray[np.float64], ...]:
    """Whether the first is right, whether any of the first ten is, and nDCG (Järvelin & Kekäläinen 2002), of the
    queries of one block that have anything to find."""
    asked = slice(start, start + BLOCK)
    far = _distances(name, {key: part[asked] for key, part in vectors.items()}, vectors)
    own = one.senders[asked, None] == one.senders
    right = (one.labels[asked, None] == one.labels) & ~own
    there = right.any(axis=1)
    order = np.argsort(np.where(own, np.inf, np.minimum(far, LAST))[there], axis=1, kind="stable")[:, :K]
    hits = np.take_along_axis(right[there], order, axis=1).astype(float)
    discounts = 1 / np.log2(np.arange(2, hits.shape[1] + 2))
    ideal = np.minimum(right[there].sum(axis=1), hits.shape[1])
    best = np.concatenate([[0.0], np.cumsum(discounts)])[ideal]
    return hits[:, 0], hits.max(axis=1), (hits * discounts).sum(axis=1) / best


def _distances(name: str, asked: Vectors, held: Vectors) -> Floats:
    return cosine(asked[name], held[name]) if name == mobilenet.NAME else distances(name, asked, held)


if __name__ == "__main__":
    run(TITLE, measure)
