"""A detector: the objects of an image, where they are, and an embedding of each; Faster R-CNN (arXiv 1506.01497).

Both stages are trained at once. Where the trunk is trained as well, so are the vectors, without labels: a part of a
training image, seen alone, is to be nearer to its place in that image than to any other place in the batch
(van den Oord et al., arXiv 1807.03748), for that is how a query retrieves a part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lookalike.descriptors.neural.background import GREY
from lookalike.errors import UserError
from lookalike.evaluation.detection_metrics import Detections, average_precision, recall_at, true_boxes
from lookalike.training.data.augmented_views import resize, to_device, to_tensor
from lookalike.training.data.detection_dataset import DetectionDataset, hold_out_images, read_detection_dataset
from lookalike.training.data.image_folder import Rows, Split, evenly_spaced
from lookalike.training.data.mosaic import Boxes, Cutout, Mosaic, MosaicSource, draw_mosaic
from lookalike.training.engine.settings import Settings, check_settings, setting
from lookalike.training.engine.trainer import Loss, Metrics, Trainer, device, fit, mixed_precision, to_channels_last
from lookalike.training.export.artifacts import DetectionOutput, TrainedModel
from lookalike.training.export.training_page import Page, learning_curves
from lookalike.training.models.embedding_net import predict
from lookalike.training.models.region_net import (
    BOX_COUNT,
    PRE_NMS_COUNT,
    PROPOSAL_COUNT,
    ROI_NMS_IOU,
    RPN_NMS_IOU,
    Detector,
    corners_to_xywh,
    non_maximum_suppression,
    pairwise_iou,
)
from lookalike.training.tasks.classifier import median_negative_distance
from lookalike.training.tasks.detection_losses import MATCH_IOU, assign_targets, roi_losses, rpn_losses
from lookalike.training.tasks.detection_report import DetectorMetrics, HeldOutImages, evaluate_detector, sections
from lookalike.training.tasks.pretrained import begun_with, pretrained_detector, resolve_init
from lookalike.types import Floats, Pixels, Progress

MOSAIC_SCALE = 2  # times the side at which mosaics are drawn, for a query shows more than its place in an image
QUERIES_PER_MOSAIC = 4  # parts of each mosaic that are searched for
ASPECT_RATIOS = (0.6, 1.0, 1.7)  # width by height of these parts
QUERY_SIDES = (48, 64, 80, 112)  # pixels: the root of the area that such a part is seen at
AREA = (0.015, 0.5)  # of such a part, as a share of the image
TEMPERATURE = 0.07
BOX_JITTER = 0.1  # how far, as a share of their sides, boxes are moved for the second stage and for parts
STRIDE = 16  # pixels of which a side must be a multiple
EMPTY_BOX = (0.0, 0.0, 0.01, 0.01)
CACHE_SCALE = 1.6  # times the side at which a user's images are kept, for mosaics enlarge them
SHIPPED_SIDE, SHIPPED_QUERY_SIDES = 240, (48, 80)  # pixels: at this side, a query is seen at these
VALIDATION_IMAGES, TEST_IMAGES = 200, 2000  # held-out images at every validation, and in the end


@dataclass(frozen=True, slots=True)
class DetectorSettings(Settings):
    """See setting by setting; ``side`` must be a multiple of 16."""

    side: int = setting(240, "Pixels that every image is squeezed to; a multiple of 16.", minimum=96, maximum=640)
    epochs: float = setting(30.0, "Passes over the training images.", minimum=0.001)
    batch: int = setting(16, "Images in a batch.", minimum=2)
    lr: float = setting(1e-3, "Peak learning rate.", minimum=1e-9, maximum=10)
    trunk: str = setting("auto", "Freeze the shipped layers, or fine-tune them.", ("auto", "frozen", "tuned"))
    embedding_weight: float = setting(
        1.0, "Weight of the embeddings' contrastive loss, where the layers are tuned.", maximum=100
    )
    images: str = setting("", "The folder of the images, where they do not lie with the boxes.")


class DetectorTask:
    """The task: mosaics with their boxes, the losses of both stages and of the embeddings, and the recall of held-out
    objects. ``sources``: with boxes first; ``held_out``: images that are never trained on, and their boxes."""

    def __init__(
        self,
        settings: DetectorSettings,
        network: Detector,
        sources: Sequence[MosaicSource],
        held_out: tuple[Pixels, Sequence[Boxes]],
    ) -> None:
        self.settings, self.held_out = settings, held_out
        self.sources = sorted(sources, key=lambda one: not one.has_boxes)
        self.identity: Mapping[str, Any] = {"task": "detector", "side": settings.side, "classes": network.classes}
        self.tuned = settings.trunk == "tuned"
        network.freeze(fine_only=self.tuned)
        self.network, self.aux_head = to_channels_last(network), nn.Identity()

    def loss(self, step: int) -> Loss:
        random, generator = np.random.default_rng([self.settings.seed, step]), torch.Generator().manual_seed(step)
        mosaics = self._mosaics(random)
        fine = to_device(to_tensor(np.stack([one.pixels for one in mosaics])))
        known = sum(source.per_batch for source in self.sources if source.has_boxes)
        truth, classes = padded([one.boxes for one in mosaics[:known]], MOSAIC_SCALE * self.settings.side)
        images = to_device(resize(fine, self.settings.side))
        with mixed_precision():
            maps = self.network.maps(images)
        parts = self._stages([one[:known] for one in maps], truth, classes, generator)
        weights = {"objectness": 1.0, "box": 2.0, "class": 1.0, "delta": 1.0}
        if self.tuned:
            parts["embedding"] = self._contrastive(fine, maps[1], mosaics, random)
            weights["embedding"] = self.settings.embedding_weight
        return Loss(parts, weights)

    def _mosaics(self, random: np.random.Generator) -> list[Mosaic]:
        side = MOSAIC_SCALE * self.settings.side
        return [draw_mosaic(random, source, side) for source in self.sources for _ in range(source.per_batch)]

    def _stages(
        self, maps: Sequence[Tensor], truth: Tensor, classes: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        side = self.settings.side
        size = torch.full((4,), float(side), device=truth.device)
        with mixed_precision():
            levels = self.network.fpn(*maps)
            logits, corners = self.network.rpn_head(levels, size)
        shapes = [(one.shape[2], one.shape[3]) for one in levels]
        which = assign_targets(shapes, truth * side, truth.device)
        parts = rpn_losses(logits, corners, which, torch.cat([truth[..., :2], truth[..., :2] + truth[..., 2:]], -1))
        boxes = torch.cat([_proposed(logits.detach(), corners.detach()), jitter_boxes(truth, 3, generator)], 1)
        with mixed_precision():
            return parts | roi_losses(self.network, levels[0], maps[1], boxes, truth, classes)

    def _contrastive(
        self, fine: Tensor, coarse: Tensor, mosaics: Sequence[Mosaic], random: np.random.Generator
    ) -> Tensor:
        """InfoNCE of parts of the images, seen alone, and their places: the own among all places, and back."""
        queries, placed = [], []
        parts = self._parts(fine, mosaics, random)
        for shape in ASPECT_RATIOS:
            size = float(random.choice(QUERY_SIDES)) * np.sqrt([1 / shape, shape])
            height, width = (max(2 * STRIDE, round(length / STRIDE) * STRIDE) for length in size.tolist())
            ones = [one for one in parts if one.shape == shape]
            cut = torch.cat([_scaled(one.query, height, width) for one in ones])
            with mixed_precision():
                maps = self.network.maps(to_device(recolour(cut, random)))[1]
            whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]], device=fine.device).expand(len(cut), 1, 4)
            queries.append(self.network.vectors(maps, whole)[:, 0])
            placed += [(one.owner, _nudged(random, one.box)) for one in ones]
        similarity = torch.cat(queries) @ self._vectors_at(coarse, placed).T / TEMPERATURE
        own = torch.arange(len(similarity), device=similarity.device)
        return (functional.cross_entropy(similarity, own) + functional.cross_entropy(similarity.T, own)) / 2

    def _vectors_at(self, coarse: Tensor, placed: Sequence[tuple[int, Floats]]) -> Tensor:
        """Images and boxes in them, (P,) -> (P, 256)."""
        owners = np.array([owner for owner, _ in placed])
        nth = np.array([(owners[:place] == owner).sum() for place, owner in enumerate(owners)])
        boxes = np.tile(np.array(EMPTY_BOX, np.float32), (len(coarse), nth.max() + 1, 1))
        boxes[owners, nth] = [box for _, box in placed]
        return self.network.vectors(coarse, torch.from_numpy(boxes).to(coarse.device))[owners, nth]

    def _parts(self, fine: Tensor, mosaics: Sequence[Mosaic], random: np.random.Generator) -> list[_Part]:
        """Of all mosaics: parts of them, and what was pasted onto them along its outline."""
        parts = []
        for shape in ASPECT_RATIOS:
            boxes = [_part(random, shape) for _ in range(QUERIES_PER_MOSAIC * len(fine) // len(ASPECT_RATIOS))]
            owners = random.integers(0, len(fine), len(boxes)).tolist()
            parts += [_Part(_cut(fine[one], box), one, box, shape) for one, box in zip(owners, boxes, strict=True)]
        for owner, mosaic in enumerate(mosaics):
            for cutout, box in mosaic.pasted:
                shape = min(ASPECT_RATIOS, key=lambda one: abs(np.log(box[2] / box[3] / one)))
                query = on_plain_ground(cutout, random).to(fine.device)
                parts.append(_Part(query, owner, np.asarray(box / len(mosaic.pixels), np.float32), shape))
        return parts

    def validate(self, network: nn.Module) -> Metrics:
        """The share of the held-out objects that some box of the COUNT surest overlaps by half."""
        found = detect_boxes(cast(Detector, network), self.held_out[0], self.settings.side)
        shares = []
        for at, truth in zip(found, self.held_out[1], strict=True):
            if len(truth):
                shares.append(pairwise_iou(torch.from_numpy(truth.xywh), at).amax(1))
        every = torch.cat(shares) if shares else torch.zeros(1)
        return {"recall": float((every >= MATCH_IOU).float().mean()), "mean IoU": float(every.mean())}


@dataclass(frozen=True, slots=True)
class _Part:
    """Something to search for: ``query``, (1, 3, h, w); the image that it is in, and its box there in shares; which of
    ASPECT_RATIOS it is seen at."""

    query: Tensor
    owner: int
    box: Floats
    shape: float


def on_plain_ground(cutout: Cutout, random: np.random.Generator) -> Tensor:
    """As it is asked for: on white, on grey or on any one colour, with some room around it; (1, 3, h, w) 0..1."""
    colour = np.array([[255] * 3, [GREY] * 3, random.integers(0, 256, 3)][int(random.integers(3))], np.float32)
    weight = cutout.alpha[..., None].astype(np.float32) / 255
    pixels = weight * cutout.pixels + (1 - weight) * colour
    around = [(int(length * random.uniform(0, 0.12)),) * 2 for length in pixels.shape[:2]]
    padded = np.stack([np.pad(pixels[..., n], around, constant_values=colour[n]) for n in range(3)])
    return torch.from_numpy(padded.astype(np.float32) / 255)[None]


def detect_boxes(network: Detector, pixels: Pixels, side: int) -> list[Tensor]:
    """(N, s, s, 3) -> for each image its COUNT surest boxes, (COUNT, 4)."""
    network.eval()
    found: list[Tensor] = []
    size = torch.full((4,), float(side), device=device())
    with torch.no_grad():
        for start in range(0, len(pixels), 16):
            images = to_device(resize(to_tensor(pixels[start : start + 16]), side))
            fine, coarse = network.maps(images)
            levels = network.fpn(fine, coarse)
            boxes, scores, _ = network.refine_proposals(levels[0], coarse, *network.proposals(levels, size))
            found += list(non_maximum_suppression(boxes, scores, ROI_NMS_IOU, BOX_COUNT)[0].cpu())
    return found


def padded(boxes: Sequence[Boxes], side: int) -> tuple[Tensor, Tensor]:
    """Boxes in pixels of ``side`` -> (N, M, 4) in shares, those that an image does not have of no area; (N, M)."""
    most = max(1, *(len(one) for one in boxes))
    at, classes = torch.zeros(len(boxes), most, 4), torch.zeros(len(boxes), most, dtype=torch.int64)
    for row, one in enumerate(boxes):
        at[row, : len(one)] = torch.from_numpy(one.xywh) / side
        classes[row, : len(one)] = torch.from_numpy(one.classes)
    return at.to(device()), classes.to(device())


def _proposed(logits: Tensor, corners: Tensor) -> Tensor:
    first = logits.topk(min(PRE_NMS_COUNT, logits.shape[1]), 1).indices
    boxes = corners_to_xywh(corners.clamp(0, 1).gather(1, first[..., None].expand(-1, -1, 4)))
    chosen = non_maximum_suppression(boxes, logits.gather(1, first).sigmoid(), RPN_NMS_IOU, PROPOSAL_COUNT)[0]
    return torch.cat([chosen[..., :2], chosen[..., 2:].clamp(min=0.01)], -1)


def jitter_boxes(truth: Tensor, times: int, generator: torch.Generator) -> Tensor:
    """(N, M, 4) -> (N, times * M, 4): each a little beside itself; EMPTY for those of no area."""
    boxes = truth.repeat(1, times, 1)
    by = (torch.randn(boxes.shape, generator=generator) * BOX_JITTER).to(boxes.device)
    apply_deltas = torch.cat([boxes[..., :2] + by[..., :2] * boxes[..., 2:], boxes[..., 2:] * by[..., 2:].exp()], -1)
    return torch.where((boxes[..., 2:].prod(-1) > 0)[..., None], apply_deltas, boxes.new_tensor(EMPTY_BOX))


def recolour(images: Tensor, random: np.random.Generator) -> Tensor:
    """(N, 3, h, w) 0..1: light and colours changed, some grey, some at half the pixels, some with noise."""
    count = len(images)

    def drawn(low: float, high: float, channels: int = 1) -> Tensor:
        values = random.uniform(low, high, (count, channels, 1, 1))
        return torch.from_numpy(values.astype(np.float32)).to(images.device)

    coarse = functional.interpolate(functional.avg_pool2d(images, 2), images.shape[2:], mode="bilinear")
    images = torch.where(drawn(0, 1) < 0.2, coarse, images)
    images = torch.where(drawn(0, 1) < 0.1, images.mean(1, keepdim=True), images)
    noise = torch.from_numpy(random.standard_normal(tuple(images.shape), np.float32)).to(images.device)
    images = images + noise * drawn(0, 0.08) * (drawn(0, 1) < 0.3)
    return (images.clamp(1e-4, 1) ** drawn(0.7, 1.4) * drawn(0.85, 1.15, 3)).clamp(0, 1)


def _part(random: np.random.Generator, shape: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A box of about this shape, somewhere."""
    area = np.exp(random.uniform(*np.log(AREA)))
    shape = shape * np.exp(random.uniform(-0.25, 0.25))
    sides = np.minimum(np.sqrt([area * shape, area / shape]), 0.98)
    return np.concatenate([random.uniform(0, 1 - sides), sides]).astype(np.float32)


def _nudged(random: np.random.Generator, box: np.ndarray[Any, np.dtype[np.float32]]) -> Any:
    """As a proposal might lie that is meant for it."""
    by = random.normal(0, BOX_JITTER, 4)
    apply_deltas = np.concatenate([box[:2] + by[:2] * box[2:], box[2:] * np.exp(by[2:])])
    low = np.clip(apply_deltas[:2], 0, 0.95)
    return np.concatenate([low, np.minimum(apply_deltas[2:], 1 - low)]).astype(np.float32)


def _cut(image: Tensor, box: Floats) -> Tensor:
    """(3, S, S) -> (1, 3, h, w): what lies in the box."""
    side = image.shape[1]
    left, top = int(box[0] * side), int(box[1] * side)
    right, bottom = max(round((box[0] + box[2]) * side), left + 2), max(round((box[1] + box[3]) * side), top + 2)
    return image[None, :, top:bottom, left:right]


def _scaled(image: Tensor, height: int, width: int) -> Tensor:
    return functional.interpolate(image, (height, width), mode="bilinear", antialias=True)


# --- from a user's boxes


class ClassDetectorTask(DetectorTask):
    """The same where all objects are marked and named: the best network has the highest average precision."""

    def validate(self, network: nn.Module) -> Metrics:
        """COCO's metrics of the boxes that the file would give."""
        found = detect(cast(Detector, network), self.held_out[0], self.settings.side)[1]
        truth = [true_boxes(one.xywh, one.classes) for one in self.held_out[1]]
        coco = average_precision(found, truth, cast(Detector, network).classes)
        recall = recall_at([one.boxes for one in found], [one.boxes for one in truth], BOX_COUNT)
        return {"AP": coco.ap, "AP50": coco.ap50, "recall": recall}


def train_detector(source: Path, settings: DetectorSettings, run_folder: Path, progress: Progress) -> TrainedModel:
    """Train on the boxes of ``source``, from where the run in ``run_folder`` was, and measure; see
    detection_dataset.

    Interrupted, the best network so far is what is made. Raises UserError for boxes or settings that will not do, for a
    run of something else, and when a loss is no longer a number."""
    settings = _checked(settings)
    images = Path(settings.images) if settings.images else None
    dataset = read_detection_dataset(source, images, round(CACHE_SCALE * settings.side), run_folder / "image-cache")
    split = hold_out_images(dataset, settings.held_out, settings.seed, run_folder / "held.json")
    settings = replace(settings, trunk=resolve_init(settings.trunk, len(split.training)))
    task = _task(settings, dataset, split)
    trainer = Trainer(task, settings.schedule(len(split.training)), run_folder)
    complete = fit(trainer, progress)
    network = cast(Detector, trainer.best_network())
    rows = evenly_spaced(split.held_out, TEST_IMAGES)
    vectors, found = detect(network, dataset.cache.pixels[rows], settings.side)
    evaluation = evaluate_detector(
        found, [true_boxes(dataset.boxes[row], dataset.classes[row]) for row in rows], dataset.names
    )
    return TrainedModel(
        network=network,
        side=settings.side,
        dim=vectors.shape[1],
        metric="cosine",
        median_negative_distance=median_negative_distance(vectors, np.arange(len(vectors))),
        source=f"Faster R-CNN (arXiv 1506.01497), {len(dataset.names)} classes, shipped trunk, {settings.trunk}",
        weaknesses=("detects its own classes only; whatever else is in an image is background",),
        metrics=evaluation.metrics,
        details={"trunk": settings.trunk, "classes": list(dataset.names), "boxes": dataset.counts.tolist(),
                 "held_out": len(split.held_out), "score_threshold": evaluation.threshold,
                 "AP_per_class": [None if np.isnan(one) else one for one in evaluation.by_class.per_class.tolist()]},
        page=_page(evaluation, dataset, split.training, rows, run_folder),
        images=len(split.training),
        digests=split.digests(dataset.cache),
        best=trainer.best.step if trainer.best else trainer.step,
        step=trainer.step,
        complete=complete,
        notes=dataset.notes,
        failed=dataset.cache.failed,
        objects=DetectionOutput(dataset.names, network.count, _query_sides(settings.side)),
        base_models=begun_with("regions", "trained on the boxes of further images, with classes of its own"),
    )  # fmt: skip


def _checked(settings: DetectorSettings) -> DetectorSettings:
    check_settings(settings)
    if settings.side % STRIDE:
        raise UserError(f"side must be a multiple of {STRIDE}, not {settings.side}")
    return settings


def _query_sides(side: int) -> tuple[int, ...]:
    """Pixels at which a query is seen, for images of this side."""
    return tuple(
        sorted({max(2 * STRIDE, round(query * side / SHIPPED_SIDE / STRIDE) * STRIDE) for query in SHIPPED_QUERY_SIDES})
    )


def _task(settings: DetectorSettings, dataset: DetectionDataset, split: Split) -> ClassDetectorTask:
    """From the weights of the shipped region network; the classes begin at random."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = pretrained_detector(len(dataset.names))
    boxes = [Boxes(at, kinds) for at, kinds in zip(dataset.boxes, dataset.classes, strict=True)]
    held = evenly_spaced(split.held_out, VALIDATION_IMAGES)
    source = MosaicSource(dataset.cache.pixels, boxes, split.training, per_batch=settings.batch)
    task = ClassDetectorTask(settings, network, [source], (dataset.cache.pixels[held], [boxes[row] for row in held]))
    task.identity = {**task.identity, "classes": list(dataset.names), "trunk": settings.trunk}
    return task


def detect(network: Detector, pixels: Pixels, side: int) -> tuple[Floats, list[Detections]]:
    """(N, s, s, 3) -> what the file will give: the embeddings of the whole images (N, D), and the detections."""
    vectors, boxes, scores, classes = predict(network.to(device()), pixels, side)
    things = [
        Detections(at[confidence > 0], kinds[confidence > 0].astype(np.int64), confidence[confidence > 0])
        for at, confidence, kinds in zip(boxes, scores, classes, strict=True)
    ]
    return vectors[:, 0], things


def _page(evaluation: DetectorMetrics, dataset: DetectionDataset, kept: Rows, held: Rows, run_folder: Path) -> Page:
    metrics = evaluation.metrics
    trained = np.bincount(np.concatenate([dataset.classes[row] for row in kept]), minlength=len(dataset.names))
    facts = (
        ("Trained on", f"{len(kept):,}"),
        ("Boxes", f"{trained.sum():,}"),
        ("Held out", f"{len(held):,}"),
        ("Classes", str(len(dataset.names))),
        ("AP", f"{metrics['AP']:.3f}"),
        ("AP at 0.5", f"{metrics['AP50']:.3f}"),
    )
    images = HeldOutImages(dataset.cache.pixels[held], dataset.sizes[held], [dataset.cache.paths[row] for row in held])
    curves = learning_curves(run_folder, ("objectness", "box", "class", "delta", "embedding"), ("AP", "AP50", "recall"))
    parts = (curves, *sections(evaluation, images, trained.tolist()))
    return Page("A detector", facts, parts, dataset.notes, dataset.cache.failed)
