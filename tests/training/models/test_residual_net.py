"""The network's shapes, and its pooling beside explicit loops."""

from __future__ import annotations

import pytest
import torch

from lookalike.training.models.residual_net import EMBEDDING_DIM, CopyNet, GeneralisedMean


@pytest.mark.parametrize("side", [32, 33, 50, 64])
def test_any_size_from_32(side: int) -> None:
    """Images of any size give two vectors of unit length each; in use one does not depend on the others."""
    torch.manual_seed(0)
    network = CopyNet().eval()
    given = torch.rand(3, 3, side, side)
    with torch.no_grad():
        together, alone = network(given), network(given[1:2])
    for all_three, one in zip(together, alone, strict=True):
        assert all_three.shape == (3, EMBEDDING_DIM)
        assert torch.allclose(torch.ones(3), all_three.norm(dim=1), atol=1e-5)
        assert torch.allclose(all_three[1:2], one, atol=1e-5)


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


def test_the_names_of_the_weights() -> None:
    """The names by which exported files are read back: a change here makes every shipped file unreadable."""
    names = set(CopyNet().state_dict())
    known = {
        "mean",
        "std",
        "pool_copy.p",
        "pool_content.p",
        "copy.weight",
        "copy.bias",
        "content.weight",
        "content.bias",
    }
    assert known <= names
    assert {name.split(".")[0] for name in names - known} == {"trunk"}
    assert "trunk.7.shortcut.1.weight" in names
