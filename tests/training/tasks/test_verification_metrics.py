"""Verification: figures of pairs against loops, and a threshold that can be seen by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lookalike.errors import UserError
from lookalike.evaluation.ranking_metrics import rank_pairs
from lookalike.training.tasks.verification_metrics import best_threshold, verify_pairs


def test_by_loops() -> None:
    """AUC as the share of (same, different) pairs in the right order; every pair once; the hardest ones first."""
    random = np.random.default_rng(2)
    labels = np.repeat([0, 1, 2], 4)
    vectors = (random.normal(size=(12, 5)) + 0.8 * labels[:, None]).astype(np.float32)
    result = verify_pairs(vectors, labels, "euclidean")
    apart = {(i, j): float(np.linalg.norm(vectors[i] - vectors[j])) for i, j in itertools.combinations(range(12), 2)}
    same = {pair: d for pair, d in apart.items() if labels[pair[0]] == labels[pair[1]]}
    other = {pair: d for pair, d in apart.items() if pair not in same}
    right = np.mean([a < b for a in same.values() for b in other.values()])
    assert (len(result.same), len(result.different)) == (18, 48)
    assert result.metrics["AUC"] == pytest.approx(right, abs=1e-6)
    assert result.hardest[0][0] == max(same, key=same.__getitem__)
    assert result.hardest[1][0] == min(other, key=other.__getitem__)
    assert result.median_negative_distance == pytest.approx(np.median(list(other.values())), rel=1e-4)


def test_the_best_threshold() -> None:
    """Of four right and four wrong distances: 0.4, where all but one right and one wrong pair are classified
    correctly."""
    same = np.array([0.1, 0.2, 0.4, 0.9], np.float32)
    ranking = rank_pairs(same, [np.array([0.15, 0.6, 0.7, 0.8], np.float32)])
    assert best_threshold(same, ranking) == (pytest.approx(0.4), pytest.approx((3 / 4 + 3 / 4) / 2))


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_nothing_to_verify(labels: list[int]) -> None:
    """One class alone, and classes of one image each, have no pairs of both kinds."""
    with pytest.raises(UserError, match="hold out more"):
        verify_pairs(np.eye(3, dtype=np.float32), np.array(labels), "cosine")
