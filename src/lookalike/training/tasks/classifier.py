"""A classifier: which of a folder's classes an image is of, how sure that is, and a descriptor beside it.

A trunk (He et al., arXiv 1512.03385), one vector of unit length, and a softmax over its classes. Classes may differ in
size, see ``imbalance``; what it says of its own certainty is corrected on held-out images (Guo et al.,
arXiv 1706.04599).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lookalike.distance import cosine
from lookalike.evaluation import classification_metrics
from lookalike.evaluation.charts import curves
from lookalike.training.data.augmented_views import Views
from lookalike.training.data.image_folder import Labelled, Rows, Split, evenly, read_labelled, split
from lookalike.training.engine import losses
from lookalike.training.engine.settings import Settings, check, setting
from lookalike.training.engine.trainer import Figures, Loss, Run, device, finish, quick
from lookalike.training.export.artifacts import Classes, Made
from lookalike.training.export.training_page import Page, Section, Strip, Table, learning, shown
from lookalike.training.models.embedding_net import Tower, outputs
from lookalike.training.models.residual_net import HEAD, trunk
from lookalike.training.tasks.linear_probe import probe
from lookalike.training.tasks.pretrained import STARTS, chosen_start, shipped_content
from lookalike.types import Floats, Progress

IMBALANCES = ("none", "sampling", "class-balanced", "focal", "logit-adjust")
SCALE = 16.0  # of unit vectors before the softmax: cosines alone could never be sure
LOOKED_AT = 800  # held-out images at each look; the last one sees all
WORST = 16  # mistakes on the page
LARGEST_TABLE = 30  # classes of a confusion that is shown as a table
PROBED = 3000  # images to train on that the last layer is fitted to before
STRANGERS = 2000  # images whose distances tell what is typical


@dataclass(frozen=True, slots=True)
class ClassifierSettings(Settings):
    """See setting by setting. ``auto`` starts from the network of `content`, frozen for fewer than FEW images."""

    rate: float = setting(1e-3, "The highest learning rate.", least=1e-9, most=10)
    start: str = setting("auto", "Begin with random weights, or with the network of `content`, frozen or not.", STARTS)
    imbalance: str = setting("sampling", "What is done about classes of different size.", IMBALANCES)
    smoothing: float = setting(0.1, "Share of each label that goes to the other classes.", most=0.9)


class Classifier(nn.Module):
    """(N, 3, S, S) float RGB 0..1 -> (N, 256) of unit length, and (N, C) logits."""

    def __init__(self, classes: int, body: nn.Sequential | None = None) -> None:
        super().__init__()
        self.tower = Tower(HEAD, body)
        self.logits = nn.Linear(HEAD, classes)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        features = self.tower(image)
        return features, self.logits(features * SCALE).float()


class Classification:
    """The task: drawn batches, cross-entropy, and the accuracy on what is held out."""

    def __init__(self, settings: ClassifierSettings, images: Labelled, parted: Split) -> None:
        self.settings, self.pack, self.parted = settings, images.pack, parted
        start = chosen_start(settings.start, len(parted.kept))
        self.identity: Mapping[str, Any] = {
            "task": "classifier", "classes": list(self.pack.classes), "start": start, "side": settings.side,
        }  # fmt: skip
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network = quick(self._started(start))
        self.helper = nn.Identity()
        self.views = Views(settings.seed, settings.side)
        labels = self.pack.labels[parted.kept]
        counts = np.bincount(labels, minlength=len(self.pack.classes))
        self.counts = torch.from_numpy(counts).float().to(device())
        self.chances = (1 / counts[labels]) / (1 / counts[labels]).sum() if settings.imbalance == "sampling" else None
        self.looked = evenly(parted.held, LOOKED_AT)

    def _started(self, start: str) -> Classifier:
        """From the network of `content` with a last layer that fits it, or from random weights."""
        network = Classifier(len(self.pack.classes), trunk() if start == "scratch" else None)
        if start != "scratch":
            network.tower.start_from(shipped_content(), frozen=start == "frozen")
            rows = evenly(self.parted.kept, PROBED)
            (features,) = outputs(network.tower, self.pack.pixels[rows], self.settings.side)
            weights, biases = probe(features * SCALE, self.pack.labels[rows], len(self.pack.classes))
            network.logits.load_state_dict({"weight": weights, "bias": biases})
        return network

    def loss(self, step: int) -> Loss:
        """Cross-entropy of the classes, as ``imbalance`` has it."""
        drawn, count = self.views.begin(step), min(self.settings.batch, len(self.parted.kept))
        rows = np.sort(drawn.choice(self.parted.kept, count, replace=self.chances is not None, p=self.chances))
        views = self.views.of(self.pack.pixels[rows])
        with torch.autocast(device().type, torch.bfloat16):
            logits = self.network(views)[1]
        return Loss({"loss": self._loss(logits.float(), torch.from_numpy(self.pack.labels[rows]))}, {"loss": 1.0})

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        labels, smoothing = labels.to(logits.device), self.settings.smoothing
        if self.settings.imbalance == "focal":
            return losses.focal(logits, labels)
        if self.settings.imbalance == "logit-adjust":
            return losses.logit_adjusted(logits, labels, self.counts, smoothing)
        weights = losses.class_balanced(self.counts) if self.settings.imbalance == "class-balanced" else None
        return functional.cross_entropy(logits, labels, weights, label_smoothing=smoothing)

    def validate(self, network: nn.Module) -> Figures:
        """Balanced accuracy, which decides, and accuracy."""
        _, logits = outputs(network, self.pack.pixels[self.looked], self.settings.side, quick=True)
        labels = self.pack.labels[self.looked]
        told = classification_metrics.told_of(
            classification_metrics.confusion(labels, logits.argmax(1), logits.shape[1])
        )
        return {"balanced accuracy": told.balanced_accuracy, "accuracy": float((logits.argmax(1) == labels).mean())}


def train_classifier(source: Path, settings: ClassifierSettings, run_folder: Path, progress: Progress) -> Made:
    """Train on the labelled images of ``source``, from where the run in ``run_folder`` was, and measure.

    Interrupted, the best network so far is what is made. Raises UserError for images or settings that will not do,
    for a run of something else, and when a loss is no longer a number."""
    check(settings)
    images = read_labelled(source, settings.side, run_folder / "packs", settings.nested)
    parted = split(images.pack, settings.held_out, settings.seed, run_folder / "held.json")
    task = Classification(settings, images, parted)
    run = Run(task, settings.plan(len(parted.kept)), run_folder)
    complete = finish(run, progress)
    network = run.trained()
    features, logits = outputs(network.to(device()), images.pack.pixels[parted.held], settings.side)
    judged = judge(features, logits, images.pack.labels[parted.held])
    start = str(task.identity["start"])
    return Made(
        network=network,
        side=settings.side,
        dim=HEAD,
        metric="cosine",
        median_negative_distance=judged.median_negative_distance,
        source=f"classifier of {len(images.pack.classes)} classes, {_BEGUN[start]}",
        weaknesses=("knows its own classes only: any other image is given one of them, if it does not abstain",),
        figures=judged.figures,
        details={"start": start, "classes": list(images.pack.classes), "held_out": len(parted.held),
                 "temperature": judged.temperature, "abstain_below": judged.abstain_below,
                 "confusion": judged.confusion.tolist()},
        page=_page(judged, images, parted, run_folder),
        images=len(parted.kept),
        best=run.best.step if run.best else run.step,
        step=run.step,
        complete=complete,
        notes=images.notes,
        failed=images.pack.failed,
        classes=Classes(images.pack.classes, judged.temperature, judged.abstain_below),
    )  # fmt: skip


# --- how good it is


@dataclass(frozen=True, slots=True)
class Judged:
    """Of H held-out images: ``shares``, (H, C) calibrated probabilities; ``confusion``, (C, C);
    ``median_negative_distance``, the median distance between the features of two classes."""

    labels: Rows
    shares: classification_metrics.Doubles
    confusion: Rows
    temperature: float
    abstain_below: float
    figures: Mapping[str, float]
    median_negative_distance: float


def judge(features: Floats, logits: Floats, labels: Rows) -> Judged:
    """(H, 256), (H, C), (H,) -> every figure. The calibration error after is of temperatures fitted on the other half
    of the images; the temperature that is handed over is fitted on all of them."""
    temperature = classification_metrics.fitted_temperature(logits, labels)
    shares = classification_metrics.probabilities(logits, temperature)
    table = classification_metrics.confusion(labels, logits.argmax(1), logits.shape[1])
    told, right = classification_metrics.told_of(table), logits.argmax(1) == labels
    level = classification_metrics.abstention_level(shares, labels)
    figures = {
        "accuracy": float(right.mean()),
        "balanced accuracy": told.balanced_accuracy,
        "macro F1": told.macro_f1,
        "calibration error before": classification_metrics.calibration_error(
            classification_metrics.probabilities(logits), labels
        ),
        "calibration error after": classification_metrics.calibrated_error(logits, labels),
        "answered at 95 %": float((shares.max(1) >= level).mean()),
    }
    return Judged(labels, shares, table, temperature, level, figures, median_negative_distance(features, labels))


def median_negative_distance(features: Floats, labels: Rows) -> float:
    """The median cosine distance between images of different classes."""
    rows = evenly(np.arange(len(labels)), STRANGERS)
    apart = cosine(features[rows], features[rows])[labels[rows][:, None] != labels[rows]]
    return float(np.median(apart)) if apart.size else 1.0


_BEGUN = {"scratch": "from random weights", "frozen": "on the shipped trunk, which stays as it is",
          "tuned": "on the shipped trunk, trained on"}  # fmt: skip


# --- the page


def _page(judged: Judged, images: Labelled, parted: Split, run_folder: Path) -> Page:
    figures, classes = judged.figures, images.pack.classes
    facts = (
        ("Trained on", f"{len(parted.kept):,}"),
        ("Held out", f"{len(parted.held):,}"),
        ("Classes", str(len(classes))),
        ("Accuracy", f"{figures['accuracy']:.1%}"),
        ("Balanced accuracy", f"{figures['balanced accuracy']:.1%}"),
        ("Macro F1", f"{figures['macro F1']:.3f}"),
    )
    sections = (
        learning(run_folder, ("loss",), ("balanced accuracy", "accuracy")),
        _per_class(judged, classes),
        _mistakes(judged, images, parted),
        _sure(judged),
    )
    return Page("A classifier", facts, sections, images.notes, images.pack.failed)


def _per_class(judged: Judged, classes: tuple[str, ...]) -> Section:
    told = classification_metrics.told_of(judged.confusion)
    rows = [
        (name, f"{told.asked[kind]:,}", f"{told.recall[kind]:.1%}", f"{told.precision[kind]:.1%}")
        for kind, name in enumerate(classes)
    ]
    tables = [Table(("class", "held out", "recall", "precision"), tuple(rows))]
    if len(classes) <= LARGEST_TABLE:
        tables.insert(0, _confusion(judged.confusion, classes))
    lede = "Recall: the share of a class that is found. Precision: the share of right answers among those that name it."
    return Section("Class by class", lede, tables=tuple(tables))


def _confusion(table: Rows, classes: tuple[str, ...]) -> Table:
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    rows = tuple((name, *map(str, row)) for name, row in zip(classes, table.tolist(), strict=True))
    return Table(("is / answered", *classes), rows, tuple(map(tuple, shares.tolist())))


def _mistakes(judged: Judged, images: Labelled, parted: Split) -> Section:
    answers, classes = judged.shares.argmax(1), images.pack.classes
    wrong = np.flatnonzero(answers != judged.labels)
    worst = wrong[np.argsort(-judged.shares[wrong].max(1))][:WORST]
    strip = tuple(
        shown(
            images.pack.pixels[parted.held[row]],
            f"{classes[answers[row]]} {judged.shares[row].max():.0%}; is {classes[judged.labels[row]]}",
            images.pack.paths[parted.held[row]],
        )
        for row in worst
    )
    lede = f"{len(wrong):,} of {len(answers):,} held-out images were answered wrongly. The surest of them:"
    return Section("Worst mistakes", lede, strips=(Strip("What was answered, and what it is", strip),) if strip else ())


def _sure(judged: Judged) -> Section:
    points = [(one.said, one.right) for one in classification_metrics.reliability(judged.shares, judged.labels)]
    chart = curves("Reliability", "probability that was given", "share that was right", [("answers", points)], True)
    figures = judged.figures
    lede = (
        f"Temperature {judged.temperature:.2f}: the calibration error goes from "
        f"{figures['calibration error before']:.3f} to {figures['calibration error after']:.3f}. Answers with a "
        f"probability of {judged.abstain_below:.2f} or more, {figures['answered at 95 %']:.0%} of all, are right in "
        f"{classification_metrics.TRUSTED:.0%} of the cases; below it, it is more honest to answer nothing."
    )
    return Section("How sure it may be", lede, (chart,))
