"""The one training loop, whatever is learnt: a step, a line in the log, a look at what is held out, a checkpoint.

A ``Task`` says what is trained, what a step's loss is, and how good the network is by now; everything else is here.
"""

from __future__ import annotations

import copy
import json
import math
import os
import pickle
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lookalike.errors import LookalikeError, UserError

LOG_EVERY = 20
SAVE_EVERY = 100
STEEPEST = 5.0  # the longest gradient that a step follows

Figures = Mapping[str, float]
_Module = TypeVar("_Module", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Loss:
    """Of one step: its ``parts``, scalars, and the ``weights`` that they are added up with. ``told``: what else
    belongs into the line of the log."""

    parts: Mapping[str, Tensor]
    weights: Mapping[str, float]
    told: Figures = field(default_factory=dict)

    @property
    def total(self) -> Tensor:
        return torch.stack([self.weights[name] * part for name, part in self.parts.items()]).sum()


class Task(Protocol):
    """What is learnt. What a step draws must depend on the seed and the step's number alone."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What a checkpoint must have been made for, as JSON values: the task, its classes, the network's shape."""
        ...

    @property
    def network(self) -> nn.Module:
        """What leaves training, as a running mean of its weights."""
        ...

    @property
    def helper(self) -> nn.Module:
        """What is trained beside it and left behind; perhaps nothing."""
        ...

    def loss(self, step: int) -> Loss:
        """Draw this step's images, and say what the network makes of them."""
        ...

    def validate(self, network: nn.Module) -> Figures:
        """How good it is on images that are never trained on. The first figure says which step was best: the larger
        the better."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast. ``warm_up``: steps; ``decay``: of matrices and kernels; ``average``: what the running
    mean of the weights keeps at each step; ``look_every``: steps from one validation to the next, 0 for none."""

    steps: int
    rate: float
    decay: float
    warm_up: int
    average: float
    look_every: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Best:
    """The best network so far: its ``figures`` and weights after ``step`` steps."""

    step: int
    figures: Figures
    weights: Mapping[str, Any]

    @property
    def score(self) -> float:
        return next(iter(self.figures.values()))


def device() -> torch.device:
    """A graphics card where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def quick(network: _Module) -> _Module:
    """The network with its kernels in the layout in which convolutions are quickest."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


class Run:
    """One run of a task, kept in ``folder``: checkpoint.pt and curve.jsonl.

    A run that was interrupted ends, on the same machine with as many threads, with the very weights of one that was
    not.
    """

    def __init__(self, task: Task, plan: Plan, folder: Path) -> None:
        self.task, self.plan, self.folder = task, plan, folder
        self.network, self.helper = task.network.to(device()), task.helper.to(device())
        mean = get_ema_multi_avg_fn(plan.average)  # type: ignore[no-untyped-call]
        self.average = AveragedModel(self.network, multi_avg_fn=mean, use_buffers=True)
        self.optimizer = torch.optim.AdamW(_grouped([self.network, self.helper], plan.decay), lr=plan.rate)
        self.step = 0
        self.best: Best | None = None

    def start_from(self, weights: Mapping[str, Any]) -> None:
        """Begin with the weights of a network that was trained before."""
        self.network.load_state_dict(weights)
        self.average.module.load_state_dict(weights)

    def resume(self) -> bool:
        """Go on from the folder's checkpoint, if there is one. Lines of the curve that came after it go away.

        Raises UserError for a checkpoint that is damaged, or of another task, other classes or another network."""
        kept = self.folder / "checkpoint.pt"
        if not kept.exists():
            self._forget()
            return False
        try:
            told = torch.load(kept, weights_only=True, map_location=device())
            self._refuse_stranger(told["identity"], kept)
            self._take(told)
        except (RuntimeError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
            raise UserError(f"{kept}: not a checkpoint of such a run; choose another folder: {error}") from error
        self._forget()
        return True

    def _refuse_stranger(self, identity: str, kept: Path) -> None:
        theirs, ours = json.loads(identity), json.loads(json.dumps(self.task.identity))
        for key in {**theirs, **ours}:
            if theirs.get(key) != ours.get(key):
                raise UserError(
                    f"{kept}: of a run with another {key}: {_short(theirs.get(key))}, not {_short(ours.get(key))}; "
                    "choose another folder for this one"
                )

    def _take(self, told: Mapping[str, Any]) -> None:
        for name in ("network", "helper", "average", "optimizer"):
            getattr(self, name).load_state_dict(told[name])
        self.step = told["step"]
        self.best = Best(**told["best"]) if told["best"] else None

    def save(self) -> None:
        """Write the checkpoint, all of it or nothing. Raises LookalikeError where there is no room for it."""
        parts: dict[str, Any] = {
            name: getattr(self, name).state_dict() for name in ("network", "helper", "average", "optimizer")
        }
        best = {key: getattr(self.best, key) for key in ("step", "figures", "weights")} if self.best else None
        parts |= {"step": self.step, "best": best, "identity": json.dumps(self.task.identity)}
        part = self.folder / "checkpoint.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            torch.save(parts, part)
            os.replace(part, self.folder / "checkpoint.pt")
        except (OSError, RuntimeError) as error:  # torch's own writer raises the latter when the disk is full
            part.unlink(missing_ok=True)
            raise LookalikeError(
                f"{self.folder}: the checkpoint could not be written: {error}. Make room and call again: "
                "the one before is whole"
            ) from error

    def train(self) -> Iterator[dict[str, float]]:
        """Every step that is left; yields the losses every LOG_EVERY steps and at each look, with ``seconds`` since
        this call. Saves as it goes and at the end.

        Raises UserError when a loss is no longer a number; the checkpoint is then the last one before."""
        self.network.train()
        self.helper.train()
        began = time.monotonic()
        while self.step < self.plan.steps:
            told = self._step()
            looked = self._is_due(self.plan.look_every)
            if looked:
                told |= self._look()
            if self.step % SAVE_EVERY == 0:
                self.save()
            if looked or self._is_due(LOG_EVERY):
                told |= {"step": self.step, "seconds": round(time.monotonic() - began, 1)}
                self._log(told)
                yield told
        self.save()

    def trained(self) -> nn.Module:
        """The best network that was seen or, where nobody looked, the one with the mean of the last weights."""
        network = copy.deepcopy(self.average.module)
        if self.best:
            network.load_state_dict(self.best.weights)
        return network.cpu().eval()

    def _is_due(self, every: int) -> bool:
        return bool(every) and (self.step % every == 0 or self.step == self.plan.steps)

    def _step(self) -> dict[str, float]:
        for group in self.optimizer.param_groups:
            group["lr"] = _rate(self.plan, self.step)
        with torch.random.fork_rng():  # what the network itself draws, as dropout does
            torch.manual_seed(int(np.random.SeedSequence([self.plan.seed, self.step, 2]).generate_state(1)[0]))
            loss = self.task.loss(self.step)
        total = loss.total
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        steep = nn.utils.clip_grad_norm_(self.network.parameters(), STEEPEST)
        if not (math.isfinite(float(total.detach())) and math.isfinite(float(steep))):
            raise UserError(
                f"{self.folder}: the loss is no number at step {self.step + 1}. The checkpoint before it is kept; try "
                f"a lower --rate, {self.plan.rate / 3:.1g} instead of {self.plan.rate:g}, and a new --run folder"
            )
        self.optimizer.step()
        self.average.update_parameters(self.network)
        self.step += 1
        return {name: round(float(part.detach()), 4) for name, part in loss.parts.items()} | dict(loss.told)

    def _look(self) -> dict[str, float]:
        """The figures of the averaged network, which is kept if it is the best so far."""
        network = self.average.module.eval()
        with torch.no_grad():
            figures = self.task.validate(network)
        seen = Best(self.step, figures, {name: value.clone() for name, value in network.state_dict().items()})
        if self.best is None or seen.score > self.best.score:
            self.best = seen
        return {name: round(value, 5) for name, value in figures.items()}

    def _forget(self) -> None:
        """Drop the curve's lines beyond the step that the weights are of, and a last line that was cut short."""
        curve = self.folder / "curve.jsonl"
        if not curve.exists():
            return
        (self.folder / "curve.part").write_text(
            "".join(json.dumps(line) + "\n" for line in curve_of(self.folder) if line["step"] <= self.step)
        )
        os.replace(self.folder / "curve.part", curve)

    def _log(self, told: Mapping[str, float]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "curve.jsonl").open("a") as curve:
            curve.write(json.dumps(told) + "\n")


def finish(run: Run, progress: Callable[[int, int], None]) -> bool:
    """Go on where the run was, to its end. False if the user interrupted it and there is a best network to keep;
    without one the interruption is the caller's."""
    run.resume()
    try:
        for told in run.train():
            progress(int(told["step"]), run.plan.steps)
    except KeyboardInterrupt:
        if run.best is None:
            raise
        return False
    return True


def curve_of(folder: Path) -> list[dict[str, float]]:
    """The lines of a run's curve.jsonl that are whole."""
    lines = (folder / "curve.jsonl").read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _grouped(modules: Sequence[nn.Module], decay: float) -> list[dict[str, Any]]:
    """Matrices and kernels decay; scales, shifts and powers do not. What is frozen is in neither group."""
    parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _rate(plan: Plan, step: int) -> float:
    """A straight warm-up, then half a cosine down to a hundredth."""
    if step < plan.warm_up:
        return plan.rate * (step + 1) / plan.warm_up
    share = (step - plan.warm_up) / max(1, plan.steps - plan.warm_up)
    return plan.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))
