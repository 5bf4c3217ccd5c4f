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

    ``teacher_side``: pixels at which the teacher sees them, 0 for no teacher. ``labelled``: folders are classes.
    """

    root: str
    side: int
    labelled: bool = False
    teacher_side: int = 0


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How often each edit is drawn, 0..1; ``min_area``: the smallest share of the image that a crop keeps; ``inset``:
    the image as a part of the view; ``colour_filter``: grey, sepia, negative.

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


LIGHT_AUGMENTATION = Augmentation(0.3, 0.7, 0.0, 0.0, 0.0, 0.05, 0.0, 0.2, 0.0, 0.0, 0.05, 0.0, 0.05, 0.0, 0.1)


@dataclass(frozen=True, slots=True)
class Phase:
    """``steps`` batches of ``batch`` images at ``size`` pixels; ``source_fractions``: part of the batch from
    sources of each ``side``, in rising order of side; ``koleo``: weight of that loss; ``augmentation``: how often edits
    are drawn for the second view, LIGHT_AUGMENTATION being the first's."""

    size: int
    batch: int
    steps: int
    source_fractions: tuple[float, ...] = (1.0,)
    koleo: float = 0.3
    augmentation: Augmentation = Augmentation()


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a run. ``content_weight``: of the distillation from the teacher; ``label_weight``: of
    cross-entropy; the contrastive loss has weight 1. ``ema_decay``: of the running mean of the weights."""

    seed: int
    sources: tuple[Source, ...]
    phases: tuple[Phase, ...]
    lr: float = 2e-3
    weight_decay: float = 0.02
    warmup_steps: int = 200
    temperature: float = 0.06
    content_weight: float = 2.0
    label_weight: float = 0.2
    ema_decay: float = 0.998

    @property
    def steps(self) -> int:
        return sum(phase.steps for phase in self.phases)


def read_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file. Raises UserError for what is not TOML, an unknown or a missing key."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path}: cannot be read as a recipe: {error}") from None
    sources = [from_toml(Source, source, path) for source in _tables(table, "sources", path)]
    phases = [_phase(phase, path) for phase in _tables(table, "phases", path)]
    recipe: Recipe = from_toml(Recipe, table | {"sources": sources, "phases": phases}, path)
    sides = len({source.side for source in recipe.sources})
    if wrong := [phase.source_fractions for phase in recipe.phases if len(phase.source_fractions) != sides]:
        raise UserError(
            f"{path}: source_fractions {list(wrong[0])}: the sources have {sides} different sides, one fraction for "
            "each"
        )
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
