"""The losses of a detector: which cells and boxes are assigned to which object, and how wrong they are."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from lookalike.training.models.region_net import LEVEL_MAX_SIZE, STRIDES, Detector, cell_centres, pairwise_iou

CENTRE_RADIUS = 1.5  # cells: how far from an object's middle a cell may be that is assigned to it (arXiv 1904.01355)
MATCH_IOU = 0.5  # overlap from which a proposal is taken for the object


def assign_targets(shapes: list[tuple[int, int]], boxes: Tensor, where: torch.device) -> Tensor:
    """(N, A) int64: the object that every cell of every level is assigned to, the smallest of several, or -1.

    ``shapes``: (height, width) of the levels; ``boxes``: (N, M, 4) x, y, width, height in pixels, empty ones of no
    area."""
    found, reached = [], 0.0
    area = boxes[..., 2:].prod(-1)
    root = area.clamp(min=1e-9).sqrt()
    for (height, width), stride, reach in zip(shapes, STRIDES, LEVEL_MAX_SIZE, strict=True):
        places = cell_centres(height, width, stride, where)[None, :, None]
        middle = (boxes[..., :2] + boxes[..., 2:] / 2)[:, None]
        off = (places - middle).abs()
        inside = (off <= (boxes[..., 2:] / 2).clamp(min=stride / 2)[:, None]).all(-1)
        near = (off <= CENTRE_RADIUS * stride).all(-1)
        fits = (root > reached) & (root <= reach) & (area > 0)
        cost = torch.where(inside & near & fits[:, None], area[:, None], torch.inf)
        least, which = cost.min(-1)
        found.append(torch.where(least.isinf(), -1, which))
        reached = reach
    return torch.cat(found, 1)


def quality_focal(logits: Tensor, quality: Tensor) -> Tensor:
    """The sum of how far each score is from the overlap that it is to predict (Li et al., arXiv 2006.04388)."""
    error = functional.binary_cross_entropy_with_logits(logits, quality, reduction="none")
    return (error * (logits.sigmoid() - quality).abs().square()).sum()


def giou_loss(corners: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """(P, 4) and (P, 4) left, top, right, bottom -> 1 - generalised IoU (arXiv 1902.09630), and the IoU."""
    low = torch.maximum(corners[:, :2], truth[:, :2])
    high = torch.minimum(corners[:, 2:], truth[:, 2:])
    common = (high - low).clamp(min=0).prod(1)
    union = (corners[:, 2:] - corners[:, :2]).prod(1) + (truth[:, 2:] - truth[:, :2]).prod(1) - common
    hull = (torch.maximum(corners[:, 2:], truth[:, 2:]) - torch.minimum(corners[:, :2], truth[:, :2])).prod(1)
    overlap = common / union.clamp(min=1e-9)
    return 1 - overlap + (hull - union) / hull.clamp(min=1e-9), overlap


def rpn_losses(logits: Tensor, corners: Tensor, which: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """The losses of the region proposal network: ``objectness`` and ``box``, each per object. ``corners``: (N, A, 4)
    and ``truth``: (N, M, 4) left, top, right, bottom; ``which``: as of ``assign_targets``."""
    image, cell = (which >= 0).nonzero(as_tuple=True)
    errors, overlap = giou_loss(corners[image, cell], truth[image, which[image, cell]])
    quality = torch.zeros_like(logits)
    quality[image, cell] = overlap.detach()
    count = max(len(cell), 1)
    return {"objectness": quality_focal(logits, quality) / count, "box": errors.sum() / count}


def roi_losses(
    network: Detector, level: Tensor, coarse: Tensor, boxes: Tensor, truth: Tensor, classes: Tensor
) -> dict[str, Tensor]:
    """The losses of the second stage, ``class`` and ``delta``. ``boxes``: (N, P, 4) proposals and ``truth``: (N, M, 4)
    x, y, width, height in shares; ``classes``: (N, M)."""
    overlap, which = pairwise_iou(boxes, truth).max(2)
    same = overlap >= MATCH_IOU
    logits, deltas = network.roi_head(level, coarse, boxes)
    count = max(int(same.sum()), 1)
    if network.classes:
        targets = torch.where(same, classes.gather(1, which) + 1, 0)
        class_loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
    else:
        class_loss = quality_focal(logits[..., 0], torch.where(same, overlap, 0.0)) / count
    matched = truth.gather(1, which[..., None].expand(-1, -1, 4))
    middle = (matched[..., :2] + matched[..., 2:] / 2) - (boxes[..., :2] + boxes[..., 2:] / 2)
    target_deltas = torch.cat([middle / boxes[..., 2:] * 10, (matched[..., 2:] / boxes[..., 2:]).log() * 5], -1)
    delta_loss = functional.smooth_l1_loss(deltas[same], target_deltas[same], reduction="sum") / count
    return {"class": class_loss, "delta": delta_loss}
