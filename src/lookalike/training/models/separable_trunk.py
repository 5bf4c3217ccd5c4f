"""The trunk of `content`: depthwise and pointwise convolutions (MobileNets, arXiv 1704.04861) beside identities.

Where it shrinks, it is padded on the right and below, as TensorFlow pads: then its cells are where the teacher's are.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from lookalike.training.models.residual_net import TRUNK_CHANNELS

STEM = (48, 96)  # channels of the layers of stride 2 and 4
WIDTHS, DEPTHS = (96, 192, 384, 640), (1, 2, 5, 2)  # channels of the stages of stride 4 to 32, and their blocks


class Convolution(nn.Module):
    """3x3, normalised, and what is above 0 of it."""

    def __init__(self, inside: int, outside: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.kernel = nn.Conv2d(inside, outside, 3, stride, 1 if stride == 1 else 0, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outside)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.pad(x, (0, 1, 0, 1)) if self.stride == 2 else x
        return functional.relu(self.norm(self.kernel(x)))


class Separable(nn.Module):
    """A convolution of each channel by itself, then one of all channels at each place, beside an identity where the
    shape stays."""

    def __init__(self, inside: int, outside: int, stride: int = 1) -> None:
        super().__init__()
        self.deep = Convolution(inside, inside, stride, groups=inside)
        self.point, self.norm = nn.Conv2d(inside, outside, 1, bias=False), nn.BatchNorm2d(outside)
        self.beside = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.point(self.deep(x)))
        return functional.relu(y + x if self.beside else y)


def separable_trunk() -> nn.Sequential:
    """(N, 3, S, S) of any S from 32 -> (N, 512, S // 32, S // 32)."""
    layers: list[nn.Module] = [Convolution(3, STEM[0], 2), Convolution(*STEM, 2)]
    inside = STEM[1]
    for stage, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True)):
        for number in range(depth):
            layers.append(Separable(inside, width, 2 if stage and not number else 1))
            inside = width
    layers.append(
        nn.Sequential(nn.Conv2d(inside, TRUNK_CHANNELS, 1, bias=False), nn.BatchNorm2d(TRUNK_CHANNELS), nn.ReLU())
    )
    return nn.Sequential(*layers)
