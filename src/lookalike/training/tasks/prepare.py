"""From a recipe's folders to what the loop takes: images, the teacher's features of them, one numbering of classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.pca import principal_components
from lookalike.training.data.cached_teacher_features import cached_teacher_features
from lookalike.training.data.image_cache import NO_LABEL, ImageCache, cache_images
from lookalike.training.engine.recipe import Recipe, Source
from lookalike.training.models.residual_net import EMBEDDING_DIM
from lookalike.training.tasks.copy_detection import TrainingImages
from lookalike.types import Floats

PCA_SAMPLE = 40_000  # images that the principal components are taken from


def prepare(recipe: Recipe, data: Path, teacher: Path | None, cache_folder: Path) -> tuple[list[TrainingImages], int]:
    """The images of every source, joined by size in rising order; and how many classes there are."""
    caches = [
        (source, cache_images(data / source.root, source.side, cache_folder, source.labelled))
        for source in recipe.sources
    ]
    classes = sorted({name for _, one in caches for name in one.classes})
    targets = _targets(caches, teacher, cache_folder)
    groups = []
    for side in sorted({source.side for source in recipe.sources}):
        chosen = [number for number, (source, _) in enumerate(caches) if source.side == side]
        groups.append(
            TrainingImages(
                np.concatenate([caches[number][1].pixels for number in chosen]),
                np.concatenate([targets[number] for number in chosen]),
                np.concatenate([_renumbered(caches[number][1], classes) for number in chosen]),
            )
        )
    return groups, len(classes)


def _renumbered(one: ImageCache, classes: list[str]) -> NDArray[np.int64]:
    numbers = np.array([classes.index(name) for name in one.classes] + [NO_LABEL], np.int64)
    return numbers[one.labels]  # NO_LABEL is -1, the last


def _targets(caches: list[tuple[Source, ImageCache]], teacher: Path | None, cache_folder: Path) -> list[Floats]:
    """The targets of `content`: the teacher's features without their mean, in their 256 principal directions."""
    features = [
        cached_teacher_features(one, teacher, source.teacher_side, cache_folder)
        if teacher and source.teacher_side
        else np.zeros((len(one.pixels), 0))
        for source, one in caches
    ]
    known = [part for part in features if part.shape[1]]
    if not known:
        return [np.zeros((len(part), EMBEDDING_DIM), np.float32) for part in features]
    every = np.concatenate(known)
    rows = np.random.default_rng(0).choice(len(every), min(PCA_SAMPLE, len(every)), replace=False)
    pca = principal_components(every[rows].astype(np.float32), EMBEDDING_DIM)
    return [
        _unit(pca.project(part)) if part.shape[1] else np.zeros((len(part), EMBEDDING_DIM), np.float32)
        for part in features
    ]


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12), np.float32)
