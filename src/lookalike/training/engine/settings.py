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
from lookalike.training.engine.recipe import from_toml
from lookalike.training.engine.trainer import Schedule

VALIDATIONS = 10  # of a run
MAX_EMA_DECAY = 0.998  # of the running mean of the weights

_Settings = TypeVar("_Settings", bound="Settings")


def setting(
    default: Any, description: str, choices: Sequence[str] = (), minimum: float = 0.0, maximum: float = 1e9
) -> Any:
    """A field with its default; ``description``: one sentence for --help; ``choices`` of a text, bounds of a number."""
    return field(
        default=default,
        metadata={"help": description, "choices": tuple(choices), "minimum": minimum, "maximum": maximum},
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """What every training has."""

    side: int = setting(96, "Pixels that every image is squeezed to.", minimum=32, maximum=512)
    epochs: float = setting(20.0, "Passes over the training images.", minimum=0.001)
    steps: int = setting(0, "Training steps (batches), instead of epochs; 0: as --epochs says.")
    batch: int = setting(64, "Images in a batch.", minimum=2)
    lr: float = setting(2e-3, "Peak learning rate.", minimum=1e-9, maximum=10)
    weight_decay: float = setting(0.02, "Weight decay (AdamW).", maximum=10)
    held_out: float = setting(0.2, "Share of the images that is held out for validation.", minimum=0.01, maximum=0.9)
    nested: bool = setting(False, "A class is the whole folder that an image lies in, not the first below DIR.")
    seed: int = setting(0, "Random seed: of the held-out images, the weights and the augmentation.")

    def schedule(self, images: int) -> Schedule:
        """The run over so many images. Its warm-up is a twentieth, and its weights are a mean over about a tenth."""
        steps = self.steps or max(1, round(self.epochs * images / self.batch))
        ema_decay = min(MAX_EMA_DECAY, 1 - 10 / (steps + 10))
        return Schedule(
            steps, self.lr, self.weight_decay, steps // 20, ema_decay, max(1, steps // VALIDATIONS), self.seed
        )


def read_settings(path: Path, kind: type[_Settings]) -> _Settings:
    """The settings in a TOML file. Raises UserError for what is not TOML, an unknown field or a value out of range."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path}: cannot be read as a recipe: {error}") from None
    settings: _Settings = from_toml(kind, table, path)
    check_settings(settings, f"{path}: ")
    return settings


def check_settings(settings: Settings, where: str = "") -> None:
    """Raises UserError for a value of another type, out of range or not among the choices."""
    for one in fields(settings):
        value, allowed = getattr(settings, one.name), one.metadata
        kind = type(one.default)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise UserError(f"{where}{one.name} must be {_WORDS[kind]}, not {value!r}")
        if allowed["choices"] and value not in allowed["choices"]:
            raise UserError(f"{where}{one.name} must be one of {', '.join(allowed['choices'])}, not {value!r}")
        if kind in (int, float) and not allowed["minimum"] <= value <= allowed["maximum"]:
            raise UserError(
                f"{where}{one.name} must lie in {allowed['minimum']:g}..{allowed['maximum']:g}, not {value:g}"
            )


_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
