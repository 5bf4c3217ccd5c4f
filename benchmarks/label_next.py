"""Which images to label next: what a library is told right by after so many labels, chosen by `label --next` or at
random."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.content_retrieval import Labelled, labelled_sets
from benchmarks.harness import SEED, Options, run, spread, table
from lookalike import describe
from lookalike.gallery import Gallery

TITLE = "Labels: chosen by `label --next`, or at random"
BY = "content"
MOST = 1200  # images of a set; half of them may be labelled, the other half is told
STEPS = (10, 20, 40, 80)  # labels
DRAWS = 10  # of images at random
HEADER = ("set", "labels", "classes seen, chosen", "at random", "accuracy, chosen, %", "at random, %")


def measure(options: Options) -> str:
    rows = [row for one in labelled_sets(options) for row in _rows(one, options)]
    note = (
        f"At most {options.size(MOST, 16):,} images of each set: half of them, by turns, may be labelled, the other "
        f"half is told by the nearest class mean of `{BY}`. Chosen: by `lookalike label --next`, ten at a time, each "
        f"batch by the labels before it. At random: median and range of {options.size(DRAWS, 2)} draws. A class of "
        "which there is no label yet is always told wrong. How is chosen was chosen on imagenette, scenes, grocery and "
        "hcaptcha."
    )
    return f"{table(HEADER, rows)}\n\n{note}"


def _rows(one: Labelled, options: Options) -> list[tuple[str, ...]]:
    files, labels = one.files[: options.size(MOST, 16)], one.labels[: options.size(MOST, 16)]
    vectors = describe(files, BY).astype(np.float32)
    pool, held_out = np.arange(0, len(files), 2), np.arange(1, len(files), 2)
    steps = [step for step in STEPS if step <= len(pool)] or [len(pool) // 2]
    chosen = _chosen([files[row] for row in pool], labels[pool], max(steps))
    draws = [np.random.default_rng([SEED, draw]).permutation(len(pool)) for draw in range(options.size(DRAWS, 2))]
    rows = []
    for step in steps:
        by_next = pool[chosen[:step]]
        by_chance = [pool[draw[:step]] for draw in draws]
        rows.append(
            (
                one.name,
                str(step),
                str(len(set(labels[by_next].tolist()))),
                spread([len(set(labels[rows_].tolist())) for rows_ in by_chance], 0),
                f"{100 * _accuracy(vectors, labels, by_next, held_out):.1f}",
                spread([100 * _accuracy(vectors, labels, rows_, held_out) for rows_ in by_chance], 1),
            )
        )
    return rows


def _chosen(files: Sequence[Path], labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Rows in the order in which they are asked for, ten at a time."""
    rows = {str(file): row for row, file in enumerate(files)}
    found: list[int] = []
    with tempfile.TemporaryDirectory() as folder, Gallery.create(Path(folder) / "g", [BY]) as gallery:
        gallery.add(files)
        while len(found) < count:
            batch = [rows[one.path] for one in gallery.next_labels(min(10, count - len(found)))]
            if not batch:
                break
            found += batch
            with (Path(folder) / "labels.csv").open("w", newline="") as stream:
                csv.writer(stream).writerows([("path", "label"), *((files[row], labels[row]) for row in found)])
            gallery.label_from_csv(Path(folder) / "labels.csv")
    return np.array(found, np.int64)


def _accuracy(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], known: NDArray[np.int64], asked: NDArray[np.int64]
) -> float:
    kinds = np.unique(labels[known])
    means = np.stack([vectors[known[labels[known] == kind]].mean(axis=0) for kind in kinds])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    return float((kinds[(vectors[asked] @ means.T).argmax(axis=1)] == labels[asked]).mean())


if __name__ == "__main__":
    run(TITLE, measure)
