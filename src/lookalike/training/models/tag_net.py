"""The network of `words`: EfficientNet-Lite0, and for every place of its last map how much speaks for each tag.

What speaks for a tag in an image is the log of the mean of exp over places, sharper or softer for each tag as it learnt
(log-sum-exp pooling; Pinheiro and Collobert, arXiv 1411.6228): a small thing in one place counts, and noise in all
places does not.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from lookalike.training.models.efficientnet_lite import TOP_CHANNELS
from lookalike.training.models.embedding_net import content_net

SHARPNESS = 0.5, 0.05  # before softplus: where a tag's sharpness begins; what is added, so that none is zero
DROPOUT = 0.1  # share of the maps' channels that a training step does not see


class TagNet(nn.Module):
    """(N, 3, S, S) float RGB 0..1 -> (N, T) log-odds of the tags, and (N, T, S / 32, S / 32): what each place adds to
    them."""

    mean: Tensor
    std: Tensor

    def __init__(self, tags: int) -> None:
        super().__init__()
        begun = content_net()
        self.trunk, self.drop = begun.trunk, nn.Dropout2d(DROPOUT)
        self.places, self.sharpness = nn.Conv2d(TOP_CHANNELS, tags, 1), nn.Parameter(torch.zeros(tags))
        self.register_buffer("mean", begun.mean)
        self.register_buffer("std", begun.std)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        places = self.places(self.drop(self.trunk((image - self.mean) / self.std))).float()
        odds, shares = self.pooled(places)
        return odds, shares * odds[:, :, None, None]

    def pooled(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """(N, T, h, w) log-odds of places -> (N, T) of images, and (N, T, h, w) how much each place counts."""
        height, width = places.shape[2:]
        sharpness = functional.softplus(self.sharpness + SHARPNESS[0]) + SHARPNESS[1]
        sharp = places.flatten(2) * sharpness[:, None]
        odds = (torch.logsumexp(sharp, 2) - math.log(height * width)) / sharpness
        return odds, sharp.softmax(2).reshape(places.shape)
