"""The trunk of `content`: its shapes, and its padding beside explicit loops."""

from __future__ import annotations

import pytest
import torch

from lookalike.training.models.residual_net import TRUNK_CHANNELS
from lookalike.training.models.separable_trunk import Convolution, Separable, separable_trunk


@pytest.mark.parametrize(("side", "cells"), [(32, 1), (63, 1), (96, 3), (160, 5)])
def test_any_size(side: int, cells: int) -> None:
    """One cell for every 32 pixels; what is over is seen by the last one."""
    with torch.no_grad():
        assert separable_trunk().eval()(torch.rand(2, 3, side, side)).shape == (2, TRUNK_CHANNELS, cells, cells)


@pytest.mark.parametrize("stride", [1, 2])
def test_padded_as_tensorflow_pads(stride: int) -> None:
    """Stride 1: a cell sees its own place and all around; stride 2: its own, and to the right and below."""
    one, side = Convolution(1, 1, stride).eval(), 6
    x = torch.rand(1, 1, side, side, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        one.kernel.weight.copy_(torch.rand(one.kernel.weight.shape, generator=torch.Generator().manual_seed(3)))
        result = one(x)[0, 0]
    begin = 1 if stride == 1 else 0
    for row in range(len(result)):
        for column in range(len(result)):
            expected = 0.0
            for down in range(3):
                for right in range(3):
                    y, z = row * stride + down - begin, column * stride + right - begin
                    if 0 <= y < side and 0 <= z < side:
                        expected += one.kernel.weight[0, 0, down, right].item() * x[0, 0, y, z].item()
            assert result[row, column].item() == pytest.approx(expected, rel=1e-4)


def test_beside_an_identity() -> None:
    """Where the shape stays, what comes in is added; where it does not, nothing is."""
    x = torch.rand(1, 4, 6, 6)
    for one, kept in ((Separable(4, 4), True), (Separable(4, 4, 2), False), (Separable(4, 8), False)):
        torch.nn.init.zeros_(one.eval().norm.weight)
        with torch.no_grad():
            result = one(x)
        assert torch.equal(result, x) if kept else not result.any()
