"""Principal components: beside a singular value decomposition, in memory and by blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from lookalike.pca import PCA, principal_components, principal_components_of_blocks


def cloud(count: int = 400, dim: int = 40) -> np.ndarray:
    """Vectors whose variance falls from direction to direction, about a mean that is not 0."""
    generator = np.random.default_rng(3)
    turn = np.linalg.qr(generator.normal(size=(dim, dim)))[0]
    return (generator.normal(size=(count, dim)) * 0.8 ** np.arange(dim) @ turn + 5).astype(np.float32)


def by_svd(vectors: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(D, count) directions and their shares of the variance, from the centred vectors themselves."""
    _, lengths, rows = np.linalg.svd(vectors.astype(np.float64) - vectors.mean(0, np.float64), full_matrices=False)
    return rows[:count].T, lengths[:count] ** 2 / (lengths**2).sum()


def in_blocks(vectors: np.ndarray, count: int) -> PCA:
    def blocks() -> Iterator[np.ndarray]:
        yield from np.array_split(vectors, 7)

    return principal_components_of_blocks(blocks, count)


@pytest.mark.parametrize("fit", [principal_components, in_blocks])
def test_directions_and_shares(fit) -> None:
    """Both ways give the singular vectors, up to which way round, and their shares of the variance."""
    vectors = cloud()
    pca, (expected, shares) = fit(vectors, 5), by_svd(vectors, 5)
    assert np.allclose(np.eye(5), np.abs(expected.T @ pca.components), atol=0.02)
    assert pca.explained == pytest.approx(shares, rel=1e-3)
    assert pca.mean == pytest.approx(vectors.mean(0), abs=1e-4)
    assert pca.components.dtype == pca.mean.dtype == np.float32


def test_axes_of_a_flat_cloud() -> None:
    """Two directions of a flat cloud in space: the mean, and axes by falling variance, orthonormal."""
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(4000, 3)) * [0.1, 5, 1] + [1, 2, 3]
    pca = principal_components(vectors.astype(np.float32), 2)
    assert np.allclose([1, 2, 3], pca.mean, atol=0.3)
    assert np.allclose([[0, 0], [1, 0], [0, 1]], pca.components, atol=0.03)
    assert np.allclose(np.eye(2), pca.components.T @ pca.components, atol=1e-5)


@pytest.mark.parametrize("fit", [principal_components, in_blocks])
def test_the_same_way_round(fit) -> None:
    """Of each direction the largest number is positive, so that two calls never give mirror images."""
    components = fit(-cloud(), 4).components
    assert (components[np.abs(components).argmax(0), range(4)] > 0).all()


def test_there_and_back() -> None:
    """With as many components as numbers nothing is lost; with fewer, what is lost is what is not explained."""
    vectors = cloud(dim=6)
    whole = principal_components(vectors, 6)
    assert whole.reconstruct(whole.project(vectors)) == pytest.approx(vectors, abs=1e-4)
    part = principal_components(vectors, 2)
    lost = np.square(part.reconstruct(part.project(vectors)) - vectors).sum()
    assert lost / np.square(vectors - vectors.mean(0)).sum() == pytest.approx(1 - part.explained.sum(), abs=1e-3)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_vectors(count: int) -> None:
    """One vector, or none, varies in no direction: the first axes, and nothing explained."""
    pca = principal_components(np.full((count, 3), 2, np.float32), 2)
    assert pca.components.tolist() == [[1, 0], [0, 1], [0, 0]]
    assert (pca.explained.tolist(), pca.mean.tolist()) == ([0, 0], [2.0 * count] * 3)


def test_vectors_that_are_all_the_same() -> None:
    """No variance: shares of 0, not a division by 0."""
    assert principal_components(np.ones((5, 3), np.float32), 2).explained.tolist() == [0, 0]
