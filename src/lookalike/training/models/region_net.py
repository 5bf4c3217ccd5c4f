"""The network of regions: proposals, their refinement, and a vector for each; Faster R-CNN (arXiv 1506.01497).

On the maps of the shipped trunk stands a small pyramid (Lin et al., arXiv 1612.03144). Proposals need no anchors: every
cell says how surely it lies amid an object and how far its four sides are (Tian et al., arXiv 1904.01355), and its
score is to be its overlap with the object (Li et al., arXiv 2006.04388). The best go through a second stage, RoIAlign
(He et al., arXiv 1703.06870) and two layers, that names the class and moves the sides. A box's vector is what the head
for `copy` makes of the p-mean of the map within it. Every shape is known beforehand, so all of it exports.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from lookalike.training.models.residual_net import (
    DEPTHS,
    FEATURES,
    HEAD,
    MEAN,
    STD,
    WIDTHS,
    GeneralisedMean,
    Network,
    trunk,
)

STRIDES = (8, 16, 32)  # pixels to a cell of each level
REACH = (64.0, 128.0, 1e9)  # pixels: the root of the area up to which an object belongs to a level
CHANNELS = 96
BINS, SAMPLES = 5, 2  # of RoIAlign, each way, and points in a bin each way
POOLED = 7  # points each way whose mean is a box's vector
CANDIDATES, PROPOSED = 256, 64  # boxes before and after the first suppression
OVERLAP_FIRST, OVERLAP = 0.8, 0.65  # above which the less sure of two boxes goes, in the two stages
ROUNDS = 8  # of suppression: as many as boxes that hang on one another in a row
COUNT = 32  # boxes that are given: the whole, proposals, cells
WHOLE = (0.0, 0.0, 1.0, 1.0)
RARE = 0.01  # how likely a cell lies amid an object, before anything is learnt (arXiv 1708.02002)


def grid(side: float, count: int) -> list[tuple[float, float, float, float]]:
    """``count`` x ``count`` boxes of this side, in shares, evenly over the image."""
    starts = torch.linspace(0, 1 - side, count).tolist()
    return [(x, y, side, side) for y in starts for x in starts]


CELLS = grid(0.6, 2)


class Detector(nn.Module):
    """(N, 3, H, W) float RGB 0..1, H and W from 32 -> vectors (N, COUNT, 256) of unit length, boxes (N, COUNT, 4) in
    shares x, y, width, height, scores (N, COUNT) and classes (N, COUNT): the whole, proposals, the cells.

    ``classes``: how many the second stage tells apart; 0: whether it is an object."""

    mean: Tensor
    std: Tensor
    cells: Tensor

    def __init__(
        self, classes: int = 0, widths: tuple[int, ...] = WIDTHS, depths: tuple[int, ...] = DEPTHS, count: int = COUNT
    ) -> None:
        super().__init__()
        self.classes, self.count = classes, count
        self.trunk = trunk(widths, depths)
        self.finer = 6 + depths[0] + depths[1]  # layers up to the map of 8 pixels to a cell
        self.pool, self.vector = GeneralisedMean(3.0), nn.Linear(FEATURES, HEAD)
        self.from_fine, self.from_coarse = nn.Conv2d(widths[1], CHANNELS, 1), nn.Conv2d(FEATURES, CHANNELS, 1)
        self.mixed = nn.ModuleList(_mixing(stride) for stride in (1, 1, 2))
        self.proposing = nn.Sequential(_mixing(1), _mixing(1))
        self.objectness, self.sides = nn.Conv2d(CHANNELS, 1, 1), nn.Conv2d(CHANNELS, 4, 1)
        self.scales = nn.Parameter(torch.ones(len(STRIDES)))
        self.looking = nn.Sequential(
            nn.Flatten(), nn.Linear(CHANNELS * BINS * BINS, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU()
        )
        self.naming = nn.Linear(256 + FEATURES, classes + 1) if classes else nn.Linear(256, 1)
        self.moving = nn.Linear(256, 4)
        nn.init.constant_(self.objectness.bias, -math.log((1 - RARE) / RARE))  # type: ignore[arg-type]
        nn.init.zeros_(self.moving.weight)
        nn.init.zeros_(self.moving.bias)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))
        self.register_buffer("cells", torch.tensor(CELLS))

    def start_from(self, network: Network) -> None:
        """Take over the trunk of the shipped network of `copy`, and its head."""
        self.trunk.load_state_dict(network.trunk.state_dict())
        self.pool.load_state_dict(network.pool_copy.state_dict())
        self.vector.load_state_dict(network.copy.state_dict())

    def freeze(self) -> None:
        """The trunk stays as it is."""
        for parameter in self.trunk.parameters():
            parameter.requires_grad_(False)

    def train(self, mode: bool = True) -> Detector:
        """As of any module; but the statistics of the trunk stay what they are."""
        super().train(mode)
        self.trunk.eval()
        return self

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        fine, coarse = self.maps(image)
        levels = self.levels(fine, coarse)
        size = _size(image)
        boxes, scores = self.proposals(levels, size)
        boxes, scores, classes = self.refined(levels[0], coarse, boxes, scores)
        chosen, sure, which = best(boxes, scores, OVERLAP, self.count - 1 - len(self.cells))
        named = classes.gather(1, which)
        count = image.shape[0]
        whole = torch.tensor([WHOLE], device=image.device).expand(count, 1, 4)
        cells = self.cells[None].expand(count, -1, 4)
        every = torch.cat([whole, chosen, cells], 1)
        none = torch.zeros(count, 1 + len(self.cells), device=image.device)
        scores = torch.cat([none[:, :1], sure, none[:, 1:]], 1)
        unnamed = (none - 1).long()
        return self.vectors(coarse, every), every, scores, torch.cat([unnamed[:, :1], named, unnamed[:, 1:]], 1)

    def maps(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Of 8 and of 16 pixels to a cell."""
        fine = self.trunk[: self.finer]((image - self.mean) / self.std)
        return fine, self.trunk[self.finer :](fine)

    def levels(self, fine: Tensor, coarse: Tensor) -> list[Tensor]:
        """The pyramid: three maps of CHANNELS, of 8, 16 and 32 pixels to a cell."""
        middle = self.from_coarse(coarse)
        low = self.from_fine(fine) + functional.interpolate(middle, fine.shape[2:])
        middle = self.mixed[1](middle)
        return [self.mixed[0](low), middle, self.mixed[2](middle)]

    def told(self, levels: Sequence[Tensor], size: Tensor) -> tuple[Tensor, Tensor]:
        """What every cell of every level says: logits (N, A) and its box, corners in shares (N, A, 4)."""
        logits, boxes = [], []
        for level, stride, scale in zip(levels, STRIDES, self.scales, strict=True):
            seen = self.proposing(level)
            far = functional.softplus(self.sides(seen) * scale).float() * stride * 2
            places = centres(level.shape[2], level.shape[3], stride, level.device)
            logits.append(self.objectness(seen).float().flatten(1))
            boxes.append(around(places, far.flatten(2).transpose(1, 2)) / size)
        return torch.cat(logits, 1), torch.cat(boxes, 1)

    def proposals(self, levels: Sequence[Tensor], size: Tensor) -> tuple[Tensor, Tensor]:
        """The PROPOSED boxes that are most surely objects, and how surely: (N, P, 4) x, y, width, height; (N, P)."""
        logits, corners = self.told(levels, size)
        more = CANDIDATES  # boxes of nothing, so that the smallest image has as many
        logits = functional.pad(logits, (0, more), value=-30.0)
        corners = functional.pad(corners, (0, 0, 0, more)).clamp(0, 1)
        first = logits.topk(CANDIDATES, 1).indices
        boxes = extents(corners.gather(1, first[..., None].expand(-1, -1, 4)))
        chosen, scores, _ = best(boxes, logits.gather(1, first).sigmoid(), OVERLAP_FIRST, PROPOSED)
        return chosen, scores

    def refined(self, level: Tensor, coarse: Tensor, boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The second stage: boxes with their sides moved, how sure both stages are, and the class."""
        logits, moves = self.looked_at(level, coarse, boxes)
        if self.classes:
            sure, named = logits.softmax(2)[..., 1:].max(2)
        else:
            sure = logits.sigmoid()[..., 0]
            named = torch.full_like(sure, -1).long()
        return moved(boxes, moves), (sure * scores).clamp(min=0).sqrt(), named

    def looked_at(self, level: Tensor, coarse: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """(N, P, 4) -> logits (N, P, classes) and moves (N, P, 4). Classes are told by the coarse map as well, which
        knows more of what things are."""
        cut = align(level, boxes, BINS, SAMPLES)
        seen = self.looking(cut.flatten(0, 1)).reshape(boxes.shape[0], boxes.shape[1], -1)
        told = seen
        if self.classes:
            told = torch.cat([seen, functional.layer_norm(self.pooled(coarse, boxes), (FEATURES,)).to(seen.dtype)], 2)
        return self.naming(told).float(), self.moving(seen).float()

    def pooled(self, coarse: Tensor, boxes: Tensor) -> Tensor:
        """(N, R, 4) -> (N, R, 512): the p-mean of the map within each box."""
        powers = coarse.float().clamp(min=1e-4).pow(self.pool.p)
        return align(powers, boxes, 1, POOLED)[..., 0, 0].pow(1 / self.pool.p)

    def vectors(self, coarse: Tensor, boxes: Tensor) -> Tensor:
        """(N, R, 4) -> (N, R, 256) of unit length: what the head makes of the map within each box."""
        return functional.normalize(self.vector(self.pooled(coarse, boxes)).float(), dim=2)


def _mixing(stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(CHANNELS, CHANNELS, 3, stride, 1, bias=False), nn.BatchNorm2d(CHANNELS), nn.ReLU())


def _size(image: Tensor) -> Tensor:
    """Pixels: width, height, width, height."""
    height, width = image.shape[2], image.shape[3]
    return (
        torch.tensor([1.0, 0, 1, 0], device=image.device) * width
        + torch.tensor([0.0, 1, 0, 1], device=image.device) * height
    )


def centres(height: int, width: int, stride: int, where: torch.device) -> Tensor:
    """(H * W, 2) x, y in pixels: the middle of every cell, row by row."""
    y = (torch.arange(height, device=where) + 0.5) * stride
    x = (torch.arange(width, device=where) + 0.5) * stride
    return torch.stack([x[None].expand(height, -1), y[:, None].expand(-1, width)], 2).reshape(-1, 2)


def around(places: Tensor, far: Tensor) -> Tensor:
    """(A, 2) and how far left, top, right and bottom are (N, A, 4) -> corners (N, A, 4)."""
    return torch.cat([places - far[..., :2], places + far[..., 2:]], -1)


def extents(corners: Tensor) -> Tensor:
    """Left, top, right, bottom -> x, y, width, height."""
    return torch.cat([corners[..., :2], (corners[..., 2:] - corners[..., :2]).clamp(min=0)], -1)


def overlaps(a: Tensor, b: Tensor) -> Tensor:
    """(..., A, 4) and (..., B, 4) boxes x, y, width, height -> (..., A, B): intersection over union, 0..1."""
    a, b = a[..., :, None, :], b[..., None, :, :]
    low = torch.maximum(a[..., :2], b[..., :2])
    high = torch.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    common = (high - low).clamp(min=0).prod(-1)
    return common / (a[..., 2:].prod(-1) + b[..., 2:].prod(-1) - common).clamp(min=1e-9)


def best(boxes: Tensor, scores: Tensor, overlap: float, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Non-maximum suppression: the ``count`` surest boxes of which none overlaps a surer one by more than ``overlap``;
    where there are too few, suppressed ones with a score of 0. Also their places in ``boxes``.

    Round after round every box is asked anew whether a surer one that stands overlaps it; boxes that hang on one
    another in a chain of ROUNDS and fewer end as one after the other would (Zheng et al., arXiv 2005.03572)."""
    order = scores.argsort(1, descending=True)
    boxes = boxes.gather(1, order[..., None].expand(-1, -1, 4))
    scores = scores.gather(1, order)
    over = (overlaps(boxes, boxes) > overlap).float().triu(1)
    stands = torch.ones_like(scores)
    for _ in range(ROUNDS):
        stands = ((over * stands[..., None]).amax(1) == 0).float()
    left, which = (scores * stands).topk(count, 1)
    return boxes.gather(1, which[..., None].expand(-1, -1, 4)), left, order.gather(1, which)


def moved(boxes: Tensor, moves: Tensor) -> Tensor:
    """Boxes with their centres and sides changed (Girshick et al., arXiv 1311.2524, appendix C), cut at the edges."""
    centre = boxes[..., :2] + boxes[..., 2:] / 2 + moves[..., :2] * boxes[..., 2:] * 0.1
    sides = boxes[..., 2:] * (moves[..., 2:].clamp(-5, 5) * 0.2).exp()
    corners = torch.cat([centre - sides / 2, centre + sides / 2], -1)
    return extents(corners.clamp(0, 1))


def align(maps: Tensor, boxes: Tensor, bins: int, samples: int) -> Tensor:
    """RoIAlign: (N, C, H, W) and (N, R, 4) in shares -> (N, R, C, bins, bins), the mean of ``samples`` x ``samples``
    points in each bin, each read bilinearly. Points form a grid, so it is two products of matrices."""
    rows = _read(boxes[..., 1], boxes[..., 3], maps.shape[2], bins, samples).to(maps.dtype)
    columns = _read(boxes[..., 0], boxes[..., 2], maps.shape[3], bins, samples).to(maps.dtype)
    count, channels, height, width = maps.shape
    cut = rows.flatten(1, 2) @ maps.permute(0, 2, 1, 3).reshape(count, height, channels * width)
    cut = cut.reshape(count, boxes.shape[1], bins * channels, width) @ columns.transpose(2, 3)
    return cut.reshape(count, boxes.shape[1], bins, channels, bins).transpose(2, 3)


def _read(start: Tensor, length: Tensor, cells: int, bins: int, samples: int) -> Tensor:
    """(N, R) in shares -> (N, R, bins, cells): how much of each cell goes into each bin, along one side."""
    steps = (torch.arange(bins * samples, device=start.device) + 0.5) / (bins * samples)
    at = ((start[..., None] + length[..., None] * steps) * cells - 0.5).clamp(min=0)
    at = torch.minimum(at, torch.ones_like(at) * (cells - 1))
    weights = (1 - (at[..., None] - torch.arange(cells, device=start.device)).abs()).clamp(min=0)
    return weights.reshape(*weights.shape[:2], bins, samples, cells).mean(3)
