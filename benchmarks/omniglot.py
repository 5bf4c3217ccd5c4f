"""Omniglot, 20-way one-shot: a siamese network that never saw the alphabets, beside the published figures.

``omniglot`` below --data holds images_background, images_evaluation and run01 .. run20, the 20 original runs within
an alphabet of Lake et al., "Human-level concept learning through probabilistic program induction" (Science, 2015).
Trained on the background alphabets alone, as recipes/omniglot.toml says; every run is kept in ``runs`` below --data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.harness import ROOT, SEED, Options, run, table
from lookalike.imaging import load
from lookalike.training.data.image_cache import square
from lookalike.training.engine.settings import read_settings
from lookalike.training.models.embedding_net import predict
from lookalike.training.tasks.siamese import SiameseSettings, siamese_net, train_siamese
from lookalike.types import Floats, Pixels

WAYS = 20
EPISODES = 1000  # of characters from any alphabet
WITHIN = 40  # runs in every evaluation alphabet, any characters and any two people
SEEDS = 3

Describe = Callable[[Pixels], Floats]  # (N, side, side, 3) -> (N, D)


@dataclass(frozen=True)
class Episode:
    """``shown``, one drawing of each class, and ``asked``; ``answers``: (A,) which of the shown is the same."""

    shown: Sequence[Path]
    asked: Sequence[Path]
    answers: NDArray[np.int64]


@dataclass(frozen=True)
class Protocols:
    """The original runs; runs like them, drawn at random; and episodes over all alphabets."""

    original: Sequence[Episode]
    within: Sequence[Episode]
    unstructured: Sequence[Episode]


def main() -> None:
    run("Omniglot: one-shot among 20 characters of an alphabet never seen", measure)


def measure(options: Options) -> str:
    torch.set_num_threads(1)
    data = options.data / "omniglot"
    asked = protocols(data, options)
    recipe = read_settings(ROOT / "recipes" / "omniglot.toml", SiameseSettings)
    recipe = replace(recipe, steps=options.size(recipe.steps, 4))
    images = Images(recipe.side, asked)
    rows = []
    for name, settings in {
        "margin softmax and SupCon (recipes/omniglot.toml)": recipe,
        "contrastive loss, semi-hard strangers": replace(recipe, loss="contrastive"),
    }.items():
        seeds = options.size(SEEDS, 1) if settings.loss == "margin" else 1
        results = [_trained(data, replace(settings, seed=seed), images, options) for seed in range(seeds)]
        rows.append((name, *(_spread([one[place] for one in results]) for place in range(3))))
    rows.append(("an untrained network", *map(_spread, zip(_untrained(recipe, images)))))
    rows.append(("nearest in pixels", *map(_spread, zip(images.accuracies(lambda pixels: _flat(pixels))))))
    head = ("", "the 20 original runs, % of 400", "runs like them, %", "unstructured, %")
    return f"{_note(recipe, len(asked.within), options)}\n\n{table(head, rows)}"


def _note(recipe: SiameseSettings, within: int, options: Options) -> str:
    return (
        f"Trained on the 30 background alphabets, {1 - recipe.held_out:.0%} of their characters ({recipe.steps:,} "
        f"batches of {recipe.batch}); the other characters choose the best step. Mean over the seeds, and the smallest "
        "and the largest. A drawing is given to the nearest of 20 shown, each alone, one view, no averaging. Original: "
        f"the runs of Lake et al., of ten alphabets. Runs like them: {within} runs, any 20 characters of one of the 20 "
        "evaluation alphabets, shown by one person and asked from another. Unstructured: "
        f"{options.size(EPISODES, 5):,} episodes, 20 characters of all these alphabets. Published for the original "
        "runs: Siamese (Koch 2015) 92.0 %, people 95.5 %, BPL 95.2 to 96.7 %."
    )


def protocols(data: Path, options: Options) -> Protocols:
    """Every episode, the same every time."""
    rng = np.random.default_rng(SEED)
    alphabets = {
        alphabet.name: [sorted(kind.iterdir()) for kind in sorted(alphabet.iterdir())]
        for alphabet in sorted((data / "images_evaluation").iterdir())
    }
    kinds = [kind for found in alphabets.values() for kind in found]
    within = [
        _drawn(found, rng) for found in alphabets.values() for _ in range(options.size(WITHIN, 1)) if len(found) >= WAYS
    ]
    unstructured = [_drawn(kinds, rng) for _ in range(options.size(EPISODES, 5))]
    return Protocols([_original(folder) for folder in sorted(data.glob("run[0-9]*"))], within, unstructured)


def _original(folder: Path) -> Episode:
    lines = [line.split() for line in (folder / "class_labels.txt").read_text().splitlines() if line.strip()]
    shown = sorted((folder / "training").iterdir())
    place = {file.name: number for number, file in enumerate(shown)}
    asked = [folder / "test" / Path(test).name for test, _ in lines]
    return Episode(shown, asked, np.array([place[Path(right).name] for _, right in lines]))


def _drawn(kinds: Sequence[Sequence[Path]], rng: np.random.Generator) -> Episode:
    """20 characters; all shown by one person and asked from another."""
    chosen = rng.choice(len(kinds), WAYS, replace=False)
    shown, asked = rng.choice(len(kinds[0]), 2, replace=False)
    return Episode([kinds[n][shown] for n in chosen], [kinds[n][asked] for n in chosen], np.arange(WAYS))


class Images:
    """Every drawing of the episodes, decoded once."""

    def __init__(self, side: int, asked: Protocols) -> None:
        self.asked = asked
        episodes = [*asked.original, *asked.within, *asked.unstructured]
        files = sorted({file for one in episodes for file in (*one.shown, *one.asked)})
        self.place = {file: row for row, file in enumerate(files)}
        self.pixels = np.stack([square(load(file).pixels, side) for file in files])

    def accuracies(self, describe: Describe) -> tuple[float, float, float]:
        """The accuracy of each protocol."""
        vectors = describe(self.pixels)
        return (
            self._accuracy(self.asked.original, vectors),
            self._accuracy(self.asked.within, vectors),
            self._accuracy(self.asked.unstructured, vectors),
        )

    def _accuracy(self, episodes: Sequence[Episode], vectors: Floats) -> float:
        correct = []
        for one in episodes:
            shown, asked = (vectors[[self.place[file] for file in files]] for files in (one.shown, one.asked))
            apart = ((asked[:, None] - shown[None]) ** 2).sum(-1)
            correct.append(apart.argmin(1) == one.answers)
        return float(np.concatenate(correct).mean())


def _trained(data: Path, settings: SiameseSettings, images: Images, options: Options) -> tuple[float, float, float]:
    folder = options.data / "runs" / f"omniglot-{settings.loss}-{settings.steps}-{settings.seed}"
    made = train_siamese(data / "images_background", settings, folder, lambda *_: None)
    print(f"{folder.name}: held-out characters {dict(made.metrics)}", flush=True)
    accuracies = images.accuracies(lambda pixels: predict(made.network, pixels, settings.side)[0])
    print(f"{folder.name}: {accuracies}", flush=True)
    return accuracies


def _untrained(recipe: SiameseSettings, images: Images) -> tuple[float, float, float]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = siamese_net(recipe)
    return images.accuracies(lambda pixels: predict(network, pixels, recipe.side)[0])


def _flat(pixels: Pixels) -> Floats:
    return pixels[..., 0].reshape(len(pixels), -1).astype(np.float32) / 255


def _spread(shares: Sequence[float]) -> str:
    if len(shares) == 1:
        return f"{100 * shares[0]:.2f}"
    return f"{100 * np.mean(shares):.2f} ({100 * min(shares):.2f} .. {100 * max(shares):.2f})"


if __name__ == "__main__":
    main()
