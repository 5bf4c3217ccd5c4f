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

from lookalike.training.data.augment import Edits
from lookalike.training.engine import losses
from lookalike.training.engine.recipe import LIGHT, Phase, Recipe
from lookalike.training.engine.trainer import Figures, Loss, Plan, Run, device
from lookalike.training.models.residual_net import HEAD, Network
from lookalike.types import Floats, Pixels


@dataclass(frozen=True, slots=True)
class Images:
    """Training images of one size. ``pixels``: (N, s, s, 3) uint8. ``targets``: (N, 256) unit vectors to make
    ``content`` like, rows of zeros for none. ``labels``: (N,) int64, -1 for none."""

    pixels: Pixels
    targets: Floats
    labels: NDArray[np.int64]


class Copying:
    """A recipe's losses over groups of images. ``helper`` reads classes from ``content``."""

    def __init__(self, recipe: Recipe, groups: Sequence[Images], classes: int) -> None:
        self.recipe, self.groups = recipe, groups
        self.identity: Mapping[str, Any] = {"task": "copy", "classes": classes}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.network = Network()
            self.helper = nn.Linear(HEAD, max(classes, 1))
        self._edits: Edits | None = None

    def loss(self, step: int) -> Loss:
        """Contrastive in ``copy``, spread, ``content`` to the teacher, classes; see losses.py."""
        self._edits = self._edits or Edits(self.recipe.seed)
        phase = _phase_of(self.recipe, step)
        self._edits.begin(step)
        drawn = np.random.default_rng([self.recipe.seed, step])
        views, apart, targets, labels = (part.to(device()) for part in self.batch(phase, self._edits, drawn))
        with torch.autocast(views.device.type, torch.bfloat16):
            copy, content = self.network(views.contiguous(memory_format=torch.channels_last))
            logits = self.helper(content * 16)
        targets, labels = targets.repeat(2, 1), labels.repeat(2)
        taught = targets.any(1)
        parts = {
            "copy": losses.contrastive(copy, apart, self.recipe.temperature),
            "spread": (losses.spread(copy[: len(copy) // 2]) + losses.spread(copy[len(copy) // 2 :])) / 2,
            "content": losses.distilled(content[taught], targets[taught]) if bool(taught.any()) else content.sum() * 0,
            "labels": losses.labelled(logits.float(), labels),
        }
        weights = {"copy": 1.0, "spread": phase.spread, "content": self.recipe.content, "labels": self.recipe.labels}
        return Loss(parts, weights, {"size": phase.size})

    def validate(self, network: nn.Module) -> Figures:  # noqa: ARG002  the protocol's signature
        """Nothing: a recipe has no held-out images, and ``train copy`` measures before and after."""
        return {}

    def batch(self, phase: Phase, edits: Edits, drawn: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Views (2B, 3, s, s): all light ones, then all heavy ones; (2B, 2B) bool, true where two rows may be told
        apart; targets (B, 256); labels (B,)."""
        light, heavy, shown, targets, labels = [], [], [], [], []
        for group, share in zip(self.groups, phase.shares, strict=True):
            count = round(phase.batch * share)
            if not count:
                continue
            rows = np.sort(drawn.choice(len(group.pixels), count, replace=count > len(group.pixels)))
            images = torch.from_numpy(group.pixels[rows]).permute(0, 3, 1, 2).float().div_(255)
            light.append(edits.view(images, phase.size, LIGHT)[0])
            view, behind = edits.view(images, phase.size, phase.heavy)
            heavy.append(view)
            shown.append(behind)
            targets.append(torch.from_numpy(group.targets[rows]))
            labels.append(torch.from_numpy(group.labels[rows]))
        related = torch.block_diag(*(behind.float() for behind in shown)).bool()  # type: ignore[no-untyped-call]
        related |= torch.eye(len(related), dtype=torch.bool)
        same = torch.eye(len(related), dtype=torch.bool)
        apart = ~torch.cat([torch.cat([same, related.T], 1), torch.cat([related, related | related.T], 1)])
        return torch.cat(light + heavy), apart, torch.cat(targets), torch.cat(labels)


def run_of(recipe: Recipe, groups: Sequence[Images], classes: int, folder: Path) -> Run:
    """The run of a recipe over these images, which hold so many classes."""
    plan = Plan(recipe.steps, recipe.rate, recipe.decay, recipe.warm_up, recipe.average, seed=recipe.seed)
    return Run(Copying(recipe, groups, classes), plan, folder)


def trained_by(run: Run) -> Network:
    """The network that such a run has trained."""
    return cast(Network, run.trained())


def _phase_of(recipe: Recipe, step: int) -> Phase:
    for phase in recipe.phases:
        if step < phase.steps:
            return phase
        step -= phase.steps
    return recipe.phases[-1]
