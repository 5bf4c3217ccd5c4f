"""The network of a classifier and of a siamese pair: the shipped trunk, or a smaller one, and one vector of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lookalike.train.data import square
from lookalike.train.loop import device
from lookalike.train.network import DEPTHS, FEATURES, HEAD, MEAN, STD, WIDTHS, GeneralisedMean, Network, trunk
from lookalike.train.views import tensor_of, to_device
from lookalike.types import Floats, Pixels

SMALL = (32, 64, 128)  # channels of the stages of a small trunk
BATCH = 64
DROPPED = 0.2  # share of the pooled numbers that a training step does not see


class Tower(nn.Module):
    """(N, 3, S, S) float RGB 0..1, any S from 32 -> (N, ``dim``) float32, of unit length if ``unit``.

    ``flat``: cells of the last map each way, all of which the vector is read from; 0: their p-mean, whatever S is.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, dim: int = HEAD, widths: tuple[int, ...] = WIDTHS, stem: int = 4, flat: int = 0, unit: bool = True
    ) -> None:
        super().__init__()
        self.unit, self.frozen, self.flat = unit, False, flat
        self.trunk = trunk(widths, DEPTHS, stem)
        self.pool: nn.Module = nn.Flatten() if flat else GeneralisedMean(1.5)
        if flat:  # 512 channels of every cell would be a very large head
            self.trunk.append(nn.Sequential(nn.Conv2d(FEATURES, 64, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()))
        self.drop = nn.Dropout(DROPPED)
        self.head = nn.Linear(64 * flat * flat if flat else FEATURES, dim)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))

    def start_from(self, network: Network, frozen: bool) -> None:
        """Begin with the trunk and the ``content`` of a trained network; ``frozen``: and leave the trunk as it is."""
        self.trunk.load_state_dict(network.trunk.state_dict())
        self.pool.load_state_dict(network.pool_content.state_dict())
        if self.head.weight.shape == network.content.weight.shape:
            self.head.load_state_dict(network.content.state_dict())
        self.frozen = frozen
        for parameter in [*self.trunk.parameters(), *self.pool.parameters()]:
            parameter.requires_grad_(not frozen)

    def train(self, mode: bool = True) -> Tower:
        """As of any module; but the statistics of a frozen trunk stay what they are."""
        super().train(mode)
        if self.frozen:
            self.trunk.eval()
        return self

    def forward(self, image: Tensor) -> Tensor:
        pooled = self.pool(self.trunk((image - self.mean) / self.std))
        vectors: Tensor = self.head(self.drop(pooled)).float()
        return functional.normalize(vectors) if self.unit else vectors


def batches(pixels: Pixels, size: int, count: int = BATCH) -> Iterator[Tensor]:
    """(N, s, s, 3) uint8 -> (B, 3, size, size) float 0..1 by and by, as the exported file will see them."""
    for start in range(0, len(pixels), count):
        yield to_device(tensor_of(np.stack([square(one, size) for one in pixels[start : start + count]])))


def outputs(network: nn.Module, pixels: Pixels, size: int, quick: bool = False) -> list[Floats]:
    """What a network in use says of N pictures: each of its outputs, (N, D) float32. ``quick``: to two digits."""
    network.eval()
    parts: list[list[Floats]] = []
    with torch.no_grad(), torch.autocast(device().type, torch.bfloat16, enabled=quick):
        for pictures in batches(pixels, size):
            told = network(pictures)
            told = told if isinstance(told, tuple) else (told,)
            parts.append([one.float().cpu().numpy() for one in told])
    return [np.concatenate(column) for column in zip(*parts, strict=True)]
