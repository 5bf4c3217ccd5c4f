"""Adapting to a folder: what is held out stays out, and the result is a model like any other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lookalike as la
from lookalike.descriptors.neural import model_store
from lookalike.descriptors.neural.image_digests import image_digests
from lookalike.errors import UserError
from lookalike.imaging.manipulations import EDITS, apply
from lookalike.intervals import Interval
from lookalike.training.data.image_cache import ImageCache, cache_images, square
from lookalike.training.engine.recipe import Recipe
from lookalike.training.engine.trainer import Trainer
from lookalike.training.export.card import CardContents, write_card
from lookalike.training.export.onnx_export import export_embedding_net
from lookalike.training.models.efficientnet_lite import fold_norms
from lookalike.training.models.embedding_net import SMALL_WIDTHS, EmbeddingNet, copy_net
from lookalike.training.models.residual_net import EMBEDDING_DIM, trunk
from lookalike.training.tasks import adapt_copy as adapting
from lookalike.training.tasks.adapt_copy import CACHE_SIDE, MIN_IMAGES, AdaptationResult, Score, adapt, score
from lookalike.training.tasks.copy_detection import TrainingImages, copy_trainer
from lookalike.types import Pixels
from samples import folder_of

STEPS, SIZE, LR = 6, 32, 3e-4


def pretrained() -> EmbeddingNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return EmbeddingNet(EMBEDDING_DIM, trunk(SMALL_WIDTHS)).eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("adapt") / "photos", 48)


@pytest.fixture(autouse=True)
def few_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five edits instead of all, to be quick."""
    monkeypatch.setattr(adapting, "EDITS", {name: EDITS[name] for name in list(EDITS)[::9]})


@pytest.fixture
def trained_on(monkeypatch: pytest.MonkeyPatch) -> list[Pixels]:
    """Whatever a run is given to train on."""
    seen: list[Pixels] = []

    def watched(recipe: Recipe, groups: list[TrainingImages], *given: Any) -> Trainer:
        seen.extend(group.pixels for group in groups)
        return copy_trainer(recipe, groups, *given)

    monkeypatch.setattr(adapting, "copy_trainer", watched)
    return seen


def in_training(packed: ImageCache, pixels: Pixels) -> list[str]:
    """The paths of the images that are among these."""
    known = {one.tobytes() for one in pixels}
    return [path for path, one in zip(packed.paths, packed.pixels, strict=True) if one.tobytes() in known]


def test_adapted(folder: Path, tmp_path: Path, trained_on: list[Pixels]) -> None:
    """Scores are shares; the counts are right; a fifth is held out and never trained on; progress ends at the end."""
    calls: list[tuple[int, int]] = []
    adapted = adapt(
        folder, pretrained(), tmp_path / "run", STEPS, SIZE, LR, progress=lambda *result: calls.append(result)
    )
    assert (adapted.images, adapted.held_out, adapted.unreadable) == (48, 10, 0)
    for result in (adapted.before, adapted.after):
        assert 0 <= result.recall <= 1
        assert 0 <= result.recall_at_1 <= 1
    (pixels,) = trained_on
    assert (
        len(in_training(cache_images(folder, CACHE_SIDE, tmp_path / "run" / "image-cache"), pixels))
        == len(pixels)
        == 38
    )
    assert calls[-1] == (STEPS, STEPS)
    assert not torch.equal(pretrained().head.weight, adapted.network.head.weight)


def test_the_first_layers_stay_as_they_are(folder: Path, tmp_path: Path) -> None:
    """Of the shipped kind, what sees fine detail is not trained; what comes after it is."""
    network = fold_norms(copy_net()).eval()
    adapted = adapt(folder, network, tmp_path / "run", 2, 64, LR).network.state_dict()
    changed = [name for name, value in network.state_dict().items() if not torch.equal(value, adapted[name])]
    first = [name for name in adapted if re.match(r"trunk\.[0-5]\.", name)]
    assert first
    assert not set(first) & set(changed)
    assert {"head.weight", "trunk.6.body.0.conv.weight", "trunk.17.conv.weight"} <= set(changed)


def test_held_out_stays_out_when_images_come(tmp_path: Path, trained_on: list[Pixels]) -> None:
    """A run that goes on, over a folder that has grown, trains on what is new but on nothing that was held out."""
    grown = folder_of(tmp_path / "photos", 45)
    adapt(grown, pretrained(), tmp_path / "run", 2, SIZE, LR)
    before = cache_images(grown, CACHE_SIDE, tmp_path / "image-cache")
    earlier = in_training(before, trained_on[0])
    folder_of(grown, 15, first=45)
    assert adapt(grown, pretrained(), tmp_path / "run", 4, SIZE, LR).held_out == 9
    after = cache_images(grown, CACHE_SIDE, tmp_path / "image-cache")
    new = set(after.paths) - set(before.paths)
    assert sorted(in_training(after, trained_on[1])) == sorted({*earlier, *new})
    with pytest.raises(UserError, match="other images"):
        adapt(folder_of(tmp_path / "others", 44, first=100), pretrained(), tmp_path / "run", 2, SIZE, LR)


def test_resumed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted after two steps and called again, it ends with the weights of a run that was never interrupted."""
    whole = adapt(folder, pretrained(), tmp_path / "whole", STEPS, SIZE, LR)
    monkeypatch.setattr("lookalike.training.engine.trainer.SAVE_EVERY", 2)
    real = Trainer._step
    steps: list[int] = []

    def interrupted(run: Trainer, *given: object) -> dict[str, float]:
        steps.append(run.step)
        if len(steps) == 4:
            raise KeyboardInterrupt
        return real(run, *given)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(Trainer, "_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        adapt(folder, pretrained(), tmp_path / "parts", STEPS, SIZE, LR)
    resumed = adapt(folder, pretrained(), tmp_path / "parts", STEPS, SIZE, LR)
    assert steps == [0, 1, 2, 3, 2, 3, 4, 5]
    assert torch.equal(whole.network.head.weight, resumed.network.head.weight)
    assert whole.after == resumed.after


def test_too_few_images(tmp_path: Path) -> None:
    """Fewer readable images than MIN_IMAGES, with how many there are."""
    photos = folder_of(tmp_path / "photos", MIN_IMAGES - 1)
    (photos / "bad.jpg").write_text("no image")
    with pytest.raises(UserError, match=f"{MIN_IMAGES - 1} readable"):
        adapt(photos, pretrained(), tmp_path / "run", STEPS, SIZE, LR)


def test_score_by_loops(folder: Path, tmp_path: Path) -> None:
    """Each edited image one by one: is its original nearer than the limit, and is it the nearest of all?"""
    packed = cache_images(folder, CACHE_SIDE, tmp_path)
    held = np.array([3, 17, 30])
    network = pretrained()

    def vector(pixels: Pixels) -> torch.Tensor:
        squeezed = torch.from_numpy(square(pixels, SIZE)[None]).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            return network(squeezed)[0]

    library = [vector(one) for one in packed.pixels]
    nearest = [max(float(library[row] @ library[other]) for other in range(48) if other != row) for row in held]
    limit, found, recall_at_1 = np.quantile(nearest, 0.99), [], []
    for name in adapting.EDITS:
        for row in held:
            similar = [float(vector(apply(name, packed.pixels[row], int(row))) @ one) for one in library]
            found.append(similar[row] > limit)
            recall_at_1.append(int(np.argmax(similar)) == row)
    result = score(network, packed, held, SIZE)
    assert (result.recall, result.recall_at_1) == pytest.approx((np.mean(found), np.mean(recall_at_1)), abs=0.07)


def test_the_outcome() -> None:
    """It helped if either gain is above 0 beyond doubt and none below it; a gain that may be none is open."""
    sure, doubtful, lost = (
        Interval(0.1, 0.05, 0.15, 10),
        Interval(0.1, -0.05, 0.25, 10),
        Interval(-0.1, -0.2, -0.05, 10),
    )

    def adapted(recall_gain: Interval, recall_at_1_gain: Interval) -> AdaptationResult:
        scores, digests = (Score(0.5, 0.9), Score(0.6, 0.9)), image_digests((), ())
        return AdaptationResult(pretrained(), *scores, recall_gain, recall_at_1_gain, 48, 10, 0, digests)

    assert (adapted(sure, doubtful).outcome, adapted(sure, doubtful).improved) == ("helped", True)
    assert adapted(doubtful, sure).improved
    assert (adapted(doubtful, doubtful).outcome, adapted(doubtful, doubtful).improved) == ("open", False)
    assert (adapted(sure, lost).outcome, adapted(sure, lost).improved) == ("harmed", False)


def test_an_adapted_network_is_a_model(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exported with its card it can be added, and describes images as the network in torch does."""
    monkeypatch.setenv("LOOKALIKE_MODELS", str(tmp_path / "models"))
    adapted = adapt(folder, pretrained(), tmp_path / "run", 1, SIZE, LR)
    out = tmp_path / "mine.onnx"
    sha256 = export_embedding_net(adapted.network, "mine", SIZE, out)
    write_card(CardContents("mine", sha256, "mine", "lookalike", SIZE, {"mine": 1.0}), out)
    model_store.add(out, out.with_suffix(".toml"))
    paths = [folder / "0001.jpg", folder / "0002.jpg"]
    vectors = la.describe(paths, "mine")
    expected = adapting.describe(adapted.network, np.stack([la.load(path).pixels for path in paths]), SIZE)
    assert vectors.shape == (2, 256)
    assert np.allclose(expected, vectors, atol=5e-3)
