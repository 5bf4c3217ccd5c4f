"""Verification: how well distances separate pairs of one class from pairs of two; ROC, errors, a threshold, a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.distance import Metric, cosine, euclidean
from lookalike.errors import UserError
from lookalike.evaluation import ranking_metrics
from lookalike.evaluation.charts import curves, roc
from lookalike.training.export.training_page import CaptionedImage, Section, Strip, captioned
from lookalike.types import Floats, Pixels

HISTOGRAM_BINS = 40
HARDEST_PAIRS = 6  # of images, of each kind, that the page shows
CURVE_POINTS = 300  # of a drawn curve


@dataclass(frozen=True, slots=True)
class Verification:
    """``same`` and ``different``: (P,) and (Q,) distances of the pairs; ``hardest``: the furthest pairs of a class and
    the nearest of two, as rows; ``ranking``: all pairs in one order; ``median_negative_distance``: the median of
    ``different``."""

    same: Floats
    different: Floats
    hardest: tuple[list[tuple[int, int]], list[tuple[int, int]]]
    ranking: ranking_metrics.Ranking
    metrics: Mapping[str, float]

    @property
    def median_negative_distance(self) -> float:
        return float(np.median(self.different))


def verify_pairs(vectors: Floats, labels: NDArray[np.int64], metric: Metric) -> Verification:
    """(N, D) vectors, (N,) labels -> every pair, once. Raises UserError unless there are pairs of both kinds."""
    refuse_without_pairs(labels)
    table = (cosine if metric == "cosine" else euclidean)(vectors, vectors)
    first, second = np.triu_indices(len(labels), 1)
    distances, same_class = table[first, second], labels[first] == labels[second]
    same, different = distances[same_class], distances[~same_class]
    ranking = ranking_metrics.rank_pairs(same, [different])
    np.fill_diagonal(table, np.inf)
    relevant = (labels[:, None] == labels) & ~np.eye(len(labels), dtype=bool)
    threshold, balanced_accuracy = best_threshold(same, ranking)
    metrics = {
        "AUC": ranking_metrics.roc_auc(ranking),
        "equal error rate": ranking_metrics.equal_error_rate(ranking),
        "threshold": threshold,
        "balanced accuracy": balanced_accuracy,
        "mAP": ranking_metrics.mean_average_precision(table, relevant),
        "recall@1": ranking_metrics.recall_at_k(table, relevant, 1),
    }
    rows = list(zip(first.tolist(), second.tolist(), strict=True))
    return Verification(same, different, _hardest(rows, distances, same_class), ranking, metrics)


def refuse_without_pairs(labels: NDArray[np.int64]) -> None:
    """Raises UserError unless two images of a class and two classes are held out."""
    counts = np.unique(labels, return_counts=True)[1]
    if len(counts) < 2 or counts.max() < 2:
        raise UserError(
            "the held-out images have no pair of a class, or no two classes: hold out more, or give more images"
        )


def best_threshold(same: Floats, ranking: ranking_metrics.Ranking) -> tuple[float, float]:
    """The distance at and below which pairs are best called the same, and the balanced accuracy of that: the
    mean of the true positive and the true negative rate (Youden's index)."""
    accuracy = (ranking.recall + 1 - ranking.false_positive_rate) / 2
    place = int(accuracy.argmax())
    return float(np.sort(same)[place]), float(accuracy[place])


def _hardest(
    rows: Sequence[tuple[int, int]], distances: Floats, same_class: NDArray[np.bool_]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    order = np.argsort(distances, kind="stable")
    far = [rows[place] for place in order[::-1] if same_class[place]][:HARDEST_PAIRS]
    near = [rows[place] for place in order if not same_class[place]][:HARDEST_PAIRS]
    return far, near


def sections(verification: Verification, pixels: Sequence[Pixels], lede: str) -> tuple[Section, ...]:
    """The metrics as curves, and the hardest pairs as images; ``pixels``: N images."""
    metrics = verification.metrics
    errors = roc([("pairs", _roc(verification.ranking))], verification.ranking.negatives)
    histograms = curves("Distances", "distance", "share of the pairs", _histograms(verification))
    at = (
        f" At {metrics['threshold']:.3f} and below, two images are best called the same, with a "
        f"balanced accuracy of {metrics['balanced accuracy']:.1%}."
    )
    far, near = verification.hardest
    strips = (
        Strip("One class, and the furthest apart", tuple(_pairs(far, pixels))),
        Strip("Two classes, and the nearest", tuple(_pairs(near, pixels))),
    )
    return (
        Section("Same or different", lede + at, (errors, histograms)),
        Section("Hardest pairs", "Each image stands beside the other of its pair.", strips=strips),
    )


def _roc(ranking: ranking_metrics.Ranking) -> list[tuple[float, float]]:
    places = np.linspace(0, len(ranking.recall) - 1, min(CURVE_POINTS, len(ranking.recall))).astype(int)
    return [(float(ranking.false_positive_rate[place]), float(ranking.recall[place])) for place in places]


def _histograms(verification: Verification) -> list[tuple[str, list[tuple[float, float]]]]:
    edges = np.linspace(0, max(verification.same.max(), verification.different.max()), HISTOGRAM_BINS + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    lines = []
    for name, values in (("same class", verification.same), ("different classes", verification.different)):
        share = np.histogram(values, edges)[0] / len(values)
        lines.append((name, [(float(x), float(y)) for x, y in zip(middle, share, strict=True)]))
    return lines


def _pairs(pairs: Sequence[tuple[int, int]], pixels: Sequence[Pixels]) -> list[CaptionedImage]:
    return [captioned(pixels[row], f"pair {place + 1}") for place, pair in enumerate(pairs) for row in pair]
