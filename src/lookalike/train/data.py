"""Training pictures: folders -> one array of squeezed squares on disk, so that an epoch decodes nothing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import LookalikeError, UserError
from lookalike.load import is_picture_name, load
from lookalike.types import Pixels

NO_LABEL = -1
AT_ONCE = 1024  # files that are read ahead


@dataclass(frozen=True, slots=True)
class Pack:
    """``pixels``: (N, side, side, 3) uint8, read from disk as needed; ``labels``: (N,) int64 into ``classes``,
    NO_LABEL for none; ``paths``: N files below ``root``; ``unreadable``: how many files were left out."""

    root: Path
    pixels: Pixels
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    paths: tuple[str, ...]
    unreadable: int


def pictures_below(root: Path) -> list[Path]:
    """Every file with a picture's name below ``root``, sorted. Raises UserError when there is none."""
    if not root.is_dir():
        raise UserError(f"{root}: no such folder")
    found = [Path(folder) / name for folder, _, names in os.walk(root) for name in names if is_picture_name(name)]
    if not found:
        raise UserError(f"{root}: no pictures in this folder")
    return sorted(found)


def pack(root: Path, side: int, cache: Path, labelled: bool = False) -> Pack:
    """Decode every picture below ``root`` once, squeezed to ``side`` x ``side``; damaged ones are left out.

    The array is kept below ``cache`` and found again while names, sizes and times of the files are the same.
    ``labelled``: the first folder below ``root`` names the class.
    """
    files = pictures_below(root)
    kept = cache / f"{root.name}-{side}-{_state(files, side)}"
    if not (kept / "paths.json").exists():
        _write(files, root, side, kept)
    paths = tuple(json.loads((kept / "paths.json").read_text()))
    names = [Path(path).parts[0] if labelled and len(Path(path).parts) > 1 else "" for path in paths]
    classes = tuple(sorted(set(names) - {""}))
    numbers = {name: number for number, name in enumerate(classes)} | {"": NO_LABEL}
    labels = np.array([numbers[name] for name in names], np.int64)
    return Pack(root, np.load(kept / "pixels.npy", mmap_mode="r"), labels, classes, paths, len(files) - len(paths))


def _state(files: Sequence[Path], side: int) -> str:
    told = hashlib.sha256(str(side).encode())
    for file in files:
        try:
            status = file.stat()
        except OSError:  # a link to nowhere: it will be one of the unreadable
            continue
        told.update(os.fsencode(f"{file}\0{status.st_size}\0{status.st_mtime_ns}\n"))
    return told.hexdigest()[:12]


def _write(files: Sequence[Path], root: Path, side: int, kept: Path) -> None:
    kept.mkdir(parents=True, exist_ok=True)
    pixels = np.lib.format.open_memmap(kept / "pixels.npy", "w+", np.uint8, (len(files), side, side, 3))
    paths: list[str] = []
    for file, square in zip(files, _squares(files, side), strict=True):
        if square is not None:
            pixels[len(paths)] = square
            paths.append(str(file.relative_to(root)))
    pixels.flush()
    if not paths:
        raise UserError(f"{root}: none of its {len(files)} pictures can be read")
    if len(paths) < len(files):  # the array is as long as what could be read
        np.save(kept / "readable.npy", pixels[: len(paths)])
        os.replace(kept / "readable.npy", kept / "pixels.npy")
    (kept / "paths.part").write_text(json.dumps(paths))  # last: where it lies, all is there
    os.replace(kept / "paths.part", kept / "paths.json")


def _squares(files: Sequence[Path], side: int) -> Iterator[Pixels | None]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(files), AT_ONCE):  # not all at once: what is done waits in memory for its turn
            yield from pool.map(_square, files[start : start + AT_ONCE], repeat(side))


def _square(file: Path, side: int) -> Pixels | None:
    try:
        pixels = load(file, min_side=side).pixels
    except LookalikeError:
        return None
    return square(pixels, side)


def square(pixels: Pixels, side: int) -> Pixels:
    """(h, w, 3) uint8 of any size -> (side, side, 3): squeezed, as for the network in use."""
    import cv2

    if pixels.shape[:2] == (side, side):
        return pixels
    shrinks = min(pixels.shape[:2]) > side
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))
