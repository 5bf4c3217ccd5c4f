"""Principal components: the directions in which vectors vary most (Pearson, 1901). Numpy only.

Of vectors in memory, by their covariance; or of blocks that are read several times and never held all at once, by
subspace iteration (Halko et al., arXiv 0909.4061, algorithm 4.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.types import Floats

PASSES = 6  # over all blocks, of subspace iteration
OVERSAMPLING = 16  # directions that are followed beside those that are asked for
TINY = 1e-12  # total variance below which nothing is explained

Blocks = Callable[[], Iterable[Floats]]  # each call gives all vectors anew, (B, D) at a time


@dataclass(frozen=True, slots=True)
class PCA:
    """``mean``: (D,) float32; ``components``: (D, L) float32, orthonormal, of the largest variance first, each the way
    round in which its largest number is positive; ``explained``: (L,) float64, their shares of all variance, 0..1."""

    mean: Floats
    components: Floats
    explained: NDArray[np.float64]

    def project(self, vectors: NDArray[Any]) -> Floats:
        """(N, D) -> (N, L) float32: the coordinates along the components."""
        return np.asarray((vectors.astype(np.float32) - self.mean) @ self.components, np.float32)

    def reconstruct(self, coordinates: Floats) -> Floats:
        """(N, L) -> (N, D) float32: what the components hold of the vectors."""
        return np.asarray(coordinates @ self.components.T + self.mean, np.float32)


def principal_components(vectors: Floats, count: int) -> PCA:
    """(N, D) -> the first ``count`` components; of fewer than two vectors the first axes, which explain nothing."""
    dim = vectors.shape[1]
    mean = vectors.mean(axis=0) if len(vectors) else np.zeros(dim, np.float32)
    if len(vectors) < 2:
        return PCA(np.asarray(mean, np.float32), np.eye(dim, count, dtype=np.float32), np.zeros(count))
    variances, directions = np.linalg.eigh(np.atleast_2d(np.cov(vectors - mean, rowvar=False)))
    return _ordered(mean, variances, directions, count, float(variances.sum()))


def principal_components_of_blocks(blocks: Blocks, count: int, seed: int = 0) -> PCA:
    """The first ``count`` components of the vectors of all blocks, which are read 2 + PASSES times."""
    mean = _mean(blocks)
    random = np.random.default_rng(seed)
    basis = random.standard_normal((len(mean), min(count + OVERSAMPLING, len(mean)))).astype(np.float32)
    for _ in range(PASSES):
        basis = np.linalg.qr(_scatter_times(blocks, mean, basis)[0])[0]
    scattered, total = _scatter_times(blocks, mean, basis)
    variances, directions = np.linalg.eigh(basis.T @ scattered)
    return _ordered(mean, variances, basis @ directions, count, total)


def _mean(blocks: Blocks) -> Floats:
    total, count = np.zeros(1, np.float64), 0
    for block in blocks():
        total, count = total + block.sum(axis=0, dtype=np.float64), count + len(block)
    return np.asarray(total / max(count, 1), np.float32)


def _scatter_times(blocks: Blocks, mean: Floats, basis: Floats) -> tuple[Floats, float]:
    """The scatter matrix times the (D, L) basis, (D, L), and the trace of that matrix."""
    product, trace = np.zeros_like(basis), 0.0
    for block in blocks():
        centred = block - mean
        product += centred.T @ (centred @ basis)
        trace += float(np.square(centred).sum(dtype=np.float64))
    return product, trace


def _ordered(mean: Floats, variances: NDArray[Any], directions: NDArray[Any], count: int, total: float) -> PCA:
    """The ``count`` components of largest variance, out of eigenvalues in rising order."""
    directions = directions[:, ::-1][:, :count]
    largest = directions[np.abs(directions).argmax(axis=0), np.arange(directions.shape[1])]
    directions = directions * np.where(largest < 0, -1, 1)
    explained = np.maximum(variances[::-1][:count], 0) / max(total, TINY)
    return PCA(np.asarray(mean, np.float32), np.asarray(directions, np.float32), np.asarray(explained, np.float64))
