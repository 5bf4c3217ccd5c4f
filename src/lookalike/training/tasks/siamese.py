"""A siamese network: one tower seen twice, so that distance tells whether two images are of one class.

Two towers with shared weights and a contrastive loss (Hadsell et al., "Dimensionality reduction by learning an
invariant mapping", 2006), triplets (FaceNet, arXiv 1503.03832), NT-Xent (arXiv 2002.05709), a margin softmax with
SupCon (arXiv 1801.09414, 2004.11362), or pairs judged by a weighted L1 distance (Koch et al., "Siamese neural networks
for one-shot image recognition", 2015). Classes that were never trained on are what it is measured by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lookalike.distance import Metric
from lookalike.errors import UserError
from lookalike.training.data.augmented_views import PHOTO, Views
from lookalike.training.data.image_folder import Labelled, Rows, Split, evenly, read_labelled, split
from lookalike.training.engine import losses
from lookalike.training.engine.settings import Settings, check, setting
from lookalike.training.engine.trainer import Figures, Loss, Run, device, finish, quick
from lookalike.training.export.artifacts import Made
from lookalike.training.export.training_page import Page, learning
from lookalike.training.models.embedding_net import SMALL, Tower, outputs
from lookalike.training.models.residual_net import HEAD, trunk
from lookalike.training.tasks.pretrained import STARTS, chosen_start, shipped_content
from lookalike.training.tasks.verification_metrics import Verified, refuse_without_pairs, sections, verified
from lookalike.types import Progress

RATES = (3e-4, 1e-3)  # of weights that know something already, and of random ones
LOSSES = ("contrastive", "triplet", "nt-xent", "margin")
MINING = ("random", "semi-hard", "hard")
HEADS = ("distance", "l1")
MARGINS = {"contrastive": 1.0, "triplet": 0.2, "margin": 0.25}
SCALE = 16.0  # of the cosines in a margin softmax
ENOUGH = 6  # classes from which whole ones are held out
LOOKED_AT, MEASURED = 500, 2000  # held-out images whose pairs are measured at each look, and at the end
TURNS = 4


@dataclass(frozen=True, slots=True)
class SiameseSettings(Settings):
    """See setting by setting. A batch holds ``batch / each`` classes; a quarter turn of a drawing may be a class."""

    rate: float = setting(0.0, "The highest learning rate; 0: 1e-3 from scratch, 3e-4 from shipped weights.", most=10)
    start: str = setting("auto", "Begin with random weights, or with the network of `content`, frozen or not.", STARTS)
    loss: str = setting("contrastive", "What is asked of distances.", LOSSES)
    mining: str = setting("semi-hard", "Which strangers a pair of a class is held against.", MINING)
    head: str = setting("distance", "Judge pairs by their distance, or by a weighted L1 of the vectors.", HEADS)
    margin: float = setting(0.0, "Of contrastive, triplet and margin; 0: 1, 0.2 and 0.25.", most=10)
    temperature: float = setting(0.1, "Of nt-xent and of margin's SupCon.", least=0.001, most=10)
    each: int = setting(4, "Images of each class in a batch.", least=2, most=1000)
    dim: int = setting(HEAD, "Numbers in a vector; 256 keeps what the network of `content` knows.", least=2, most=4096)
    drawings: bool = setting(False, "Small drawings: bend and move them; a small network for fine strokes.")
    turns: bool = setting(False, "The quarter turns of a class are classes of their own.")

    @property
    def metric(self) -> Metric:
        return "cosine" if self.loss in ("nt-xent", "margin") else "euclidean"


class Centres(nn.Module):
    """A direction for each class, (C, D), for the margin softmax."""

    def __init__(self, classes: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, dim))


class Siamese:
    """The task: batches of classes, mined strangers, and how well held-out pairs are told apart."""

    def __init__(self, settings: SiameseSettings, images: Labelled, parted: Split) -> None:
        self.settings, self.pack = settings, images.pack
        refuse_without_pairs(self.pack.labels[parted.held])
        self.rows = _by_class(self.pack.labels, parted.kept)
        start = _start(settings, len(parted.kept))
        self.identity: Mapping[str, Any] = {
            "task": "siamese", "classes": list(self.pack.classes), "start": start, "side": settings.side,
            "loss": settings.loss, "head": settings.head, "dim": settings.dim, "drawings": settings.drawings,
            "turns": settings.turns,
        }  # fmt: skip
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network = quick(tower(settings, start))
            self.helper: nn.Module = self._helper()
        self.views = Views(settings.seed, settings.side, None if settings.drawings else PHOTO)
        self.looked = evenly(parted.held, LOOKED_AT)

    def _helper(self) -> nn.Module:
        if self.settings.head == "l1":
            return nn.Linear(self.settings.dim, 1)
        if self.settings.loss == "margin":
            return Centres(len(self.rows) * (TURNS if self.settings.turns else 1), self.settings.dim)
        return nn.Identity()

    def loss(self, step: int) -> Loss:
        """Draw classes and some images of each; the loss that the settings name."""
        drawn = self.views.begin(step)
        rows, labels = self._drawn(drawn)
        turns = labels % TURNS if self.settings.turns else np.zeros_like(labels)
        pixels = np.stack([np.rot90(self.pack.pixels[row], turn) for row, turn in zip(rows, turns, strict=True)])
        views = self.views.of(pixels)
        with torch.autocast(device().type, torch.bfloat16):
            vectors = self.network(views)
        parts = self._parts(vectors, torch.from_numpy(labels).to(vectors.device))
        return Loss(parts, dict.fromkeys(parts, 1.0))

    def _drawn(self, drawn: np.random.Generator) -> tuple[Rows, Rows]:
        """(B,) rows and their (B,) classes, of those to train on; with ``turns``, 4 times the class plus the turn."""
        classes = len(self.rows) * (TURNS if self.settings.turns else 1)
        chosen = drawn.choice(classes, min(classes, max(2, self.settings.batch // self.settings.each)), replace=False)
        rows = []
        for kind in chosen:
            own = self.rows[kind // TURNS if self.settings.turns else kind]
            rows.append(drawn.choice(own, self.settings.each, replace=len(own) < self.settings.each))
        return np.concatenate(rows), np.repeat(chosen, self.settings.each)

    def _parts(self, vectors: Tensor, labels: Tensor) -> dict[str, Tensor]:
        settings = self.settings
        margin = settings.margin or MARGINS.get(settings.loss, 0.0)
        if settings.loss == "nt-xent":
            return {"nt-xent": losses.nt_xent(vectors, labels, settings.temperature)}
        if settings.loss == "margin":
            return {
                "margin": losses.margin_softmax(vectors, cast(Centres, self.helper).weight, labels, margin, SCALE),
                "supcon": losses.supervised_contrastive(vectors, labels, settings.temperature),
            }
        distances = torch.cdist(vectors, vectors, compute_mode="donot_use_mm_for_euclid_dist")
        anchor, own, other = mined(distances.detach(), labels, settings.mining, self.views.random)
        if settings.head == "l1":
            return {"pairs": self._judged(vectors, anchor, own, other)}
        near, far = distances[anchor, own], distances[anchor, other]
        if settings.loss == "triplet":
            return {"triplet": losses.triplet(near, far, margin)}
        same = torch.cat([torch.ones_like(near), torch.zeros_like(far)]).bool()
        return {"contrastive": losses.pair_contrastive(torch.cat([near, far]), same, margin)}

    def _judged(self, vectors: Tensor, anchor: Tensor, own: Tensor, other: Tensor) -> Tensor:
        """Koch's head: the sigmoid of a weighted sum of |a - b|, cross-entropy to 1 for a pair of a class, else 0."""
        apart = torch.cat([vectors[anchor] - vectors[own], vectors[anchor] - vectors[other]]).abs()
        said = self.helper(apart).squeeze(1).float()
        wanted = torch.cat([torch.ones(len(own)), torch.zeros(len(other))]).to(said.device)
        return functional.binary_cross_entropy_with_logits(said, wanted)

    def validate(self, network: nn.Module) -> Figures:
        """The area under the ROC of held-out pairs, which decides, and their equal error rate."""
        (vectors,) = outputs(network, self.pack.pixels[self.looked], self.settings.side, quick=True)
        told = verified(vectors, self.pack.labels[self.looked], self.settings.metric).figures
        return {"AUC": told["AUC"], "equal error rate": told["equal error rate"]}


def mined(distances: Tensor, labels: Tensor, mining: str, random: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """(N, N) distances, (N,) labels -> rows (T,) of anchors, of each other one of their class, and of a stranger.

    ``random``: any stranger. ``hard``: the nearest. ``semi-hard``: the nearest of those further away than the one of
    the class, or the furthest where none is (FaceNet, arXiv 1503.03832, 3.2)."""
    same = labels[:, None] == labels
    anchor, own = (same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)).nonzero().T
    near = distances[anchor, own]
    strangers = distances[anchor]
    if mining == "random":
        strangers = torch.rand(strangers.shape, generator=random).to(strangers.device)
    strangers = strangers.masked_fill(same[anchor], torch.inf)
    if mining != "semi-hard":
        return anchor, own, strangers.argmin(1)
    beyond = strangers.masked_fill(strangers <= near[:, None], torch.inf)
    furthest = strangers.masked_fill(same[anchor], -torch.inf).argmax(1)
    return anchor, own, torch.where(beyond.isfinite().any(1), beyond.argmin(1), furthest)


def tower(settings: SiameseSettings, start: str = "scratch") -> Tower:
    """The network that both sides share."""
    unit = settings.head == "distance"
    if settings.drawings:
        return Tower(settings.dim, trunk(SMALL, stem=2), flat=-(-settings.side // 8), unit=unit)
    if start == "scratch":
        return Tower(settings.dim, trunk(), unit=unit)
    made = Tower(settings.dim, unit=unit)
    made.start_from(shipped_content(), frozen=start == "frozen")
    return made


def _start(settings: SiameseSettings, images: int) -> str:
    """How it begins. Raises UserError for settings that do not go together."""
    if settings.head == "l1" and settings.loss != "contrastive":
        raise UserError(f"--head l1 has a loss of its own, cross-entropy on pairs; leave --loss {settings.loss} out")
    if settings.drawings:
        if settings.start in ("frozen", "tuned"):
            raise UserError("drawings have a small network of their own: --start scratch goes with --drawings")
        return "scratch"
    return chosen_start(settings.start, images)


def _by_class(labels: Rows, kept: Rows) -> list[Rows]:
    """The rows to train on of each class that has any."""
    own = [kept[labels[kept] == kind] for kind in np.unique(labels[kept])]
    if len(own) < 2:
        raise UserError("a siamese network needs two classes to train on")
    return own


def train_siamese(source: Path, settings: SiameseSettings, run_folder: Path, progress: Progress) -> Made:
    """Train on the labelled images of ``source``, from where the run in ``run_folder`` was, and measure.

    From ENOUGH classes on a share of them is held out, else a share of the images of each. Interrupted, the best
    network so far is what is made. Raises UserError for images or settings that will not do, for a run of something
    else, and when a loss is no longer a number."""
    check(settings)
    images = read_labelled(source, settings.side, run_folder / "packs", settings.nested)
    by_class = len(images.pack.classes) >= ENOUGH
    parted = split(images.pack, settings.held_out, settings.seed, run_folder / "held.json", by_class, 2)
    start = _start(settings, len(parted.kept))
    settings = replace(settings, rate=settings.rate or RATES[start == "scratch"])
    task = Siamese(settings, images, parted)
    run = Run(task, settings.plan(len(parted.kept)), run_folder)
    complete = finish(run, progress)
    network = run.trained()
    held = evenly(parted.held, MEASURED)
    (vectors,) = outputs(network.to(device()), images.pack.pixels[held], settings.side)
    told = verified(vectors, images.pack.labels[held], settings.metric)
    return Made(
        network=network,
        side=settings.side,
        dim=settings.dim,
        metric=settings.metric,
        median_negative_distance=told.median_negative_distance,
        source=f"siamese network, {_loss_of(settings)}, {len(images.pack.classes)} classes",
        weaknesses=("tells apart what its classes differ in, and may miss other differences", *_tower_only(settings)),
        figures=told.figures,
        details={"held_out": "classes" if by_class else "images", "metric": settings.metric, "loss": settings.loss,
                 "head": settings.head, "start": task.identity["start"]},
        page=_page(told, images, parted, run_folder, held, by_class),
        images=len(parted.kept),
        best=run.best.step if run.best else run.step,
        step=run.step,
        complete=complete,
        notes=(*images.notes, *_tower_only(settings)),
        failed=images.pack.failed,
    )  # fmt: skip


def _loss_of(settings: SiameseSettings) -> str:
    return "weighted L1 of pairs" if settings.head == "l1" else f"{settings.loss} loss"


def _tower_only(settings: SiameseSettings) -> tuple[str, ...]:
    return ("the vector is the tower's, before the weighted L1 head",) if settings.head == "l1" else ()


def _page(told: Verified, images: Labelled, parted: Split, run_folder: Path, held: Rows, by_class: bool) -> Page:
    figures = told.figures
    facts = (
        ("Trained on", f"{len(parted.kept):,}"),
        ("Held-out images", f"{len(parted.held):,}"),
        ("AUC", f"{figures['AUC']:.3f}"),
        ("Equal error rate", f"{figures['equal error rate']:.1%}"),
        ("Best threshold", f"{figures['threshold']:.3f}"),
        ("mAP", f"{figures['mAP']:.3f}"),
    )
    what = "whole classes, which it has never seen" if by_class else "images of the classes that it was trained on"
    drawn = sections(told, [images.pack.pixels[row] for row in held], f"What is held out: {what}.")
    losses_seen = ("contrastive", "triplet", "nt-xent", "margin", "supcon", "pairs")
    first = learning(run_folder, losses_seen, ("AUC", "equal error rate"))
    return Page("A siamese network", facts, (first, *drawn), images.notes, images.pack.failed)
