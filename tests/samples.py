"""Images for tests: drawn ones, as many as needed, and the real photographs in scikit-image's wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

PHOTOGRAPHS = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "rocket.jpg",
    "motorcycle_left.png",
    "ihc.png",
    "retina.jpg",
)


def drawn(seed: int, width: int = 160, height: int = 120) -> NDArray[np.uint8]:
    """An image like no other: coarse and fine random patches in colour, (height, width, 3) uint8."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for cells in (3, 6, 12, 40):
        patch = rng.uniform(-1, 1, (cells, cells, 3)).astype(np.float32)
        total += cv2.resize(patch, (width, height), interpolation=cv2.INTER_CUBIC) * (3 / cells) ** 0.4
    return np.clip(128 + 70 * total, 0, 255).astype(np.uint8)


def save(path: Path, pixels: NDArray[np.uint8], **options: object) -> Path:
    """Write pixels to a file; the format by its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(pixels).save(path, **options)
    return path


def folder_of(path: Path, count: int, first: int = 0) -> Path:
    """A folder with this many drawn JPEGs."""
    for number in range(first, first + count):
        save(path / f"{number:04}.jpg", drawn(number), quality=92)
    return path


def photographs_among_drawings(path: Path, count: int) -> Path:
    """Drawn JPEGs, and three photographs as ``reduced`` among them."""
    for name in ("astronaut", "coffee", "chelsea"):
        save(path / f"{name}.jpg", reduced(name), quality=92)
    return folder_of(path, count)


def reduced(name: str) -> NDArray[np.uint8]:
    """One of the photographs as (300, 400, 3)."""
    return cv2.resize(photograph(f"{name}.png"), (400, 300), interpolation=cv2.INTER_AREA)


@cache
def photograph_path(name: str) -> Path:
    """A real photograph that comes with scikit-image."""
    import skimage

    return Path(skimage.__file__).parent / "data" / name


@cache
def photograph(name: str) -> NDArray[np.uint8]:
    """The same as (h, w, 3) uint8; not to be written to."""
    return np.asarray(Pillow.open(photograph_path(name)).convert("RGB"))
