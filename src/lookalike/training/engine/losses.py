"""What training makes small. Every loss is a mean over images; vectors are (N, D) of unit length."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def contrastive(vectors: Tensor, apart: Tensor, temperature: float) -> Tensor:
    """NT-Xent (Chen et al., arXiv 2002.05709): row i of the first half belongs to row i of the second.

    ``apart``: (2N, 2N) bool, true where two rows may be told apart. False where one shows the other too, as an
    image pasted onto another does, and on the diagonal.
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


# --- classes that differ in size


def class_balanced(counts: Tensor, beta: float = 0.999) -> Tensor:
    """(C,) images of each class -> (C,) weights with the mean 1: one over the effective number of samples
    (Cui et al., arXiv 1901.05555)."""
    weights = (1 - beta) / (1 - beta ** counts.double().clamp(min=1))
    return (weights / weights.mean()).float()


def focal(logits: Tensor, labels: Tensor, gamma: float = 2.0) -> Tensor:
    """Cross-entropy that fades where the answer is already sure (Lin et al., arXiv 1708.02002)."""
    log_right = functional.log_softmax(logits, 1).gather(1, labels[:, None]).squeeze(1)
    return (-((1 - log_right.exp()) ** gamma) * log_right).mean()


def logit_adjusted(logits: Tensor, labels: Tensor, counts: Tensor, smoothing: float, tau: float = 1.0) -> Tensor:
    """Cross-entropy of logits to which ``tau`` times the log of each class's share is added, so that the logits
    themselves, in use, favour no large class (Menon et al., arXiv 2007.07314). ``counts``: (C,)."""
    prior = (counts.clamp(min=1) / counts.sum()).log()
    return functional.cross_entropy(logits + tau * prior, labels, label_smoothing=smoothing)


# --- pairs and triplets


def pair_contrastive(distances: Tensor, same: Tensor, margin: float) -> Tensor:
    """(P,) distances of pairs, (P,) bool whether both are of one class -> half the square of the distance, or of what
    is missing to the margin (Hadsell et al., "Dimensionality reduction by learning an invariant mapping", 2006)."""
    near, far = distances.square(), (margin - distances).clamp(min=0).square()
    return torch.where(same, near, far).mean() / 2


def triplet(positive: Tensor, negative: Tensor, margin: float) -> Tensor:
    """(T,) distances of an anchor to one of its class and to one of another -> what is missing, in squares, until the
    latter is further by the margin (FaceNet, arXiv 1503.03832)."""
    return (positive.square() - negative.square() + margin).clamp(min=0).mean()


def nt_xent(vectors: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """(N, D) unit vectors, (N,) labels -> for each pair of a class, the cross-entropy of finding the one among it and
    all strangers of the other (NT-Xent, arXiv 2002.05709, with labels for what belongs together)."""
    similar = vectors @ vectors.T / temperature
    same = labels[:, None] == labels
    strangers = similar.masked_fill(same, -torch.inf).logsumexp(1)
    pairs = (same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)).nonzero()
    own = similar[pairs[:, 0], pairs[:, 1]]
    return (torch.logaddexp(own, strangers[pairs[:, 0]]) - own).mean()


def supervised_contrastive(vectors: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """(N, D) unit vectors -> minus the mean log-share that those of the own class have of all the others (SupCon,
    arXiv 2004.11362). Every label must occur twice."""
    similar = (vectors @ vectors.T / temperature).fill_diagonal_(-torch.inf)
    same = (labels[:, None] == labels).fill_diagonal_(False)
    log_share = similar - similar.logsumexp(1, keepdim=True)
    return -(log_share.masked_fill(~same, 0).sum(1) / same.sum(1)).mean()


def margin_softmax(vectors: Tensor, centres: Tensor, labels: Tensor, margin: float, scale: float) -> Tensor:
    """(N, D) unit vectors, (C, D) a direction for each class -> cross-entropy of ``scale`` times the cosines, that of
    the right class less the margin (CosFace, arXiv 1801.09414)."""
    cosines = vectors @ functional.normalize(centres).T
    right = functional.one_hot(labels, len(centres)).bool()
    return functional.cross_entropy(scale * torch.where(right, cosines - margin, cosines), labels)
