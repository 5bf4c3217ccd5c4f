"""Loss functions. Every loss is a mean over images; vectors are (N, D) of unit length."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def nt_xent(vectors: Tensor, positives: Tensor, negatives: Tensor, temperature: float) -> Tensor:
    """NT-Xent (Chen et al., arXiv 2002.05709): of each positive pair, the cross-entropy of finding the second among
    itself and all negatives of the first.

    ``positives``, ``negatives``: (N, N) bool, row by row; a pair that is neither does not count. See ``view_pairs``
    and ``class_pairs``."""
    similarity = vectors @ vectors.T / temperature
    among_negatives = similarity.masked_fill(~negatives, -torch.inf).logsumexp(1)
    anchors, others = positives.nonzero(as_tuple=True)
    own = similarity[anchors, others]
    return (torch.logaddexp(own, among_negatives[anchors]) - own).mean()


def view_pairs(distinct: Tensor) -> tuple[Tensor, Tensor]:
    """(2N, 2N) bool, true where two rows show different images -> positives and negatives for ``nt_xent``, where row i
    of the first half and row i of the second are views of one image."""
    count = len(distinct)
    positives = torch.eye(count, dtype=torch.bool, device=distinct.device).roll(count // 2, 1)
    return positives, distinct & ~positives


def class_pairs(labels: Tensor) -> tuple[Tensor, Tensor]:
    """(N,) labels -> positives and negatives for ``nt_xent``: of one class, of two."""
    same = labels[:, None] == labels
    return same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device), ~same


def koleo(vectors: Tensor) -> Tensor:
    """KoLeo (Sablayrolles et al., arXiv 1806.03198): keeps each vector away from its nearest other one, so that
    one threshold means the same everywhere (SSCD, arXiv 2202.10261)."""
    with torch.no_grad():
        similarity = vectors @ vectors.T
        nearest = similarity.fill_diagonal_(-2).argmax(1)
    return -torch.log((vectors - vectors[nearest]).norm(dim=1) + 1e-6).mean()


def cosine_distillation(vectors: Tensor, targets: Tensor) -> Tensor:
    """One minus the mean cosine to the teacher's vectors (knowledge distillation, arXiv 1503.02531)."""
    return 1 - (vectors * targets).sum(1).mean()


# --- classes that differ in size


def class_balanced_weights(counts: Tensor, beta: float = 0.999) -> Tensor:
    """(C,) images of each class -> (C,) weights with the mean 1: one over the effective number of samples
    (Cui et al., arXiv 1901.05555)."""
    weights = (1 - beta) / (1 - beta ** counts.double().clamp(min=1))
    return (weights / weights.mean()).float()


def focal(logits: Tensor, labels: Tensor, gamma: float = 2.0) -> Tensor:
    """Focal loss: cross-entropy that fades where the answer is already certain (Lin et al., arXiv 1708.02002)."""
    log_probability = functional.log_softmax(logits, 1).gather(1, labels[:, None]).squeeze(1)
    return (-((1 - log_probability.exp()) ** gamma) * log_probability).mean()


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


def supervised_contrastive(vectors: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """(N, D) unit vectors -> minus the mean log-share that those of the own class have of all the others (SupCon,
    arXiv 2004.11362). Every label must occur twice."""
    similarity = (vectors @ vectors.T / temperature).fill_diagonal_(-torch.inf)
    same = (labels[:, None] == labels).fill_diagonal_(False)
    log_share = similarity - similarity.logsumexp(1, keepdim=True)
    return -(log_share.masked_fill(~same, 0).sum(1) / same.sum(1)).mean()


def margin_softmax(vectors: Tensor, class_centres: Tensor, labels: Tensor, margin: float, scale: float) -> Tensor:
    """(N, D) unit vectors, (C, D) a direction for each class -> cross-entropy of ``scale`` times the cosines, that of
    the true class less the margin (CosFace, arXiv 1801.09414)."""
    cosines = vectors @ functional.normalize(class_centres).T
    right = functional.one_hot(labels, len(class_centres)).bool()
    return functional.cross_entropy(scale * torch.where(right, cosines - margin, cosines), labels)


def arc_margin_softmax(vectors: Tensor, class_centres: Tensor, labels: Tensor, margin: float, scale: float) -> Tensor:
    """As ``margin_softmax``, but the margin, in radians, is added to the angle (ArcFace, arXiv 1801.07698). Where the
    angle would go beyond half a turn, the cosine is lessened as by a margin of cosines, so that it always falls."""
    cosines = (vectors @ functional.normalize(class_centres).T).clamp(-1 + 1e-6, 1 - 1e-6)
    angles = cosines.acos()
    beyond = cosines - margin * math.sin(margin)
    pushed = torch.where(angles + margin < math.pi, (angles + margin).cos(), beyond)
    right = functional.one_hot(labels, len(class_centres)).bool()
    return functional.cross_entropy(scale * torch.where(right, pushed, cosines), labels)
