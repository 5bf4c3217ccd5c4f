"""Principal components of images: the linear baseline that an autoencoder has to beat."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from lookalike.errors import UserError
from lookalike.pca import PCA, principal_components_of_blocks
from lookalike.training.models.embedding_net import batches
from lookalike.types import Floats, Pixels

PCA_BATCH = 256


def image_pca(pixels: Pixels, size: int, count: int) -> PCA:
    """The principal components of images and their mirror images, seen at ``size`` pixels as 3 S S numbers of 0..1.

    Raises UserError for more components than there are images."""
    if count >= min(2 * len(pixels), 3 * size * size):
        raise UserError(f"{len(pixels)} images of {size} pixels have fewer than {count} components; choose a smaller "
                        "--latent")  # fmt: skip
    return principal_components_of_blocks(lambda: _flat(pixels, size, mirrored=True), count)


def encode(pca: PCA, pixels: Pixels, size: int) -> Floats:
    """(N, s, s, 3) uint8 -> (N, L) float32."""
    return np.concatenate([pca.project(flat) for flat in _flat(pixels, size)])


def decode(pca: PCA, latent: Floats, size: int) -> Tensor:
    """(N, L) -> (N, 3, size, size)."""
    return torch.from_numpy(pca.reconstruct(latent)).view(-1, 3, size, size)


def _flat(pixels: Pixels, size: int, mirrored: bool = False) -> Iterator[Floats]:
    """Images, and their mirror images, as rows of numbers."""
    for images in batches(pixels, size, PCA_BATCH):
        own = images.cpu().contiguous()
        yield own.flatten(1).numpy()
        if mirrored:
            yield own.flip(3).flatten(1).numpy()


def as_pixels(images: Tensor) -> Pixels:
    """(N, 3, s, s) of any numbers -> (N, s, s, 3) uint8, what is below 0 or above 1 cut off."""
    return np.asarray((images.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy())
