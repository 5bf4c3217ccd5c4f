"""The classifier's task: it learns, begins with the weights that are named, and draws small classes as often as large
ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from classes import classes_in
from lookalike.training.data.image_folder import hold_out, read_labelled_images
from lookalike.training.engine.trainer import Trainer
from lookalike.training.models.embedding_net import EmbeddingNet
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
    network = EmbeddingNet().eval()
    monkeypatch.setattr(pretrained, "restore_embedding_net", lambda _: network)
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
    """Frozen, the trunk and its statistics are after training what they were; tuned, they are not."""
    expected = random_weights.trunk.state_dict()
    for how, same in (("frozen", True), ("tuned", False)):
        task = task_of(folder, tmp_path, replace(SMALL, init=how))
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
    assert result.temperature > 1
