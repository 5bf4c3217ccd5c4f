"""From a recipe's folders to what the loop takes: packs, what the teacher says of them, one numbering of classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.training.data.cached_teacher_features import principal, taught
from lookalike.training.data.image_cache import NO_LABEL, Pack, pack
from lookalike.training.engine.recipe import Recipe, Source
from lookalike.training.models.residual_net import HEAD
from lookalike.training.tasks.copy_detection import Images
from lookalike.types import Floats

SAMPLE = 40_000  # images that the principal directions are taken from


def prepare(recipe: Recipe, data: Path, teacher: Path | None, cache: Path) -> tuple[list[Images], int]:
    """The images of every source, joined by size in rising order; and how many classes there are."""
    packs = [(source, pack(data / source.root, source.side, cache, source.labelled)) for source in recipe.sources]
    classes = sorted({name for _, one in packs for name in one.classes})
    targets = _targets(packs, teacher, cache)
    groups = []
    for side in sorted({source.side for source in recipe.sources}):
        chosen = [number for number, (source, _) in enumerate(packs) if source.side == side]
        groups.append(
            Images(
                np.concatenate([packs[number][1].pixels for number in chosen]),
                np.concatenate([targets[number] for number in chosen]),
                np.concatenate([_renumbered(packs[number][1], classes) for number in chosen]),
            )
        )
    return groups, len(classes)


def _renumbered(one: Pack, classes: list[str]) -> NDArray[np.int64]:
    numbers = np.array([classes.index(name) for name in one.classes] + [NO_LABEL], np.int64)
    return numbers[one.labels]  # NO_LABEL is -1, the last


def _targets(packs: list[tuple[Source, Pack]], teacher: Path | None, cache: Path) -> list[Floats]:
    """What `content` learns: the teacher's features without their mean, in their 256 principal directions."""
    features = [
        taught(one, teacher, source.taught_at, cache)
        if teacher and source.taught_at
        else np.zeros((len(one.pixels), 0))
        for source, one in packs
    ]
    known = [part for part in features if part.shape[1]]
    if not known:
        return [np.zeros((len(part), HEAD), np.float32) for part in features]
    every = np.concatenate(known)
    rows = np.random.default_rng(0).choice(len(every), min(SAMPLE, len(every)), replace=False)
    mean, directions = principal(every[rows].astype(np.float32), HEAD)
    return [
        _unit(np.asarray((part.astype(np.float32) - mean) @ directions, np.float32))
        if part.shape[1]
        else np.zeros((len(part), HEAD), np.float32)
        for part in features
    ]


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12), np.float32)
