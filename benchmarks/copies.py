"""Edited images as encoded files, as they arrive in life: what the benchmarks of recall and judgement ask with."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from PIL import Image as Pillow

from benchmarks.harness import SEED
from lookalike.imaging import load
from lookalike.imaging.manipulations import apply
from lookalike.types import Pixels

T = TypeVar("T")
SIDE = 512  # pixels: larger photographs are taken at a smaller scale before they are edited


@dataclass(frozen=True)
class Copy:
    """An edit to be made of a photograph. ``number``: of the photograph; even ones are saved as JPEG, odd as PNG."""

    number: int
    file: Path
    edit: str


def made(copy: Copy) -> bytes:
    """The edited image as a file; the same every time."""
    pixels = apply(copy.edit, _photograph(copy.file), SEED + copy.number)
    return encoded(pixels, as_jpeg=copy.number % 2 == 0)


@lru_cache(maxsize=2)
def _photograph(file: Path) -> Pixels:
    """Decoded once for all of its edits; `apply` leaves it as it is."""
    return load(file, min_side=SIDE).pixels


def encoded(pixels: Pixels, as_jpeg: bool) -> bytes:
    """A file with these pixels: JPEG of quality 90, or PNG."""
    memory = io.BytesIO()
    image = Pillow.fromarray(pixels)
    if as_jpeg:
        image.save(memory, "JPEG", quality=90)
    else:
        image.save(memory, "PNG", compress_level=1)
    return memory.getvalue()


def drawn_from(items: Sequence[T], count: int) -> list[T]:
    """So many of them, at random but the same every time."""
    order = np.random.default_rng(SEED).permutation(len(items))
    return [items[place] for place in order[:count]]


def one_thread() -> None:
    """For the processes of a pool: OpenCV's own threads would only be in their way."""
    cv2.setNumThreads(1)
