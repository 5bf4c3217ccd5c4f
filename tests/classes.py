"""Labelled images for tests: each class has its own colour and texture, each image its own noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from samples import drawn, save

COLOURS = ((220, 40, 40), (40, 200, 60), (50, 70, 230), (230, 210, 40), (200, 60, 210), (40, 210, 220), (240, 240, 240))


def image(kind: int, number: int, side: int = 40) -> np.ndarray:
    """(side, side, 3) uint8: half the colour of its class, half a drawing like no other."""
    own = drawn(1000 * kind + number, side, side).astype(float)
    return np.clip(0.45 * np.array(COLOURS[kind]) + 0.55 * own, 0, 255).astype(np.uint8)


def classes_in(folder: Path, counts: tuple[int, ...], side: int = 40) -> Path:
    """A folder with a folder for each class: a, b, ...; so many images in each."""
    for kind, count in enumerate(counts):
        for number in range(count):
            save(folder / chr(97 + kind) / f"{number:03}.png", image(kind, number, side))
    return folder
