"""A detector: what is to be seen in an image, where, and a vector of each; Faster R-CNN (arXiv 1506.01497).

Both stages are trained at once. Where the trunk is trained as well, so are the vectors, without labels: a part of a
training image, looked at alone, is to be nearer to its place in that image than to any other place in the batch
(van den Oord et al., arXiv 1807.03748), for that is how a query finds a part.
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

from lookalike.errors import UserError
from lookalike.evaluation.detection_metrics import Seen, average_precision, recall_at, true_boxes
from lookalike.training.data.augmented_views import resized, tensor_of, to_device
from lookalike.training.data.detection_dataset import Boxed, held_out, read_boxed
from lookalike.training.data.image_folder import Rows, Split, evenly
from lookalike.training.data.mosaic import Boxes, Shelf, canvas
from lookalike.training.engine.settings import Settings, check, setting
from lookalike.training.engine.trainer import Figures, Loss, Run, device, finish, quick
from lookalike.training.export.artifacts import Made, Objects
from lookalike.training.export.training_page import Page, learning
from lookalike.training.models.embedding_net import outputs
from lookalike.training.models.region_net import (
    CANDIDATES,
    COUNT,
    OVERLAP_FIRST,
    PROPOSED,
    Detector,
    best,
    extents,
    overlaps,
)
from lookalike.training.tasks.classifier import median_negative_distance
from lookalike.training.tasks.detection_losses import SAME, proposing, refining, responsible
from lookalike.training.tasks.detection_metrics import Images, Judged, judge, sections
from lookalike.training.tasks.pretrained import begun_detector, chosen_start
from lookalike.types import Floats, Pixels, Progress

FINER = 2  # times the side at which canvases are drawn, for a query shows more than its place in an image
ASKED = 4  # parts of each canvas that are looked for
SHAPES = (0.6, 1.0, 1.7)  # width by height of what is looked for
LOOKS = (48, 64, 80, 112)  # pixels: the root of the area that it is looked at with
AREA = (0.015, 0.5)  # of what is looked for, as a share of the image
TEMPERATURE = 0.07
SHAKEN = 0.1  # how far, as a share of their sides, boxes are moved for the second stage and for parts
GRAIN = 16
EMPTY = (0.0, 0.0, 0.01, 0.01)
STORED = 1.6  # times the side at which a user's images are kept, for canvases enlarge them
USUAL, USUAL_LOOKS = 240, (48, 80)  # pixels: at this side, a query is looked at with these
LOOKED_AT, MEASURED = 200, 2000  # held-out images at every look, and in the end


@dataclass(frozen=True, slots=True)
class DetectorSettings(Settings):
    """See setting by setting; ``side`` must be a multiple of 16."""

    side: int = setting(240, "Pixels that every image is squeezed to; a multiple of 16.", least=96, most=640)
    epochs: float = setting(30.0, "How often every image is seen.", least=0.001)
    batch: int = setting(16, "Images in a batch.", least=2)
    rate: float = setting(1e-3, "The highest learning rate.", least=1e-9, most=10)
    trunk: str = setting("auto", "Leave the shipped layers as they are, or tune them.", ("auto", "frozen", "tuned"))
    parts: float = setting(1.0, "Weight of the vectors' loss, where the layers are tuned.", most=100)
    images: str = setting("", "The folder of the images, where they do not lie with the boxes.")


class Detecting:
    """The task: canvases with their boxes, the losses of both stages and of the vectors, and what is found of the
    held-out objects. ``shelves``: with boxes first; ``held``: images that are never trained on, and their boxes."""

    def __init__(
        self,
        settings: DetectorSettings,
        network: Detector,
        shelves: Sequence[Shelf],
        held: tuple[Pixels, Sequence[Boxes]],
    ) -> None:
        self.settings, self.shelves, self.held = settings, sorted(shelves, key=lambda one: not one.boxed), held
        self.identity: Mapping[str, Any] = {"task": "detector", "side": settings.side, "classes": network.classes}
        self.tuned = settings.trunk == "tuned"
        if not self.tuned:
            network.freeze()
        self.network, self.helper = quick(network), nn.Identity()

    def loss(self, step: int) -> Loss:
        random, generator = np.random.default_rng([self.settings.seed, step]), torch.Generator().manual_seed(step)
        drawn = [canvas(random, shelf, FINER * self.settings.side) for shelf in self.shelves for _ in range(shelf.each)]
        fine = to_device(tensor_of(np.stack([pixels for pixels, _ in drawn])))
        known = sum(shelf.each for shelf in self.shelves if shelf.boxed)
        truth, classes = padded([boxes for _, boxes in drawn[:known]], FINER * self.settings.side)
        images = to_device(resized(fine, self.settings.side))
        with torch.autocast(device().type, torch.bfloat16):
            maps = self.network.maps(images)
        parts = self._stages([one[:known] for one in maps], truth, classes, generator)
        weights = {"objectness": 1.0, "place": 2.0, "class": 1.0, "move": 1.0}
        if self.tuned:
            parts["parts"] = self._parts(fine, maps[1], random)
            weights["parts"] = self.settings.parts
        return Loss(parts, weights)

    def _stages(
        self, maps: Sequence[Tensor], truth: Tensor, classes: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        side = self.settings.side
        size = torch.full((4,), float(side), device=truth.device)
        with torch.autocast(device().type, torch.bfloat16):
            levels = self.network.levels(*maps)
            logits, corners = self.network.told(levels, size)
        which = responsible([tuple(one.shape[2:]) for one in levels], truth * side, truth.device)  # type: ignore[misc]
        parts = proposing(logits, corners, which, torch.cat([truth[..., :2], truth[..., :2] + truth[..., 2:]], -1))
        boxes = torch.cat([_proposed(logits.detach(), corners.detach()), shaken(truth, 3, generator)], 1)
        with torch.autocast(device().type, torch.bfloat16):
            return parts | refining(self.network, levels[0], maps[1], boxes, truth, classes)

    def _parts(self, fine: Tensor, coarse: Tensor, random: np.random.Generator) -> Tensor:
        """How far parts of the images are from knowing their own place among all places."""
        asked, seen = [], []
        for shape in SHAPES:
            boxes = [_part(random, shape) for _ in range(ASKED * len(fine) // len(SHAPES))]
            owners = random.integers(0, len(fine), len(boxes))
            look = float(random.choice(LOOKS)) * np.sqrt([1 / shape, shape])
            height, width = (max(2 * GRAIN, round(length / GRAIN) * GRAIN) for length in look.tolist())
            cut = torch.cat([_crop(fine[owner], box, height, width) for owner, box in zip(owners, boxes, strict=True)])
            with torch.autocast(device().type, torch.bfloat16):
                maps = self.network.maps(to_device(edited(cut, random)))[1]
            whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]], device=fine.device).expand(len(cut), 1, 4)
            asked.append(self.network.vectors(maps, whole)[:, 0])
            placed = torch.tensor(np.stack([_nudged(random, box) for box in boxes]), device=fine.device)
            seen.append(self.network.vectors(coarse[torch.from_numpy(owners)], placed[:, None])[:, 0])
        near = torch.cat(asked) @ torch.cat(seen).T / TEMPERATURE
        right = torch.arange(len(near), device=near.device)
        return (functional.cross_entropy(near, right) + functional.cross_entropy(near.T, right)) / 2

    def validate(self, network: nn.Module) -> Figures:
        """The share of the held-out objects that some box of the COUNT surest overlaps by half."""
        found = detected(cast(Detector, network), self.held[0], self.settings.side)
        shares = []
        for at, truth in zip(found, self.held[1], strict=True):
            if len(truth):
                shares.append(overlaps(torch.from_numpy(truth.at), at).amax(1))
        every = torch.cat(shares) if shares else torch.zeros(1)
        return {"recall": float((every >= SAME).float().mean()), "overlap": float(every.mean())}


def detected(network: Detector, pixels: Pixels, side: int) -> list[Tensor]:
    """(N, s, s, 3) -> for each image its COUNT surest boxes, (COUNT, 4)."""
    network.eval()
    found: list[Tensor] = []
    size = torch.full((4,), float(side), device=device())
    with torch.no_grad():
        for start in range(0, len(pixels), 16):
            images = to_device(resized(tensor_of(pixels[start : start + 16]), side))
            fine, coarse = network.maps(images)
            levels = network.levels(fine, coarse)
            boxes, scores, _ = network.refined(levels[0], coarse, *network.proposals(levels, size))
            found += list(best(boxes, scores, 0.65, COUNT)[0].cpu())
    return found


def padded(boxes: Sequence[Boxes], side: int) -> tuple[Tensor, Tensor]:
    """Boxes in pixels of ``side`` -> (N, M, 4) in shares, those that an image does not have of no area; (N, M)."""
    most = max(1, *(len(one) for one in boxes))
    at, classes = torch.zeros(len(boxes), most, 4), torch.zeros(len(boxes), most, dtype=torch.int64)
    for row, one in enumerate(boxes):
        at[row, : len(one)] = torch.from_numpy(one.at) / side
        classes[row, : len(one)] = torch.from_numpy(one.classes)
    return at.to(device()), classes.to(device())


def _proposed(logits: Tensor, corners: Tensor) -> Tensor:
    first = logits.topk(min(CANDIDATES, logits.shape[1]), 1).indices
    boxes = extents(corners.clamp(0, 1).gather(1, first[..., None].expand(-1, -1, 4)))
    chosen = best(boxes, logits.gather(1, first).sigmoid(), OVERLAP_FIRST, PROPOSED)[0]
    return torch.cat([chosen[..., :2], chosen[..., 2:].clamp(min=0.01)], -1)


def shaken(truth: Tensor, times: int, generator: torch.Generator) -> Tensor:
    """(N, M, 4) -> (N, times * M, 4): each a little beside itself; EMPTY for those of no area."""
    boxes = truth.repeat(1, times, 1)
    by = (torch.randn(boxes.shape, generator=generator) * SHAKEN).to(boxes.device)
    moved = torch.cat([boxes[..., :2] + by[..., :2] * boxes[..., 2:], boxes[..., 2:] * by[..., 2:].exp()], -1)
    return torch.where((boxes[..., 2:].prod(-1) > 0)[..., None], moved, boxes.new_tensor(EMPTY))


def edited(images: Tensor, random: np.random.Generator) -> Tensor:
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
    by = random.normal(0, SHAKEN, 4)
    moved = np.concatenate([box[:2] + by[:2] * box[2:], box[2:] * np.exp(by[2:])])
    low = np.clip(moved[:2], 0, 0.95)
    return np.concatenate([low, np.minimum(moved[2:], 1 - low)]).astype(np.float32)


def _crop(image: Tensor, box: Any, height: int, width: int) -> Tensor:
    """(3, S, S) -> (1, 3, height, width): what lies in the box."""
    side = image.shape[1]
    left, top = int(box[0] * side), int(box[1] * side)
    right, bottom = max(round((box[0] + box[2]) * side), left + 2), max(round((box[1] + box[3]) * side), top + 2)
    cut = image[None, :, top:bottom, left:right]
    return functional.interpolate(cut, (height, width), mode="bilinear", antialias=True)


# --- from a user's boxes


class DetectingClasses(Detecting):
    """The same where all objects are marked and named: the best network has the highest average precision."""

    def validate(self, network: nn.Module) -> Figures:
        """COCO's figures, of what the file would tell."""
        found = seen_by(cast(Detector, network), self.held[0], self.settings.side)[1]
        truth = [true_boxes(one.at, one.classes) for one in self.held[1]]
        told = average_precision(found, truth, cast(Detector, network).classes)
        recall = recall_at([one.boxes for one in found], [one.boxes for one in truth], COUNT)
        return {"AP": told.ap, "AP50": told.ap50, "recall": recall}


def train_detector(source: Path, settings: DetectorSettings, run_folder: Path, progress: Progress) -> Made:
    """Train on the boxes of ``source``, from where the run in ``run_folder`` was, and measure; see boxed.read_boxed.

    Interrupted, the best network so far is what is made. Raises UserError for boxes or settings that will not do, for a
    run of something else, and when a loss is no longer a number."""
    settings = _checked(settings)
    images = Path(settings.images) if settings.images else None
    boxed = read_boxed(source, images, round(STORED * settings.side), run_folder / "packs")
    parted = held_out(boxed, settings.held_out, settings.seed, run_folder / "held.json")
    settings = replace(settings, trunk=chosen_start(settings.trunk, len(parted.kept)))
    task = _task(settings, boxed, parted)
    run = Run(task, settings.plan(len(parted.kept)), run_folder)
    complete = finish(run, progress)
    network = cast(Detector, run.trained())
    rows = evenly(parted.held, MEASURED)
    vectors, found = seen_by(network, boxed.pack.pixels[rows], settings.side)
    judged = judge(found, [true_boxes(boxed.boxes[row], boxed.classes[row]) for row in rows], boxed.names)
    return Made(
        network=network,
        side=settings.side,
        dim=vectors.shape[1],
        metric="cosine",
        median_negative_distance=median_negative_distance(vectors, np.arange(len(vectors))),
        source=f"Faster R-CNN (arXiv 1506.01497) of {len(boxed.names)} classes on the shipped trunk, {settings.trunk}",
        weaknesses=("finds its own classes only; whatever else is in an image is its ground",),
        figures=judged.figures,
        details={"trunk": settings.trunk, "classes": list(boxed.names), "boxes": boxed.counts.tolist(),
                 "held_out": len(parted.held), "believed_from": judged.level,
                 "AP_per_class": [None if np.isnan(one) else one for one in judged.by_class.per_class.tolist()]},
        page=_page(judged, boxed, parted.kept, rows, run_folder),
        images=len(parted.kept),
        best=run.best.step if run.best else run.step,
        step=run.step,
        complete=complete,
        notes=boxed.notes,
        failed=boxed.pack.failed,
        objects=Objects(boxed.names, network.count, _looks(settings.side)),
    )  # fmt: skip


def _checked(settings: DetectorSettings) -> DetectorSettings:
    check(settings)
    if settings.side % GRAIN:
        raise UserError(f"side must be a multiple of {GRAIN}, not {settings.side}")
    return settings


def _looks(side: int) -> tuple[int, ...]:
    """What a query is looked at with, for images of this side."""
    return tuple(sorted({max(2 * GRAIN, round(look * side / USUAL / GRAIN) * GRAIN) for look in USUAL_LOOKS}))


def _task(settings: DetectorSettings, boxed: Boxed, parted: Split) -> DetectingClasses:
    """From what the shipped network of regions knows; the classes begin at random."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = begun_detector(len(boxed.names))
    boxes = [Boxes(at, kinds) for at, kinds in zip(boxed.boxes, boxed.classes, strict=True)]
    held = evenly(parted.held, LOOKED_AT)
    shelf = Shelf(boxed.pack.pixels, boxes, parted.kept, each=settings.batch)
    task = DetectingClasses(settings, network, [shelf], (boxed.pack.pixels[held], [boxes[row] for row in held]))
    task.identity = {**task.identity, "classes": list(boxed.names), "trunk": settings.trunk}
    return task


def seen_by(network: Detector, pixels: Pixels, side: int) -> tuple[Floats, list[Seen]]:
    """(N, s, s, 3) -> what the file will tell: the vectors of the whole images (N, D), and the boxes of things."""
    vectors, boxes, scores, classes = outputs(network.to(device()), pixels, side)
    things = [
        Seen(at[sure > 0], kinds[sure > 0].astype(np.int64), sure[sure > 0])
        for at, sure, kinds in zip(boxes, scores, classes, strict=True)
    ]
    return vectors[:, 0], things


def _page(judged: Judged, boxed: Boxed, kept: Rows, held: Rows, run_folder: Path) -> Page:
    figures = judged.figures
    trained = np.bincount(np.concatenate([boxed.classes[row] for row in kept]), minlength=len(boxed.names))
    facts = (
        ("Trained on", f"{len(kept):,}"),
        ("Boxes", f"{trained.sum():,}"),
        ("Held out", f"{len(held):,}"),
        ("Classes", str(len(boxed.names))),
        ("AP", f"{figures['AP']:.3f}"),
        ("AP at 0.5", f"{figures['AP50']:.3f}"),
    )
    images = Images(boxed.pack.pixels[held], boxed.sizes[held], [boxed.pack.paths[row] for row in held])
    curves = learning(run_folder, ("objectness", "place", "class", "move", "parts"), ("AP", "AP50", "recall"))
    parts = (curves, *sections(judged, images, trained.tolist()))
    return Page("A detector", facts, parts, boxed.notes, boxed.pack.failed)
