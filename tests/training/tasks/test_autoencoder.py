"""The autoencoder and the principal components that it is held against."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from classes import classes_in
from lookalike.errors import UserError
from lookalike.training.data.image_cache import cache_images
from lookalike.training.engine.trainer import read_curve
from lookalike.training.tasks.autoencoder import (
    Autoencoder,
    AutoencoderSettings,
    divergence,
    label_map,
    pixel_error,
    train_autoencoder,
)
from lookalike.training.tasks.image_pca import decode, encode, image_pca

SMALL = AutoencoderSettings(side=32, steps=4, batch=8, latent=6, width=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return classes_in(tmp_path_factory.mktemp("auto") / "p", (10, 10))


def test_components_are_those_of_an_svd(folder: Path, tmp_path: Path) -> None:
    """Of images and their mirror images: the subspace, the mean and what comes back are those of numpy's SVD."""
    pixels = cache_images(folder, 32, tmp_path).pixels
    pca = image_pca(pixels, 32, 6)
    flat = (np.asarray(pixels, np.float64) / 255).transpose(0, 3, 1, 2)
    both = np.concatenate([flat, flat[..., ::-1]]).reshape(40, -1)
    mean = both.mean(0)
    directions = np.linalg.svd(both - mean, full_matrices=False)[2][:6]
    np.testing.assert_allclose(pca.mean, mean, atol=1e-5)
    np.testing.assert_allclose(pca.components.T @ pca.components, np.eye(6), atol=1e-4)
    expected = (flat.reshape(20, -1) - mean) @ directions.T @ directions + mean
    np.testing.assert_allclose(decode(pca, encode(pca, pixels, 32), 32).flatten(1).numpy(), expected, atol=1e-3)
    with pytest.raises(UserError, match="--latent"):
        image_pca(pixels, 32, 40)


def test_divergence_by_hand() -> None:
    """Of N(1, e^0.5) and N(-2, 1) from N(0, 1): half of the sum of mean^2 + variance - 1 - log-variance."""
    mean, log_variance = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.5, 0.0]])
    expected = ((1 + math.exp(0.5) - 1 - 0.5) + (4 + 1 - 1 - 0)) / 2
    assert divergence(mean, log_variance).item() == pytest.approx(expected, rel=1e-6)
    assert divergence(torch.zeros(3, 4), torch.zeros(3, 4)).item() == 0


def test_pixel_errors_by_hand() -> None:
    """Squares, sizes, and both, of three numbers that are off by 0, 0.5 and 1."""
    off = torch.tensor([0.0, 0.5, -1.0])
    for kind, expected in (("mse", 1.25 / 3), ("l1", 1.5 / 3), ("l1+mse", 2.75 / 3)):
        assert pixel_error(off, torch.zeros(3), kind).item() == pytest.approx(expected)


def test_label_map_by_loops() -> None:
    """Mean average precision of retrieving one's class, without those of no class."""
    vectors = np.array([[0.0], [1.0], [3.0], [3.5], [99.0]], np.float32)
    labels = np.array([0, 0, 1, 0, -1])
    precisions = []
    for i in (0, 1, 3):
        order = sorted((j for j in range(4) if j != i), key=lambda j, i=i: (abs(vectors[i, 0] - vectors[j, 0]), j))
        right = [rank for rank, j in enumerate(order, 1) if labels[j] == labels[i]]
        precisions.append(np.mean([(place + 1) / rank for place, rank in enumerate(right)]))
    assert label_map(vectors, labels) == pytest.approx(np.mean(precisions))


@pytest.mark.parametrize("side", [32, 48])
def test_shapes(side: int) -> None:
    """Images come back in their own size, through as many numbers as were asked for."""
    network = Autoencoder(side, 5, 8).eval()
    with torch.no_grad():
        mean, log_variance = network(torch.rand(3, 3, side, side))
        assert (mean.shape, log_variance.shape) == ((3, 5), (3, 5))
        assert network.decode(mean).shape == (3, 3, side, side)


def test_it_learns(folder: Path, tmp_path: Path) -> None:
    """More of the held-out images' variance comes back after the last step than after the first validation."""
    made = train_autoencoder(folder, replace(SMALL, steps=30, lr=5e-3), tmp_path / "run", lambda *_: None)
    validations = [line["explained"] for line in read_curve(tmp_path / "run") if "explained" in line]
    assert made.metrics["explained"] > max(validations[0], 0)
    assert {"squared error", "PCA squared error", "mAP", "PCA mAP"} <= set(made.metrics)


def test_variational(folder: Path, tmp_path: Path) -> None:
    """It has a divergence to pay for, and gives the mean: the same vector every time."""
    made = train_autoencoder(folder, replace(SMALL, variational=True), tmp_path / "run", lambda *_: None)
    assert "divergence" in read_curve(tmp_path / "run")[-1]
    image = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(made.network(image)[0], made.network(image)[0])


def test_images_without_labels(folder: Path, tmp_path: Path) -> None:
    """A folder without classes will do; then there is no class to find. A side that is no multiple of 16 will not."""
    made = train_autoencoder(folder / "a", replace(SMALL, latent=3), tmp_path / "run", lambda *_: None)
    assert "mAP" not in made.metrics
    with pytest.raises(UserError, match="multiple of 16"):
        train_autoencoder(folder, replace(SMALL, side=40), tmp_path / "run", lambda *_: None)
