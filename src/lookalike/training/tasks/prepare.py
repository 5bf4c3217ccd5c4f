"""From a recipe's folders to what the loop takes."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path

from lookalike.errors import UserError
from lookalike.training.data.image_cache import cache_images
from lookalike.training.data.synthetic_overlays import backgrounds
from lookalike.training.engine.recipe import Recipe
from lookalike.training.models.embedding_net import EmbeddingNet
from lookalike.training.tasks.copy_detection import CopyTask, TrainingImages, step_seconds

DRAWN_SEED = 100  # added to the recipe's: what is drawn as a source is not what is drawn behind images


def prepare(recipe: Recipe, data: Path, cache_folder: Path) -> list[TrainingImages]:
    """The images of every source, and those that are drawn."""
    sources = [
        TrainingImages(cache_images(data / source.root, recipe.side, cache_folder).pixels, source.weight)
        for source in recipe.sources
    ]
    if recipe.drawn:
        sources.append(TrainingImages(backgrounds(recipe.drawn, recipe.side, recipe.seed + DRAWN_SEED)))
    return sources


def recipe_of_run(
    recipe: Recipe, minutes: float | None, sources: list[TrainingImages], network: EmbeddingNet, run_folder: Path
) -> Recipe:
    """The recipe with the steps that it has in this run: its own, or so many that it takes about so many ``minutes``
    here. A run that goes on keeps what was planned when it began."""
    kept = run_folder / "steps.json"
    if minutes is not None and not kept.exists():
        recipe = recipe.within(60 * minutes, step_seconds(CopyTask(recipe, sources, copy.deepcopy(network))))
        run_folder.mkdir(parents=True, exist_ok=True)
        kept.with_suffix(".part").write_text(json.dumps([phase.steps for phase in recipe.phases]))
        os.replace(kept.with_suffix(".part"), kept)
    steps = json.loads(kept.read_text()) if kept.exists() else [phase.steps for phase in recipe.phases]
    if len(steps) != len(recipe.phases):
        raise UserError(f"{kept}: of a recipe with {len(steps)} phases; choose another folder for this one")
    return recipe.with_steps(steps)
