"""Annotations of any format: images, the boxes in each, and what could not be used."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lookalike.errors import UserError

XYWH = tuple[float, float, float, float]
Size = tuple[int, int]
MAX_FILE_BYTES = 2 << 30  # bytes of a file of boxes


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """A box: x, y, width and height, and the name of its class."""

    box: XYWH
    name: str


@dataclass(frozen=True, slots=True)
class AnnotatedImage:
    """An image. ``boxes``: in pixels of an image of ``size``, which is None where the file does not say;
    in shares of the upright image where ``normalised``."""

    path: Path
    boxes: tuple[LabelledBox, ...]
    size: Size | None = None
    normalised: bool = False


@dataclass(frozen=True, slots=True)
class AnnotationList:
    """``images``: each file once; ``root``: the folder that they lie in; ``names``: of classes, in the file's order,
    perhaps without any box; ``problems``: what was left out, and how often."""

    root: Path
    images: tuple[AnnotatedImage, ...]
    names: tuple[str, ...] = ()
    problems: Counter[str] = field(default_factory=Counter)


def read_limited(path: Path) -> bytes:
    """The bytes of a file of boxes. Raises UserError for one that cannot be read or is too large."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UserError(f"{path}: larger than {MAX_FILE_BYTES >> 30} GB; split it")
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from None


def parse_number(value: object) -> float:
    """A number or what reads like one; NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return float("nan")
    try:
        return float(value)
    except (ValueError, OverflowError):
        return float("nan")


def merge_by_path(images: Iterable[AnnotatedImage]) -> tuple[AnnotatedImage, ...]:
    """Images by path, each once, with the boxes of all its entries."""
    found: dict[Path, AnnotatedImage] = {}
    for one in images:
        path = Path(os.path.normpath(one.path))
        before = found.get(path)
        boxes = (*before.boxes, *one.boxes) if before else one.boxes
        found[path] = AnnotatedImage(path, boxes, one.size, one.normalised)
    return tuple(found[path] for path in sorted(found))


def find_image_folder(candidates: Sequence[Path], names: Sequence[str]) -> Path:
    """The first of the folders that has one of the files; else the first one."""
    some = names[:: max(1, len(names) // 50)]
    for folder in candidates:
        if any((folder / name).is_file() for name in some):
            return folder
    return candidates[0]
