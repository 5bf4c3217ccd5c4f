"""The one training loop: pairs of a light and a heavy view, the losses, a step, a line in the log, a checkpoint."""

from __future__ import annotations

import json
import math
import os
import pickle
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lookalike.errors import UserError
from lookalike.train import losses
from lookalike.train.augment import Edits
from lookalike.train.network import HEAD, Network
from lookalike.train.recipe import LIGHT, Phase, Recipe
from lookalike.types import Floats, Pixels

LOG_EVERY = 20
SAVE_EVERY = 100


@dataclass(frozen=True, slots=True)
class Pictures:
    """Training pictures of one size. ``pixels``: (N, s, s, 3) uint8. ``targets``: (N, 256) unit vectors to make
    ``content`` like, rows of zeros for none. ``labels``: (N,) int64, -1 for none."""

    pixels: Pixels
    targets: Floats
    labels: NDArray[np.int64]


class Run:
    """One run of a recipe over pictures, kept in ``folder``: checkpoint.pt and curve.jsonl.

    What a step draws depends on the seed and its number alone. So a run that was interrupted ends, on the same
    machine with as many threads, with the very weights of one that was not.
    """

    def __init__(self, recipe: Recipe, groups: Sequence[Pictures], classes: int, folder: Path) -> None:
        self.recipe, self.groups, self.folder = recipe, groups, folder
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.network = Network()
            self.classifier = nn.Linear(HEAD, max(classes, 1))
        mean = get_ema_multi_avg_fn(recipe.average)  # type: ignore[no-untyped-call]
        self.average = AveragedModel(self.network, multi_avg_fn=mean, use_buffers=True)
        self.optimizer = torch.optim.AdamW(_grouped([self.network, self.classifier], recipe.decay), lr=recipe.rate)
        self.step = 0

    def start_from(self, weights: Mapping[str, Any]) -> None:
        """Begin with the weights of a network that was trained before."""
        self.network.load_state_dict(weights)
        self.average.module.load_state_dict(weights)

    def resume(self) -> bool:
        """Go on from the folder's checkpoint, if there is one. Lines of the curve that came after it go away.

        Raises UserError for a checkpoint that is damaged, or of another network or number of classes."""
        kept = self.folder / "checkpoint.pt"
        if not kept.exists():
            self._forget()
            return False
        try:
            self._take(torch.load(kept, weights_only=True))
        except (RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError) as error:
            raise UserError(f"{kept}: not a checkpoint of such a run; choose another folder: {error}") from error
        self._forget()
        return True

    def _take(self, told: Mapping[str, Any]) -> None:
        for name in ("network", "classifier", "average", "optimizer"):
            getattr(self, name).load_state_dict(told[name])
        self.step = told["step"]

    def save(self) -> None:
        parts = {name: getattr(self, name).state_dict() for name in ("network", "classifier", "average", "optimizer")}
        self.folder.mkdir(parents=True, exist_ok=True)
        torch.save(parts | {"step": self.step}, self.folder / "checkpoint.part")
        os.replace(self.folder / "checkpoint.part", self.folder / "checkpoint.pt")

    def train(self) -> Iterator[dict[str, float]]:
        """Every step that is left; yields the losses every LOG_EVERY steps and ``seconds`` since this call. Saves as
        it goes and at the end."""
        edits = Edits(self.recipe.seed)
        self.network.train()
        began = time.monotonic()
        while self.step < self.recipe.steps:
            phase = _phase_of(self.recipe, self.step)
            for group in self.optimizer.param_groups:
                group["lr"] = _rate(self.recipe, self.step)
            edits.begin(self.step)
            drawn = np.random.default_rng([self.recipe.seed, self.step])
            told = self._step(self._batch(phase, edits, drawn), phase.spread)
            self.step += 1
            if self.step % SAVE_EVERY == 0:
                self.save()
            if self.step % LOG_EVERY == 0 or self.step == self.recipe.steps:
                told |= {"step": self.step, "size": phase.size, "seconds": round(time.monotonic() - began, 1)}
                self._log(told)
                yield told
        self.save()

    def trained(self) -> Network:
        """The network with the mean of its weights over the last steps."""
        network = Network()
        network.load_state_dict(self.average.module.state_dict())
        return network.eval()

    def _batch(self, phase: Phase, edits: Edits, drawn: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Views (2B, 3, s, s): all light ones, then all heavy ones; (2B, 2B) bool, true where two rows may be told
        apart; targets (B, 256); labels (B,)."""
        light, heavy, shown, targets, labels = [], [], [], [], []
        for group, share in zip(self.groups, phase.shares, strict=True):
            count = round(phase.batch * share)
            if not count:
                continue
            rows = np.sort(drawn.choice(len(group.pixels), count, replace=count > len(group.pixels)))
            pictures = torch.from_numpy(group.pixels[rows]).permute(0, 3, 1, 2).float().div_(255)
            light.append(edits.view(pictures, phase.size, LIGHT)[0])
            view, behind = edits.view(pictures, phase.size, phase.heavy)
            heavy.append(view)
            shown.append(behind)
            targets.append(torch.from_numpy(group.targets[rows]))
            labels.append(torch.from_numpy(group.labels[rows]))
        related = torch.block_diag(*(behind.float() for behind in shown)).bool()  # type: ignore[no-untyped-call]
        related |= torch.eye(len(related), dtype=torch.bool)
        same = torch.eye(len(related), dtype=torch.bool)
        apart = ~torch.cat([torch.cat([same, related.T], 1), torch.cat([related, related | related.T], 1)])
        return torch.cat(light + heavy), apart, torch.cat(targets), torch.cat(labels)

    def _step(self, batch: tuple[Tensor, Tensor, Tensor, Tensor], spread: float) -> dict[str, float]:
        views, apart, targets, labels = batch
        with torch.autocast(views.device.type, torch.bfloat16):
            copy, content = self.network(views.contiguous(memory_format=torch.channels_last))
            logits = self.classifier(content * 16)
        targets, labels = targets.repeat(2, 1), labels.repeat(2)
        taught = targets.any(1)
        parts = {
            "copy": losses.contrastive(copy, apart, self.recipe.temperature),
            "spread": (losses.spread(copy[: len(copy) // 2]) + losses.spread(copy[len(copy) // 2 :])) / 2,
            "content": losses.distilled(content[taught], targets[taught]) if bool(taught.any()) else content.sum() * 0,
            "labels": losses.labelled(logits.float(), labels),
        }
        weights = {"copy": 1.0, "spread": spread, "content": self.recipe.content, "labels": self.recipe.labels}
        loss = torch.stack([weights[name] * part for name, part in parts.items()]).sum()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        self.average.update_parameters(self.network)
        return {name: round(float(part.detach()), 4) for name, part in parts.items()}

    def _forget(self) -> None:
        """Drop the curve's lines beyond the step that the weights are of, and a last line that was cut short."""
        curve = self.folder / "curve.jsonl"
        if not curve.exists():
            return
        lines = [line for line in curve.read_text().splitlines(keepends=True) if line.endswith("\n")]
        (self.folder / "curve.part").write_text(
            "".join(line for line in lines if json.loads(line)["step"] <= self.step)
        )
        os.replace(self.folder / "curve.part", curve)

    def _log(self, told: Mapping[str, float]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "curve.jsonl").open("a") as curve:
            curve.write(json.dumps(told) + "\n")


def _grouped(modules: Sequence[nn.Module], decay: float) -> list[dict[str, Any]]:
    """Matrices and kernels decay; scales, shifts and powers do not."""
    parameters = [p for module in modules for p in module.parameters()]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _phase_of(recipe: Recipe, step: int) -> Phase:
    for phase in recipe.phases:
        if step < phase.steps:
            return phase
        step -= phase.steps
    return recipe.phases[-1]


def _rate(recipe: Recipe, step: int) -> float:
    """A straight warm-up, then half a cosine down to a hundredth."""
    if step < recipe.warm_up:
        return recipe.rate * (step + 1) / recipe.warm_up
    share = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    return recipe.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))
