"""A small residual trunk for networks that begin with random weights, and generalised-mean pooling."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

EMBEDDING_DIM = 256  # numbers in a vector
TRUNK_CHANNELS = 512  # numbers after pooling
WIDTHS, DEPTHS = (64, 128, 256), (1, 2, 3)  # channels of each stage, and how many blocks it has
GEM_FLOOR = 1e-4  # what an activation counts at least: the root of 0 has no slope
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pixels, 0..1


class Block(nn.Module):
    """Two 3x3 convolutions beside an identity (He et al., arXiv 1512.03385)."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outside)
        self.second = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outside)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inside != outside:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True), nn.Conv2d(inside, outside, 1, bias=False), nn.BatchNorm2d(outside)
            )
        nn.init.zeros_(self.second_norm.weight)  # a block begins as the identity

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        return functional.relu(y + self.shortcut(x))


class GeneralisedMean(nn.Module):
    """(N, C, H, W) -> (N, C): the p-mean of each channel, p learnt (Radenovic et al., arXiv 1711.02512)."""

    def __init__(self, p: float = 3.0) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.tensor(p))

    def forward(self, x: Tensor) -> Tensor:
        return x.float().clamp(min=GEM_FLOOR).pow(self.p).mean((2, 3)).pow(1 / self.p)


def trunk(widths: tuple[int, ...] = WIDTHS, depths: tuple[int, ...] = DEPTHS, stem: int = 4) -> nn.Sequential:
    """(N, 3, S, S) of any S -> (N, 512, S / 16, S / 16) for three stages: convolutions that shrink, then blocks.

    ``stem``: how often the first layers shrink, 4, or 2 for small drawings, whose strokes are fine.
    """
    half, inside = widths[0] // 2, widths[0]
    layers: list[nn.Module] = [
        nn.Conv2d(3, half, 3, 2, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(),
        nn.Conv2d(half, inside, 3, stem // 2, 1, bias=False), nn.BatchNorm2d(inside), nn.ReLU(),
    ]  # fmt: skip
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        for number in range(depth):
            layers.append(Block(inside, width, 2 if stage and not number else 1))
            inside = width
    layers += [nn.Conv2d(inside, TRUNK_CHANNELS, 1, bias=False), nn.BatchNorm2d(TRUNK_CHANNELS), nn.ReLU()]
    return nn.Sequential(*layers)
