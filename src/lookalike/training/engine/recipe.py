"""A recipe: one TOML file that says all of a training run. An unknown key is an error."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any

from lookalike.errors import UserError


@dataclass(frozen=True, slots=True)
class Source:
    """Training images: ``root``, a folder below the data folder; ``weight``: how often one of them is drawn."""

    root: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How often each edit is drawn, 0..1; ``min_area``: the smallest share of the image that a crop keeps; ``inset``:
    the image as a part of the view; ``colour_filter``: grey, sepia, negative; ``strong_blur``: so that only shapes are
    left.

    ``stretch`` makes what is kept up to a third wider or higher, and where that is more than there is, cuts the other
    side instead: down to three quarters of the area.
    """

    crop: float = 0.45
    min_area: float = 0.1
    mirror: float = 0.25
    rotate90: float = 0.2
    rotation: float = 0.15
    perspective: float = 0.15
    inset: float = 0.3
    colour: float = 0.6
    colour_filter: float = 0.15
    overlay: float = 0.4
    blur: float = 0.15
    pixelate: float = 0.12
    noise: float = 0.2
    posterise: float = 0.05
    jpeg: float = 0.3
    stretch: float = 1.0
    strong_blur: float = 0.0


LIGHT_AUGMENTATION = Augmentation(0.3, 0.7, 0.0, 0.0, 0.0, 0.05, 0.0, 0.2, 0.0, 0.0, 0.05, 0.0, 0.05, 0.0, 0.1)


@dataclass(frozen=True, slots=True)
class Phase:
    """``steps`` batches of ``batch`` images at ``size`` pixels; ``koleo``: weight of that loss; ``augmentation``: how
    often edits are drawn for the second view, LIGHT_AUGMENTATION being the first's."""

    size: int
    batch: int
    steps: int
    koleo: float = 0.3
    augmentation: Augmentation = Augmentation()


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a run. ``side``: pixels that are kept of each image. ``same_source``: share of a batch
    that is of one source, so that negatives of one kind meet. ``drawn``: pages and textures that are drawn, and are a
    source of their own. ``lr``: of what is new; ``trunk_lr``: of the trunk, 0 for the same. ``ema_decay``: of the
    running mean of the weights."""

    seed: int
    sources: tuple[Source, ...]
    phases: tuple[Phase, ...]
    side: int = 160
    same_source: float = 0.0
    drawn: int = 0
    lr: float = 2e-3
    trunk_lr: float = 0.0
    weight_decay: float = 0.02
    warmup_steps: int = 200
    temperature: float = 0.06
    ema_decay: float = 0.998

    @property
    def steps(self) -> int:
        return sum(phase.steps for phase in self.phases)

    def within(self, seconds: float, step_seconds: Sequence[float]) -> Recipe:
        """The same recipe, longer or shorter, so that it takes so many ``seconds``; ``step_seconds``: what a step of
        each phase takes."""
        factor = seconds / sum(phase.steps * one for phase, one in zip(self.phases, step_seconds, strict=True))
        return self.with_steps([max(1, round(phase.steps * factor)) for phase in self.phases])

    def with_steps(self, steps: Sequence[int]) -> Recipe:
        """The same recipe with other numbers of steps, one for each phase."""
        phases = (replace(phase, steps=count) for phase, count in zip(self.phases, steps, strict=True))
        return replace(self, phases=tuple(phases))


def read_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file. Raises UserError for what is not TOML, an unknown or a missing key."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path}: cannot be read as a recipe: {error}") from None
    sources = [from_toml(Source, source, path) for source in _tables(table, "sources", path)]
    phases = [_phase(phase, path) for phase in _tables(table, "phases", path)]
    recipe: Recipe = from_toml(Recipe, table | {"sources": sources, "phases": phases}, path)
    return recipe


def _tables(table: dict[str, Any], key: str, path: Path) -> list[Any]:
    tables = table.get(key)
    if not isinstance(tables, list) or not tables:
        raise UserError(f"{path}: a recipe needs at least one [[{key}]]")
    return tables


def _phase(table: Any, path: Path) -> Phase:
    if isinstance(table, dict) and "augmentation" in table:
        table = table | {"augmentation": from_toml(Augmentation, table["augmentation"], path)}
    phase: Phase = from_toml(Phase, table, path)
    return phase


def from_toml(kind: Any, table: Any, path: Path) -> Any:
    """The dataclass ``kind`` from a TOML table. Raises UserError for an unknown or a missing key."""
    if not isinstance(table, dict):
        raise UserError(f"{path}: {kind.__name__.lower()} must be a table")
    known = {one.name: one for one in fields(kind)}
    if unknown := sorted(set(table) - set(known)):
        raise UserError(f"{path}: unknown field {unknown[0]!r}; a {kind.__name__.lower()} has {', '.join(known)}")
    missing = [
        name for name, one in known.items() if one.default is one.default_factory is MISSING and name not in table
    ]
    if missing:
        raise UserError(f"{path}: a {kind.__name__.lower()} needs {missing[0]!r}")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in table.items()})
