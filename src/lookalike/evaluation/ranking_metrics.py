"""How good an order is: pure functions of distances and of what belongs together. No images, no files.

Distances: smaller is closer; infinite is "never found". Ties are settled against us: of equal distances, the wrong
ones come first. All scores lie in 0..1.
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

FALSE_SHARE = 1 / 500  # of the foreign queries may have any match
DRAWS = 10

# --- queries, each with an order of its own: retrieval


def best_rank(distances: Array, relevant: Mask) -> Doubles:
    """(Q, N) distances, (Q, N) whether each belongs to the query -> (Q,) place of the first right one, from 1.

    Infinite for a query that never finds one. Raises UserError for other shapes and for NaN.
    """
    _check_table(distances, relevant)
    best = np.where(relevant, distances, np.inf).min(axis=1, initial=np.inf)
    before = (~relevant & (distances <= best[:, None])).sum(axis=1)
    return np.where(np.isfinite(best), 1.0 + before, np.inf)


def recall_at_k(distances: Array, relevant: Mask, k: int) -> float:
    """(Q, N), (Q, N) -> the share of queries with at least one right image among their k nearest.

    What most work on metric learning reports (see Musgrave et al., arXiv 2003.08505). Queries that have nothing to find
    are left out; raises UserError if none is left.
    """
    asked = _with_something_to_find(distances, relevant)
    return float((best_rank(distances[asked], relevant[asked]) <= k).mean())


def average_precision(distances: Array, relevant: Mask) -> Doubles:
    """(Q, N), (Q, N) -> (Q,): the mean, over a query's right images, of the precision at the place of each.

    The area under the precision-recall curve as a sum, without interpolation (Manning et al., Introduction to
    Information Retrieval, 8.4). A right image at infinite distance adds 0; so does a query with nothing to find.
    """
    _check_table(distances, relevant)
    order = np.lexsort((relevant, distances), axis=-1)
    hits = np.take_along_axis(relevant & np.isfinite(distances), order, axis=1)
    precision = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    return np.asarray((precision * hits).sum(axis=1) / np.maximum(relevant.sum(axis=1), 1), np.float64)


def mean_average_precision(distances: Array, relevant: Mask) -> float:
    """(Q, N), (Q, N) -> the mean of ``average_precision`` over the queries that have something to find."""
    asked = _with_something_to_find(distances, relevant)
    return float(average_precision(distances[asked], relevant[asked]).mean())


def chance_recall_at_k(relevant: int, candidates: int, k: int) -> float:
    """recall@k of a query with so many right ones among so many candidates, if the order were drawn by lot."""
    return 1.0 - comb(candidates - relevant, min(k, candidates)) / comb(candidates, min(k, candidates))


def chance_average_precision(relevant: int, candidates: int) -> float:
    """The expected average precision of an order that is drawn by lot (Bestgen, "Exact Expected Average
    Precision of the Random Baseline", 2015)."""
    harmonic = float((1 / np.arange(1, candidates + 1)).sum())
    others = (relevant - 1) / (candidates - 1) if candidates > 1 else 0.0
    return (harmonic + others * (candidates - harmonic)) / candidates


# --- pairs, all in one order: one threshold for all queries


@dataclass(frozen=True, slots=True)
class Ranking:
    """All pairs of queries and library images in one order.

    ``before``: (F,) int64, for each right pair of finite distance, nearest first, how many wrong pairs are as near
    or nearer. ``right``: how many right pairs there are, P >= F. ``wrong``: how many wrong ones.
    """

    before: NDArray[np.int64]
    right: int
    wrong: int

    @property
    def recall(self) -> Doubles:
        """(F,): the share of the right pairs at or before each threshold."""
        return np.arange(1, len(self.before) + 1) / self.right

    @property
    def precision(self) -> Doubles:
        """(F,): the share of right ones among all pairs at or before each threshold."""
        ranks = np.arange(1, len(self.before) + 1)
        return np.asarray(ranks / (ranks + self.before), np.float64)

    @property
    def false_positives(self) -> Doubles:
        """(F,): the share of the wrong pairs at or before each threshold."""
        return self.before / max(self.wrong, 1)


def rank_pairs(right: Array, wrong: Iterable[Array]) -> Ranking:
    """Distances of the pairs that belong together (P,), and of all others in blocks of any shape -> Ranking.

    The blocks are taken one by one, so that they need never be in memory together. Raises UserError without a
    right pair, and for NaN.
    """
    if not right.size:
        raise UserError("nothing to rank: no pair belongs together")
    _check_numbers(right)
    thresholds = np.sort(right[np.isfinite(right)], axis=None)
    arrived = np.zeros(len(thresholds) + 1, np.int64)
    count = 0
    for block in wrong:
        _check_numbers(block)
        places = np.searchsorted(thresholds, block.ravel(), side="left")
        arrived += np.bincount(places, minlength=len(arrived))
        count += block.size
    return Ranking(arrived.cumsum()[:-1], right.size, count)


def micro_average_precision(ranking: Ranking) -> float:
    """Average precision over all pairs in one order: how well one threshold serves all queries.

    The score of the Image Similarity Challenge (DISC21, arXiv 2106.09672) and of SSCD (arXiv 2202.10261). Queries
    that have no copy in the library add wrong pairs. A right pair at infinite distance adds 0.
    """
    return float(ranking.precision.sum() / ranking.right)


def recall_at_precision(ranking: Ranking, precision: float = 0.9) -> float:
    """The largest share of right pairs that a threshold finds with at least this precision (DISC21: at 0.9)."""
    return float(ranking.recall[ranking.precision >= precision].max(initial=0.0))


def roc_auc(ranking: Ranking) -> float:
    """The probability that a right pair is nearer than a wrong one: the area under the ROC curve (Fawcett, "An
    introduction to ROC analysis", 2006).

    Equal distances count 0 here, not one half. Raises UserError without a wrong pair.
    """
    _check_wrong(ranking)
    return float((1 - ranking.false_positives).sum() / ranking.right)


def equal_error_rate(ranking: Ranking) -> float:
    """The smallest e for which one threshold misses at most e of the right and takes at most e of the wrong pairs.

    A point that can be had, not one that is interpolated between two. Raises UserError without a wrong pair.
    """
    _check_wrong(ranking)
    return float(np.maximum(ranking.false_positives, 1 - ranking.recall).min(initial=1.0))


# --- a threshold that strangers set


def allowed_matches(queries: int, share: float = FALSE_SHARE) -> int:
    """How many of so many foreign queries may match, rounded down."""
    return int(queries * share + 1e-9)  # 49 * (1 / 49) is a little below 1


def threshold_at_false_matches(nearest: Array, share: float = FALSE_SHARE) -> float:
    """(F,) distance of each foreign query to its nearest library image -> the threshold.

    At most ``share`` of the foreign queries lie strictly below it; with fewer than 1 / share of them, none. Infinite
    where any number may. Raises UserError without foreign queries.
    """
    if not nearest.size:
        raise UserError("a threshold needs foreign queries: images that are not in the library")
    _check_numbers(nearest)
    allowed = allowed_matches(nearest.size, share)
    return float(np.sort(nearest, axis=None)[allowed]) if allowed < nearest.size else float("inf")


def recall_at_false_matches(right: Array, nearest: Array, share: float = FALSE_SHARE) -> float:
    """(P,) distances of right pairs, (F,) of foreign queries to their nearest -> the share of right pairs found.

    Found is what lies strictly below ``threshold_at_false_matches``. Raises UserError if either is empty.
    """
    if not right.size:
        raise UserError("nothing to find: no pair belongs together")
    return float((right < threshold_at_false_matches(nearest, share)).mean())


# --- few labels


def few_label_accuracy(
    vectors: Array, labels: Array, count: int, *, unit: bool = False, draws: int = DRAWS, seed: int = 0
) -> Doubles:
    """(N, D) vectors, (N,) labels -> (draws,): the share that the nearest class mean tells right.

    In each draw, ``count`` images of each class are its examples, or all but one where it has no more; all others
    are asked, by Euclidean distance to the means (Snell et al., Prototypical Networks, arXiv 1703.05175). ``unit``:
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
    means, asked, answers = [], [], []
    for place, kind in enumerate(used):
        members = order[numbers[order] == kind]
        examples = min(count, len(members) - 1)
        means.append(vectors[members[:examples]].mean(axis=0))
        asked.append(members[examples:])
        answers.append(np.full(len(members) - examples, place))
    return _nearest_mean(vectors[np.concatenate(asked)], np.stack(means), np.concatenate(answers), unit)


def _nearest_mean(asked: Doubles, means: Doubles, answers: Array, unit: bool) -> float:
    if unit:
        means = normalise(means)
    squared = (asked**2).sum(axis=1)[:, None] - 2 * asked @ means.T + (means**2).sum(axis=1)
    rows = np.arange(len(asked))
    own = squared[rows, answers].copy()
    squared[rows, answers] = np.inf
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


def _check_wrong(ranking: Ranking) -> None:
    if not ranking.wrong:
        raise UserError("nothing to tell apart: every pair belongs together")


def _with_something_to_find(distances: Array, relevant: Mask) -> Mask:
    _check_table(distances, relevant)
    asked = np.asarray(relevant.any(axis=1), np.bool_)
    if not asked.any():
        raise UserError("no query has anything to find")
    return asked
