"""How well images of the same kind are found, and told by a few labelled examples, beside MobileNet's features."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.copies import drawn_from, one_thread
from benchmarks.copy_recall import Vectors, distances, known, of_file, stacked
from benchmarks.harness import IMAGES, SEED, Options, ratios, run, spread, table
from benchmarks.sides import mobilenet
from lookalike.descriptors import get
from lookalike.distance import cosine, normalise
from lookalike.types import Floats

TITLE = "Content: images of the same kind, beside MobileNet"
OURS = ("content", "copy", "colour", "structure")
UNTOLD = {"Not sure", "Skip", "Other"}  # labels of clothing that say nothing
EXAMPLES = (1, 5, 20)  # of each class
DRAWS = 10
BLOCK = 500  # queries ranked at a time
HEADER = ("set", "by", "mAP, %", "recall@1, %", *(f"{n} of each class: right, %" for n in EXAMPLES))
LAST = np.finfo(np.float32).max  # the distance of an image with too little to say


@dataclass(frozen=True)
class Labelled:
    """A set of N images. ``labels`` and ``senders``: (N,) numbers; nobody is asked for a sender's own images."""

    name: str
    files: list[Path]
    labels: NDArray[np.int64]
    senders: NDArray[np.int64]


@dataclass(frozen=True)
class Score:
    """All of 0..1; ``right``: for each of EXAMPLES the accuracy in each draw."""

    mean_precision: float
    first: float
    right: list[list[float]]


def measure(options: Options) -> str:
    sets = labelled_sets(options)
    with mobilenet.network(options) as peer, ProcessPoolExecutor(initializer=one_thread) as pool:
        rows = [row for one in sets for row in _rows(one, pool, peer)]
    counts = "; ".join(f"{one.name}: {len(one.files):,} images in {len(set(one.labels)):,} classes" for one in sets)
    note = (
        f"{counts or 'There is no labelled set in the data: clothing with images.csv, or flowers'}. Every image "
        f"asks once among all the others; clothing without {', '.join(sorted(UNTOLD))}, and without the other images "
        "of the query's own sender. mAP: over the queries that have anything to find. A few examples: half of the "
        "senders (flowers: half of the images) give so many examples of each class, or as many as they have, the "
        f"other half are told by the nearest class mean; median and range of {DRAWS} draws. The last row of a set "
        f"divides draw by draw.{'' if peer else ' ' + mobilenet.MISSING}"
    )
    return f"{table(HEADER, rows)}\n\n{note}"


# --- the sets


def labelled_sets(options: Options) -> list[Labelled]:
    """Those that there are."""
    return [one for one in (_clothing(options), _flowers(options)) if one.files]


def _clothing(options: Options) -> Labelled:
    """The labels of images.csv: image, sender_id, label."""
    files = {file.stem: file for file in _images(options.data / "clothing")}
    found = []
    for list_of_labels in (options.data / "clothing").rglob("images.csv"):
        with list_of_labels.open(newline="") as lines:
            result = [row for row in csv.DictReader(lines) if row["label"] not in UNTOLD and row["image"] in files]
        found += [(files[row["image"]], row["label"], row["sender_id"]) for row in result]
    return _labelled("clothing", found, options)


def _flowers(options: Options) -> Labelled:
    """A folder per class; every image is its own sender."""
    files = _images(options.data / "flowers")
    return _labelled("flowers", [(file, file.parent.name, str(file)) for file in files], options)


def _images(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in IMAGES]


def _labelled(name: str, found: Sequence[tuple[Path, str, str]], options: Options) -> Labelled:
    """Shuffled, so that equal distances favour no class."""
    chosen = drawn_from(found, options.size(len(found), 20))
    numbers = [np.unique([one[column] for one in chosen], return_inverse=True)[1] for column in (1, 2)]
    return Labelled(name, [file for file, _, _ in chosen], *numbers)


# --- rows of the table


def _rows(one: Labelled, pool: ProcessPoolExecutor, peer: Path | None) -> Iterator[tuple[str, ...]]:
    names = known(OURS)
    vectors = stacked(pool.map(partial(of_file, names, peer), one.files, chunksize=8))
    scores = {name: _scored(one, name, vectors) for name in (*names, *([mobilenet.NAME] if peer else []))}
    for name, score in scores.items():
        result = [spread([100 * share for share in draws], 1) for draws in score.right]
        yield one.name, name, f"{100 * score.mean_precision:.1f}", f"{100 * score.first:.1f}", *result
    if peer and names[0] == "content":
        yield _ratio(one, scores)


def _ratio(one: Labelled, scores: Mapping[str, Score]) -> tuple[str, ...]:
    ours, theirs = scores["content"], scores[mobilenet.NAME]
    result = [spread(ratios(a, b)) if all(b) else "-" for a, b in zip(ours.right, theirs.right, strict=True)]
    shares = ((ours.mean_precision, theirs.mean_precision), (ours.first, theirs.first))
    return one.name, f"content / {mobilenet.NAME}", *(f"**{a / b:.2f}**" for a, b in shares), *result


def _scored(one: Labelled, name: str, vectors: Vectors) -> Score:
    blocks = [_ranked(one, name, vectors, start) for start in range(0, len(one.files), BLOCK)]
    precision, first = (np.concatenate(part) for part in zip(*blocks, strict=True))
    plain, unit = _plain(name, vectors), _metric(name) != "euclidean"
    right = [[_result(one, plain, unit, count, draw) for draw in range(DRAWS)] for count in EXAMPLES]
    return Score(float(precision.mean()), float(first.mean()), right)


# --- ranking


def _ranked(one: Labelled, name: str, vectors: Vectors, start: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Average precision, and whether the first is right, of the queries of one block that have anything to find."""
    asked = slice(start, start + BLOCK)
    far = _distances(name, {key: part[asked] for key, part in vectors.items()}, vectors)
    own = one.senders[asked, None] == one.senders
    right = (one.labels[asked, None] == one.labels) & ~own
    order = np.argsort(np.where(own, np.inf, np.minimum(far, LAST)), axis=1, kind="stable")
    hits = np.take_along_axis(right, order, axis=1)
    chosen = hits.any(axis=1)
    return average_precision(hits[chosen]), hits[chosen, 0]


def average_precision(hits: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(Q, N) whether each is right, best first, at least one in each row -> (Q,), 0..1."""
    precision = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    return np.asarray((precision * hits).sum(axis=1) / hits.sum(axis=1), np.float64)


def _distances(name: str, asked: Vectors, held: Vectors) -> Floats:
    return cosine(asked[name], held[name]) if name == mobilenet.NAME else distances(name, asked, held)


# --- a few examples


def _plain(name: str, vectors: Vectors) -> NDArray[np.float64]:
    """Vectors that a mean can be taken of: bits become -1 and 1."""
    if _metric(name) == "hamming":
        return np.unpackbits(vectors[name], axis=1) * 2.0 - 1
    return np.asarray(vectors[name], np.float64)


def _metric(name: str) -> str:
    return "cosine" if name == mobilenet.NAME else get(name).card.metric


def _result(one: Labelled, plain: NDArray[np.float64], unit: bool, count: int, draw: int) -> float:
    """The share told right by the nearest mean of ``count`` examples of each class; ``unit``: of means of length 1."""
    rng = np.random.default_rng([SEED, draw])
    senders = np.unique(one.senders)
    teachers = rng.permutation(senders)[: len(senders) // 2]
    teaching = rng.permutation(np.flatnonzero(np.isin(one.senders, teachers)))
    classes = np.unique(one.labels[teaching])
    means = np.stack([plain[teaching[one.labels[teaching] == label][:count]].mean(axis=0) for label in classes])
    if unit:
        means = normalise(means)
    asked = np.flatnonzero(~np.isin(one.senders, teachers) & np.isin(one.labels, classes))
    nearest = ((plain[asked] ** 2).sum(1)[:, None] - 2 * plain[asked] @ means.T + (means**2).sum(1)).argmin(axis=1)
    return float((classes[nearest] == one.labels[asked]).mean())


if __name__ == "__main__":
    run(TITLE, measure)
