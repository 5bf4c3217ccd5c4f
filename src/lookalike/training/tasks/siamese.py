"""A siamese network: one embedding network for both images, whose distance says whether they are of one class.

Two branches with shared weights and a contrastive loss (Hadsell et al., "Dimensionality reduction by learning an
invariant mapping", 2006), triplets (FaceNet, arXiv 1503.03832), NT-Xent (arXiv 2002.05709), a margin softmax of cosines
(CosFace, arXiv 1801.09414) or of angles (ArcFace, arXiv 1801.07698) with SupCon (arXiv 2004.11362), or pairs classified
by a weighted L1 distance (Koch et al., "Siamese neural networks for one-shot image recognition", 2015). Classes that
were never trained on are what it is measured by. A batch has as many images of a rare class as of a common one.
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

from lookalike.descriptors import face_network
from lookalike.distance import Metric
from lookalike.errors import UserError
from lookalike.training.data.aligned_faces import align_people
from lookalike.training.data.augmented_views import FACE, PHOTO, Views
from lookalike.training.data.image_folder import ImageFolder, Rows, Split, evenly_spaced, hold_out, read_labelled_images
from lookalike.training.engine import losses
from lookalike.training.engine.settings import Settings, check_settings, setting
from lookalike.training.engine.trainer import Loss, Metrics, Trainer, device, fit, to_channels_last
from lookalike.training.export.artifacts import TrainedModel
from lookalike.training.export.training_page import Page, learning_curves
from lookalike.training.models.embedding_net import SMALL_WIDTHS, EmbeddingNet, predict
from lookalike.training.models.residual_net import EMBEDDING_DIM, trunk
from lookalike.training.tasks.beside_content import BesideContent, beside_content, content_section
from lookalike.training.tasks.face_parts import face_parts
from lookalike.training.tasks.pretrained import INITS, begun_with, begun_with_content, resolve_init
from lookalike.training.tasks.verification_metrics import Verification, refuse_without_pairs, sections, verify_pairs
from lookalike.types import Progress

LEARNING_RATES = (3e-4, 1e-3)  # of weights that know something already, and of random ones
LOSSES = ("contrastive", "triplet", "nt-xent", "margin", "arcface")
MINING = ("random", "semi-hard", "hard")
HEADS = ("distance", "l1")
ANGULAR = ("nt-xent", "margin", "arcface")  # losses of cosines
SOFTMAX = {"margin": losses.margin_softmax, "arcface": losses.arc_margin_softmax}
MARGINS = {"contrastive": 1.0, "triplet": 0.2, "margin": 0.25, "arcface": 0.3}
SCALE = 16.0  # of the cosines in a margin softmax
CLASSES_TO_HOLD_OUT = 6  # from so many on whole classes are held out
VALIDATION_IMAGES, TEST_IMAGES = (
    500,
    2000,
)  # held-out images whose pairs are compared at each validation, and at the end
ROTATIONS = 4


@dataclass(frozen=True, slots=True)
class SiameseSettings(Settings):
    """See setting by setting. A batch holds ``batch / images_per_class`` classes; a quarter turn of a drawing may be a
    class."""

    lr: float = setting(0.0, "Peak learning rate; 0: 1e-3 from scratch, 3e-4 from shipped weights.", maximum=10)
    init: str = setting("auto", "Initial weights: random, or the network of `content`, frozen or fine-tuned.", INITS)
    loss: str = setting("contrastive", "The loss on distances.", LOSSES)
    mining: str = setting("semi-hard", "Which negatives a pair of a class is compared with.", MINING)
    head: str = setting("distance", "Classify pairs by their distance, or by a weighted L1 of the vectors.", HEADS)
    margin: float = setting(0.0, "Of contrastive, triplet, margin and arcface; 0: 1, 0.2, 0.25, 0.3.", maximum=10)
    temperature: float = setting(
        0.1, "Of nt-xent, and of the SupCon beside margin and arcface.", minimum=0.001, maximum=10
    )
    images_per_class: int = setting(4, "Images of each class in a batch.", minimum=2, maximum=1000)
    dim: int = setting(
        EMBEDDING_DIM, "Numbers in a vector; 256 keeps what the network of `content` knows.", minimum=2, maximum=4096
    )
    drawings: bool = setting(False, "Small drawings: bend and move them; a small network for fine strokes.")
    faces: str = setting("", "DIR has a folder per person: cut out and align faces as this network of faces does.")
    rotation_classes: bool = setting(False, "The quarter turns of a class are classes of their own.")

    @property
    def metric(self) -> Metric:
        return "cosine" if self.loss in ANGULAR else "euclidean"


class ClassCentres(nn.Module):
    """A direction for each class, (C, D), for the margin softmax."""

    def __init__(self, classes: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, dim))


class SiameseTask:
    """The task: batches of classes, mined negatives, and the verification of held-out pairs."""

    def __init__(self, settings: SiameseSettings, images: ImageFolder, split: Split) -> None:
        self.settings, self.cache = settings, images.cache
        refuse_without_pairs(self.cache.labels[split.held_out])
        self.rows = _by_class(self.cache.labels, split.training)
        init = _init(settings, len(split.training))
        self.identity: Mapping[str, Any] = {
            "task": "siamese", "classes": list(self.cache.classes), "init": init, "side": settings.side,
            "loss": settings.loss, "head": settings.head, "dim": settings.dim, "drawings": settings.drawings,
            "turns": settings.rotation_classes, **({"faces": settings.faces} if settings.faces else {}),
        }  # fmt: skip
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network = to_channels_last(siamese_net(settings, init))
            self.aux_head: nn.Module = self._aux_head()
        changes = FACE if settings.faces else PHOTO
        self.views = Views(settings.seed, settings.side, None if settings.drawings else changes)
        self.validated = evenly_spaced(split.held_out, VALIDATION_IMAGES)

    def _aux_head(self) -> nn.Module:
        if self.settings.head == "l1":
            return nn.Linear(self.settings.dim, 1)
        if self.settings.loss in SOFTMAX:
            return ClassCentres(
                len(self.rows) * (ROTATIONS if self.settings.rotation_classes else 1), self.settings.dim
            )
        return nn.Identity()

    def loss(self, step: int) -> Loss:
        """Draw classes and some images of each; the loss that the settings name."""
        rng = self.views.begin(step)
        rows, labels = self._sample(rng)
        quarter_turns = labels % ROTATIONS if self.settings.rotation_classes else np.zeros_like(labels)
        pixels = np.stack(
            [np.rot90(self.cache.pixels[row], turn) for row, turn in zip(rows, quarter_turns, strict=True)]
        )
        views = self.views.of(pixels)
        with torch.autocast(device().type, torch.bfloat16):
            vectors = self.network(views)
        terms = self._terms(vectors, torch.from_numpy(labels).to(vectors.device))
        return Loss(terms, dict.fromkeys(terms, 1.0))

    def _sample(self, rng: np.random.Generator) -> tuple[Rows, Rows]:
        """(B,) rows and their (B,) classes, of those to train on; with ``rotation_classes``, 4 times the class plus the
        quarter turns."""
        classes = len(self.rows) * (ROTATIONS if self.settings.rotation_classes else 1)
        chosen = rng.choice(
            classes, min(classes, max(2, self.settings.batch // self.settings.images_per_class)), replace=False
        )
        rows = []
        for kind in chosen:
            own = self.rows[kind // ROTATIONS if self.settings.rotation_classes else kind]
            rows.append(
                rng.choice(own, self.settings.images_per_class, replace=len(own) < self.settings.images_per_class)
            )
        return np.concatenate(rows), np.repeat(chosen, self.settings.images_per_class)

    def _terms(self, vectors: Tensor, labels: Tensor) -> dict[str, Tensor]:
        settings = self.settings
        margin = settings.margin or MARGINS.get(settings.loss, 0.0)
        if settings.loss == "nt-xent":
            return {"nt-xent": losses.nt_xent(vectors, *losses.class_pairs(labels), settings.temperature)}
        if settings.loss in SOFTMAX:
            centres = cast(ClassCentres, self.aux_head).weight
            return {
                settings.loss: SOFTMAX[settings.loss](vectors, centres, labels, margin, SCALE),
                "supcon": losses.supervised_contrastive(vectors, labels, settings.temperature),
            }
        distances = torch.cdist(vectors, vectors, compute_mode="donot_use_mm_for_euclid_dist")
        anchor, own, other = mine_triplets(distances.detach(), labels, settings.mining, self.views.random)
        if settings.head == "l1":
            return {"pairs": self._l1_head(vectors, anchor, own, other)}
        near, far = distances[anchor, own], distances[anchor, other]
        if settings.loss == "triplet":
            return {"triplet": losses.triplet(near, far, margin)}
        same = torch.cat([torch.ones_like(near), torch.zeros_like(far)]).bool()
        return {"contrastive": losses.pair_contrastive(torch.cat([near, far]), same, margin)}

    def _l1_head(self, vectors: Tensor, anchor: Tensor, own: Tensor, other: Tensor) -> Tensor:
        """Koch's head: the sigmoid of a weighted sum of |a - b|, cross-entropy to 1 for a pair of a class, else 0."""
        differences = torch.cat([vectors[anchor] - vectors[own], vectors[anchor] - vectors[other]]).abs()
        logits = self.aux_head(differences).squeeze(1).float()
        targets = torch.cat([torch.ones(len(own)), torch.zeros(len(other))]).to(logits.device)
        return functional.binary_cross_entropy_with_logits(logits, targets)

    def validate(self, network: nn.Module) -> Metrics:
        """The area under the ROC of held-out pairs, which decides, and their equal error rate."""
        (vectors,) = predict(network, self.cache.pixels[self.validated], self.settings.side, half=True)
        metrics = verify_pairs(vectors, self.cache.labels[self.validated], self.settings.metric).metrics
        return {"AUC": metrics["AUC"], "equal error rate": metrics["equal error rate"]}


def mine_triplets(
    distances: Tensor, labels: Tensor, mining: str, random: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """(N, N) distances, (N,) labels -> rows (T,) of anchors, of each other one of their class, and of a negative.

    ``random``: any negative. ``hard``: the nearest. ``semi-hard``: the nearest of those further away than the one of
    the class, or the furthest where none is (FaceNet, arXiv 1503.03832, 3.2)."""
    same = labels[:, None] == labels
    anchor, own = (same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)).nonzero().T
    near = distances[anchor, own]
    candidates = distances[anchor]
    if mining == "random":
        candidates = torch.rand(candidates.shape, generator=random).to(candidates.device)
    candidates = candidates.masked_fill(same[anchor], torch.inf)
    if mining != "semi-hard":
        return anchor, own, candidates.argmin(1)
    beyond = candidates.masked_fill(candidates <= near[:, None], torch.inf)
    furthest = candidates.masked_fill(same[anchor], -torch.inf).argmax(1)
    return anchor, own, torch.where(beyond.isfinite().any(1), beyond.argmin(1), furthest)


def siamese_net(settings: SiameseSettings, init: str = "scratch") -> EmbeddingNet:
    """The embedding network that both images share."""
    unit = settings.head == "distance"
    if settings.drawings:
        return EmbeddingNet(settings.dim, trunk(SMALL_WIDTHS, stem=2), flat=-(-settings.side // 8), unit=unit)
    if init == "scratch":
        return EmbeddingNet(settings.dim, trunk(), unit=unit)
    return begun_with_content(settings.dim, unit, frozen=init == "frozen")


def _init(settings: SiameseSettings, images: int) -> str:
    """The initial weights. Raises UserError for settings that do not go together."""
    if settings.head == "l1" and settings.loss != "contrastive":
        raise UserError(f"--head l1 has a loss of its own, cross-entropy on pairs; leave --loss {settings.loss} out")
    if settings.drawings:
        if settings.init in ("frozen", "tuned"):
            raise UserError("drawings have a small network of their own: --init scratch goes with --drawings")
        return "scratch"
    return resolve_init(settings.init, images)


def _by_class(labels: Rows, kept: Rows) -> list[Rows]:
    """The rows to train on of each class that has any."""
    own = [kept[labels[kept] == kind] for kind in np.unique(labels[kept])]
    if len(own) < 2:
        raise UserError("a siamese network needs two classes to train on")
    return own


def train_siamese(source: Path, settings: SiameseSettings, run_folder: Path, progress: Progress) -> TrainedModel:
    """Train on the labelled images of ``source``, from where the run in ``run_folder`` was, and measure.

    From CLASSES_TO_HOLD_OUT classes on a share of them is held out, else a share of the images of each. Interrupted,
    the best network so far is what is made. Raises UserError for images or settings that will not do, for a run of
    something else, and when a loss is no longer a number."""
    check_settings(settings)
    images = _images(source, settings, run_folder)
    by_class = len(images.cache.classes) >= CLASSES_TO_HOLD_OUT
    split = hold_out(images.cache, settings.held_out, settings.seed, run_folder / "held.json", by_class, 2)
    init = _init(settings, len(split.training))
    settings = replace(settings, lr=settings.lr or LEARNING_RATES[init == "scratch"])
    task = SiameseTask(settings, images, split)
    trainer = Trainer(task, settings.schedule(len(split.training)), run_folder)
    complete = fit(trainer, progress)
    network = trainer.best_network()
    held = evenly_spaced(split.held_out, TEST_IMAGES)
    (vectors,) = predict(network.to(device()), images.cache.pixels[held], settings.side)
    verification = verify_pairs(vectors, images.cache.labels[held], settings.metric)
    init = str(task.identity["init"])
    people = f"{len(np.unique(images.cache.labels[held]))} people of {source.absolute().name}, held out"
    compared = beside_content(vectors, settings.metric, images.cache, held)
    return TrainedModel(
        network=network,
        side=settings.side,
        dim=settings.dim,
        metric=settings.metric,
        median_negative_distance=verification.median_negative_distance,
        source=f"siamese network, {_loss_of(settings)}, {len(images.cache.classes)} classes",
        weaknesses=("separates what its classes differ in, and may miss other differences", *_without_head(settings)),
        metrics={**verification.metrics, **({"content mAP": compared.content} if compared else {})},
        details={"held_out": "classes" if by_class else "images", "metric": settings.metric, "loss": settings.loss,
                 "head": settings.head, "init": init,
                 "mAP_gain": compared.gain if compared else None},
        page=_page(verification, compared, images, split, run_folder, held, by_class),
        images=len(split.training),
        digests=split.digests(images.cache),
        best=trainer.best.step if trainer.best else trainer.step,
        step=trainer.step,
        complete=complete,
        notes=(*images.notes, *_without_head(settings), *_worse(compared)),
        failed=images.cache.failed,
        base_models=begun_with("content", "trained on pairs of further images") if init != "scratch" else (),
        faces=face_parts(settings.faces, verification, people) if settings.faces else None,
    )  # fmt: skip


def _images(source: Path, settings: SiameseSettings, run_folder: Path) -> ImageFolder:
    """The labelled images, of faces those that were aligned; what shows no face is among the failed."""
    if not settings.faces:
        return read_labelled_images(source, settings.side, run_folder / "image-cache", settings.nested)
    if settings.metric != "cosine" or settings.head != "distance" or settings.drawings:
        raise UserError(f"--faces {settings.faces} is for cosines of photographs: --loss margin, arcface or nt-xent")
    faces = align_people(source, face_network(settings.faces), run_folder / "aligned", settings.side)
    found = read_labelled_images(faces.folder, settings.side, run_folder / "image-cache")
    return replace(found, cache=replace(found.cache, failed=(*faces.failed, *found.cache.failed)))


def _loss_of(settings: SiameseSettings) -> str:
    return "weighted L1 of pairs" if settings.head == "l1" else f"{settings.loss} loss"


def _without_head(settings: SiameseSettings) -> tuple[str, ...]:
    return ("the vector is the embedding, before the weighted L1 head",) if settings.head == "l1" else ()


def _worse(compared: BesideContent | None) -> tuple[str, ...]:
    return (compared.sentence,) if compared and compared.gain.verdict == "worse" else ()


def _page(
    verification: Verification,
    compared: BesideContent | None,
    images: ImageFolder,
    split: Split,
    run_folder: Path,
    held: Rows,
    by_class: bool,
) -> Page:
    metrics = verification.metrics
    facts = (
        ("Trained on", f"{len(split.training):,}"),
        ("Held-out images", f"{len(split.held_out):,}"),
        ("AUC", f"{metrics['AUC']:.3f}"),
        ("Equal error rate", f"{metrics['equal error rate']:.1%}"),
        ("Best threshold", f"{metrics['threshold']:.3f}"),
        ("mAP", f"{metrics['mAP']:.3f}"),
    )
    what = "whole classes, which it has never seen" if by_class else "images of the classes that it was trained on"
    pair_sections = sections(verification, [images.cache.pixels[row] for row in held], f"Held out: {what}.")
    losses_seen = ("contrastive", "triplet", "nt-xent", "margin", "arcface", "supcon", "pairs")
    first = learning_curves(run_folder, losses_seen, ("AUC", "equal error rate"))
    last = (content_section(compared),) if compared else ()
    return Page("A siamese network", facts, (first, *pair_sections, *last), images.notes, images.cache.failed)
