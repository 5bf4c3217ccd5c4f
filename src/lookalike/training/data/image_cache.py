"""Training images: folders -> one array of squeezed squares on disk, so that an epoch decodes nothing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.neural.image_digests import Digests, short_digests
from lookalike.errors import LoadError, LookalikeError, UserError
from lookalike.imaging import is_image_name, load
from lookalike.parallel import in_order
from lookalike.types import Failure, Pixels

NO_LABEL = -1


@dataclass(frozen=True, slots=True)
class ImageCache:
    """``pixels``: (N, side, side, 3) uint8, read from disk as needed; ``labels``: (N,) int64 into ``classes``,
    NO_LABEL for none; ``paths``: N files, as seen from ``root``; ``failed``: the files that were left out, and why.
    ``digests``: (N,) uint64, of each file, see descriptors/neural/image_digests.py."""

    root: Path
    pixels: Pixels
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    paths: tuple[str, ...]
    failed: tuple[Failure, ...]
    digests: Digests

    @property
    def unreadable(self) -> int:
        return len(self.failed)


def list_images(root: Path) -> list[Path]:
    """Every file with an image's name below ``root``, sorted. Raises UserError when there is none."""
    if not root.is_dir():
        raise UserError(f"{root}: no such folder")
    found = [Path(folder) / name for folder, _, names in os.walk(root) for name in names if is_image_name(name)]
    if not found:
        raise UserError(f"{root}: no images in this folder")
    return sorted(found)


def cache_images(root: Path, side: int, cache_folder: Path, labelled: bool = False) -> ImageCache:
    """Decode every image below ``root`` once, squeezed to ``side`` x ``side``; damaged ones are left out.

    ``labelled``: the first folder below ``root`` names the class.
    """
    cache = cache_files(list_images(root), root, side, cache_folder)
    names = [Path(path).parts[0] if labelled and len(Path(path).parts) > 1 else "" for path in cache.paths]
    return with_labels(cache, names)


def with_labels(cache: ImageCache, names: Sequence[str]) -> ImageCache:
    """The images with these names of classes, one for each image, "" for none."""
    classes = tuple(sorted(set(names) - {""}))
    numbers = {name: number for number, name in enumerate(classes)} | {"": NO_LABEL}
    return replace(cache, labels=np.array([numbers[name] for name in names], np.int64), classes=classes)


def cache_files(files: Sequence[Path], root: Path, side: int, cache_folder: Path) -> ImageCache:
    """These files, decoded, of no class; ``root``: what their paths are relative to.

    The array is kept below ``cache_folder`` and found again while names, sizes and times of the files are the same."""
    kept = cache_folder / f"{root.name}-{side}-{_fingerprint(files, side)}"
    if not ((kept / "paths.json").exists() and (kept / "digests.npy").exists()):  # earlier caches have no digests
        _write(files, root, side, kept)
    paths = tuple(json.loads((kept / "paths.json").read_text()))
    pixels = np.load(kept / "pixels.npy", mmap_mode="r")
    failed, digests = _failed(files, root, paths, kept), np.load(kept / "digests.npy")
    return ImageCache(root, pixels, np.full(len(paths), NO_LABEL), (), paths, failed, digests)


def _failed(files: Sequence[Path], root: Path, paths: Sequence[str], kept: Path) -> tuple[Failure, ...]:
    reasons = dict(json.loads((kept / "failed.json").read_text())) if (kept / "failed.json").exists() else {}
    read = set(paths)
    left = [file for file in files if os.path.relpath(file, root) not in read]
    return tuple(Failure(str(file), reasons.get(os.path.relpath(file, root), "cannot be read")) for file in left)


def _fingerprint(files: Sequence[Path], side: int) -> str:
    digest = hashlib.sha256(str(side).encode())
    for file in files:
        try:
            status = file.stat()
        except OSError:  # a link to nowhere: it will be one of the unreadable
            continue
        digest.update(os.fsencode(f"{file}\0{status.st_size}\0{status.st_mtime_ns}\n"))
    return digest.hexdigest()[:12]


def _write(files: Sequence[Path], root: Path, side: int, kept: Path) -> None:
    kept.mkdir(parents=True, exist_ok=True)
    pixels = np.lib.format.open_memmap(kept / "pixels.npy", "w+", np.uint8, (len(files), side, side, 3))
    paths: list[str] = []
    sha256s: list[str] = []
    failed: dict[str, str] = {}
    for file, read in zip(files, _squares(files, side), strict=True):
        name = os.path.relpath(file, root)
        if isinstance(read, str):
            failed[name] = read
            continue
        pixels[len(paths)] = read.pixels
        paths.append(name)
        sha256s.append(read.sha256)
    pixels.flush()
    if not paths:
        raise UserError(f"{root}: none of its {len(files)} images can be read")
    if len(paths) < len(files):  # the array is as long as what could be read
        np.save(kept / "readable.npy", pixels[: len(paths)])
        os.replace(kept / "readable.npy", kept / "pixels.npy")
    (kept / "failed.json").write_text(json.dumps(failed))
    np.save(kept / "digests.npy", short_digests(sha256s))
    (kept / "paths.part").write_text(json.dumps(paths))  # last: where it lies, all is there
    os.replace(kept / "paths.part", kept / "paths.json")


@dataclass(frozen=True, slots=True)
class _Square:
    pixels: Pixels
    sha256: str


def _squares(files: Sequence[Path], side: int) -> Iterator[_Square | str]:
    return in_order(partial(_square, file, side) for file in files)


def _square(file: Path, side: int) -> _Square | str:
    """The square, or why there is none."""
    try:
        image = load(file, min_side=side)
    except LookalikeError as error:
        return error.reason if isinstance(error, LoadError) else str(error)
    return _Square(square(image.pixels, side), image.sha256)


def square(pixels: Pixels, side: int) -> Pixels:
    """(h, w, 3) uint8 of any size -> (side, side, 3): squeezed, as for the network in use."""
    import cv2

    if pixels.shape[:2] == (side, side):
        return pixels
    shrinks = min(pixels.shape[:2]) > side
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR))
