"""The network's shapes, and its pooling beside explicit loops."""

from __future__ import annotations

import pytest
import torch

from lookalike.training.models.residual_net import TRUNK_CHANNELS, GeneralisedMean, trunk


@pytest.mark.parametrize("side", [32, 33, 50, 64])
def test_any_size_from_32(side: int) -> None:
    """Images of any size give maps of 512 channels, 16 pixels to a cell; in use one does not depend on the others."""
    torch.manual_seed(0)
    network = trunk().eval()
    given = torch.rand(3, 3, side, side)
    with torch.no_grad():
        together, alone = network(given), network(given[1:2])
    assert together.shape == (3, TRUNK_CHANNELS, -(-side // 16), -(-side // 16))
    assert torch.allclose(together[1:2], alone, atol=1e-5)


@pytest.mark.parametrize("p", [1.0, 3.0, 60.0])
def test_generalised_mean(p: float) -> None:
    """(mean of x^p)^(1/p) of every channel, by loops: the mean for p = 1, near the maximum for a large p."""
    maps = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(1)) * 0.5 + 0.5
    pooled = GeneralisedMean(p)(maps)
    for image in range(2):
        for channel in range(3):
            values = maps[image, channel].flatten().tolist()
            expected = (sum(value**p for value in values) / len(values)) ** (1 / p)
            assert pooled[image, channel].item() == pytest.approx(expected, rel=1e-4)
    if p == 1:
        assert torch.allclose(maps.mean((2, 3)), pooled)
    if p == 60:
        assert torch.allclose(maps.amax((2, 3)), pooled, rtol=0.06)
