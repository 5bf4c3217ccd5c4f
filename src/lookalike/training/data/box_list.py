"""What a file of boxes tells, whatever its format: images, what is marked in each, and what could not be taken."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lookalike.errors import UserError

Numbers = tuple[float, float, float, float]
Size = tuple[int, int]
LARGEST_FILE = 2 << 30  # bytes of a file of boxes


@dataclass(frozen=True, slots=True)
class Marked:
    """A box: x, y, width and height, and the name of its class."""

    box: Numbers
    name: str


@dataclass(frozen=True, slots=True)
class Listed:
    """An image. ``boxes``: in pixels of an image of ``size``, which is None where that is not told; in shares of the
    upright image where ``shares``."""

    path: Path
    boxes: tuple[Marked, ...]
    size: Size | None = None
    shares: bool = False


@dataclass(frozen=True, slots=True)
class BoxList:
    """``images``: each file once; ``root``: the folder that they lie in; ``names``: of classes, in the file's order,
    perhaps without any box; ``trouble``: what was left out, and how often."""

    root: Path
    images: tuple[Listed, ...]
    names: tuple[str, ...] = ()
    trouble: Counter[str] = field(default_factory=Counter)


def text_of(path: Path) -> bytes:
    """The bytes of a file of boxes. Raises UserError for one that cannot be read or is too large."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UserError(f"{path}: larger than {LARGEST_FILE >> 30} GB; split it")
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None


def number(value: object) -> float:
    """A number or what reads like one; NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return float("nan")
    try:
        return float(value)
    except (ValueError, OverflowError):
        return float("nan")


def once(images: Iterable[Listed]) -> tuple[Listed, ...]:
    """Images by path, each once, with the boxes of all that were told of it."""
    found: dict[Path, Listed] = {}
    for one in images:
        path = Path(os.path.normpath(one.path))
        before = found.get(path)
        boxes = (*before.boxes, *one.boxes) if before else one.boxes
        found[path] = Listed(path, boxes, one.size, one.shares)
    return tuple(found[path] for path in sorted(found))


def first_folder(candidates: Sequence[Path], names: Sequence[str]) -> Path:
    """The first of the folders that has one of the files; else the first one."""
    some = names[:: max(1, len(names) // 50)]
    for folder in candidates:
        if any((folder / name).is_file() for name in some):
            return folder
    return candidates[0]
