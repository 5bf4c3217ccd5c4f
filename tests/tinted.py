"""Images of three kinds, each with more of one colour, and a model that tells them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from networks import CLASSES, chances_of, install, labelled_card, means, with_logits
from samples import drawn, save


def tinted(seed: int, width: int = 80, height: int = 60) -> NDArray[np.uint8]:
    """A pale image with more red, green or blue, by turns: (height, width, 3)."""
    pixels = 100 + 0.3 * (drawn(seed, width, height).astype(float) - 128)
    pixels[..., seed % 3] += 40
    return np.clip(pixels, 0, 255).astype(np.uint8)


def kind_of(seed: int) -> str:
    """What the model calls ``tinted(seed)``."""
    kind = CLASSES[int(chances_of(tinted(seed)).argmax())]
    assert kind == CLASSES[seed % 3]
    return kind


def tinted_folder(folder: Path, count: int) -> Path:
    """00.png, 01.png, ... in one folder."""
    for seed in range(count):
        save(folder / f"{seed:02}.png", tinted(seed))
    return folder


def install_classifier(folder: Path, model: object = None, **changes: object) -> None:
    """The model "means", which tells red, green and blue; ``changes`` to its labels."""
    install(folder, model=model or with_logits(means()), content=labelled_card(**changes))
