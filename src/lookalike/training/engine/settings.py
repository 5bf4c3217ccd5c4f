"""The settings of a training: frozen, checked, the same for a recipe file and the command line.

Each field is written once, with ``setting``: its default, what it means, and what it may be.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from lookalike.errors import UserError
from lookalike.training.engine.recipe import made
from lookalike.training.engine.trainer import Plan

LOOKS = 10  # validations of a run
LONGEST_MEMORY = 0.998  # of the running mean of the weights

_Settings = TypeVar("_Settings", bound="Settings")


def setting(default: Any, means: str, choices: Sequence[str] = (), least: float = 0.0, most: float = 1e9) -> Any:
    """A field with its default; ``means``: one sentence for --help; ``choices`` of a text, bounds of a number."""
    return field(default=default, metadata={"means": means, "choices": tuple(choices), "least": least, "most": most})


@dataclass(frozen=True, slots=True)
class Settings:
    """What every training has."""

    side: int = setting(96, "Pixels that every image is squeezed to.", least=32, most=512)
    epochs: float = setting(20.0, "How often every image is seen.", least=0.001)
    steps: int = setting(0, "Batches, instead of epochs; 0: as --epochs says.")
    batch: int = setting(64, "Images in a batch.", least=2)
    rate: float = setting(2e-3, "The highest learning rate.", least=1e-9, most=10)
    decay: float = setting(0.02, "Weight decay (AdamW).", most=10)
    held_out: float = setting(0.2, "Share that is held out and never trained on.", least=0.01, most=0.9)
    nested: bool = setting(False, "A class is the whole folder that an image lies in, not the first below DIR.")
    seed: int = setting(0, "Another seed holds out and draws something else.")

    def plan(self, images: int) -> Plan:
        """The run over so many images. Its warm-up is a twentieth, and its weights are a mean over about a tenth."""
        steps = self.steps or max(1, round(self.epochs * images / self.batch))
        average = min(LONGEST_MEMORY, 1 - 10 / (steps + 10))
        return Plan(steps, self.rate, self.decay, steps // 20, average, max(1, steps // LOOKS), self.seed)


def read_settings(path: Path, kind: type[_Settings]) -> _Settings:
    """The settings in a TOML file. Raises UserError for what is not TOML, an unknown key or a value out of range."""
    try:
        told = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path}: cannot be read as a recipe: {error}") from None
    settings: _Settings = made(kind, told, path)
    check(settings, f"{path}: ")
    return settings


def check(settings: Settings, where: str = "") -> None:
    """Raises UserError for a value of another type, out of range or not among the choices."""
    for one in fields(settings):
        value, may = getattr(settings, one.name), one.metadata
        kind = type(one.default)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise UserError(f"{where}{one.name} must be {_WORDS[kind]}, not {value!r}")
        if may["choices"] and value not in may["choices"]:
            raise UserError(f"{where}{one.name} must be one of {', '.join(may['choices'])}, not {value!r}")
        if kind in (int, float) and not may["least"] <= value <= may["most"]:
            raise UserError(f"{where}{one.name} must lie in {may['least']:g}..{may['most']:g}, not {value:g}")


_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
