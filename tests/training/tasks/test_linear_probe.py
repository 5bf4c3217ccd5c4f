"""The linear probe, on points whose best line is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lookalike.training.tasks.linear_probe import fit_linear_probe


@pytest.mark.parametrize("many", [10, 90])
def test_every_class_weighs_the_same(many: int) -> None:
    """The line between two clouds lies in the middle, however many points the one has."""
    features = np.array([[-1.0, 0.5]] * many + [[1.0, 0.5]] * 10, np.float32)
    weights, biases = fit_linear_probe(features, np.array([0] * many + [1] * 10), 2)
    apart = weights[1] - weights[0]
    assert apart[0] > 1
    assert abs(float(apart[1] * 0.5 + biases[1] - biases[0])) < 0.01 * float(apart[0])


def test_classes_are_separated() -> None:
    """Five clouds of points in 16 dimensions are classified correctly, also points that it was not fitted to; a class
    without any is never predicted; the same every time."""
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(5, 16))
    labels = rng.integers(0, 5, 300)
    features = (middles[labels] + 0.3 * rng.normal(size=(300, 16))).astype(np.float32)
    weights, biases = fit_linear_probe(features[:200], labels[:200], 6)
    result = features[200:] @ weights.numpy().T + biases.numpy()
    assert result.argmax(1).tolist() == labels[200:].tolist()
    again = fit_linear_probe(features[:200], labels[:200], 6)
    assert torch.equal(weights, again[0])
    assert torch.equal(biases, again[1])
