"""What training makes small. Every loss is a mean over pictures; vectors are (N, D) of unit length."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def contrastive(vectors: Tensor, apart: Tensor, temperature: float) -> Tensor:
    """NT-Xent (Chen et al., arXiv 2002.05709): row i of the first half belongs to row i of the second.

    ``apart``: (2N, 2N) bool, true where two rows may be told apart. False where one shows the other too, as a
    picture pasted onto another does, and on the diagonal.
    """
    count = len(vectors)
    similar = vectors @ vectors.T / temperature
    partner = torch.arange(count).roll(count // 2)
    positive = similar[torch.arange(count), partner]
    allowed = apart.clone()
    allowed[torch.arange(count), partner] = True
    return (torch.logsumexp(similar.masked_fill(~allowed, -torch.inf), 1) - positive).mean()


def spread(vectors: Tensor) -> Tensor:
    """KoLeo (Sablayrolles et al., arXiv 1806.03198): keeps each vector away from its nearest other one, so that
    one threshold means the same everywhere (SSCD, arXiv 2202.10261)."""
    with torch.no_grad():
        similar = vectors @ vectors.T
        nearest = similar.fill_diagonal_(-2).argmax(1)
    return -torch.log((vectors - vectors[nearest]).norm(dim=1) + 1e-6).mean()


def distilled(vectors: Tensor, targets: Tensor) -> Tensor:
    """One minus the cosine to what the teacher says."""
    return 1 - (vectors * targets).sum(1).mean()


def labelled(logits: Tensor, labels: Tensor, smoothing: float = 0.1) -> Tensor:
    """Softmax cross-entropy over those with a label, -1 being none; 0 where nobody has one."""
    if not bool((labels >= 0).any()):
        return logits.sum() * 0
    return functional.cross_entropy(logits, labels, ignore_index=-1, label_smoothing=smoothing)
