"""How good a ranking is: pure functions of distances and of relevance. No images, no files.

Distances: smaller is closer; infinite is "never found". Ties are settled against us: of equal distances, the negatives
come first. All scores lie in 0..1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.distance import normalise
from lookalike.errors import UserError

Array = NDArray[Any]
Mask = NDArray[np.bool_]
Doubles = NDArray[np.float64]

FALSE_MATCH_RATE = 1 / 500  # share of the distractor queries that may have any match
FEW_LABEL_DRAWS = 10

# --- queries, each with a ranking of its own: retrieval


def first_relevant_rank(distances: Array, relevant: Mask) -> Doubles:
    """(Q, N) distances, (Q, N) whether each is relevant to the query -> (Q,) rank of the first relevant one, from 1.

    Infinite for a query that never finds one. Raises UserError for other shapes and for NaN.
    """
    _check_table(distances, relevant)
    best = np.where(relevant, distances, np.inf).min(axis=1, initial=np.inf)
    before = (~relevant & (distances <= best[:, None])).sum(axis=1)
    return np.where(np.isfinite(best), 1.0 + before, np.inf)


def recall_at_k(distances: Array, relevant: Mask, k: int) -> float:
    """(Q, N), (Q, N) -> the share of queries with at least one relevant image among their k nearest.

    What most work on metric learning reports (see Musgrave et al., arXiv 2003.08505). Queries without a relevant image
    are left out; raises UserError if none is left.
    """
    queries = _with_relevant(distances, relevant)
    return float((first_relevant_rank(distances[queries], relevant[queries]) <= k).mean())


def average_precision(distances: Array, relevant: Mask) -> Doubles:
    """(Q, N), (Q, N) -> (Q,): the mean, over a query's relevant images, of the precision at the rank of each.

    The area under the precision-recall curve as a sum, without interpolation (Manning et al., Introduction to
    Information Retrieval, 8.4). A relevant image at infinite distance adds 0; so does a query without one.
    """
    _check_table(distances, relevant)
    order = np.lexsort((relevant, distances), axis=-1)
    hits = np.take_along_axis(relevant & np.isfinite(distances), order, axis=1)
    precision = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    return np.asarray((precision * hits).sum(axis=1) / np.maximum(relevant.sum(axis=1), 1), np.float64)


def mean_average_precision(distances: Array, relevant: Mask) -> float:
    """(Q, N), (Q, N) -> the mean of ``average_precision`` over the queries that have a relevant image."""
    queries = _with_relevant(distances, relevant)
    return float(average_precision(distances[queries], relevant[queries]).mean())


def chance_recall_at_k(relevant: int, candidates: int, k: int) -> float:
    """recall@k of a query with so many relevant ones among so many candidates, in random order."""
    return 1.0 - comb(candidates - relevant, min(k, candidates)) / comb(candidates, min(k, candidates))


def chance_average_precision(relevant: int, candidates: int) -> float:
    """The expected average precision of a random order (Bestgen, "Exact Expected Average
    Precision of the Random Baseline", 2015)."""
    harmonic = float((1 / np.arange(1, candidates + 1)).sum())
    others = (relevant - 1) / (candidates - 1) if candidates > 1 else 0.0
    return (harmonic + others * (candidates - harmonic)) / candidates


# --- pairs, all in one ranking: one threshold for all queries


@dataclass(frozen=True, slots=True)
class Ranking:
    """All pairs of queries and library images in one ranking.

    ``before``: (F,) int64, for each positive pair of finite distance, nearest first, how many negative pairs are as
    near or nearer. ``positives``: how many positive pairs there are, P >= F. ``negatives``: how many negative ones.
    """

    before: NDArray[np.int64]
    positives: int
    negatives: int

    @property
    def recall(self) -> Doubles:
        """(F,): the share of the positive pairs at or before each threshold, the true positive rate."""
        return np.arange(1, len(self.before) + 1) / self.positives

    @property
    def precision(self) -> Doubles:
        """(F,): the share of positives among all pairs at or before each threshold."""
        ranks = np.arange(1, len(self.before) + 1)
        return np.asarray(ranks / (ranks + self.before), np.float64)

    @property
    def false_positive_rate(self) -> Doubles:
        """(F,): the share of the negative pairs at or before each threshold."""
        return self.before / max(self.negatives, 1)


def rank_pairs(positive: Array, negative: Iterable[Array]) -> Ranking:
    """Distances of the positive pairs (P,), and of all negative ones in blocks of any shape -> Ranking.

    The blocks are taken one by one, so that they need never be in memory together. Raises UserError without a
    positive pair, and for NaN.
    """
    if not positive.size:
        raise UserError("nothing to rank: there is no positive pair")
    _check_numbers(positive)
    thresholds = np.sort(positive[np.isfinite(positive)], axis=None)
    arrived = np.zeros(len(thresholds) + 1, np.int64)
    count = 0
    for block in negative:
        _check_numbers(block)
        places = np.searchsorted(thresholds, block.ravel(), side="left")
        arrived += np.bincount(places, minlength=len(arrived))
        count += block.size
    return Ranking(arrived.cumsum()[:-1], positive.size, count)


def micro_average_precision(ranking: Ranking) -> float:
    """Average precision over all pairs in one ranking: how well one threshold serves all queries.

    The score of the Image Similarity Challenge (DISC21, arXiv 2106.09672) and of SSCD (arXiv 2202.10261). Queries
    that have no copy in the library add negative pairs. A positive pair at infinite distance adds 0.
    """
    return float(ranking.precision.sum() / ranking.positives)


def recall_at_precision(ranking: Ranking, precision: float = 0.9) -> float:
    """The largest recall of a threshold with at least this precision (DISC21: at 0.9)."""
    return float(ranking.recall[ranking.precision >= precision].max(initial=0.0))


def roc_auc(ranking: Ranking) -> float:
    """The probability that a positive pair is nearer than a negative one: the area under the ROC curve (Fawcett, "An
    introduction to ROC analysis", 2006).

    Equal distances count 0 here, not one half. Raises UserError without a negative pair.
    """
    _check_negatives(ranking)
    return float((1 - ranking.false_positive_rate).sum() / ranking.positives)


def equal_error_rate(ranking: Ranking) -> float:
    """The smallest e for which one threshold misses at most e of the positive and takes at most e of the negative
    pairs.

    A point that can be had, not one that is interpolated between two. Raises UserError without a negative pair.
    """
    _check_negatives(ranking)
    return float(np.maximum(ranking.false_positive_rate, 1 - ranking.recall).min(initial=1.0))


# --- a threshold that distractors set


def allowed_matches(queries: int, rate: float = FALSE_MATCH_RATE) -> int:
    """How many of so many distractor queries may match, rounded down."""
    return int(queries * rate + 1e-9)  # 49 * (1 / 49) is a little below 1


def threshold_at_false_matches(nearest: Array, rate: float = FALSE_MATCH_RATE) -> float:
    """(F,) distance of each distractor query to its nearest library image -> the threshold.

    At most ``rate`` of the distractor queries lie strictly below it; with fewer than 1 / rate of them, none. Infinite
    where any number may. Raises UserError without distractors.
    """
    if not nearest.size:
        raise UserError("a threshold needs distractors: images without a copy in the library")
    _check_numbers(nearest)
    allowed = allowed_matches(nearest.size, rate)
    return float(np.sort(nearest, axis=None)[allowed]) if allowed < nearest.size else float("inf")


def recall_at_false_matches(positive: Array, nearest: Array, rate: float = FALSE_MATCH_RATE) -> float:
    """(P,) distances of positive pairs, (F,) of distractors to their nearest -> the recall.

    A pair is found that lies strictly below ``threshold_at_false_matches``. Raises UserError if either is empty.
    """
    if not positive.size:
        raise UserError("nothing to find: there is no positive pair")
    return float((positive < threshold_at_false_matches(nearest, rate)).mean())


# --- few labels


def few_label_accuracy(
    vectors: Array, labels: Array, count: int, *, unit: bool = False, draws: int = FEW_LABEL_DRAWS, seed: int = 0
) -> Doubles:
    """(N, D) vectors, (N,) labels -> (draws,): the accuracy of the nearest class mean.

    In each draw, ``count`` images of each class are its examples, or all but one where it has no more; all others
    are queries, by Euclidean distance to the means (Snell et al., Prototypical Networks, arXiv 1703.05175). ``unit``:
    the means are brought to unit length, for vectors whose angle is what counts. Classes of one image are left out.
    Raises UserError for a count below 1 and where fewer than two classes have two images.
    """
    kinds, numbers, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    used = np.flatnonzero(sizes >= 2)
    if count < 1 or len(used) < 2:
        raise UserError(f"examples need a count of 1 or more and two classes of two images; of {len(kinds)} classes "
                        f"{len(used)} have two, and the count is {count}")  # fmt: skip
    vectors = np.asarray(vectors, np.float64)
    return np.array([_one_draw(vectors, numbers, used, count, unit, [seed, draw]) for draw in range(draws)])


def _one_draw(vectors: Doubles, numbers: Array, used: Array, count: int, unit: bool, seed: list[int]) -> float:
    order = np.random.default_rng(seed).permutation(len(numbers))
    means, queries, targets = [], [], []
    for place, kind in enumerate(used):
        members = order[numbers[order] == kind]
        examples = min(count, len(members) - 1)
        means.append(vectors[members[:examples]].mean(axis=0))
        queries.append(members[examples:])
        targets.append(np.full(len(members) - examples, place))
    return _nearest_mean(vectors[np.concatenate(queries)], np.stack(means), np.concatenate(targets), unit)


def _nearest_mean(queries: Doubles, means: Doubles, targets: Array, unit: bool) -> float:
    if unit:
        means = normalise(means)
    squared = (queries**2).sum(axis=1)[:, None] - 2 * queries @ means.T + (means**2).sum(axis=1)
    rows = np.arange(len(queries))
    own = squared[rows, targets].copy()
    squared[rows, targets] = np.inf
    return float((own < squared.min(axis=1)).mean())


# --- checks


def _check_table(distances: Array, relevant: Mask) -> None:
    if distances.ndim != 2 or distances.shape != relevant.shape or relevant.dtype != np.bool_:
        raise UserError(
            f"a ranking needs distances (Q, N) and a mask (Q, N) of bool, not {distances.shape} and "
            f"{relevant.shape} {relevant.dtype}"
        )
    _check_numbers(distances)


def _check_numbers(distances: Array) -> None:
    if np.isnan(distances).any():
        raise UserError("a distance is not a number; use infinity for what must never be found")


def _check_negatives(ranking: Ranking) -> None:
    if not ranking.negatives:
        raise UserError("nothing to separate: every pair is positive")


def _with_relevant(distances: Array, relevant: Mask) -> Mask:
    _check_table(distances, relevant)
    queries = np.asarray(relevant.any(axis=1), np.bool_)
    if not queries.any():
        raise UserError("no query has a relevant image")
    return queries
