"""Adapts `copy` to a user's own images without labels, and measures on held-out ones whether that helped.

The held-out images are never trained on. Each is edited in many ways, and each edited one is searched among all
the images of the folder: before, and after.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.neural.image_digests import ImageDigests, image_digests
from lookalike.errors import UserError
from lookalike.imaging.manipulations import EDITS, apply
from lookalike.intervals import Interval, Outcome, outcome, paired_interval
from lookalike.training.data.image_cache import ImageCache, cache_images, square
from lookalike.training.engine.recipe import Phase, Recipe, Source
from lookalike.training.engine.trainer import device
from lookalike.training.models.efficientnet_lite import STRIDE_8_BLOCKS
from lookalike.training.models.embedding_net import EmbeddingNet, predict
from lookalike.training.tasks.copy_detection import TrainingImages, copy_trainer, trained_copy_net
from lookalike.types import Floats, Pixels

CACHE_SIDE = 160  # pixels that are kept of each image
MIN_IMAGES = 40  # below which there is nothing to learn and nothing to measure
HELD_OUT = 0.2
MAX_HELD_OUT = 150  # images
BATCH_SIZE = 32
FROZEN_LAYERS = 1 + STRIDE_8_BLOCKS  # of the trunk, from the first: without them a step takes two thirds of the time


@dataclass(frozen=True, slots=True)
class Score:
    """Of the edited held-out images: ``recall``, the share whose original is nearer than the nearest negative is to 99
    in 100 images; ``recall_at_1``, the share whose original is the nearest. Both 0..1."""

    recall: float
    recall_at_1: float


@dataclass(frozen=True, slots=True)
class ImageScores:
    """The same for each of H held-out images, over its edits: (H,) and (H,), each 0..1."""

    recall: Floats
    recall_at_1: Floats

    @property
    def score(self) -> Score:
        return Score(float(self.recall.mean()), float(self.recall_at_1.mean()))


@dataclass(frozen=True, slots=True)
class AdaptationResult:
    """``network``: the adapted one. ``images``, ``held_out``, ``unreadable``: how many; ``digests``: which.
    ``recall_gain``, ``recall_at_1_gain``: after less before, image by image."""

    network: EmbeddingNet
    before: Score
    after: Score
    recall_gain: Interval
    recall_at_1_gain: Interval
    images: int
    held_out: int
    unreadable: int
    digests: ImageDigests

    @property
    def outcome(self) -> Outcome:
        """What came of it, as far as the held-out images can show."""
        return outcome(self.recall_gain, self.recall_at_1_gain)

    @property
    def improved(self) -> bool:
        return self.outcome == "helped"


def adapt(
    root: Path,
    pretrained: EmbeddingNet,
    run_folder: Path,
    steps: int,
    size: int,
    lr: float,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> AdaptationResult:
    """Train ``pretrained`` on the images below ``root`` for ``steps`` batches at ``size`` pixels; ``lr``: the learning
    rate at its peak. FROZEN_LAYERS of it stay as they are.

    What the run keeps lies in ``run_folder``; the next call with the same folder goes on from there, and holds out
    the same images. Raises UserError for fewer than MIN_IMAGES readable images, and for a run of other images.
    """
    images = cache_images(root, CACHE_SIDE, run_folder / "image-cache")
    if len(images.pixels) < MIN_IMAGES:
        raise UserError(f"{root}: {len(images.pixels)} readable images; adapting needs at least {MIN_IMAGES}")
    held, kept = _split(images.paths, run_folder / "held.json", seed)
    before = score(pretrained, images, held, size)
    recipe = Recipe(
        seed, (Source(str(root)),), (Phase(size, min(BATCH_SIZE, len(kept)), steps),), CACHE_SIDE,
        lr=lr, warmup_steps=min(50, steps // 5), ema_decay=min(0.998, 1 - 10 / (steps + 10)),
    )  # fmt: skip
    pixels = np.ascontiguousarray(images.pixels[kept])
    trainer = copy_trainer(recipe, [TrainingImages(pixels)], _begun(pretrained), run_folder)
    trainer.resume()
    for line in trainer.train():
        progress(int(line["step"]), recipe.steps)
    trained = trained_copy_net(trainer)
    after = score(trained, images, held, size)
    return AdaptationResult(
        network=trained,
        before=before.score,
        after=after.score,
        recall_gain=paired_interval(before.recall, after.recall),
        recall_at_1_gain=paired_interval(before.recall_at_1, after.recall_at_1),
        images=len(images.pixels),
        held_out=len(held),
        unreadable=images.unreadable,
        digests=image_digests(images.digests[kept], images.digests[held]),
    )


def _begun(pretrained: EmbeddingNet) -> EmbeddingNet:
    """A copy of it whose first layers stay as they are."""
    network = copy.deepcopy(pretrained)
    network.trunk[:FROZEN_LAYERS].requires_grad_(False)
    return network


def score(network: EmbeddingNet, images: ImageCache, held: NDArray[np.int64], size: int) -> ImageScores:
    """How well the network retrieves the originals of the edited images ``held`` among all."""
    library = describe(network, images.pixels, size)
    threshold = np.quantile(_positive_and_negative(library[held] @ library.T, held)[1], 0.99)
    found, nearest = [], []
    for name in EDITS:
        edited = np.stack([square(apply(name, images.pixels[row], int(row)), CACHE_SIDE) for row in held])
        own, other = _positive_and_negative(describe(network, edited, size) @ library.T, held)
        found.append(own > threshold)
        nearest.append(own > other)
    return ImageScores(np.mean(found, axis=0, dtype=np.float32), np.mean(nearest, axis=0, dtype=np.float32))


def _positive_and_negative(similar: Floats, own: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """(H, N) cosines of H queries, and the columns of their originals -> (H,) of the original, of the nearest other."""
    rows = np.arange(len(own))
    positive = similar[rows, own]
    others = similar.copy()
    others[rows, own] = -np.inf
    return positive, others.max(1)


def describe(network: EmbeddingNet, pixels: Pixels, size: int) -> Floats:
    """(N, s, s, 3) uint8 -> (N, 256) float32, seen at ``size`` pixels."""
    (vectors,) = predict(network.to(device()), pixels, size)
    return vectors


def _split(paths: Sequence[str], kept: Path, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows that are held out, and the others. ``kept`` names the former, so that a run that goes on never trains
    on them, whatever images came since."""
    if not kept.exists():
        order = np.random.default_rng(seed).permutation(len(paths))
        chosen = order[: min(MAX_HELD_OUT, round(HELD_OUT * len(paths)))]
        kept.with_suffix(".part").write_text(json.dumps([paths[row] for row in np.sort(chosen)]))
        os.replace(kept.with_suffix(".part"), kept)
    names = set(json.loads(kept.read_text()))
    held = np.array([path in names for path in paths])
    if held.sum() < HELD_OUT * MIN_IMAGES / 2:
        raise UserError(f"{kept.parent}: a run over other images; choose another folder for this one")
    return np.flatnonzero(held), np.flatnonzero(~held)
