"""The losses beside explicit loops over hand-made vectors."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from lookalike.training.engine import losses

ANGLES = (0.0, 1.0, 2.5, 0.2, 1.3, 2.0)  # radians; the last three are the partners of the first three


def at(angles: tuple[float, ...] = ANGLES) -> Tensor:
    """(N, 2) of unit length, asking for gradients."""
    return torch.tensor([[math.cos(angle), math.sin(angle)] for angle in angles], requires_grad=True)


def all_but_self(count: int) -> Tensor:
    return ~torch.eye(count, dtype=torch.bool)


def nt_xent_by_hand(angles: tuple[float, ...], distinct: Tensor, temperature: float) -> float:
    total, half = 0.0, len(angles) // 2
    for i, angle in enumerate(angles):
        partner = (i + half) % len(angles)
        seen = [j for j in range(len(angles)) if j == partner or distinct[i, j]]
        sums = sum(math.exp(math.cos(angle - angles[j]) / temperature) for j in seen)
        total += math.log(sums) - math.cos(angle - angles[partner]) / temperature
    return total / len(angles)


@pytest.mark.parametrize("temperature", [0.06, 1.0])
def test_nt_xent_of_views(temperature: float) -> None:
    """The loss is the mean of what two nested loops over angles add up to."""
    expected = nt_xent_by_hand(ANGLES, all_but_self(6), temperature)
    assert losses.nt_xent(at(), *losses.view_pairs(all_but_self(6)), temperature).item() == pytest.approx(
        expected, rel=1e-4
    )


def test_a_pair_that_is_no_negative_does_not_count() -> None:
    """Of a pair that `distinct` leaves out neither the loss nor a gradient knows; a partner counts even so."""
    distinct = all_but_self(6)
    distinct[0, 1] = distinct[1, 0] = distinct[2, 5] = False
    vectors = at()
    loss = losses.nt_xent(vectors, *losses.view_pairs(distinct), 0.5)
    assert loss.item() == pytest.approx(nt_xent_by_hand(ANGLES, distinct, 0.5), rel=1e-4)
    one_pair = torch.zeros(6, 6, dtype=torch.bool)
    one_pair[0, 2] = True  # row 2 is a negative of row 0, and there is no other
    vectors, alone = at(), at()
    losses.nt_xent(vectors, *losses.view_pairs(one_pair), 0.5).backward()
    losses.nt_xent(alone, *losses.view_pairs(torch.zeros(6, 6, dtype=torch.bool)), 0.5).backward()
    assert alone.grad is not None
    assert vectors.grad is not None
    assert alone.grad.abs().max() == 0  # nothing is left but the partner, which is certain
    assert sorted(set(vectors.grad.nonzero()[:, 0].tolist())) == [0, 2, 3]


def test_koleo() -> None:
    """KoLeo is minus the mean logarithm of the distance to the nearest other vector, found by looping."""
    points = [(math.cos(angle), math.sin(angle)) for angle in ANGLES]
    nearest = [min(math.dist(a, b) for b in points if b is not a) for a in points]
    expected = -sum(math.log(distance) for distance in nearest) / len(points)
    assert losses.koleo(at()).item() == pytest.approx(expected, rel=1e-3)


def test_cosine_distillation() -> None:
    """One minus the mean cosine of the angle between each vector and its target."""
    targets = at((0.5, 1.0, 2.0))
    expected = 1 - (math.cos(0.5) + 1 + math.cos(0.5)) / 3
    assert losses.cosine_distillation(at((0.0, 1.0, 2.5)), targets).item() == pytest.approx(expected, rel=1e-5)


def test_gradients_are_finite() -> None:
    """Even for vectors that coincide, or that have no negatives."""
    same = (1.0, 1.0, 1.0, 1.0)
    for loss in (
        lambda v: losses.koleo(v),
        lambda v: losses.nt_xent(v, *losses.view_pairs(all_but_self(4)), 0.06),
        lambda v: losses.nt_xent(v, *losses.view_pairs(torch.zeros(4, 4, dtype=torch.bool)), 0.06),
        lambda v: losses.cosine_distillation(v, torch.zeros(4, 2)),
    ):
        vectors = at(same)
        loss(vectors).backward()
        assert vectors.grad is not None
        assert bool(vectors.grad.isfinite().all())
