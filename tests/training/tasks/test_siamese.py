"""The siamese task: which negatives are mined, what a batch holds, and that classes never seen are separated."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from classes import classes_in
from lookalike.errors import UserError
from lookalike.training.data.image_folder import hold_out, read_labelled_images
from lookalike.training.engine.trainer import read_curve
from lookalike.training.models.efficientnet_lite import fold_norms
from lookalike.training.models.embedding_net import content_net
from lookalike.training.tasks import pretrained
from lookalike.training.tasks.siamese import (
    MINING,
    SiameseSettings,
    SiameseTask,
    mine_triplets,
    siamese_net,
    train_siamese,
)

SMALL = SiameseSettings(side=32, steps=8, batch=12, images_per_class=3, dim=8, init="scratch")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return classes_in(tmp_path_factory.mktemp("siamese") / "p", (6, 6, 6, 6, 6, 6, 6))


def test_negatives_by_loops() -> None:
    """On a line of points: for each pair of a class, the negative that each way of mining must choose."""
    places = torch.tensor([0.0, 1.0, 1.5, 4.0, -3.0])
    labels = torch.tensor([0, 0, 1, 1, 1])
    table = (places[:, None] - places).abs()
    for mining in MINING:
        anchor, own, other = mine_triplets(table, labels, mining, torch.Generator().manual_seed(1))
        pairs = [(i, j) for i in range(5) for j in range(5) if i != j and labels[i] == labels[j]]
        assert list(zip(anchor.tolist(), own.tolist(), strict=True)) == pairs
        for (i, j), result in zip(pairs, other.tolist(), strict=True):
            negatives = [k for k in range(5) if labels[k] != labels[i]]
            beyond = [k for k in negatives if table[i, k] > table[i, j]]
            if mining == "random":
                assert result in negatives
            elif mining == "hard" or beyond:
                chosen = negatives if mining == "hard" else beyond
                assert result == min(chosen, key=lambda k, i=i: float(table[i, k]))
            else:
                assert result == max(negatives, key=lambda k, i=i: float(table[i, k]))


def test_a_batch(folder: Path, tmp_path: Path) -> None:
    """So many classes, so many images of each, none that is held out; the turns of a class are classes."""
    images = read_labelled_images(folder, 32, tmp_path)
    split = hold_out(images.cache, 0.2, 0, tmp_path / "held.json", by_class=True)
    task = SiameseTask(SMALL, images, split)
    assert len(task.rows) == 5
    rows, labels = task._sample(np.random.default_rng(0))
    assert (len(rows), sorted(np.unique(labels, return_counts=True)[1])) == (12, [3, 3, 3, 3])
    assert not set(rows) & set(split.held_out)
    rotated = SiameseTask(replace(SMALL, rotation_classes=True, loss="margin"), images, split)
    assert rotated.aux_head.weight.shape == (20, 8)
    rows, labels = rotated._sample(np.random.default_rng(0))
    for row, label in zip(rows, labels, strict=True):
        assert row in rotated.rows[label // 4]


@pytest.mark.parametrize(
    "chosen",
    [
        {"loss": "contrastive", "mining": "random"},
        {"loss": "triplet", "mining": "hard"},
        {"loss": "nt-xent"},
        {"loss": "margin", "drawings": True, "rotation_classes": True},
        {"head": "l1"},
    ],
)
def test_every_loss_can_be_trained(chosen: dict, folder: Path, tmp_path: Path) -> None:
    """Each gives finite metrics on held-out classes, the metric that goes with it, and vectors of its length."""
    settings = replace(SMALL, steps=2, **chosen)
    made = train_siamese(folder, settings, tmp_path / "run", lambda *_: None)
    assert made.details["held_out"] == "classes"
    assert np.isfinite(list(made.metrics.values())).all()
    assert made.metric == ("cosine" if settings.loss in ("nt-xent", "margin") else "euclidean")
    with torch.no_grad():
        lengths = made.network(torch.rand(3, 3, 32, 32)).norm(dim=1)
    assert bool((lengths - 1).abs().max() < 1e-4) == (settings.head == "distance")
    assert any("head" in note for note in made.notes) == (settings.head == "l1")


def test_it_learns(tmp_path: Path) -> None:
    """After a few steps, pairs of classes that were never seen are separated better than before, and well."""
    folder = classes_in(tmp_path / "p", (8, 8, 8, 8, 8, 8, 8))
    made = train_siamese(folder, replace(SMALL, steps=40, batch=15, lr=3e-3), tmp_path / "run", lambda *_: None)
    assert made.metrics["AUC"] > 0.8


def test_the_same_seed_draws_the_same(folder: Path, tmp_path: Path) -> None:
    """Two runs with one seed have the same first losses, dropout and all; with another seed they differ."""

    def first(seed: int) -> list[float]:
        train_siamese(folder, replace(SMALL, seed=seed, steps=2), tmp_path / str(len(result)), lambda *_: None)
        lines = read_curve(tmp_path / str(len(result)))
        return [line["contrastive"] for line in lines]

    result: list[list[float]] = []
    for seed in (1, 1, 2):
        result.append(first(seed))
    assert result[0] == result[1] != result[2]


def test_settings_that_do_not_go_together(folder: Path, tmp_path: Path) -> None:
    """Koch's head has a loss of its own, and drawings a network of their own."""
    for chosen, named in (
        ({"head": "l1", "loss": "triplet"}, "--loss"),
        ({"drawings": True, "init": "tuned"}, "--init"),
    ):
        with pytest.raises(UserError, match=named):
            train_siamese(folder, replace(SMALL, **chosen), tmp_path / "run", lambda *_: None)


def test_begun_with_the_network_of_content(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its trunk, without classes; its head where as many numbers are wanted; frozen, only the head learns."""
    known = fold_norms(content_net())
    monkeypatch.setattr(pretrained, "restore_embedding_net", lambda *_: copy.deepcopy(known))
    whole = siamese_net(replace(SMALL, dim=256, head="l1"), "tuned")
    assert torch.equal(whole.head.weight, known.head.weight)
    assert (whole.classes, whole.unit) == (None, False)
    assert all(parameter.requires_grad for parameter in whole.parameters())
    small = siamese_net(SMALL, "frozen")
    assert small.head.weight.shape == (8, known.head.in_features)
    assert {name for name, one in small.named_parameters() if one.requires_grad} == {"head.weight", "head.bias"}
    for name, value in known.trunk.state_dict().items():
        assert torch.equal(value, small.trunk.state_dict()[name])
