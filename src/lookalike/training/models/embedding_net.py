"""A trunk and one vector of it: the shipped network of `content`, a classifier's and a siamese pair's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lookalike.training.data.augmented_views import tensor_of, to_device
from lookalike.training.data.image_cache import square
from lookalike.training.engine.trainer import device
from lookalike.training.models.residual_net import FEATURES, HEAD, MEAN, STD, GeneralisedMean
from lookalike.training.models.separable_trunk import separable_trunk
from lookalike.types import Floats, Pixels

SMALL = (32, 64, 128)  # channels of the stages of a small trunk
BATCH = 64
DROPPED = 0.2  # share of the pooled numbers that a training step does not see


class Tower(nn.Module):
    """(N, 3, S, S) float RGB 0..1, any S from 32 -> (N, ``dim``) float32, of unit length if ``unit``.

    ``body``: the trunk, up to 512 channels; that of `content` if there is none.
    ``flat``: cells of the last map each way, all of which the vector is read from; 0: their p-mean, whatever S is.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, dim: int = HEAD, body: nn.Sequential | None = None, flat: int = 0, unit: bool = True) -> None:
        super().__init__()
        self.unit, self.frozen, self.flat = unit, False, flat
        self.trunk = body or separable_trunk()
        self.pool: nn.Module = nn.Flatten() if flat else GeneralisedMean(1.5)
        if flat:  # 512 channels of every cell would be a very large head
            self.trunk.append(nn.Sequential(nn.Conv2d(FEATURES, 64, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()))
        self.drop = nn.Dropout(DROPPED)
        self.head = nn.Linear(64 * flat * flat if flat else FEATURES, dim)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))

    def start_from(self, other: Tower, frozen: bool) -> None:
        """Begin with the trunk of another, and its head if that fits; ``frozen``: and leave the trunk as it is."""
        self.trunk.load_state_dict(other.trunk.state_dict())
        self.pool.load_state_dict(other.pool.state_dict())
        if self.head.weight.shape == other.head.weight.shape:
            self.head.load_state_dict(other.head.state_dict())
        self.frozen = frozen
        for parameter in [*self.trunk.parameters(), *self.pool.parameters()]:
            parameter.requires_grad_(not frozen)

    def train(self, mode: bool = True) -> Tower:
        """As of any module; but the statistics of a frozen trunk stay what they are."""
        super().train(mode)
        if self.frozen:
            self.trunk.eval()
        return self

    def maps(self, image: Tensor) -> Tensor:
        """What the vector is pooled from: (N, 512, H, W)."""
        return cast(Tensor, self.trunk((image - self.mean) / self.std))

    def forward(self, image: Tensor) -> Tensor:
        return self.vectors(self.maps(image))

    def vectors(self, maps: Tensor) -> Tensor:
        """The vectors of the images with these maps."""
        told: Tensor = self.head(self.drop(self.pool(maps))).float()
        return functional.normalize(told) if self.unit else told


def batches(pixels: Pixels, size: int, count: int = BATCH) -> Iterator[Tensor]:
    """(N, s, s, 3) uint8 -> (B, 3, size, size) float 0..1 by and by, as the exported file will see them."""
    for start in range(0, len(pixels), count):
        yield to_device(tensor_of(np.stack([square(one, size) for one in pixels[start : start + count]])))


def outputs(network: nn.Module, pixels: Pixels, size: int, quick: bool = False) -> list[Floats]:
    """What a network in use says of N images: each of its outputs, (N, D) float32. ``quick``: to two digits."""
    network.eval()
    parts: list[list[Floats]] = []
    with torch.no_grad(), torch.autocast(device().type, torch.bfloat16, enabled=quick):
        for images in batches(pixels, size):
            told = network(images)
            told = told if isinstance(told, tuple) else (told,)
            parts.append([one.float().cpu().numpy() for one in told])
    return [np.concatenate(column) for column in zip(*parts, strict=True)]
