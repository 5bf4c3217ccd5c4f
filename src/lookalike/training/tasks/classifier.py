"""A classifier: which of a folder's classes an image is of, with what confidence, and a descriptor beside it.

A trunk (He et al., arXiv 1512.03385), one vector of unit length, and a softmax over its classes. Classes may differ in
size, see ``imbalance``; its confidence is calibrated on held-out images (Guo et al.,
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
from lookalike.intervals import Interval, share_interval
from lookalike.training.data.augmented_views import Views
from lookalike.training.data.image_folder import ImageFolder, Rows, Split, evenly_spaced, hold_out, read_labelled_images
from lookalike.training.engine import losses
from lookalike.training.engine.settings import Settings, check_settings, setting
from lookalike.training.engine.trainer import Loss, Metrics, Trainer, device, fit, to_channels_last
from lookalike.training.export.artifacts import ClassOutput, TrainedModel
from lookalike.training.export.training_page import Page, Section, Strip, Table, captioned, learning_curves
from lookalike.training.models.embedding_net import EmbeddingNet, predict
from lookalike.training.models.residual_net import EMBEDDING_DIM, trunk
from lookalike.training.tasks.beside_content import BesideContent, beside_content, content_section
from lookalike.training.tasks.linear_probe import fit_linear_probe
from lookalike.training.tasks.pretrained import INITS, begun_with, begun_with_content, resolve_init
from lookalike.types import Floats, Progress

IMBALANCES = ("none", "sampling", "class-balanced", "focal", "logit-adjust")
SCALE = 16.0  # of unit vectors before the softmax: cosines alone could never be sure
VALIDATION_IMAGES = 800  # held-out images at each validation; the last one sees all
WORST_ERRORS = 16  # on the page
MAX_CONFUSION_CLASSES = 30  # classes of a confusion that is shown as a table
PROBE_IMAGES = 3000  # images to train on that the last layer is fitted to before
NEGATIVE_IMAGES = 2000  # whose distances give the median negative distance


@dataclass(frozen=True, slots=True)
class ClassifierSettings(Settings):
    """See setting by setting. ``auto`` starts from the network of `content`, frozen for fewer than FEW images."""

    lr: float = setting(1e-3, "Peak learning rate.", minimum=1e-9, maximum=10)
    init: str = setting("auto", "Initial weights: random, or the network of `content`, frozen or fine-tuned.", INITS)
    imbalance: str = setting("sampling", "How classes of different size are balanced.", IMBALANCES)
    label_smoothing: float = setting(0.1, "Share of each label that goes to the other classes.", maximum=0.9)


class Classifier(nn.Module):
    """(N, 3, S, S) float RGB 0..1 -> (N, 256) of unit length, and (N, C) logits."""

    def __init__(self, classes: int, embedding_net: EmbeddingNet) -> None:
        super().__init__()
        self.embedding_net = embedding_net
        self.logits = nn.Linear(EMBEDDING_DIM, classes)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        features = self.embedding_net(image)
        return features, self.logits(features * SCALE).float()


class ClassifierTask:
    """The task: sampled batches, cross-entropy, and the accuracy on what is held out."""

    def __init__(self, settings: ClassifierSettings, images: ImageFolder, split: Split) -> None:
        self.settings, self.cache, self.split = settings, images.cache, split
        init = resolve_init(settings.init, len(split.training))
        self.identity: Mapping[str, Any] = {
            "task": "classifier", "classes": list(self.cache.classes), "init": init, "side": settings.side,
        }  # fmt: skip
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.network = to_channels_last(self._initialised(init))
        self.aux_head = nn.Identity()
        self.views = Views(settings.seed, settings.side)
        labels = self.cache.labels[split.training]
        counts = np.bincount(labels, minlength=len(self.cache.classes))
        self.counts = torch.from_numpy(counts).float().to(device())
        self.chances = (1 / counts[labels]) / (1 / counts[labels]).sum() if settings.imbalance == "sampling" else None
        self.validated = evenly_spaced(split.held_out, VALIDATION_IMAGES)

    def _initialised(self, init: str) -> Classifier:
        """From the network of `content` with a last layer that fits it, or from random weights."""
        classes = len(self.cache.classes)
        if init == "scratch":
            return Classifier(classes, EmbeddingNet(EMBEDDING_DIM, trunk()))
        network = Classifier(classes, begun_with_content(EMBEDDING_DIM, frozen=init == "frozen"))
        rows = evenly_spaced(self.split.training, PROBE_IMAGES)
        (features,) = predict(network.embedding_net, self.cache.pixels[rows], self.settings.side)
        weights, biases = fit_linear_probe(features * SCALE, self.cache.labels[rows], classes)
        network.logits.load_state_dict({"weight": weights, "bias": biases})
        return network

    def loss(self, step: int) -> Loss:
        """Cross-entropy of the classes, as ``imbalance`` has it."""
        rng, count = self.views.begin(step), min(self.settings.batch, len(self.split.training))
        rows = np.sort(rng.choice(self.split.training, count, replace=self.chances is not None, p=self.chances))
        views = self.views.of(self.cache.pixels[rows])
        with torch.autocast(device().type, torch.bfloat16):
            logits = self.network(views)[1]
        return Loss({"loss": self._loss(logits.float(), torch.from_numpy(self.cache.labels[rows]))}, {"loss": 1.0})

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        labels, label_smoothing = labels.to(logits.device), self.settings.label_smoothing
        if self.settings.imbalance == "focal":
            return losses.focal(logits, labels)
        if self.settings.imbalance == "logit-adjust":
            return losses.logit_adjusted(logits, labels, self.counts, label_smoothing)
        weights = losses.class_balanced_weights(self.counts) if self.settings.imbalance == "class-balanced" else None
        return functional.cross_entropy(logits, labels, weights, label_smoothing=label_smoothing)

    def validate(self, network: nn.Module) -> Metrics:
        """Balanced accuracy, which decides, and accuracy."""
        _, logits = predict(network, self.cache.pixels[self.validated], self.settings.side, half=True)
        labels = self.cache.labels[self.validated]
        table = classification_metrics.confusion(labels, logits.argmax(1), logits.shape[1])
        by_class = classification_metrics.class_metrics(table)
        return {"balanced accuracy": by_class.balanced_accuracy, "accuracy": float((logits.argmax(1) == labels).mean())}


def train_classifier(source: Path, settings: ClassifierSettings, run_folder: Path, progress: Progress) -> TrainedModel:
    """Train on the labelled images of ``source``, from where the run in ``run_folder`` was, and measure.

    Interrupted, the best network so far is what is made. Raises UserError for images or settings that will not do,
    for a run of something else, and when a loss is no longer a number."""
    check_settings(settings)
    images = read_labelled_images(source, settings.side, run_folder / "image-cache", settings.nested)
    split = hold_out(images.cache, settings.held_out, settings.seed, run_folder / "held.json")
    task = ClassifierTask(settings, images, split)
    trainer = Trainer(task, settings.schedule(len(split.training)), run_folder)
    complete = fit(trainer, progress)
    network = trainer.best_network()
    features, logits = predict(network.to(device()), images.cache.pixels[split.held_out], settings.side)
    evaluation = evaluate_classifier(features, logits, images.cache.labels[split.held_out])
    compared = beside_content(features, "cosine", images.cache, split.held_out)
    init = str(task.identity["init"])
    return TrainedModel(
        network=network,
        side=settings.side,
        dim=EMBEDDING_DIM,
        metric="cosine",
        median_negative_distance=evaluation.median_negative_distance,
        source=f"classifier of {len(images.cache.classes)} classes, {_INIT_WORDS[init]}",
        weaknesses=("knows its own classes only: any other image is predicted as one of them, if it does not abstain",),
        metrics={**evaluation.metrics, **(compared.metrics if compared else {})},
        details={"init": init, "classes": list(images.cache.classes), "held_out": len(split.held_out),
                 "temperature": evaluation.calibration.temperature, "abstain_below": evaluation.abstain_below,
                 "calibration": evaluation.calibration, "accuracy": evaluation.accuracy,
                 "mAP_gain": compared.gain if compared else None, "confusion": evaluation.confusion.tolist()},
        page=_page(evaluation, compared, images, split, run_folder),
        images=len(split.training),
        digests=split.digests(images.cache),
        best=trainer.best.step if trainer.best else trainer.step,
        step=trainer.step,
        complete=complete,
        notes=(*images.notes, *_notes(evaluation, compared, init)),
        failed=images.cache.failed,
        classes=ClassOutput(images.cache.classes, evaluation.calibration.temperature, evaluation.abstain_below),
        base_models=begun_with("content", _CHANGES[init]) if init != "scratch" else (),
    )  # fmt: skip


def _notes(evaluation: ClassifierMetrics, compared: BesideContent | None, init: str) -> tuple[str, ...]:
    """What the user should know before relying on it."""
    notes = []
    if compared and compared.gain.verdict == "worse":
        instead = "; or train with --init frozen" if init != "frozen" else ""
        notes.append(f"{compared.sentence}, and take this one for labels{instead}")
    if not evaluation.calibration.kept:
        notes.append(_no_temperature(evaluation.calibration))
    return tuple(notes)


def _no_temperature(tried: classification_metrics.TemperatureFit) -> str:
    return (
        f"no temperature: {tried.fitted:.2f} would not make the probabilities truer on images that it was not fitted "
        f"on (calibration error {tried.before:.3f} without it, {tried.after:.3f} with it)"
    )


# --- how good it is


@dataclass(frozen=True, slots=True)
class ClassifierMetrics:
    """Of H held-out images: ``shares``, (H, C) calibrated probabilities; ``confusion``, (C, C);
    ``median_negative_distance``, the median distance between the features of two classes."""

    labels: Rows
    shares: classification_metrics.Doubles
    confusion: Rows
    calibration: classification_metrics.TemperatureFit
    abstain_below: float
    metrics: Mapping[str, float]
    median_negative_distance: float

    @property
    def accuracy(self) -> Interval:
        return share_interval(int(np.diag(self.confusion).sum()), len(self.labels))


def evaluate_classifier(features: Floats, logits: Floats, labels: Rows) -> ClassifierMetrics:
    """(H, 256), (H, C), (H,) -> all metrics. The temperature is handed over only where it lowers the calibration error
    of images that it was not fitted on; the error after is of what is handed over."""
    calibration = classification_metrics.calibration(logits, labels)
    shares = classification_metrics.probabilities(logits, calibration.temperature)
    table = classification_metrics.confusion(labels, logits.argmax(1), logits.shape[1])
    by_class, correct = classification_metrics.class_metrics(table), logits.argmax(1) == labels
    threshold = classification_metrics.abstention_threshold(shares, labels)
    metrics = {
        "accuracy": float(correct.mean()),
        "balanced accuracy": by_class.balanced_accuracy,
        "macro F1": by_class.macro_f1,
        "calibration error before": calibration.before,
        "calibration error after": calibration.error,
        "coverage at 95 % accuracy": float((shares.max(1) >= threshold).mean()),
    }
    return ClassifierMetrics(
        labels, shares, table, calibration, threshold, metrics, median_negative_distance(features, labels)
    )


def median_negative_distance(features: Floats, labels: Rows) -> float:
    """The median cosine distance between images of different classes."""
    rows = evenly_spaced(np.arange(len(labels)), NEGATIVE_IMAGES)
    apart = cosine(features[rows], features[rows])[labels[rows][:, None] != labels[rows]]
    return float(np.median(apart)) if apart.size else 1.0


_INIT_WORDS = {"scratch": "from random weights", "frozen": "on the shipped trunk, frozen",
          "tuned": "on the shipped trunk, fine-tuned"}  # fmt: skip


_CHANGES = {
    "frozen": "the last layer alone trained on further images, and a layer of classes added",
    "tuned": "trained on further images, and a layer of classes added",
}


# --- the page


def _page(
    evaluation: ClassifierMetrics,
    compared: BesideContent | None,
    images: ImageFolder,
    split: Split,
    run_folder: Path,
) -> Page:
    metrics, classes, accuracy = evaluation.metrics, images.cache.classes, evaluation.accuracy
    facts = (
        ("Trained on", f"{len(split.training):,}"),
        ("Held out", f"{len(split.held_out):,}"),
        ("Classes", str(len(classes))),
        ("Accuracy", f"{accuracy.value:.1%}"),
        ("95 % interval", f"{accuracy.low:.1%} to {accuracy.high:.1%}"),
        ("Balanced accuracy", f"{metrics['balanced accuracy']:.1%}"),
        ("Macro F1", f"{metrics['macro F1']:.3f}"),
    )
    sections = (
        learning_curves(run_folder, ("loss",), ("balanced accuracy", "accuracy")),
        _per_class(evaluation, classes),
        _worst_errors(evaluation, images, split),
        _calibration(evaluation),
        *((content_section(compared),) if compared else ()),
    )
    return Page("A classifier", facts, sections, images.notes, images.cache.failed)


def _per_class(evaluation: ClassifierMetrics, classes: tuple[str, ...]) -> Section:
    by_class = classification_metrics.class_metrics(evaluation.confusion)
    rows = [
        (name, f"{by_class.support[kind]:,}", f"{by_class.recall[kind]:.1%}", f"{by_class.precision[kind]:.1%}")
        for kind, name in enumerate(classes)
    ]
    tables = [Table(("class", "held out", "recall", "precision"), tuple(rows))]
    if len(classes) <= MAX_CONFUSION_CLASSES:
        tables.insert(0, _confusion(evaluation.confusion, classes))
    lede = (
        "Recall: the share of a class that is predicted as it. Precision: the share of its images among those that are."
    )
    return Section("Class by class", lede, tables=tuple(tables))


def _confusion(table: Rows, classes: tuple[str, ...]) -> Table:
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    rows = tuple((name, *map(str, row)) for name, row in zip(classes, table.tolist(), strict=True))
    return Table(("true / predicted", *classes), rows, tuple(map(tuple, shares.tolist())))


def _worst_errors(evaluation: ClassifierMetrics, images: ImageFolder, split: Split) -> Section:
    predictions, classes = evaluation.shares.argmax(1), images.cache.classes
    wrong = np.flatnonzero(predictions != evaluation.labels)
    worst = wrong[np.argsort(-evaluation.shares[wrong].max(1))][:WORST_ERRORS]
    strip = tuple(
        captioned(
            images.cache.pixels[split.held_out[row]],
            f"{classes[predictions[row]]} {evaluation.shares[row].max():.0%}; is {classes[evaluation.labels[row]]}",
            images.cache.paths[split.held_out[row]],
        )
        for row in worst
    )
    lede = f"{len(wrong):,} of {len(predictions):,} held-out images are misclassified. The most confident errors:"
    return Section("Worst errors", lede, strips=(Strip("Prediction, and true class", strip),) if strip else ())


def _calibration(evaluation: ClassifierMetrics) -> Section:
    points = [
        (one.confidence, one.accuracy)
        for one in classification_metrics.reliability(evaluation.shares, evaluation.labels)
    ]
    chart = curves("Reliability", "confidence", "accuracy", [("predictions", points)], True)
    metrics = evaluation.metrics
    tried = evaluation.calibration
    fitted = (
        f"Temperature {tried.temperature:.2f}: the expected calibration error goes from {tried.before:.3f} to "
        f"{tried.after:.3f}, on images that it was not fitted on."
    )
    lede = (
        f"{fitted if tried.kept else _no_temperature(tried).capitalize() + '.'} Predictions with a "
        f"confidence of {evaluation.abstain_below:.2f} or more, {metrics['coverage at 95 % accuracy']:.0%} of all, "
        f"have an accuracy of {classification_metrics.TARGET_ACCURACY:.0%}; below that, it abstains."
    )
    return Section("Calibration", lede, (chart,))
