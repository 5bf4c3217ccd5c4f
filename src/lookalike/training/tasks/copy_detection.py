"""The task of `copy`: pairs of a light and a heavy view of each image, and the losses that they have."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lookalike.training.data.augment import Augmenter
from lookalike.training.data.augmented_views import on_device, to_device
from lookalike.training.engine import losses
from lookalike.training.engine.recipe import LIGHT_AUGMENTATION, Phase, Recipe
from lookalike.training.engine.trainer import (
    Loss,
    Metrics,
    Schedule,
    Trainer,
    device,
    mixed_precision,
    to_channels_last,
)
from lookalike.training.models.embedding_net import EmbeddingNet
from lookalike.types import Pixels

NORM_MOMENTUM = 0.05  # of the running statistics of norms
TIMED_STEPS = 3  # whose mean is what a step takes; one more goes before them


@dataclass(frozen=True, slots=True)
class TrainingImages:
    """Training images of one source: ``pixels``, (N, s, s, 3) uint8, s being the same in all sources; ``weight``: how
    often one of them is drawn."""

    pixels: Pixels
    weight: float = 1.0


class CopyTask:
    """A recipe's losses over the images of its sources."""

    def __init__(self, recipe: Recipe, sources: Sequence[TrainingImages], network: EmbeddingNet) -> None:
        self.recipe, self.sources = recipe, sources
        self.identity: Mapping[str, Any] = {"task": "copy", "layers": len(network.state_dict())}
        self.network, self.aux_head = to_channels_last(network), nn.Identity()
        network.drop.p = 0.0  # two views differ enough
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = NORM_MOMENTUM
        self._augmenter = Augmenter(recipe.seed, place=device())

    def loss(self, step: int) -> Loss:
        """NT-Xent and KoLeo; see losses.py."""
        phase = _phase_of(self.recipe, step)
        self._augmenter.begin(step)
        views, distinct = self.batch(phase, self._augmenter, np.random.default_rng([self.recipe.seed, step]))
        with mixed_precision():
            vectors = self.network(to_device(views))
        light, heavy = vectors.chunk(2)
        terms = {
            "copy": losses.nt_xent(vectors, *losses.view_pairs(distinct), self.recipe.temperature),
            "koleo": (losses.koleo(light) + losses.koleo(heavy)) / 2,
        }
        return Loss(terms, {"copy": 1.0, "koleo": phase.koleo}, {"size": phase.size})

    def validate(self, network: nn.Module) -> Metrics:  # noqa: ARG002  the protocol's signature
        """Nothing: a recipe has no held-out images, and ``train copy`` measures before and after."""
        return {}

    def batch(self, phase: Phase, augmenter: Augmenter, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Views (2B, 3, s, s): all light ones, then all heavy ones; (2B, 2B) bool, true where two rows have no image in
        common."""
        rows = self.draw(phase.batch, rng)
        images = on_device(np.concatenate([one.pixels[some] for one, some in zip(self.sources, rows, strict=True)]))
        light = augmenter.view(images, phase.size, LIGHT_AUGMENTATION)[0]
        heavy, behind = augmenter.view(images, phase.size, phase.augmentation)
        own = torch.eye(len(images), device=images.device)
        shown = torch.cat([own, own + behind.float()])  # (2B, B): which images are seen in which view
        return torch.cat([light, heavy]), shown @ shown.T == 0

    def draw(self, count: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
        """The rows of each source that make up a batch of ``count`` images, or of fewer where a source is too small: no
        image twice."""
        sizes = np.array([len(one.pixels) for one in self.sources])
        masses = sizes * np.array([one.weight for one in self.sources])
        together = round(count * self.recipe.same_source)
        counts = rng.multinomial(count - together, masses / masses.sum())
        roots = np.sqrt(masses)  # large sources are chosen more often, but not so much more
        counts[rng.choice(len(sizes), p=roots / roots.sum())] += together
        return [
            np.sort(rng.choice(size, min(size, some), replace=False)) for size, some in zip(sizes, counts, strict=True)
        ]


def copy_trainer(recipe: Recipe, sources: Sequence[TrainingImages], network: EmbeddingNet, folder: Path) -> Trainer:
    """The trainer of a recipe over these images, beginning with ``network``, which it changes."""
    return Trainer(CopyTask(recipe, sources, network), _schedule(recipe, network), folder)


def _schedule(recipe: Recipe, network: EmbeddingNet) -> Schedule:
    """The trunk's last layer is as new as the head."""
    factors = (
        {"trunk.": recipe.trunk_lr / recipe.lr, f"trunk.{len(network.trunk) - 1}.": 1.0} if recipe.trunk_lr else {}
    )
    return Schedule(
        recipe.steps, recipe.lr, recipe.weight_decay, recipe.warmup_steps, recipe.ema_decay, seed=recipe.seed,
        lr_factors=factors,
    )  # fmt: skip


def trained_copy_net(trainer: Trainer) -> EmbeddingNet:
    """The network that such a run has trained."""
    return cast(EmbeddingNet, trainer.best_network())


def step_seconds(task: CopyTask) -> list[float]:
    """What a step of each phase takes here, gradients included."""
    begins = np.cumsum([0, *(phase.steps for phase in task.recipe.phases)])[:-1]
    return [_timed(task, int(step)) for step in begins]


def _timed(task: CopyTask, step: int) -> float:
    task.network.to(device()).train()
    for number in range(1 + TIMED_STEPS):
        if number == 1:
            began = time.monotonic()
        task.loss(step).total.backward()  # type: ignore[no-untyped-call]  # torch has no types here
        task.network.zero_grad(set_to_none=True)
    if device().type == "cuda":
        torch.cuda.synchronize()
    return (time.monotonic() - began) / TIMED_STEPS


def _phase_of(recipe: Recipe, step: int) -> Phase:
    for phase in recipe.phases:
        if step < phase.steps:
            return phase
        step -= phase.steps
    return recipe.phases[-1]
