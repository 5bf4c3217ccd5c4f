"""The network of `words`: what it says of an image is the sum of what its places add, and one place is enough."""

from __future__ import annotations

import pytest
import torch

from lookalike.training.models.tag_net import TagNet


@pytest.fixture(scope="module")
def network() -> TagNet:
    torch.manual_seed(0)
    return TagNet(3).eval()


def test_places_add_up(network: TagNet) -> None:
    """To the log-odds, whatever their sign."""
    with torch.no_grad():
        odds, parts = network(torch.rand(2, 3, 96, 64))
    assert (odds.shape, parts.shape) == ((2, 3), (2, 3, 3, 2))
    assert torch.allclose(parts.sum((2, 3)), odds, atol=1e-5)


def test_one_sure_place_is_enough(network: TagNet) -> None:
    """Of sixteen places that all say -4 the image's log-odds are -4; when one of them says 8, they are well above 0."""
    even = torch.full((1, 3, 4, 4), -4.0)
    spot = even.clone()
    spot[..., 2, 1] = 8.0
    assert network.pooled(even)[0].flatten().tolist() == pytest.approx([-4.0] * 3, abs=1e-5)
    odds, shares = network.pooled(spot)
    assert odds.min() > 4
    assert shares[..., 2, 1].min() > 0.9
