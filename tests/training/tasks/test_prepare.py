"""From a recipe's folders to what the loop takes, and how long a run is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lookalike.errors import UserError
from lookalike.training.engine.recipe import Phase, Recipe, Source
from lookalike.training.models.embedding_net import SMALL_WIDTHS, EmbeddingNet
from lookalike.training.models.residual_net import trunk
from lookalike.training.tasks import prepare as preparing
from lookalike.training.tasks.prepare import prepare, recipe_of_run
from samples import drawn, save

RECIPE = Recipe(0, (Source("b", 0.5), Source("a")), (Phase(32, 4, 3), Phase(32, 4, 1)), side=24)


def folders(root: Path) -> None:
    for seed, place in enumerate(("a/cat/1", "a/2", "a/3", "b/1", "b/2")):
        save(root / f"{place}.png", drawn(seed, 40, 40))


def test_prepare(tmp_path: Path) -> None:
    """Every source with its weight, all images at one side; what is drawn is one more, and the same each time."""
    folders(tmp_path)
    sources = prepare(replace(RECIPE, drawn=4), tmp_path, tmp_path / "image-cache")
    assert [one.pixels.shape for one in sources] == [(2, 24, 24, 3), (3, 24, 24, 3), (4, 24, 24, 3)]
    assert [one.weight for one in sources] == [0.5, 1.0, 1.0]
    again = prepare(replace(RECIPE, drawn=4), tmp_path, tmp_path / "image-cache")
    assert np.array_equal(sources[2].pixels, again[2].pixels)
    assert len(prepare(RECIPE, tmp_path, tmp_path / "image-cache")) == 2


def test_a_run_by_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planned once, by what a step of each phase takes; a call that goes on keeps the plan, whatever it says. The
    network is not changed by it. Without minutes the recipe stays as it is."""
    folders(tmp_path)
    sources = prepare(RECIPE, tmp_path, tmp_path / "image-cache")
    network = EmbeddingNet(8, trunk(SMALL_WIDTHS))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    timed = preparing.step_seconds
    real: list[list[float]] = []

    def watched(task: object) -> list[float]:
        real.append(timed(task))  # type: ignore[arg-type]  # passed on as it came
        return [2.0, 6.0]

    monkeypatch.setattr(preparing, "step_seconds", watched)
    assert recipe_of_run(RECIPE, None, sources, network, tmp_path / "run") == RECIPE
    for minutes in (2.0, 99.0, None):
        result = recipe_of_run(RECIPE, minutes, sources, network, tmp_path / "run")
        assert [phase.steps for phase in result.phases] == [30, 10]
    assert len(real) == 1
    assert all(0 < one < 30 for one in real[0])
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    (tmp_path / "run" / "steps.json").write_text(json.dumps([5]))
    with pytest.raises(UserError, match=r"steps\.json.*1 phases"):
        recipe_of_run(RECIPE, None, sources, network, tmp_path / "run")
