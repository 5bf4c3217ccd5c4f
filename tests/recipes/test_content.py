"""The recipe of `content`: directions, the first head and crops beside small examples; and a run of two steps."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from lookalike.training.engine.trainer import Schedule, Trainer
from lookalike.training.models.embedding_net import EmbeddingNet, content_net
from samples import drawn

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture(scope="module")
def recipe() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(RECIPES))
        sys.modules.pop("content", None)
        return importlib.import_module("content")


@pytest.fixture
def small(recipe: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"BATCH": 6, "FITTED_BATCHES": 2, "TEACHER_SIDE": 48, "SIDE": 32}.items():
        monkeypatch.setattr(recipe, name, value)


def sources() -> list[np.ndarray]:
    return [np.stack([drawn(seed, 40, 40) for seed in range(first, first + 8)]) for first in (0, 8)]


def random_net(seed: int) -> EmbeddingNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return content_net().eval()


def test_directions(recipe: ModuleType) -> None:
    """Orthonormal; of vectors that lie in a plane two keep every cosine, and about the origin, not about their mean."""
    random = torch.Generator().manual_seed(1)
    seen = (torch.randn(50, 2, generator=random) + 3) @ torch.randn(2, 7, generator=random)
    found = recipe.directions(seen, 2)
    assert torch.allclose(torch.eye(2), found.T @ found, atol=1e-5)
    unit = torch.nn.functional.normalize
    assert torch.allclose(unit(seen) @ unit(seen).T, unit(seen @ found) @ unit(seen @ found).T, atol=1e-4)


def test_the_first_head(recipe: ModuleType) -> None:
    """Of targets that are linear in the features, with a bias: nearly the very layer that made them."""
    random = torch.Generator().manual_seed(2)
    features, weight = torch.rand(400, 5, generator=random), torch.randn(3, 5, generator=random)
    targets = features @ weight.T + torch.tensor([1.0, -2.0, 0.5])
    head = recipe.ridge_head(features, targets)
    with torch.no_grad():
        unexplained = (head(features) - targets).square().mean() / targets.var(0).mean()
    assert unexplained < 1e-3
    assert torch.allclose(weight, head.weight.detach(), atol=0.15 * float(weight.abs().max()))


@pytest.mark.usefixtures("small")
def test_what_is_to_be_seen(recipe: ModuleType) -> None:
    """By hand of two teachers: features of unit length one after the other, and .7 roots of the mean probabilities."""
    teachers = [random_net(1), random_net(2)]
    crops = torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(3))
    seen, probabilities = recipe.see(teachers, crops)
    assert (seen.shape, probabilities.shape) == ((2, 1280 + 1280 + 1000), (2, 1000))
    assert torch.allclose(torch.ones(2), seen[:, :1280].norm(dim=1), atol=1e-3)
    assert torch.allclose(torch.ones(2), probabilities.sum(1), atol=1e-3)
    assert torch.allclose(probabilities.sqrt() * 0.7, seen[:, 2560:], atol=1e-4)
    with torch.no_grad():
        second = teachers[1].pool(teachers[1].maps(crops))
    assert (torch.nn.functional.normalize(second) * seen[:, 1280:2560]).sum(1).min() > 0.99


@pytest.mark.usefixtures("small")
def test_crops_are_their_steps_own(recipe: ModuleType) -> None:
    """The same step draws the same crops whatever came before; another step draws others."""
    task = recipe.ContentTask(sources(), random_net(1), [random_net(2)])
    first, other, again = task.crops(3), task.crops(4), task.crops(3)
    assert (first.shape, float(first.min()) >= 0, float(first.max()) <= 1) == ((6, 3, 48, 48), True, True)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.usefixtures("small")
def test_a_run_and_its_beginning(recipe: ModuleType, tmp_path: Path) -> None:
    """The first head comes nearer to the aim than a random one; another call finds aim and head as they were; two steps
    have finite losses and move trunk and classes."""
    network, teachers = random_net(1), [random_net(2)]
    task = recipe.ContentTask(sources(), network, teachers)
    crops = task.crops(10**6)

    def cosine() -> float:
        with torch.no_grad():
            given = network.eval()(recipe.resize(crops, recipe.SIDE))
        return float((given * task.aim.of(crops)[0]).sum(1).mean())

    task.begin(tmp_path)
    after = cosine()
    head = network.head
    network.head = torch.nn.Linear(head.in_features, head.out_features)
    assert cosine() < after
    network.head = head
    other = recipe.ContentTask(sources(), random_net(9), teachers)
    other.begin(tmp_path)
    assert torch.equal(task.aim.directions, other.aim.directions)
    assert torch.allclose(network.head.weight, other.network.head.weight, rtol=1e-3, atol=1e-6)
    before = {name: value.clone() for name, value in other.network.named_parameters()}
    (line,) = Trainer(other, Schedule(2, 1e-3, 0.0, 0, 0.5), tmp_path / "run").train()
    assert np.isfinite([line[name] for name in recipe.LOSS_WEIGHTS]).all()
    now = dict(other.network.named_parameters())
    for name in ("trunk.3.body.0.conv.weight", "classes.weight", "head.weight"):
        assert not torch.equal(before[name], now[name]), name
