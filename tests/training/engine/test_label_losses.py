"""Losses over labels, pairs and triplets: against loops over hand-made numbers and vectors at known angles."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lookalike.training.engine import losses

ANGLES = (0.0, 30.0, 90.0, 170.0, 200.0)
LABELS = torch.tensor([0, 0, 1, 1, 1])
LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3], [-1.0, 3.0, 0.0], [0.0, 0.0, 4.0]])
TRUTH = torch.tensor([0, 2, 1, 0])
COUNTS = torch.tensor([50.0, 5.0, 1.0])


def fan() -> torch.Tensor:
    """(5, 2) unit vectors at ANGLES."""
    turned = np.radians(ANGLES)
    return torch.tensor(np.stack([np.cos(turned), np.sin(turned)], 1), dtype=torch.float32)


def cosine(i: int, j: int) -> float:
    return math.cos(math.radians(ANGLES[i] - ANGLES[j]))


def softmax(row: list[float]) -> list[float]:
    total = sum(math.exp(x) for x in row)
    return [math.exp(x) / total for x in row]


def test_class_balanced_weights() -> None:
    """One over (1 - beta^n) / (1 - beta), brought to a mean of 1."""
    raw = [(1 - 0.999) / (1 - 0.999**n) for n in (50, 5, 1)]
    expected = [one / (sum(raw) / 3) for one in raw]
    assert losses.class_balanced_weights(COUNTS).tolist() == pytest.approx(expected, rel=1e-5)


def test_focal() -> None:
    """-(1 - p)^2 log p of the right class, image by image; without gamma it is cross-entropy."""
    probabilities = [softmax(row.tolist())[kind] for row, kind in zip(LOGITS, TRUTH, strict=True)]
    expected = sum(-((1 - p) ** 2) * math.log(p) for p in probabilities) / 4
    assert losses.focal(LOGITS, TRUTH).item() == pytest.approx(expected, rel=1e-5)
    plain = sum(-math.log(p) for p in probabilities) / 4
    assert losses.focal(LOGITS, TRUTH, gamma=0).item() == pytest.approx(plain, rel=1e-5)


def test_logit_adjusted() -> None:
    """Cross-entropy of logits plus the log of each class's share."""
    expected = 0.0
    for row, kind in zip(LOGITS.tolist(), TRUTH.tolist(), strict=True):
        moved = [x + math.log(n / 56) for x, n in zip(row, (50, 5, 1), strict=True)]
        expected -= math.log(softmax(moved)[kind]) / 4
    assert losses.logit_adjusted(LOGITS, TRUTH, COUNTS, 0.0).item() == pytest.approx(expected, rel=1e-5)


def test_pair_contrastive() -> None:
    """Half the square of the distance, or of what is missing to the margin; beyond the margin nothing."""
    distances, same = torch.tensor([0.5, 0.3, 1.7]), torch.tensor([True, False, False])
    expected = (0.5**2 + (1 - 0.3) ** 2 + 0) / 3 / 2
    assert losses.pair_contrastive(distances, same, 1.0).item() == pytest.approx(expected, rel=1e-6)


def test_triplet() -> None:
    """What is missing until the negative is further by the margin, in squares."""
    near, far = torch.tensor([0.5, 0.9]), torch.tensor([0.6, 2.0])
    expected = (max(0, 0.5**2 - 0.6**2 + 0.2) + max(0, 0.9**2 - 4 + 0.2)) / 2
    assert losses.triplet(near, far, 0.2).item() == pytest.approx(expected, rel=1e-6)


def test_nt_xent_by_loops() -> None:
    """For every ordered pair of a class: one against itself and all negatives of the first, by the formula."""
    parts = []
    for i in range(5):
        for j in range(5):
            if i != j and LABELS[i] == LABELS[j]:
                negatives = sum(math.exp(cosine(i, k) / 0.3) for k in range(5) if LABELS[k] != LABELS[i])
                own = math.exp(cosine(i, j) / 0.3)
                parts.append(-math.log(own / (own + negatives)))
    assert losses.nt_xent(fan(), *losses.class_pairs(LABELS), 0.3).item() == pytest.approx(np.mean(parts), rel=1e-4)


def test_supervised_contrastive_by_loops() -> None:
    """For every vector: the mean over its class of minus the log-share among all others."""
    parts = []
    for i in range(5):
        total = sum(math.exp(cosine(i, k) / 0.3) for k in range(5) if k != i)
        own = [k for k in range(5) if k != i and LABELS[k] == LABELS[i]]
        parts.append(np.mean([-math.log(math.exp(cosine(i, k) / 0.3) / total) for k in own]))
    assert losses.supervised_contrastive(fan(), LABELS, 0.3).item() == pytest.approx(np.mean(parts), rel=1e-4)


def test_margin_softmax_by_loops() -> None:
    """Softmax over scaled cosines to the directions of the classes, the right one less the margin."""
    cell_centres = torch.tensor([[2.0, 0.0], [0.0, 0.5]])
    expected = 0.0
    for i in range(5):
        to = [cosine_to(i, 0.0), cosine_to(i, 90.0)]
        to[int(LABELS[i])] -= 0.25
        expected -= math.log(softmax([8 * x for x in to])[int(LABELS[i])]) / 5
    assert losses.margin_softmax(fan(), cell_centres, LABELS, 0.25, 8.0).item() == pytest.approx(expected, rel=1e-4)


def test_arc_margin_softmax_by_loops() -> None:
    """The right angle is widened by the margin; beyond half a turn the cosine is lessened instead, and still falls."""
    cell_centres = torch.tensor([[2.0, 0.0], [0.0, 0.5]])
    expected = 0.0
    for i in range(5):
        to = [cosine_to(i, 0.0), cosine_to(i, 90.0)]
        right = int(LABELS[i])
        angle = math.acos(to[right])
        to[right] = math.cos(angle + 0.3) if angle + 0.3 < math.pi else to[right] - 0.3 * math.sin(0.3)
        expected -= math.log(softmax([8 * x for x in to])[right]) / 5
    loss = losses.arc_margin_softmax(fan(), cell_centres, LABELS, 0.3, 8.0)
    assert loss.item() == pytest.approx(expected, rel=1e-3)
    opposite, one = torch.tensor([[-1.0, 0.0]]), torch.tensor([0])
    away = losses.arc_margin_softmax(opposite, cell_centres, one, 0.3, 8.0)
    assert away > losses.margin_softmax(opposite, cell_centres, one, 0.0, 8.0)


def cosine_to(i: int, angle: float) -> float:
    return math.cos(math.radians(ANGLES[i] - angle))
