"""A trunk and one embedding of it: the shipped networks of `copy` and `content`, a classifier's, a siamese
network's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lookalike.training.data.augmented_views import to_device, to_tensor
from lookalike.training.data.image_cache import square
from lookalike.training.engine.trainer import device
from lookalike.training.models.efficientnet_lite import (
    LITE_MEAN,
    LITE_STD,
    STAGES,
    TOP_CHANNELS,
    Convolution,
    Stages,
    lite0_trunk,
)
from lookalike.training.models.efficientnet_lite import TRUNK_CHANNELS as LITE_CHANNELS
from lookalike.training.models.residual_net import (
    EMBEDDING_DIM,
    IMAGENET_MEAN,
    IMAGENET_STD,
    TRUNK_CHANNELS,
    GeneralisedMean,
)
from lookalike.types import Floats, Pixels

SMALL_WIDTHS = (32, 64, 128)  # channels of the stages of a small trunk
INFERENCE_BATCH = 64
IMAGENET_CLASSES = 1000
DROPOUT = 0.2  # share of the pooled numbers that a training step does not see


class EmbeddingNet(nn.Module):
    """(N, 3, S, S) float RGB 0..1, any S from 32 -> (N, ``dim``) float32, of unit length if ``unit``.

    ``trunk``: the layers; their last maps have so many ``channels``. ``p``: of the mean that is taken of each channel.
    ``flat``: cells of the last map each way, all of which the vector is read from; 0: their p-mean, whatever S is.
    ``classes``: that the pooled numbers are sorted into as well, see ``class_logits``; 0 for none.
    ``mean``, ``std``: of each channel of the pixels that the trunk takes, 0..1.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        dim: int,
        trunk: nn.Sequential,
        channels: int = TRUNK_CHANNELS,
        p: float = 1.5,
        flat: int = 0,
        unit: bool = True,
        classes: int = 0,
        mean: tuple[float, ...] = IMAGENET_MEAN,
        std: tuple[float, ...] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        self.unit, self.frozen, self.flat = unit, False, flat
        self.trunk = trunk
        self.pool: nn.Module = nn.Flatten() if flat else GeneralisedMean(p)
        if flat:  # that many channels of every cell would be a very large head
            self.trunk.append(nn.Sequential(nn.Conv2d(channels, 64, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()))
        self.drop = nn.Dropout(DROPOUT)
        self.head = nn.Linear(64 * flat * flat if flat else channels, dim)
        self.classes = nn.Linear(channels, classes) if classes else None
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def freeze(self) -> None:
        """The trunk and the pooling stay as they are, whatever is trained."""
        self.frozen = True
        for parameter in [*self.trunk.parameters(), *self.pool.parameters()]:
            parameter.requires_grad_(False)

    def train(self, mode: bool = True) -> EmbeddingNet:
        """As of any module; but the statistics of a frozen trunk stay what they are."""
        super().train(mode)
        if self.frozen:
            self.trunk.eval()
        return self

    def maps(self, image: Tensor) -> Tensor:
        """What the vector is pooled from: (N, channels, H, W)."""
        return cast(Tensor, self.trunk((image - self.mean) / self.std))

    def forward(self, image: Tensor) -> Tensor:
        return self.vectors(self.maps(image))

    def vectors(self, maps: Tensor) -> Tensor:
        """The vectors of the images with these maps."""
        embedding: Tensor = self.head(self.drop(self.pool(maps))).float()
        return functional.normalize(embedding) if self.unit else embedding

    def class_logits(self, maps: Tensor) -> Tensor:
        """(N, classes) of the images with these maps: how much speaks for each."""
        if self.classes is None:
            raise ValueError("a network without classes")
        logits: Tensor = self.classes(self.pool(maps)).float()
        return logits


def copy_net() -> EmbeddingNet:
    """The network of `copy`: EfficientNet-Lite0 and a neck of 512 channels, whose p-means (arXiv 1711.02512) tell one
    image from another."""
    neck = Convolution(LITE_CHANNELS, TRUNK_CHANNELS)
    return _on_lite(neck, TRUNK_CHANNELS, 3.0)


def content_net(classes: int = IMAGENET_CLASSES, stages: Stages = STAGES) -> EmbeddingNet:
    """The network of `content`: EfficientNet-Lite0 whole, its means the vector's and the classes' source; both are
    linear in them, so that what each cell adds is known exactly. ``stages``: of a larger kind."""
    top = Convolution(stages[-1][1], TOP_CHANNELS)
    return _on_lite(top, TOP_CHANNELS, 1.0, classes, stages)


def _on_lite(top: Convolution, channels: int, p: float, classes: int = 0, stages: Stages = STAGES) -> EmbeddingNet:
    trunk = nn.Sequential(*lite0_trunk(stages=stages), top)
    return EmbeddingNet(EMBEDDING_DIM, trunk, channels, p, classes=classes, mean=(LITE_MEAN,) * 3, std=(LITE_STD,) * 3)


def batches(pixels: Pixels, size: int, count: int = INFERENCE_BATCH) -> Iterator[Tensor]:
    """(N, s, s, 3) uint8 -> (B, 3, size, size) float 0..1 by and by, as the exported file will see them."""
    for start in range(0, len(pixels), count):
        yield to_device(to_tensor(np.stack([square(one, size) for one in pixels[start : start + count]])))


def predict(network: nn.Module, pixels: Pixels, size: int, half: bool = False) -> list[Floats]:
    """The outputs of a network in use for N images: each (N, D) float32. ``half``: in bfloat16, to two digits."""
    network.eval()
    parts: list[list[Floats]] = []
    with torch.no_grad(), torch.autocast(device().type, torch.bfloat16, enabled=half):
        for images in batches(pixels, size):
            outputs = network(images)
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)
            parts.append([one.float().cpu().numpy() for one in outputs])
    return [np.concatenate(column) for column in zip(*parts, strict=True)]
