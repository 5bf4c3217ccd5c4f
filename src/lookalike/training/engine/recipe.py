"""A recipe: one TOML file that says all of a training run. An unknown key is an error."""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from lookalike.errors import UserError


@dataclass(frozen=True, slots=True)
class Source:
    """Training images: ``root``, a folder below the data folder; ``side``: pixels that are kept of each.

    ``taught_at``: pixels at which the teacher sees them, 0 for no teacher. ``labelled``: folders are classes.
    """

    root: str
    side: int
    labelled: bool = False
    taught_at: int = 0


@dataclass(frozen=True, slots=True)
class Strength:
    """How often each edit is drawn, 0..1; ``area``: the smallest share of the image that a crop keeps.

    ``stretch`` makes what is kept up to a third wider or higher, and where that is more than there is, cuts the other
    side instead: down to three quarters of the area.
    """

    crop: float = 0.45
    area: float = 0.1
    mirror: float = 0.25
    quarter: float = 0.2
    angle: float = 0.15
    perspective: float = 0.15
    inside: float = 0.3
    colour: float = 0.6
    odd_colour: float = 0.15
    overlay: float = 0.4
    blur: float = 0.15
    pixelate: float = 0.12
    noise: float = 0.2
    posterise: float = 0.05
    jpeg: float = 0.3
    stretch: float = 1.0


LIGHT = Strength(0.3, 0.7, 0.0, 0.0, 0.0, 0.05, 0.0, 0.2, 0.0, 0.0, 0.05, 0.0, 0.05, 0.0, 0.1)


@dataclass(frozen=True, slots=True)
class Phase:
    """``steps`` batches of ``batch`` images at ``size`` pixels; ``shares``: part of the batch from sources of each
    ``side``, in rising order of side; ``spread``: weight of KoLeo; ``heavy``: how often edits are drawn for the second
    view, LIGHT being the first."""

    size: int
    batch: int
    steps: int
    shares: tuple[float, ...] = (1.0,)
    spread: float = 0.3
    heavy: Strength = Strength()


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a run. Weights of the losses: ``content`` to the teacher, ``labels``
    cross-entropy; the contrastive loss has weight 1."""

    seed: int
    sources: tuple[Source, ...]
    phases: tuple[Phase, ...]
    rate: float = 2e-3
    decay: float = 0.02
    warm_up: int = 200
    temperature: float = 0.06
    content: float = 2.0
    labels: float = 0.2
    average: float = 0.998

    @property
    def steps(self) -> int:
        return sum(phase.steps for phase in self.phases)


def read(path: Path) -> Recipe:
    """The recipe in a TOML file. Raises UserError for what is not TOML, an unknown or a missing key."""
    try:
        told = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path}: cannot be read as a recipe: {error}") from None
    sources = [made(Source, source, path) for source in _tables(told, "sources", path)]
    phases = [_phase(phase, path) for phase in _tables(told, "phases", path)]
    recipe: Recipe = made(Recipe, told | {"sources": sources, "phases": phases}, path)
    sides = len({source.side for source in recipe.sources})
    if wrong := [phase.shares for phase in recipe.phases if len(phase.shares) != sides]:
        raise UserError(
            f"{path}: shares {list(wrong[0])}: the sources have {sides} different sides, one share for each"
        )
    return recipe


def _tables(told: dict[str, Any], key: str, path: Path) -> list[Any]:
    tables = told.get(key)
    if not isinstance(tables, list) or not tables:
        raise UserError(f"{path}: a recipe needs at least one [[{key}]]")
    return tables


def _phase(told: Any, path: Path) -> Phase:
    if isinstance(told, dict) and "heavy" in told:
        told = told | {"heavy": made(Strength, told["heavy"], path)}
    phase: Phase = made(Phase, told, path)
    return phase


def made(kind: Any, told: Any, path: Path) -> Any:
    """The dataclass ``kind`` from a TOML table. Raises UserError for an unknown or a missing key."""
    if not isinstance(told, dict):
        raise UserError(f"{path}: {kind.__name__.lower()} must be a table")
    known = {one.name: one for one in fields(kind)}
    if strange := sorted(set(told) - set(known)):
        raise UserError(f"{path}: unknown key {strange[0]!r}; a {kind.__name__.lower()} has {', '.join(known)}")
    missing = [
        name for name, one in known.items() if one.default is one.default_factory is MISSING and name not in told
    ]
    if missing:
        raise UserError(f"{path}: a {kind.__name__.lower()} needs {missing[0]!r}")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in told.items()})
