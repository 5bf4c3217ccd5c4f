"""The classifier's task: it learns, begins with the weights that are named, and draws small classes as often as large
ones."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from classes import classes_in
from lookalike.training.data.image_folder import hold_out, read_labelled_images
from lookalike.training.engine.trainer import Trainer
from lookalike.training.models.efficientnet_lite import fold_norms
from lookalike.training.models.embedding_net import EmbeddingNet, content_net
from lookalike.training.tasks import pretrained
from lookalike.training.tasks.classifier import (
    IMBALANCES,
    ClassifierSettings,
    ClassifierTask,
    evaluate_classifier,
    train_classifier,
)
from lookalike.training.tasks.pretrained import FINE_TUNING_IMAGES, resolve_init

SMALL = ClassifierSettings(side=32, steps=3, batch=12, init="scratch", lr=3e-3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return classes_in(tmp_path_factory.mktemp("class") / "p", (20, 10, 5))


@pytest.fixture(autouse=True)
def random_weights(monkeypatch: pytest.MonkeyPatch) -> EmbeddingNet:
    """In place of the shipped network."""
    network = fold_norms(content_net()).eval()
    monkeypatch.setattr(pretrained, "restore_embedding_net", lambda *_: copy.deepcopy(network))
    return network


def task_of(folder: Path, place: Path, settings: ClassifierSettings) -> ClassifierTask:
    images = read_labelled_images(folder, settings.side, place / "image-cache")
    return ClassifierTask(settings, images, hold_out(images.cache, 0.2, 0, place / "held.json"))


def test_it_learns(folder: Path, tmp_path: Path) -> None:
    """A few steps classify most held-out images by their colours."""
    made = train_classifier(folder, replace(SMALL, steps=25), tmp_path, lambda *_: None)
    assert made.metrics["balanced accuracy"] > 0.8
    assert made.classes is not None
    assert made.classes.names == ("a", "b", "c")


@pytest.mark.parametrize("how", IMBALANCES)
def test_every_way_with_imbalance(how: str, folder: Path, tmp_path: Path) -> None:
    """Each has a loss that is a number and leads somewhere; sampling draws the classes alike."""
    task = task_of(folder, tmp_path, replace(SMALL, imbalance=how))
    loss = task.loss(0).total
    loss.backward()
    assert torch.isfinite(loss)
    assert any(bool(p.grad.any()) for p in task.network.parameters() if p.grad is not None)
    if how == "sampling":
        shares = [task.chances[task.cache.labels[task.split.training] == kind].sum() for kind in range(3)]
        assert shares == pytest.approx([1 / 3] * 3)


def test_frozen_and_tuned(folder: Path, tmp_path: Path, random_weights: EmbeddingNet) -> None:
    """Frozen, the trunk is after training what it was; tuned, it is not. Both begin with the head that is shipped."""
    expected = random_weights.trunk.state_dict()
    for how, same in (("frozen", True), ("tuned", False)):
        task = task_of(folder, tmp_path, replace(SMALL, init=how))
        assert torch.equal(task.network.embedding_net.head.weight, random_weights.head.weight)
        list(Trainer(task, replace(SMALL, init=how).schedule(28), tmp_path / how).train())
        result = task.network.embedding_net.trunk.state_dict()
        assert all(torch.equal(value, result[name]) for name, value in expected.items()) == same


def test_auto_goes_by_size() -> None:
    """Few images leave the shipped trunk as it is, more train it on; what is chosen by hand stays."""
    assert [resolve_init("auto", count) for count in (FINE_TUNING_IMAGES - 1, FINE_TUNING_IMAGES)] == [
        "frozen",
        "tuned",
    ]
    assert resolve_init("scratch", 3) == "scratch"


def test_judged_by_hand() -> None:
    """Four sure answers, one of them wrong: accuracy, confusion, and the median distance of two classes."""
    features = np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
    logits = np.array([[4, 0], [5, 0], [0, 6], [3, 0]], np.float32)
    result = evaluate_classifier(features, logits, np.array([0, 0, 1, 1]))
    assert result.metrics["accuracy"] == 0.75
    assert result.confusion.tolist() == [[2, 0], [1, 1]]
    assert result.median_negative_distance == pytest.approx(1.0)
    assert result.calibration.fitted > 1


def test_a_temperature_is_kept_only_where_it_lowers_the_error() -> None:
    """Answers twice as sure as they should be get a temperature of 2; those that are as sure as they should be none,
    and the error that is told is that of what is handed over."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (400, 4))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (shares.cumsum(axis=1) > random.random((400, 1))).argmax(axis=1)
    features = np.eye(4, dtype=np.float32)[labels]
    sure = evaluate_classifier(features, 2 * logits, labels)
    assert (sure.calibration.kept, sure.calibration.temperature) == (True, pytest.approx(2, rel=0.15))
    assert sure.metrics["calibration error after"] < sure.metrics["calibration error before"]
    honest = evaluate_classifier(features, logits, labels)
    assert (honest.calibration.kept, honest.calibration.temperature) == (False, 1.0)
    assert honest.metrics["calibration error after"] == honest.metrics["calibration error before"]


def test_a_descriptor_that_got_worse_is_said_to_be(tmp_path: Path, random_weights: EmbeddingNet) -> None:
    """A network that begins blind and hardly learns retrieves less well than `content`: the notes, the page and the
    metrics say so."""
    torch.nn.init.zeros_(random_weights.head.weight)
    blind = replace(SMALL, steps=1, lr=1e-9, held_out=0.5, init="frozen")
    made = train_classifier(classes_in(tmp_path / "p", (9, 9, 9)), blind, tmp_path / "run", lambda *_: None)
    assert made.metrics["mAP"] < made.metrics["content mAP"]
    assert made.details["mAP_gain"].high < 0
    (note,) = [one for one in made.notes if "worse than `content`" in one]
    assert note.endswith("go on searching by `content`, and take this one for labels")
    assert made.page.sections[-1].title == "Beside `content`"
