"""Confident learning, as a peer of `label_errors`: Northcutt and others, "Confident learning: estimating uncertainty in
dataset labels", arXiv 1911.00068, the rule "confident joint" of its section 3.1.

Out-of-sample probabilities come from the images' nearest neighbours, each image left out of its own vote.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 10


def neighbour_probabilities(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], k: int = NEIGHBOURS
) -> NDArray[np.float64]:
    """(N, D) unit vectors and (N,) -> (N, C): the share of each class among the k nearest others."""
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -np.inf)
    k = min(k, len(labels) - 1)
    near = np.argpartition(-similar, k - 1, axis=1)[:, :k]
    found = np.zeros((len(labels), int(labels.max()) + 1))
    np.add.at(found, (np.arange(len(labels))[:, None], labels[near]), 1 / k)
    return found


def majority_against(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(N, C), (N,) -> (N,): most of the neighbours have one other label."""
    best = probabilities.argmax(axis=1)
    return np.asarray((best != labels) & (probabilities.max(axis=1) > 0.5))


def confident_errors(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(N, C), (N,) -> (N,): the image reaches the average self-confidence of some class, and of those that it reaches
    the likeliest is not its label."""
    classes = range(probabilities.shape[1])
    limits = [probabilities[labels == kind, kind].mean() if (labels == kind).any() else np.inf for kind in classes]
    reached = np.where(probabilities >= np.maximum(limits, 1e-9), probabilities, -1.0)
    best = reached.argmax(axis=1)
    return np.asarray((reached.max(axis=1) >= 0) & (best != labels))
