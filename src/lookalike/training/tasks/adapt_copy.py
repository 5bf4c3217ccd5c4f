"""Adapts `copy` to a user's own images without labels, and says on held-out ones whether that helped.

The held-out images are never trained on. Each is edited in many ways, and each edited one is looked for among all
the images of the folder: before, and after.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lookalike.errors import UserError
from lookalike.imaging.manipulations import EDITS, apply
from lookalike.training.data.image_cache import NO_LABEL, Pack, pack, square
from lookalike.training.engine.recipe import Phase, Recipe, Source
from lookalike.training.models.residual_net import Network
from lookalike.training.tasks.copy_detection import Images, run_of, trained_by
from lookalike.types import Floats, Pixels

SIDE = 160  # pixels that are kept of each image
LEAST = 40  # images below which there is nothing to learn and nothing to measure
HELD_OUT = 0.2
AT_MOST = 150  # images held out
BATCH = 64


@dataclass(frozen=True, slots=True)
class Score:
    """Of the edited held-out images: ``recall``, the share whose original is nearer than the nearest stranger is to
    99 in 100 images; ``first``, the share whose original comes first. Both 0..1."""

    recall: float
    first: float


@dataclass(frozen=True, slots=True)
class Adapted:
    """``network``: the adapted one. ``images``, ``held_out``, ``unreadable``: how many."""

    network: Network
    before: Score
    after: Score
    images: int
    held_out: int
    unreadable: int

    @property
    def helped(self) -> bool:
        """More is found than before, and no fewer come first."""
        return self.after.recall > self.before.recall and self.after.first >= self.before.first - 0.005


def adapt(
    root: Path,
    start: Network,
    run_folder: Path,
    steps: int,
    size: int,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Adapted:
    """Train ``start`` on the images below ``root`` for ``steps`` batches at ``size`` pixels.

    What the run keeps lies in ``run_folder``; the next call with the same folder goes on from there, and holds out
    the same images. Raises UserError for fewer than LEAST readable images, and for a run of other images.
    """
    listed = pack(root, SIDE, run_folder / "packs")
    if len(listed.pixels) < LEAST:
        raise UserError(f"{root}: {len(listed.pixels)} readable images; adapting needs at least {LEAST}")
    held, kept = _split(listed.paths, run_folder / "held.json", seed)
    before = score(start, listed, held, size)
    recipe = Recipe(
        seed, (Source(str(root), SIDE),), (Phase(size, min(BATCH, len(kept)), steps),),
        rate=3e-4, warm_up=min(50, steps // 5), labels=0.0, average=min(0.998, 1 - 10 / (steps + 10)),
    )  # fmt: skip
    pixels = np.ascontiguousarray(listed.pixels[kept])
    own = describe(start, pixels, size)[1]  # `content` is to stay what it was
    run = run_of(recipe, [Images(pixels, own, np.full(len(kept), NO_LABEL))], 1, run_folder)
    run.start_from(start.state_dict())
    run.resume()
    for told in run.train():
        progress(int(told["step"]), recipe.steps)
    trained = trained_by(run)
    after = score(trained, listed, held, size)
    return Adapted(trained, before, after, len(listed.pixels), len(held), listed.unreadable)


def score(network: Network, images: Pack, held: NDArray[np.int64], size: int) -> Score:
    """How well the network finds the edited images ``held`` among all of the pack."""
    library = describe(network, images.pixels, size)[0]
    threshold = np.quantile(_told_apart(library[held] @ library.T, held)[1], 0.99)
    found, first = [], []
    for name in EDITS:
        edited = np.stack([square(apply(name, images.pixels[row], int(row)), SIDE) for row in held])
        own, stranger = _told_apart(describe(network, edited, size)[0] @ library.T, held)
        found.append(own > threshold)
        first.append(own > stranger)
    return Score(float(np.mean(found)), float(np.mean(first)))


def _told_apart(similar: Floats, own: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """(H, N) cosines of H queries, and the columns of their originals -> (H,) of the original, of the best other."""
    rows = np.arange(len(own))
    right = similar[rows, own]
    others = similar.copy()
    others[rows, own] = -np.inf
    return right, others.max(1)


def describe(network: Network, pixels: Pixels, size: int) -> tuple[Floats, Floats]:
    """(N, s, s, 3) uint8 -> `copy` and `content`, each (N, 256) float32, seen at ``size`` pixels."""
    network.eval()
    copies, contents = [], []
    with torch.no_grad():
        for start in range(0, len(pixels), BATCH):
            batch = torch.from_numpy(np.stack([square(one, size) for one in pixels[start : start + BATCH]]))
            copy, content = network(batch.permute(0, 3, 1, 2).float() / 255)
            copies.append(copy.numpy())
            contents.append(content.numpy())
    return np.concatenate(copies), np.concatenate(contents)


def _split(paths: Sequence[str], kept: Path, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows that are held out, and the others. ``kept`` names the former, so that a run that goes on never trains
    on them, whatever images came since."""
    if not kept.exists():
        order = np.random.default_rng(seed).permutation(len(paths))
        chosen = order[: min(AT_MOST, round(HELD_OUT * len(paths)))]
        kept.with_suffix(".part").write_text(json.dumps([paths[row] for row in np.sort(chosen)]))
        os.replace(kept.with_suffix(".part"), kept)
    names = set(json.loads(kept.read_text()))
    held = np.array([path in names for path in paths])
    if held.sum() < HELD_OUT * LEAST / 2:
        raise UserError(f"{kept.parent}: a run over other images; choose another folder for this one")
    return np.flatnonzero(held), np.flatnonzero(~held)
