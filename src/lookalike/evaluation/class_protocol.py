"""The protocol for a folder with a sub-folder for each class: every image is a query for the others of its class."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors import get
from lookalike.descriptors.fusion import BLEND
from lookalike.errors import UserError
from lookalike.evaluation import ranking_metrics
from lookalike.evaluation.embeddings import (
    Library,
    Vectors,
    chosen,
    counter,
    describe_files,
    distances,
    needed,
    workers,
)
from lookalike.evaluation.training_overlap import TrainingOverlap, training_overlaps
from lookalike.types import Failure, Floats, Progress

FEW_LABELS = (1, 5, 20)  # labelled images of each class
RECALL_RANK = 10
QUERY_BLOCK = 500  # queries whose distances are in memory at a time


@dataclass(frozen=True, slots=True)
class FewLabels:
    """With ``examples`` labelled images of each class: the ``mean`` and standard ``deviation`` over 10 draws of the
    accuracy of the nearest class mean on the other images."""

    examples: int
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How well one measure keeps classes together; all of 0..1. ``by_class``: mean average precision of each.

    ``few_labels`` is empty for the blend, which has distances but no vectors to take a mean of.
    """

    by: str
    mean_average_precision: float
    recall_at_1: float
    recall_at_10: float
    few_labels: tuple[FewLabels, ...]
    by_class: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ClassReport:
    """What was evaluated, and how it did. ``classes``: name -> images. ``queries``: images that were queries.

    ``identical``: files left out because another one holds the same bytes. ``unlabelled``: files that lie in no class.
    ``chance``: what a random ranking has. ``training_overlap``: which of the images were trained on.
    """

    images: int
    queries: int
    classes: Mapping[str, int]
    identical: int
    unlabelled: int
    seed: int
    scores: tuple[ClassScore, ...]
    chance: ClassScore
    failed: tuple[Failure, ...]
    training_overlap: tuple[TrainingOverlap, ...] = ()


@dataclass(frozen=True, slots=True)
class _LabelledVectors:
    """N images; ``labels``: (N,) numbers of ``names``; ``queries``: (Q,) rows of those that are queries."""

    vectors: Vectors
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    queries: NDArray[np.int64]

    def relevant(self, some: slice) -> NDArray[np.bool_]:
        """(B, N): whether each is another image of the query's class."""
        rows = self.queries[some, None]
        return np.asarray((self.labels[rows] == self.labels) & (rows != np.arange(len(self.labels))), np.bool_)


def class_of(folder: str, file: str) -> str | None:
    """The name of the sub-folder of ``folder`` below which the file lies; None for one that lies in no sub-folder."""
    first, separator, _ = os.path.relpath(file, folder).partition(os.path.sep)
    return first if separator and first != os.pardir else None


def evaluate_classes(
    folder: str,
    files: Sequence[str],
    by: Sequence[str] | None = None,
    *,
    queries: int | None = None,
    seed: int = 0,
    progress: Progress = lambda *_: None,
    processes: int | None = None,
) -> ClassReport:
    """How well each measure finds the other images of a class: leave one out, all others are the library.

    ``files`` lie in ``folder``, one sub-folder for each class. ``queries``: how many of them are queries, drawn at
    random; None: all that have another one of their class. Raises UserError unless two classes hold two images that can
    be read.
    """
    by = chosen(by)
    labels = {file: label for file in files if (label := class_of(folder, file)) is not None}
    _check_enough(list(labels.values()))
    with workers(len(labels), processes) as mapped:
        library = describe_files(mapped, list(labels), needed(by), counter(progress, len(labels)))
    found = [labels[path] for path in library.paths]
    _check_enough(found)
    everything = _drawn(library, found, queries, seed)
    return ClassReport(
        images=len(found),
        queries=len(everything.queries),
        classes={name: found.count(name) for name in everything.names},
        identical=library.identical,
        unlabelled=len(files) - len(labels),
        seed=seed,
        scores=tuple(_scored(name, everything, seed) for name in by),
        chance=_chance(everything),
        failed=library.failed,
        training_overlap=training_overlaps(by, library.digests),
    )


def _check_enough(labels: Sequence[str]) -> None:
    names, sizes = np.unique(np.array(labels, str), return_counts=True)
    if (sizes >= 2).sum() < 2:
        raise UserError(
            f"too few classes: {len(names)} sub-folders hold images, {(sizes >= 2).sum()} of them two or more that "
            "can be read and are not the same file twice; it takes two such classes"
        )


def _drawn(library: Library, found: Sequence[str], queries: int | None, seed: int) -> _LabelledVectors:
    names, labels, sizes = np.unique(np.array(found, str), return_inverse=True, return_counts=True)
    able = np.flatnonzero(sizes[labels] >= 2)
    order = np.random.default_rng([seed, 0]).permutation(able)
    rows = np.sort(order[: len(able) if queries is None else queries])
    return _LabelledVectors(library.vectors, labels.astype(np.int64), tuple(map(str, names)), rows)


# --- scores


def _scored(name: str, everything: _LabelledVectors, seed: int) -> ClassScore:
    precision, ranks = _of_queries(name, everything)
    few = () if name == BLEND else tuple(_few(name, everything, count, seed) for count in FEW_LABELS)
    return ClassScore(
        by=name,
        mean_average_precision=float(precision.mean()),
        recall_at_1=float((ranks <= 1).mean()),
        recall_at_10=float((ranks <= RECALL_RANK).mean()),
        few_labels=few,
        by_class=_by_class(everything, precision),
    )


def _of_queries(name: str, everything: _LabelledVectors) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(Q,) average precision, and (Q,) the rank of the nearest image of the same class."""
    precision, ranks = [], []
    for near, relevant in _blocks(name, everything):
        precision.append(ranking_metrics.average_precision(near, relevant))
        ranks.append(ranking_metrics.first_relevant_rank(near, relevant))
    return np.concatenate(precision), np.concatenate(ranks)


def _blocks(name: str, everything: _LabelledVectors) -> Iterator[tuple[Floats, NDArray[np.bool_]]]:
    """(B, N) distances of some queries, infinite to themselves, and whether each is to one of their class."""
    for start in range(0, len(everything.queries), QUERY_BLOCK):
        rows = everything.queries[start : start + QUERY_BLOCK]
        near = distances(name, everything.vectors.rows(rows), everything.vectors)
        near[np.arange(len(rows)), rows] = np.inf
        yield near, everything.relevant(slice(start, start + QUERY_BLOCK))


def _few(name: str, everything: _LabelledVectors, count: int, seed: int) -> FewLabels:
    vectors, metric = everything.vectors.of[name], get(name).card.metric
    if metric == "hamming":  # numbers that a mean can be taken of
        vectors = np.unpackbits(vectors, axis=1) * 2.0 - 1
    unit = metric != "euclidean"
    accuracy = ranking_metrics.few_label_accuracy(vectors, everything.labels, count, unit=unit, seed=seed)
    return FewLabels(count, float(accuracy.mean()), float(accuracy.std()))


def _by_class(everything: _LabelledVectors, values: NDArray[np.float64]) -> dict[str, float]:
    """The mean of (Q,) values over the queries of each class that has any."""
    labels = everything.labels[everything.queries]
    return {everything.names[kind]: float(values[labels == kind].mean()) for kind in np.unique(labels)}


def _chance(everything: _LabelledVectors) -> ClassScore:
    sizes = np.bincount(everything.labels)
    others, relevant = len(everything.labels) - 1, sizes[everything.labels[everything.queries]] - 1
    expected = np.array(
        [ranking_metrics.chance_average_precision(int(count), others) for count in range(1, sizes.max())]
    )
    precision = expected[relevant - 1]
    first, among = (
        np.mean([ranking_metrics.chance_recall_at_k(int(n), others, k) for n in relevant]) for k in (1, RECALL_RANK)
    )
    share = 1 / int((sizes >= 2).sum())
    return ClassScore(
        by="chance",
        mean_average_precision=float(precision.mean()),
        recall_at_1=float(first),
        recall_at_10=float(among),
        few_labels=tuple(FewLabels(count, share, 0.0) for count in FEW_LABELS),
        by_class=_by_class(everything, precision),
    )
