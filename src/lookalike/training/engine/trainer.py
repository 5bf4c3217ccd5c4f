"""The one training loop, whatever is learnt: a step, a line in the log, a validation, a checkpoint.

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
MAX_GRADIENT_NORM = 5.0  # longer gradients are clipped

STATEFUL = ("network", "aux_head", "ema", "optimizer")  # parts of a run whose state a checkpoint holds

Metrics = Mapping[str, float]
_Module = TypeVar("_Module", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Loss:
    """Of one step: its ``terms``, scalars, and the ``weights`` that they are added up with. ``extra``: what else
    belongs into the line of the log."""

    terms: Mapping[str, Tensor]
    weights: Mapping[str, float]
    extra: Metrics = field(default_factory=dict)

    @property
    def total(self) -> Tensor:
        return torch.stack([self.weights[name] * term for name, term in self.terms.items()]).sum()


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
    def aux_head(self) -> nn.Module:
        """What is trained beside it and left behind; perhaps nothing."""
        ...

    def loss(self, step: int) -> Loss:
        """Draw this step's images, and say what the network makes of them."""
        ...

    def validate(self, network: nn.Module) -> Metrics:
        """How good it is on images that are never trained on. The first metric says which step was best: the larger
        the better."""
        ...


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast. ``lr``: the peak learning rate; ``weight_decay``: of matrices and kernels; ``ema_decay``:
    what the running mean of the weights keeps at each step; ``validate_every``: steps from one validation to the next,
    0 for none; ``lr_factors``: beginnings of the names of the network's weights, and how much faster these learn than
    ``lr``; of several that fit the longest counts."""

    steps: int
    lr: float
    weight_decay: float
    warmup_steps: int
    ema_decay: float
    validate_every: int = 0
    seed: int = 0
    lr_factors: Mapping[str, float] = field(default_factory=dict)

    def lr_factor(self, name: str) -> float:
        fitting = [one for one in self.lr_factors if name.startswith(one)]
        return self.lr_factors[max(fitting, key=len)] if fitting else 1.0


@dataclass(frozen=True, slots=True)
class Best:
    """The best network so far: its ``metrics`` and weights after ``step`` steps."""

    step: int
    metrics: Metrics
    weights: Mapping[str, Any]

    @property
    def score(self) -> float:
        return next(iter(self.metrics.values()))


def device() -> torch.device:
    """A graphics card where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def mixed_precision() -> torch.autocast:
    """Half precision where it is quicker: on a processor separable convolutions are slower in it."""
    return torch.autocast(device().type, torch.bfloat16, enabled=device().type == "cuda")


def to_channels_last(network: _Module) -> _Module:
    """The network with its kernels in the layout in which convolutions are fastest."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]  # stubs lack it


class Trainer:
    """One run of a task, kept in ``folder``: checkpoint.pt and curve.jsonl.

    A run that was interrupted ends, on the same machine with as many threads, with the very weights of one that was
    not.
    """

    def __init__(self, task: Task, schedule: Schedule, folder: Path) -> None:
        self.task, self.schedule, self.folder = task, schedule, folder
        self.network, self.aux_head = task.network.to(device()), task.aux_head.to(device())
        mean = get_ema_multi_avg_fn(schedule.ema_decay)  # type: ignore[no-untyped-call]  # torch has no types here
        self.ema = AveragedModel(self.network, multi_avg_fn=mean, use_buffers=True)
        parameters = _parameter_groups([self.network, self.aux_head], schedule)
        self.optimizer = torch.optim.AdamW(parameters, lr=schedule.lr)
        self.step = 0
        self.best: Best | None = None

    def resume(self) -> bool:
        """Go on from the folder's checkpoint, if there is one. Lines of the curve that came after it go away.

        Raises UserError for a checkpoint that is damaged, or of another task, other classes or another network."""
        kept = self.folder / "checkpoint.pt"
        if not kept.exists():
            self._truncate_curve()
            return False
        try:
            state = torch.load(kept, weights_only=True, map_location=device())
            _check_fields(state, kept)
            self._check_identity(state["identity"], kept)
            self._restore(state)
        except (RuntimeError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
            raise UserError(f"{kept}: not a checkpoint of such a run; choose another folder: {error}") from error
        self._truncate_curve()
        return True

    def _check_identity(self, identity: str, kept: Path) -> None:
        theirs, ours = json.loads(identity), json.loads(json.dumps(self.task.identity))
        for key in {**theirs, **ours}:
            if theirs.get(key) != ours.get(key):
                raise UserError(
                    f"{kept}: of a run with another {key}: {_short(theirs.get(key))}, not {_short(ours.get(key))}; "
                    "choose another folder for this one"
                )

    def _restore(self, state: Mapping[str, Any]) -> None:
        for name in STATEFUL:
            getattr(self, name).load_state_dict(state[name])
        self.step = state["step"]
        self.best = Best(**state["best"]) if state["best"] else None

    def save(self) -> None:
        """Write the checkpoint, all of it or nothing. Raises LookalikeError where there is no room for it."""
        state: dict[str, Any] = {name: getattr(self, name).state_dict() for name in STATEFUL}
        best = {key: getattr(self.best, key) for key in ("step", "metrics", "weights")} if self.best else None
        state |= {"step": self.step, "best": best, "identity": json.dumps(self.task.identity)}
        part = self.folder / "checkpoint.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            torch.save(state, part)
            os.replace(part, self.folder / "checkpoint.pt")
        except (OSError, RuntimeError) as error:  # torch's own writer raises the latter when the disk is full
            part.unlink(missing_ok=True)
            raise LookalikeError(
                f"{self.folder}: the checkpoint could not be written: {error}. Make room and call again: "
                "the one before is whole"
            ) from error

    def train(self) -> Iterator[dict[str, float]]:
        """Every step that is left; yields the losses every LOG_EVERY steps and at each validation, with ``seconds``
        since this call. Saves as it goes and at the end.

        Raises UserError when a loss is no longer a number; the checkpoint is then the last one before."""
        self.network.train()
        self.aux_head.train()
        began = time.monotonic()
        while self.step < self.schedule.steps:
            line = self._step()
            validated = self._is_due(self.schedule.validate_every)
            if validated:
                line |= self._validate()
            if self.step % SAVE_EVERY == 0:
                self.save()
            if validated or self._is_due(LOG_EVERY):
                line |= {"step": self.step, "seconds": round(time.monotonic() - began, 1)}
                self._log(line)
                yield line
        self.save()

    def best_network(self) -> nn.Module:
        """The network of the best validation or, without any, the one with the mean of the last weights."""
        network = copy.deepcopy(self.ema.module)
        if self.best:
            network.load_state_dict(self.best.weights)
        return network.cpu().eval()

    def _is_due(self, every: int) -> bool:
        return bool(every) and (self.step % every == 0 or self.step == self.schedule.steps)

    def _step(self) -> dict[str, float]:
        for group in self.optimizer.param_groups:
            group["lr"] = group["lr_factor"] * _learning_rate(self.schedule, self.step)
        with torch.random.fork_rng():  # what the network itself draws, as dropout does
            torch.manual_seed(int(np.random.SeedSequence([self.schedule.seed, self.step, 2]).generate_state(1)[0]))
            loss = self.task.loss(self.step)
        total = loss.total
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]  # torch has no types here
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), MAX_GRADIENT_NORM)
        if not (math.isfinite(float(total.detach())) and math.isfinite(float(norm))):
            raise UserError(
                f"{self.folder}: the loss is no number at step {self.step + 1}. The checkpoint before it is kept; try "
                f"a lower --lr, {self.schedule.lr / 3:.1g} instead of {self.schedule.lr:g}, and a new --run folder"
            )
        self.optimizer.step()
        self.ema.update_parameters(self.network)
        self.step += 1
        return {name: round(float(term.detach()), 4) for name, term in loss.terms.items()} | dict(loss.extra)

    def _validate(self) -> dict[str, float]:
        """The metrics of the averaged network, which is kept if it is the best so far."""
        network = self.ema.module.eval()
        with torch.no_grad():
            metrics = self.task.validate(network)
        seen = Best(self.step, metrics, {name: value.clone() for name, value in network.state_dict().items()})
        if self.best is None or seen.score > self.best.score:
            self.best = seen
        return {name: round(value, 5) for name, value in metrics.items()}

    def _truncate_curve(self) -> None:
        """Drop the curve's lines beyond the step that the weights are of, and a last line that was cut short."""
        curve = self.folder / "curve.jsonl"
        if not curve.exists():
            return
        (self.folder / "curve.part").write_text(
            "".join(json.dumps(line) + "\n" for line in read_curve(self.folder) if line["step"] <= self.step)
        )
        os.replace(self.folder / "curve.part", curve)

    def _log(self, line: Mapping[str, float]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "curve.jsonl").open("a") as curve:
            curve.write(json.dumps(line) + "\n")


def fit(trainer: Trainer, progress: Callable[[int, int], None]) -> bool:
    """Resume the run and train to its end. False if the user interrupted it and there is a best network to keep;
    without one the interruption is the caller's."""
    trainer.resume()
    try:
        for line in trainer.train():
            progress(int(line["step"]), trainer.schedule.steps)
    except KeyboardInterrupt:
        if trainer.best is None:
            raise
        return False
    return True


def read_curve(folder: Path) -> list[dict[str, float]]:
    """The lines of a run's curve.jsonl that are whole."""
    lines = (folder / "curve.jsonl").read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _check_fields(state: Mapping[str, Any], path: Path) -> None:
    """Raises UserError for a checkpoint with other fields, as an earlier version wrote."""
    expected = {*STATEFUL, "step", "best", "identity"}
    if unknown := sorted(set(state) - expected):
        raise UserError(f"{path}: unknown field {unknown[0]!r}: a checkpoint of another version; choose another folder")


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _parameter_groups(modules: Sequence[nn.Module], schedule: Schedule) -> list[dict[str, Any]]:
    """Matrices and kernels decay; scales, shifts and powers do not. What is frozen is in no group."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for module in modules:
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                decay = schedule.weight_decay if parameter.ndim > 1 else 0.0
                groups.setdefault((schedule.lr_factor(name), decay), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, "lr_factor": factor}
        for (factor, decay), parameters in groups.items()
    ]


def _learning_rate(schedule: Schedule, step: int) -> float:
    """A straight warm-up, then half a cosine down to a hundredth."""
    if step < schedule.warmup_steps:
        return schedule.lr * (step + 1) / schedule.warmup_steps
    share = (step - schedule.warmup_steps) / max(1, schedule.steps - schedule.warmup_steps)
    return schedule.lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))
