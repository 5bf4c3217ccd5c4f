"""Autoencoders beside principal components of the same images: what comes back, and what a class is found by."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.harness import SEED, Options, run, table

FOLDERS = {"flowers": "flowers/flowers", "imagenette": "imagenette/train"}
TRIED = (
    ("flowers", {"latent": 64}),
    ("flowers", {"latent": 64, "variational": True, "beta": 0.01}),
    ("imagenette", {"latent": 128}),
)


def main() -> None:
    run("Autoencoders of one's own beside principal components", measure)


def measure(options: Options) -> str:
    head = ("", "numbers", "squared error", "of PCA", "explained %", "by PCA %", "mAP", "of PCA")
    with tempfile.TemporaryDirectory() as place:
        rows = [_row(name, chosen, options, Path(place) / str(number)) for number, (name, chosen) in enumerate(TRIED)]
    return f"Held-out images at 64 pixels; errors of values from 0 to 1.\n\n{table(head, rows)}"


def _row(name: str, chosen: dict, options: Options, place: Path) -> list[str]:
    from lookalike.training.tasks.autoencoder import AutoencoderSettings, train_autoencoder

    epochs = options.size(40 if name == "flowers" else 10, 1)
    settings = AutoencoderSettings(**{"epochs": epochs, "seed": SEED} | chosen)
    metrics = train_autoencoder(options.data / FOLDERS[name], settings, place, lambda *_: None).metrics
    what = f"{name}, variational" if settings.variational else name
    errors = [f"{metrics[f'{who}squared error']:.5f}" for who in ("", "PCA ")]
    shares = [f"{100 * metrics[f'{who}explained']:.1f}" for who in ("", "PCA ")]
    return [what, str(settings.latent), *errors, *shares, f"{metrics['mAP']:.3f}", f"{metrics['PCA mAP']:.3f}"]


if __name__ == "__main__":
    main()
