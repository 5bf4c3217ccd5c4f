"""The shipped network's task: pairs of a light and a heavy view of each image, and the losses that they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lookalike.training.data.augment import Augmenter
from lookalike.training.engine import losses
from lookalike.training.engine.recipe import LIGHT_AUGMENTATION, Phase, Recipe
from lookalike.training.engine.trainer import Loss, Metrics, Schedule, Trainer, device
from lookalike.training.models.residual_net import EMBEDDING_DIM, CopyNet
from lookalike.types import Floats, Pixels


@dataclass(frozen=True, slots=True)
class TrainingImages:
    """Training images of one size. ``pixels``: (N, s, s, 3) uint8. ``targets``: (N, 256) unit vectors to make
    ``content`` like, rows of zeros for none. ``labels``: (N,) int64, -1 for none."""

    pixels: Pixels
    targets: Floats
    labels: NDArray[np.int64]


class CopyTask:
    """A recipe's losses over groups of images. ``aux_head`` reads classes from ``content``."""

    def __init__(self, recipe: Recipe, groups: Sequence[TrainingImages], classes: int) -> None:
        self.recipe, self.groups = recipe, groups
        self.identity: Mapping[str, Any] = {"task": "copy", "classes": classes}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.network = CopyNet()
            self.aux_head = nn.Linear(EMBEDDING_DIM, max(classes, 1))
        self._augmenter: Augmenter | None = None

    def loss(self, step: int) -> Loss:
        """NT-Xent of ``copy``, KoLeo, ``content`` to the teacher, classes; see losses.py."""
        self._augmenter = self._augmenter or Augmenter(self.recipe.seed)
        phase = _phase_of(self.recipe, step)
        self._augmenter.begin(step)
        rng = np.random.default_rng([self.recipe.seed, step])
        batch = self.batch(phase, self._augmenter, rng)
        views, distinct, targets, labels = (part.to(device()) for part in batch)
        with torch.autocast(views.device.type, torch.bfloat16):
            copy, content = self.network(views.contiguous(memory_format=torch.channels_last))
            logits = self.aux_head(content * 16)
        targets, labels = targets.repeat(2, 1), labels.repeat(2)
        has_target = targets.any(1)
        terms = {
            "copy": losses.nt_xent(copy, *losses.view_pairs(distinct), self.recipe.temperature),
            "koleo": (losses.koleo(copy[: len(copy) // 2]) + losses.koleo(copy[len(copy) // 2 :])) / 2,
            "content": _distillation(content, targets, has_target),
            "labels": losses.cross_entropy(logits.float(), labels),
        }
        weights = {
            "copy": 1.0,
            "koleo": phase.koleo,
            "content": self.recipe.content_weight,
            "labels": self.recipe.label_weight,
        }
        return Loss(terms, weights, {"size": phase.size})

    def validate(self, network: nn.Module) -> Metrics:  # noqa: ARG002  the protocol's signature
        """Nothing: a recipe has no held-out images, and ``train copy`` measures before and after."""
        return {}

    def batch(
        self, phase: Phase, augmenter: Augmenter, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Views (2B, 3, s, s): all light ones, then all heavy ones; (2B, 2B) bool, true where two rows show
        different images; targets (B, 256); labels (B,)."""
        light, heavy, shown, targets, labels = [], [], [], [], []
        for group, fraction in zip(self.groups, phase.source_fractions, strict=True):
            count = round(phase.batch * fraction)
            if not count:
                continue
            rows = np.sort(rng.choice(len(group.pixels), count, replace=count > len(group.pixels)))
            images = torch.from_numpy(group.pixels[rows]).permute(0, 3, 1, 2).float().div_(255)
            light.append(augmenter.view(images, phase.size, LIGHT_AUGMENTATION)[0])
            view, behind = augmenter.view(images, phase.size, phase.augmentation)
            heavy.append(view)
            shown.append(behind)
            targets.append(torch.from_numpy(group.targets[rows]))
            labels.append(torch.from_numpy(group.labels[rows]))
        related = torch.block_diag(*(behind.float() for behind in shown)).bool()  # type: ignore[no-untyped-call]  # torch has no types here
        related |= torch.eye(len(related), dtype=torch.bool)
        same = torch.eye(len(related), dtype=torch.bool)
        distinct = ~torch.cat([torch.cat([same, related.T], 1), torch.cat([related, related | related.T], 1)])
        return torch.cat(light + heavy), distinct, torch.cat(targets), torch.cat(labels)


def copy_trainer(recipe: Recipe, groups: Sequence[TrainingImages], classes: int, folder: Path) -> Trainer:
    """The trainer of a recipe over these images, which hold so many classes."""
    schedule = Schedule(
        recipe.steps, recipe.lr, recipe.weight_decay, recipe.warmup_steps, recipe.ema_decay, seed=recipe.seed
    )
    return Trainer(CopyTask(recipe, groups, classes), schedule, folder)


def trained_copy_net(trainer: Trainer) -> CopyNet:
    """The network that such a run has trained."""
    return cast(CopyNet, trainer.best_network())


def _distillation(content: Tensor, targets: Tensor, has_target: Tensor) -> Tensor:
    """From the teacher's features, of the images that have any; 0 where none has."""
    if not bool(has_target.any()):
        return content.sum() * 0
    return losses.cosine_distillation(content[has_target], targets[has_target])


def _phase_of(recipe: Recipe, step: int) -> Phase:
    for phase in recipe.phases:
        if step < phase.steps:
            return phase
        step -= phase.steps
    return recipe.phases[-1]
