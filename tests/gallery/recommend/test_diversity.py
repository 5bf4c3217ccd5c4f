"""Maximal marginal relevance against the formula, spelt out in loops."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.gallery.recommend.diversity import maximal_marginal_relevance


def by_the_paper(relevance, similarity, k, diversity):
    chosen = []
    while len(chosen) < min(k, len(relevance)):
        left = [n for n in range(len(relevance)) if n not in [c for c, _ in chosen]]
        nearest = {n: max([similarity[n][c] for c, _ in chosen], default=0.0) for n in left}
        best = max(left, key=lambda n: ((1 - diversity) * relevance[n] - diversity * nearest[n], -n))
        chosen.append((best, nearest[best]))
    return chosen


@pytest.mark.parametrize("diversity", [0.0, 0.3, 0.7, 1.0])
def test_the_choice_is_that_of_the_formula(diversity):
    random = np.random.default_rng(3)
    vectors = random.random((12, 4)) - 0.3
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    relevance, similarity = vectors @ vectors[0], vectors @ vectors.T
    similarity = np.clip(similarity, 0, 1)
    found = maximal_marginal_relevance(relevance, similarity, 8, diversity)
    expected = by_the_paper(relevance, similarity, 8, diversity)
    assert [n for n, _ in expected] == [n for n, _ in found]
    assert [s for _, s in expected] == pytest.approx([s for _, s in found])


def test_a_twin_of_the_first_comes_after_what_is_less_relevant_and_other():
    relevance = np.array([0.9, 0.89, 0.5])
    similarity = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], float)
    assert [n for n, _ in maximal_marginal_relevance(relevance, similarity, 3, 0.0)] == [0, 1, 2]
    assert [n for n, _ in maximal_marginal_relevance(relevance, similarity, 3, 0.4)] == [0, 2, 1]
