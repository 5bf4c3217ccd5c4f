"""The region network: proposals, their refinement, and an embedding of each; Faster R-CNN (arXiv 1506.01497).

The trunk is EfficientNet-Lite0 up to its last map of 16 pixels to a cell. On it stands a small feature pyramid (Lin et
al., arXiv 1612.03144) of separable convolutions. The region proposal network needs no anchors: every cell predicts its
objectness and how far the object's four sides are (Tian et al., arXiv 1904.01355), and its score is to be its overlap
with the object (Li et al., arXiv 2006.04388). The best go through a second stage, RoIAlign (He et al., arXiv
1703.06870) and two layers, that names the class and moves the sides. A box's vector is linear in the p-mean, within the
box, of the wide map that the trunk's next block begins with. Every shape is known beforehand, so all of it exports.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from lookalike.logistic import logit
from lookalike.training.models.efficientnet_lite import (
    LITE_MEAN,
    LITE_STD,
    STRIDE_8_BLOCKS,
    STRIDE_8_CHANNELS,
    STRIDE_16_BLOCKS,
    STRIDE_16_CHANNELS,
    Block,
    Convolution,
    fold_norms,
    lite0_trunk,
)

STRIDES = (8, 16, 32)  # pixels to a cell of each level
LEVEL_MAX_SIZE = (64.0, 128.0, 1e9)  # pixels: the root of the area up to which an object belongs to a level
FPN_CHANNELS = 96
NECK_CHANNELS = 672  # of the map that vectors are pooled from, six times the trunk's, as in its blocks
EMBEDDING_DIM = 256
POOL_POWER = 3  # of the p-mean: a whole number is quick
POOL_FLOOR = 1e-4  # what an activation counts at least: the root of 0 has no slope
ROI_BINS, ROI_SAMPLES = 5, 2  # of RoIAlign, each way, and points in a bin each way
POOL_SAMPLES = 7  # points each way whose mean is a box's vector
PRE_NMS_COUNT, PROPOSAL_COUNT = 192, 48  # boxes before and after the first suppression
RPN_NMS_IOU, ROI_NMS_IOU = 0.8, 0.65  # above which the less sure of two boxes goes, in the two stages
NMS_ROUNDS = 8  # of suppression: as many as boxes that hang on one another in a row
BOX_COUNT = 32  # boxes that are given: the whole image, proposals, a grid
FINE_LAYERS = 1 + STRIDE_8_BLOCKS  # of the trunk, up to the map of 8 pixels to a cell
WHOLE = (0.0, 0.0, 1.0, 1.0)
OBJECTNESS_PRIOR = 0.01  # how likely a cell lies amid an object, before anything is learnt (arXiv 1708.02002)


def grid_boxes(side: float, count: int) -> list[tuple[float, float, float, float]]:
    """``count`` x ``count`` boxes of this side, in shares, evenly over the image."""
    starts = torch.linspace(0, 1 - side, count).tolist()
    return [(x, y, side, side) for y in starts for x in starts]


GRID_BOXES = grid_boxes(0.6, 2)


class Detector(nn.Module):
    """(N, 3, H, W) float RGB 0..1, H and W from 32 -> vectors (N, COUNT, 256) of unit length, boxes (N, COUNT, 4) in
    shares x, y, width, height, scores (N, COUNT) and classes (N, COUNT): the whole, proposals, the cells.

    ``classes``: how many the second stage classifies; 0: whether it is an object."""

    cells: Tensor

    def __init__(self, classes: int = 0, count: int = BOX_COUNT) -> None:
        super().__init__()
        self.classes, self.count = classes, count
        self.trunk = lite0_trunk(STRIDE_16_BLOCKS)
        self.neck = Convolution(STRIDE_16_CHANNELS, NECK_CHANNELS)
        fold_norms(self)
        self.embedding = nn.Linear(NECK_CHANNELS, EMBEDDING_DIM)
        self.lateral_fine = nn.Conv2d(STRIDE_8_CHANNELS, FPN_CHANNELS, 1)
        self.lateral_coarse = nn.Conv2d(STRIDE_16_CHANNELS, FPN_CHANNELS, 1)
        self.fpn_convs = nn.ModuleList(_separable(stride) for stride in (1, 1, 2))
        self.rpn_convs = nn.Sequential(_separable(1), _separable(1))
        self.objectness, self.side_distances = nn.Conv2d(FPN_CHANNELS, 1, 1), nn.Conv2d(FPN_CHANNELS, 4, 1)
        self.scales = nn.Parameter(torch.ones(len(STRIDES)))
        self.roi_layers = nn.Sequential(
            nn.Flatten(), nn.Linear(FPN_CHANNELS * ROI_BINS * ROI_BINS, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU()
        )
        self.class_logits = nn.Linear(256 + NECK_CHANNELS, classes + 1) if classes else nn.Linear(256, 1)
        self.box_deltas = nn.Linear(256, 4)
        nn.init.constant_(cast(Tensor, self.objectness.bias), logit(OBJECTNESS_PRIOR))
        nn.init.zeros_(self.box_deltas.weight)
        nn.init.zeros_(self.box_deltas.bias)
        self.register_buffer("cells", torch.tensor(GRID_BOXES))

    def load_pretrained(self, trunk: nn.Sequential) -> None:
        """Take over a whole trunk with its norms: the blocks up to here, and what the next one begins with."""
        folded = fold_norms(copy.deepcopy(trunk))
        self.trunk.load_state_dict(folded[: 1 + STRIDE_16_BLOCKS].state_dict())
        self.neck.load_state_dict(cast(Block, folded[1 + STRIDE_16_BLOCKS]).body[0].state_dict())

    def freeze(self, fine_only: bool = False) -> None:
        """The trunk and the neck stay as they are; ``fine_only``: only the layers up to the map of 8 pixels to a cell,
        which know nothing of things yet, and take most of the time."""
        for layers in [self.trunk[:FINE_LAYERS]] if fine_only else [self.trunk, self.neck]:
            for parameter in layers.parameters():
                parameter.requires_grad_(False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        fine, coarse = self.maps(image)
        levels = self.fpn(fine, coarse)
        size = _size(image)
        boxes, scores = self.proposals(levels, size)
        boxes, scores, classes = self.refine_proposals(levels[0], coarse, boxes, scores)
        chosen, sure, which = non_maximum_suppression(boxes, scores, ROI_NMS_IOU, self.count - 1 - len(self.cells))
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
        fine = self.trunk[:FINE_LAYERS]((image - LITE_MEAN) / LITE_STD)
        return fine, self.trunk[FINE_LAYERS:](fine)

    def fpn(self, fine: Tensor, coarse: Tensor) -> list[Tensor]:
        """The feature pyramid: three maps of CHANNELS, of 8, 16 and 32 pixels to a cell."""
        middle = self.lateral_coarse(coarse)
        low = self.lateral_fine(fine) + functional.interpolate(middle, fine.shape[2:])
        middle = self.fpn_convs[1](middle)
        return [self.fpn_convs[0](low), middle, self.fpn_convs[2](middle)]

    def rpn_head(self, levels: Sequence[Tensor], size: Tensor) -> tuple[Tensor, Tensor]:
        """The prediction of every cell of every level: objectness logits (N, A) and a box, corners in shares (N, A,
        4)."""
        logits, boxes = [], []
        for level, stride, scale in zip(levels, STRIDES, self.scales, strict=True):
            features = self.rpn_convs(level)
            far = functional.softplus(self.side_distances(features) * scale).float() * stride * 2
            middles = cell_centres(level.shape[2], level.shape[3], stride, level.device)
            logits.append(self.objectness(features).float().flatten(1))
            boxes.append(decode_boxes(middles, far.flatten(2).transpose(1, 2)) / size)
        return torch.cat(logits, 1), torch.cat(boxes, 1)

    def proposals(self, levels: Sequence[Tensor], size: Tensor) -> tuple[Tensor, Tensor]:
        """The PROPOSAL_COUNT boxes of highest objectness after suppression: (N, P, 4) x, y, width, height; (N, P)
        scores."""
        logits, corners = self.rpn_head(levels, size)
        more = PRE_NMS_COUNT  # boxes of nothing, so that the smallest image has as many
        logits = functional.pad(logits, (0, more), value=-30.0)
        corners = functional.pad(corners, (0, 0, 0, more)).clamp(0, 1)
        first = logits.topk(PRE_NMS_COUNT, 1).indices
        boxes = corners_to_xywh(corners.gather(1, first[..., None].expand(-1, -1, 4)))
        chosen, scores, _ = non_maximum_suppression(
            boxes, logits.gather(1, first).sigmoid(), RPN_NMS_IOU, PROPOSAL_COUNT
        )
        return chosen, scores

    def refine_proposals(
        self, level: Tensor, coarse: Tensor, boxes: Tensor, scores: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The second stage: boxes with their deltas applied, the score of both stages, and the class."""
        logits, deltas = self.roi_head(level, coarse, boxes)
        if self.classes:
            confidence, classes = logits.softmax(2)[..., 1:].max(2)
        else:
            confidence = logits.sigmoid()[..., 0]
            classes = torch.full_like(confidence, -1).long()
        return apply_deltas(boxes, deltas), (confidence * scores).clamp(min=0).sqrt(), classes

    def roi_head(self, level: Tensor, coarse: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """(N, P, 4) -> class logits (N, P, classes) and box deltas (N, P, 4). Classes are read from the neck as well,
        which knows more of what things are."""
        cut = roi_align(level, boxes, ROI_BINS, ROI_SAMPLES)
        features = self.roi_layers(cut.flatten(0, 1)).reshape(boxes.shape[0], boxes.shape[1], -1)
        with_context = features
        if self.classes:
            context = functional.layer_norm(self.pooled(coarse, boxes), (NECK_CHANNELS,))
            with_context = torch.cat([features, context.to(features.dtype)], 2)
        return self.class_logits(with_context).float(), self.box_deltas(features).float()

    def pooled(self, coarse: Tensor, boxes: Tensor) -> Tensor:
        """(N, R, 4) -> (N, R, 672): the p-mean of the neck's map within each box."""
        powers = self.neck(coarse).float().clamp(min=POOL_FLOOR).pow(POOL_POWER)
        return roi_align(powers, boxes, 1, POOL_SAMPLES)[..., 0, 0].pow(1 / POOL_POWER)

    def vectors(self, coarse: Tensor, boxes: Tensor) -> Tensor:
        """(N, R, 4) -> (N, R, 256) of unit length: what the head makes of the map within each box."""
        return functional.normalize(self.embedding(self.pooled(coarse, boxes)).float(), dim=2)


def _separable(stride: int) -> nn.Sequential:
    """Each channel by itself, 5 x 5, then all of a cell: a tenth of the time of one that does both."""
    return nn.Sequential(
        nn.Conv2d(FPN_CHANNELS, FPN_CHANNELS, 5, stride, 2, groups=FPN_CHANNELS, bias=False),
        nn.BatchNorm2d(FPN_CHANNELS),
        nn.Conv2d(FPN_CHANNELS, FPN_CHANNELS, 1, bias=False),
        nn.BatchNorm2d(FPN_CHANNELS),
        nn.ReLU(),
    )


def _size(image: Tensor) -> Tensor:
    """Pixels: width, height, width, height."""
    height, width = image.shape[2], image.shape[3]
    return (
        torch.tensor([1.0, 0, 1, 0], device=image.device) * width
        + torch.tensor([0.0, 1, 0, 1], device=image.device) * height
    )


def cell_centres(height: int, width: int, stride: int, where: torch.device) -> Tensor:
    """(H * W, 2) x, y in pixels: the middle of every cell, row by row."""
    y = (torch.arange(height, device=where) + 0.5) * stride
    x = (torch.arange(width, device=where) + 0.5) * stride
    return torch.stack([x[None].expand(height, -1), y[:, None].expand(-1, width)], 2).reshape(-1, 2)


def decode_boxes(centres: Tensor, far: Tensor) -> Tensor:
    """(A, 2) centres and how far left, top, right and bottom are (N, A, 4) -> corners (N, A, 4)."""
    return torch.cat([centres - far[..., :2], centres + far[..., 2:]], -1)


def corners_to_xywh(corners: Tensor) -> Tensor:
    """Left, top, right, bottom -> x, y, width, height."""
    return torch.cat([corners[..., :2], (corners[..., 2:] - corners[..., :2]).clamp(min=0)], -1)


def pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    """(..., A, 4) and (..., B, 4) boxes x, y, width, height -> (..., A, B): intersection over union, 0..1."""
    ax, ay, aw, ah = (one[..., :, None] for one in a.unbind(-1))  # one number at a time: exported, it is quicker so
    bx, by, bw, bh = (one[..., None, :] for one in b.unbind(-1))
    width = (torch.minimum(ax + aw, bx + bw) - torch.maximum(ax, bx)).clamp(min=0)
    height = (torch.minimum(ay + ah, by + bh) - torch.maximum(ay, by)).clamp(min=0)
    common = width * height
    return common / (aw * ah + bw * bh - common).clamp(min=1e-9)


def non_maximum_suppression(boxes: Tensor, scores: Tensor, overlap: float, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Non-maximum suppression: the ``count`` surest boxes of which none overlaps a surer one by more than ``overlap``;
    where there are too few, suppressed ones with a score of 0. Also their places in ``boxes``.

    Round after round every box is asked anew whether a surer one that stands overlaps it; boxes that hang on one
    another in a chain of ROUNDS and fewer end as one after the other would (Zheng et al., arXiv 2005.03572)."""
    order = scores.argsort(1, descending=True)
    boxes = boxes.gather(1, order[..., None].expand(-1, -1, 4))
    scores = scores.gather(1, order)
    over = (pairwise_iou(boxes, boxes) > overlap).float().triu(1)
    stands = torch.ones_like(scores)
    for _ in range(NMS_ROUNDS):
        stands = ((stands[:, None] @ over)[:, 0] == 0).float()
    left, which = (scores * stands).topk(count, 1)
    return boxes.gather(1, which[..., None].expand(-1, -1, 4)), left, order.gather(1, which)


def apply_deltas(boxes: Tensor, deltas: Tensor) -> Tensor:
    """Boxes with their centres and sides changed (Girshick et al., arXiv 1311.2524, appendix C), cut at the edges."""
    centre = boxes[..., :2] + boxes[..., 2:] / 2 + deltas[..., :2] * boxes[..., 2:] * 0.1
    sides = boxes[..., 2:] * (deltas[..., 2:].clamp(-5, 5) * 0.2).exp()
    corners = torch.cat([centre - sides / 2, centre + sides / 2], -1)
    return corners_to_xywh(corners.clamp(0, 1))


def roi_align(maps: Tensor, boxes: Tensor, bins: int, samples: int) -> Tensor:
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
