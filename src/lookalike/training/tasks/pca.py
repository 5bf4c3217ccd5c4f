"""Principal components of images: the straight-line answer that an autoencoder has to beat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lookalike.errors import UserError
from lookalike.training.models.embedding_net import batches
from lookalike.types import Floats, Pixels

PASSES = 6  # over all images, of subspace iteration
MORE = 16  # directions that are followed beside those that are asked for
BATCH = 256


@dataclass(frozen=True, slots=True)
class Components:
    """``mean``: (D,); ``directions``: (D, L), orthonormal, of the largest variance first; D = 3 S S numbers of an
    image of 0..1."""

    mean: Tensor
    directions: Tensor

    def latent(self, pixels: Pixels, size: int) -> Floats:
        """(N, s, s, 3) uint8 -> (N, L) float32."""
        parts = [(flat - self.mean) @ self.directions for flat in _flat(pixels, size, mirrored=False)]
        return torch.cat(parts).numpy()

    def rebuilt(self, latent: Floats, size: int) -> Tensor:
        """(N, L) -> (N, 3, size, size)."""
        flat = torch.from_numpy(latent) @ self.directions.T + self.mean
        return flat.view(-1, 3, size, size)


def components(pixels: Pixels, size: int, count: int, seed: int = 0) -> Components:
    """The principal components of images and their mirror images, seen at ``size`` pixels.

    Subspace iteration (Halko et al., arXiv 0909.4061, algorithm 4.4), which reads the images PASSES times and never
    holds them all. Raises UserError for more components than there are images."""
    if count >= min(2 * len(pixels), 3 * size * size):
        raise UserError(f"{len(pixels)} images of {size} pixels have fewer than {count} components; choose a smaller "
                        "--latent")  # fmt: skip
    mean = torch.stack([flat.sum(0) for flat in _flat(pixels, size)]).sum(0) / (2 * len(pixels))
    random = torch.Generator().manual_seed(seed)
    found = torch.linalg.qr(torch.randn(len(mean), min(count + MORE, len(mean)), generator=random))[0]
    for _ in range(PASSES):
        found = torch.linalg.qr(_through(pixels, size, mean, found))[0]
    variance = found.T @ _through(pixels, size, mean, found)
    values, vectors = torch.linalg.eigh(variance)
    return Components(mean, found @ vectors[:, values.argsort(descending=True)[:count]])


def _through(pixels: Pixels, size: int, mean: Tensor, directions: Tensor) -> Tensor:
    """The scatter matrix times the directions, (D, L)."""
    parts = (flat - mean for flat in _flat(pixels, size))
    total = torch.zeros_like(directions)
    for part in parts:
        total += part.T @ (part @ directions)
    return total


def _flat(pixels: Pixels, size: int, mirrored: bool = True) -> Iterator[Tensor]:
    """Images, and their mirror images, as rows of D numbers."""
    for images in batches(pixels, size, BATCH):
        own = images.cpu().contiguous()
        yield own.flatten(1)
        if mirrored:
            yield own.flip(3).flatten(1)


def as_pixels(images: Tensor) -> Pixels:
    """(N, 3, s, s) of any numbers -> (N, s, s, 3) uint8, what is below 0 or above 1 cut off."""
    return np.asarray((images.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy())
