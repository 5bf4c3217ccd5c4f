"""Maximal marginal relevance: what is most like the query, and not like what was chosen before it."""

from __future__ import annotations

import numpy as np

from lookalike.types import Floats


def maximal_marginal_relevance(
    relevance: Floats, similarity: Floats, k: int, diversity: float
) -> list[tuple[int, float]]:
    """Positions of at most k of N candidates, in the order in which they are chosen, and how like the most similar one
    of those chosen before each is (0 for the first).

    ``relevance``: (N,), and ``similarity``: (N, N), both 1 for the same and 0 for unrelated. ``diversity``: 0..1, the
    weight of being unlike; 0 goes by relevance alone. Each next one has the largest (1 - diversity) relevance -
    diversity similarity (Carbonell & Goldstein 1998, with lambda = 1 - diversity); of equals the first.
    """
    left = np.ones(len(relevance), bool)
    nearest = np.zeros(len(relevance), np.float64)
    chosen: list[tuple[int, float]] = []
    while len(chosen) < min(k, len(relevance)):
        marginal = (1 - diversity) * relevance - diversity * nearest
        best = int(np.argmax(np.where(left, marginal, -np.inf)))
        chosen.append((best, float(nearest[best])))
        left[best] = False
        nearest = np.maximum(nearest, similarity[best])
    return chosen
