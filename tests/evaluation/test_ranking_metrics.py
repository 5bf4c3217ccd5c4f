"""The scores against hand-made orders, explicit loops, and scikit-learn where the definitions agree."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lookalike.errors import UserError
from lookalike.evaluation.ranking_metrics import (
    allowed_matches,
    average_precision,
    chance_average_precision,
    chance_recall_at_k,
    equal_error_rate,
    few_label_accuracy,
    first_relevant_rank,
    mean_average_precision,
    micro_average_precision,
    rank_pairs,
    recall_at_false_matches,
    recall_at_k,
    recall_at_precision,
    roc_auc,
    threshold_at_false_matches,
)

INF = math.inf
# Few different distances, so that there are many ties; some are infinite.
distance = st.one_of(st.integers(0, 6).map(float), st.just(INF))
some = st.lists(distance, min_size=1, max_size=12)


@st.composite
def tables(draw: st.DrawFn) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Distances (Q, N) and what is relevant; at least one query has something to find."""
    q, n = draw(st.integers(1, 4)), draw(st.integers(1, 8))
    distances = draw(st.lists(distance, min_size=q * n, max_size=q * n))
    relevant = draw(st.lists(st.booleans(), min_size=q * n, max_size=q * n).filter(any))
    return np.array(distances).reshape(q, n), np.array(relevant).reshape(q, n)


def worst_order(distances: Any, relevant: Any) -> list[tuple[float, bool]]:
    """(distance, right), nearest first; of equal distances the wrong ones first."""
    return sorted(zip(map(float, distances), map(bool, relevant), strict=True))


def precisions(order: list[tuple[float, bool]]) -> list[float]:
    """The precision at each right one that is found."""
    found, values = 0, []
    for place, (far, positive) in enumerate(order, start=1):
        if positive and far < INF:
            found += 1
            values.append(found / place)
    return values


# --- hand-made


def test_ranks_by_hand() -> None:
    """The first right one stands 1st, 3rd, behind a tie 2nd, and nowhere."""
    distances = np.array([[1, 2, 3], [3, 1, 2], [1, 1, 2], [1, 2, INF], [1, 2, 3]])
    relevant = np.array([[1, 0, 1], [1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]], bool)
    assert first_relevant_rank(distances, relevant).tolist() == [1, 3, 2, INF, INF]


def test_recall_by_hand() -> None:
    """Of three queries with something to find, one is right at once, two among two; the fourth does not count."""
    distances = np.array([[1, 2, 3], [2, 1, 3], [2, 1, 3], [1, 2, 3]])
    relevant = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]], bool)
    assert [recall_at_k(distances, relevant, k) for k in (1, 2, 3)] == [1 / 3, 2 / 3, 1]


def test_average_precision_by_hand() -> None:
    """Right ones at 1 and 3 of 4: (1 + 2/3) / 2; one that is never found adds nothing but counts."""
    distances = np.array([[1, 2, 3, 4], [1, 2, 3, INF]])
    relevant = np.array([[1, 0, 1, 0], [1, 0, 0, 1]], bool)
    assert average_precision(distances, relevant) == pytest.approx([5 / 6, 1 / 2])
    assert mean_average_precision(distances, relevant) == pytest.approx(2 / 3)


def test_pairs_by_hand() -> None:
    """Right at 1, 2, 4, wrong at 2, 3, 5, 6: each score as counted with pencil and paper."""
    ranking = rank_pairs(np.array([1.0, 2, 4]), [np.array([[2.0, 3], [5, 6]])])
    assert (ranking.before.tolist(), ranking.positives, ranking.negatives) == ([0, 1, 2], 3, 4)
    assert micro_average_precision(ranking) == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)
    assert [recall_at_precision(ranking, p) for p in (1, 0.66, 0.6, 0.5)] == [1 / 3, 2 / 3, 1, 1]
    assert roc_auc(ranking) == pytest.approx((4 + 3 + 2) / 12)
    assert equal_error_rate(ranking) == pytest.approx(1 / 3)  # at 2: one of three missed, one of four taken


def test_a_perfect_order_and_its_reverse() -> None:
    """What is all in front scores 1, what is all behind scores what is left, and equal distances count against us."""
    near, far = np.array([1.0, 2]), np.array([3.0, 4, 5])
    perfect, reverse, tied = rank_pairs(near, [far]), rank_pairs(far, [near]), rank_pairs(near * 0, [far * 0])
    assert (micro_average_precision(perfect), roc_auc(perfect), equal_error_rate(perfect)) == (1, 1, 0)
    assert (roc_auc(reverse), equal_error_rate(reverse), recall_at_precision(reverse)) == (0, 1, 0)
    assert micro_average_precision(reverse) == pytest.approx((1 / 3 + 2 / 4 + 3 / 5) / 3)
    assert (roc_auc(tied), equal_error_rate(tied)) == (0, 1)


def test_what_is_never_found() -> None:
    """A right pair at infinity lowers every score, and no wrong pair at infinity comes before a right one."""
    ranking = rank_pairs(np.array([1.0, INF]), [np.array([INF, 2.0])])
    assert ranking.before.tolist() == [0]
    assert (micro_average_precision(ranking), recall_at_precision(ranking)) == (0.5, 0.5)
    assert (roc_auc(ranking), equal_error_rate(ranking)) == (0.5, 0.5)
    assert micro_average_precision(rank_pairs(np.array([INF]), [np.array([1.0])])) == 0
    assert equal_error_rate(rank_pairs(np.array([INF]), [np.array([1.0])])) == 1


def test_threshold_by_hand() -> None:
    """Of four distractors none, one or all may pass; what lies exactly at the threshold is not found."""
    nearest = np.array([5.0, 3, 9, 7])
    assert [threshold_at_false_matches(nearest, rate) for rate in (0.2, 0.25, 0.5, 1)] == [3, 5, 7, INF]
    assert recall_at_false_matches(np.array([1.0, 3, 4, INF]), nearest, 0.2) == 0.25
    assert recall_at_false_matches(np.array([1.0, 3, 4, INF]), nearest, 0.25) == 0.75
    assert [allowed_matches(count) for count in (1, 499, 500, 999, 1000)] == [0, 0, 1, 1, 2]
    assert all(allowed_matches(count, 1 / count) == 1 for count in range(1, 2000))


# --- loops


@given(tables())
def test_retrieval_is_what_loops_say(table: tuple[NDArray[Any], NDArray[np.bool_]]) -> None:
    """recall@k and mean average precision equal a sort and a count, query by query."""
    queries = [row for row in zip(*table, strict=True) if row[1].any()]
    orders = [worst_order(*row) for row in queries]
    means = [sum(precisions(order)) / sum(positive for _, positive in order) for order in orders]
    assert mean_average_precision(*table) == pytest.approx(sum(means) / len(means))
    for k in (1, 2, 5):
        found = [any(positive and far < INF for far, positive in order[:k]) for order in orders]
        assert recall_at_k(*table, k) == pytest.approx(sum(found) / len(found))


@given(some, some, st.integers(1, 5))
def test_pair_scores_are_what_loops_say(positive: list[float], negative: list[float], size: int) -> None:
    """All scores of pairs equal loops over thresholds and over pairs of pairs, however the wrong ones are cut up."""
    blocks = [np.array(negative[at : at + size]) for at in range(0, len(negative), size)]
    ranking = rank_pairs(np.array(positive), blocks)
    order = worst_order(positive + negative, [True] * len(positive) + [False] * len(negative))
    assert micro_average_precision(ranking) == pytest.approx(sum(precisions(order)) / len(positive))
    nearer = sum(a < b for a, b in itertools.product(positive, negative))
    assert roc_auc(ranking) == pytest.approx(nearer / len(positive) / len(negative))
    recall, errors = [0.0], [1.0]
    for limit in {far for far in positive + negative if far < INF}:
        hits, mistakes = sum(far <= limit for far in positive), sum(far <= limit for far in negative)
        errors.append(max(1 - hits / len(positive), mistakes / len(negative)))
        if hits and hits / (hits + mistakes) >= 0.9:
            recall.append(hits / len(positive))
    assert recall_at_precision(ranking, 0.9) == pytest.approx(max(recall))
    assert equal_error_rate(ranking) == pytest.approx(min(errors))


@given(some, some, st.sampled_from([1 / 500, 0.1, 0.34, 0.5, 1]))
def test_no_more_distractors_pass_than_allowed(positive: list[float], nearest: list[float], rate: float) -> None:
    """Below the threshold are at most so many distractors, and one step above it there would be more."""
    threshold = threshold_at_false_matches(np.array(nearest), rate)
    assert sum(far < threshold for far in nearest) <= rate * len(nearest)
    if threshold < INF:
        assert sum(far <= threshold for far in nearest) > rate * len(nearest)
    assert recall_at_false_matches(np.array(positive), np.array(nearest), rate) == pytest.approx(
        sum(far < threshold for far in positive) / len(positive)
    )


def test_chance_is_the_mean_over_all_orders() -> None:
    """The expected scores of a random order equal the mean over every possible order."""
    for positive, count in ((1, 1), (1, 4), (2, 5), (3, 6), (4, 4)):
        spots = list(itertools.combinations(range(count), positive))
        tables = np.zeros((len(spots), count), bool)
        for row, places in enumerate(spots):
            tables[row, list(places)] = True
        distances = np.tile(np.arange(count, dtype=float), (len(spots), 1))
        assert chance_average_precision(positive, count) == pytest.approx(mean_average_precision(distances, tables))
        for k in (1, 2, 10):
            assert chance_recall_at_k(positive, count, k) == pytest.approx(recall_at_k(distances, tables, k))


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn(seed: int) -> None:
    """Without ties, micro-AP is its average_precision_score, and the area its roc_auc_score."""
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(seed)
    positive, negative = rng.normal(0, 1, 40), rng.normal(1, 1, 300)
    labels, scores = np.r_[np.ones(40), np.zeros(300)], -np.r_[positive, negative]
    ranking = rank_pairs(positive, [negative])
    assert micro_average_precision(ranking) == pytest.approx(metrics.average_precision_score(labels, scores))
    assert roc_auc(ranking) == pytest.approx(metrics.roc_auc_score(labels, scores))
    false, true, _ = metrics.roc_curve(labels, scores, drop_intermediate=False)
    assert equal_error_rate(ranking) == pytest.approx(np.maximum(false, 1 - true).min())


# --- few labels


def loop_accuracy(vectors: Any, labels: Any, examples: dict[Any, list[int]], unit: bool) -> float:
    """The nearest class mean, image by image."""
    means = {}
    for label, rows in examples.items():
        mean = sum(vectors[row] for row in rows) / len(rows)
        means[label] = mean / np.linalg.norm(mean) if unit else mean
    used = {row for rows in examples.values() for row in rows}
    queries = [row for row in range(len(labels)) if row not in used and labels[row] in means]
    predictions = [
        min(means, key=lambda label, row=row: np.linalg.norm(vectors[row] - means[label])) for row in queries
    ]
    return sum(a == labels[b] for a, b in zip(predictions, queries, strict=True)) / len(queries)


@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize("count", [1, 3, 50])
def test_few_labels_are_what_loops_say(count: int, unit: bool) -> None:
    """Each draw equals loops over the examples that the seed draws; a class of one image has no part in it."""
    rng = np.random.default_rng(3)
    labels = np.array(["b"] * 9 + ["a"] * 6 + ["c"] * 4 + ["alone"])
    vectors = rng.normal(0, 1, (20, 5)) + (labels == "a")[:, None]
    drawn = few_label_accuracy(vectors, labels, count, unit=unit, draws=4, seed=7)
    for draw, accuracy in enumerate(drawn):
        order = np.random.default_rng([7, draw]).permutation(20)
        members = {label: [int(row) for row in order if labels[row] == label] for label in "abc"}
        examples = {label: rows[: min(count, len(rows) - 1)] for label, rows in members.items()}
        assert accuracy == pytest.approx(loop_accuracy(vectors, labels, examples, unit))


def test_few_labels_of_clear_and_of_equal_classes() -> None:
    """Classes far apart are all classified correctly; where every vector is the same, the tie counts as wrong."""
    labels = np.repeat([0, 1, 2], 5)
    apart = np.eye(3)[labels] * 10 + np.random.default_rng(0).normal(0, 0.1, (15, 3))
    assert few_label_accuracy(apart, labels, 1).tolist() == [1.0] * 10
    assert few_label_accuracy(np.ones((15, 3)), labels, 2, draws=3).tolist() == [0.0] * 3


# --- mistakes


def test_mistakes() -> None:
    """Other shapes, NaN, and nothing to find, to rank, to tell apart or to learn from are errors that say so."""
    one, yes = np.array([[1.0]]), np.array([[True]])
    with pytest.raises(UserError, match=r"\(Q, N\)"):
        recall_at_k(np.ones((2, 3)), np.ones((3, 2), bool), 1)
    with pytest.raises(UserError, match="bool"):
        average_precision(one, np.array([[1]]))
    with pytest.raises(UserError, match="not a number"):
        mean_average_precision(one * np.nan, yes)
    with pytest.raises(UserError, match="not a number"):
        rank_pairs(one, [one * np.nan])
    with pytest.raises(UserError, match="no query has a relevant image"):
        recall_at_k(one, ~yes, 1)
    with pytest.raises(UserError, match="nothing to rank"):
        rank_pairs(np.empty(0), [one])
    with pytest.raises(UserError, match="every pair is positive"):
        roc_auc(rank_pairs(one, []))
    with pytest.raises(UserError, match="every pair is positive"):
        equal_error_rate(rank_pairs(one, []))
    with pytest.raises(UserError, match="distractors"):
        threshold_at_false_matches(np.empty(0))
    with pytest.raises(UserError, match="nothing to find"):
        recall_at_false_matches(np.empty(0), one)
    with pytest.raises(UserError, match="two classes"):
        few_label_accuracy(np.ones((3, 2)), np.array([0, 0, 1]), 1)
    with pytest.raises(UserError, match="count"):
        few_label_accuracy(np.ones((4, 2)), np.array([0, 0, 1, 1]), 0)
