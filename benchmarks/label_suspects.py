"""Labels that are called likely wrong, and how many of them are: wrong ones are planted in labelled sets."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.content_retrieval import Labelled, labelled_sets
from benchmarks.harness import SEED, Options, run, table
from lookalike import describe
from lookalike.gallery import Gallery
from lookalike.gallery.labels.label_errors import PRECISION
from lookalike.types import LabelError

TITLE = "Label errors: what is called likely wrong, and is"
BY = "content"
MOST = 2500  # images of a set
DRAWS = 3  # of wrong labels, for each share of them
PLANTED = ((0.0, "any"), (0.02, "any"), (0.05, "any"), (0.1, "any"), (0.2, "any"), (0.1, "alike"))
HEADER = (
    *("set", "wrong labels, %", "which fell on", "worth a look or likely wrong", "of these wrong, %"),
    *("likely wrong", "of these wrong, %", "of the wrong found, %", "right labels called likely wrong"),
)


def measure(options: Options) -> str:
    sets = [_some(one) for one in labelled_sets(options)]
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for one in sets for row in _rows(one, options, Path(folder) / one.name)]
    note = (
        f"At most {MOST:,} images of each set, added up over {options.size(DRAWS, 1)} draws of wrong labels for each "
        f"share of them. Labels are replaced at random and searched for by `{BY}`, as `lookalike "
        "labels errors` does. Any: each falls on any other class alike. Alike: on the class whose mean is nearest to "
        "the image, as when somebody cannot tell two classes apart. Likely wrong: with an estimated probability of at "
        f"least {PRECISION}; before there was an estimate, all that the majority of the neighbours disagrees with "
        "were. Labels that were wrong before any was planted count as right."
    )
    return f"{table(HEADER, rows)}\n\n{note}"


def _some(one: Labelled) -> Labelled:
    """The first of them: they are in no order."""
    return Labelled(one.name, one.files[:MOST], one.labels[:MOST], one.senders[:MOST])


def _rows(one: Labelled, options: Options, folder: Path) -> Iterator[tuple[str, ...]]:
    folder.mkdir()
    with Gallery.create(folder / "g", [BY]) as gallery:
        gallery.add(one.files)
        alike = _most_alike(one)
        for share, kind in PLANTED:
            draws = []
            for draw in range(options.size(DRAWS, 1) if share else 1):
                labels = _planted(one.labels, alike, share, kind, draw)
                _label(gallery, folder / "labels.csv", one.files, labels)
                draws.append(_counted(one, labels, gallery.label_errors(by=BY, k=options.size(10, 3))))
            yield _row(one.name, share, kind, draws)


def _most_alike(one: Labelled) -> NDArray[np.int64]:
    """(N,): of each image the nearest class mean that is not of its own class."""
    vectors = describe(one.files, BY)
    means = np.stack([vectors[one.labels == kind].mean(axis=0) for kind in range(one.labels.max() + 1)])
    similar = vectors @ means.T
    similar[np.arange(len(vectors)), one.labels] = -np.inf
    return similar.argmax(axis=1)


def _planted(
    labels: NDArray[np.int64], alike: NDArray[np.int64], share: float, kind: str, number: int
) -> NDArray[np.int64]:
    random, classes = np.random.default_rng([SEED, number]), int(labels.max()) + 1
    rows = random.choice(len(labels), round(share * len(labels)), replace=False)
    result = labels.copy()
    result[rows] = alike[rows] if kind == "alike" else (labels[rows] + random.integers(1, classes, len(rows))) % classes
    return result


def _label(gallery: Gallery, file: Path, files: Sequence[Path], labels: NDArray[np.int64]) -> None:
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([("path", "label"), *zip(files, map(str, labels.tolist()), strict=True)])
    report = gallery.label_from_csv(file)
    assert report.labelled + len(report.failed) == len(files)


@dataclass(frozen=True)
class Counts:
    """Of one draw: how many labels there are, how many of them were made wrong, how many the neighbours ``disagreed``
    with or were likely wrong, how many were called ``likely`` wrong, and of both how many are."""

    labels: int
    wrong: int
    disagreed: int
    disagreed_wrong: int
    likely: int
    likely_wrong: int


def _counted(one: Labelled, labels: NDArray[np.int64], found: Sequence[LabelError]) -> Counts:
    wrong = {str(file) for file, now, true in zip(one.files, labels, one.labels, strict=True) if now != true}
    likely = [error.path in wrong for error in found if error.likely]
    hits = sum(error.path in wrong for error in found)
    return Counts(len(labels), len(wrong), len(found), hits, len(likely), sum(likely))


def _row(name: str, share: float, kind: str, draws: Sequence[Counts]) -> tuple[str, ...]:
    labels, wrong, disagreed, hits, likely, right = np.sum([astuple(draw) for draw in draws], axis=0).tolist()
    return (
        *(name, f"{100 * share:g}", kind if share else "", str(disagreed), _percent(hits, disagreed)),
        *(str(likely), _percent(right, likely), _percent(right, wrong)),
        f"{likely - right} of {labels - wrong:,}",
    )


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else ""


if __name__ == "__main__":
    run(TITLE, measure)
