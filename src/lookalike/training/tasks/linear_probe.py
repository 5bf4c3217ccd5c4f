"""A linear probe: the last layer of a classifier fitted alone, before the network behind it is trained on.

So fine-tuning begins where logistic regression ends, and does not spoil features while it looks for a first answer
(Kumar et al., "Fine-tuning can distort pretrained features and underperform out-of-distribution", arXiv 2202.10054).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from lookalike.types import Floats

L2_PENALTY = 3e-3  # on the squared weights of features of length SCALE
MAX_STEPS = 200  # of L-BFGS at most


def fit_linear_probe(features: Floats, labels: NDArray[np.int64], classes: int) -> tuple[Tensor, Tensor]:
    """Multinomial logistic regression in which every class weighs the same: (N, D) features and (N,) labels -> (C, D)
    weights and (C,) biases. The same every time."""
    inputs, targets = torch.from_numpy(features), torch.from_numpy(labels)
    counts = torch.bincount(targets, minlength=classes).float()
    shares = (1 / counts[targets]) / (1 / counts[targets]).sum()
    weights = torch.zeros(classes, features.shape[1], requires_grad=True)
    biases = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, biases], max_iter=MAX_STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        losses = functional.cross_entropy(functional.linear(inputs, weights, biases), targets, reduction="none")
        loss: Tensor = (losses * shares).sum() + L2_PENALTY * (weights**2).sum()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types here
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]  # torch has no types here
    return weights.detach(), biases.detach()
