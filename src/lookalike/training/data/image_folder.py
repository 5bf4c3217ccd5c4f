"""Labelled images to train on: a folder for each class, or a CSV with the columns path and label; and which of them
are held out."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.neural.image_digests import ImageDigests, image_digests
from lookalike.errors import UserError
from lookalike.imaging import is_image_name
from lookalike.training.data.image_cache import NO_LABEL, ImageCache, cache_files, cache_images, with_labels
from lookalike.types import Failure, Pixels

COLUMNS = ("path", "label")

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """N images, a folder for each class. ``cache``: their pixels and labels. ``empty``: folders without an image that
    can be read, which are no classes. ``unlabelled``: images that lie in no class's folder, and are left out."""

    cache: ImageCache
    empty: tuple[str, ...] = ()
    unlabelled: int = 0

    @property
    def counts(self) -> NDArray[np.int64]:
        """(C,): the images of each class."""
        return np.bincount(self.cache.labels[self.cache.labels >= 0], minlength=len(self.cache.classes))

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of the images, in sentences."""
        names = self.cache.classes
        alone = [names[kind] for kind in np.flatnonzero(self.counts == 1)]
        return (
            *([f"no readable image in {', '.join(self.empty)}: no class"] if self.empty else []),
            *([f"only one image of {', '.join(alone)}: trained on, never validated"] if alone else []),
            *([f"{self.unlabelled} images in no class's folder were left out"] if self.unlabelled else []),
        )


@dataclass(frozen=True, slots=True)
class Split:
    """Rows that are held out and rows to train on. ``duplicates``: how many are neither, being the same image, pixel by
    pixel, as one that is held out."""

    held_out: Rows
    training: Rows
    duplicates: int

    def digests(self, cache: ImageCache) -> ImageDigests:
        """Of the images to train on, and of those that are held out."""
        return image_digests(cache.digests[self.training], cache.digests[self.held_out])


def read_labelled_images(source: Path, side: int, cache_folder: Path, nested: bool = False) -> ImageFolder:
    """The images of ``source``, each squeezed to ``side`` pixels: a folder with a folder for each class, or a CSV.

    ``nested``: a class is the whole folder that an image lies in (alphabet/letter), not the first below the source.
    Raises UserError for a source that holds fewer than two classes, and for a CSV without the columns of COLUMNS.
    """
    found = read_images(source, side, cache_folder, nested)
    labelled = np.flatnonzero(found.cache.labels != NO_LABEL)
    found = replace(found, cache=subset(found.cache, labelled), unlabelled=len(found.cache.labels) - len(labelled))
    if len(found.cache.classes) < 2:
        names = ", ".join(found.cache.classes) or "none"
        raise UserError(f"{source}: at least two classes are needed, a folder of images for each; found: {names}")
    return found


def read_images(source: Path, side: int, cache_folder: Path, nested: bool = False) -> ImageFolder:
    """The same, but images of one class, and in no class's folder, will do."""
    if source.suffix.lower() == ".csv":
        return _of_csv(source, side, cache_folder)
    return _of_folders(source, side, cache_folder, nested)


def _of_folders(root: Path, side: int, cache_folder: Path, nested: bool) -> ImageFolder:
    every = cache_images(root, side, cache_folder, labelled=True)
    folders = {entry.name for entry in os.scandir(root) if entry.is_dir()}
    empty = tuple(sorted(folders - set(every.classes)))
    if nested:
        every = with_labels(every, [os.path.dirname(path) for path in every.paths])
    return ImageFolder(every, empty)


def _of_csv(file: Path, side: int, cache_folder: Path) -> ImageFolder:
    rows = _rows(file)
    root = file.absolute().parent
    there = [(root / path, label) for path, label in rows if (root / path).is_file() and is_image_name(path)]
    if not there:
        raise UserError(
            f"{file}: none of its {len(rows)} files is an image that is there; paths are relative to {root}"
        )
    missing = [
        Failure(str(root / path), "no such file" if is_image_name(path) else "not named like an image")
        for path, _ in rows
        if not ((root / path).is_file() and is_image_name(path))
    ]
    made = cache_files([path for path, _ in there], root, side, cache_folder)
    labels = {os.path.relpath(path, root): label for path, label in there}
    named = with_labels(made, [labels[path] for path in made.paths])
    empty = {label for _, label in rows} - set(named.classes)
    return ImageFolder(replace(named, failed=(*missing, *named.failed)), tuple(sorted(empty)))


def _rows(file: Path) -> list[tuple[str, str]]:
    """(path, label), each path once, in the order of the file."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            if missing := [column for column in COLUMNS if column not in (reader.fieldnames or ())]:
                raise UserError(f"{file}: no column {missing[0]!r}; its first line must name path and label")
            rows = [(row["path"] or "", (row["label"] or "").strip()) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{file}: cannot be read as a CSV: {error}") from None
    return list({path: (path, label) for path, label in rows if path and label}.values())


def subset(every: ImageCache, rows: Rows) -> ImageCache:
    """The images of these rows alone; its pixels stay where they are when that is all."""
    if len(rows) == len(every.labels):
        return every
    paths = tuple(every.paths[row] for row in rows)
    return replace(
        every, pixels=every.pixels[rows], labels=every.labels[rows], paths=paths, digests=every.digests[rows]
    )


def hold_out(every: ImageCache, share: float, seed: int, kept: Path, by_class: bool = False, least: int = 1) -> Split:
    """Hold out a ``share`` of each class, at least ``least`` images and never all; of a class with one image none.

    ``by_class``: hold out whole classes instead, at least two. ``kept``: a file that names what is held out, so that a
    run that goes on never trains on it, whatever images came since. Raises UserError when it names none of these.
    """
    if not kept.exists():
        chosen = _classes_of(every, share, seed) if by_class else _images_of(every, share, seed, least)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.with_suffix(".part").write_text(json.dumps([every.paths[row] for row in chosen]))
        os.replace(kept.with_suffix(".part"), kept)
    names = set(json.loads(kept.read_text()))
    held = np.array([path in names for path in every.paths])
    if by_class:  # what came to such a class since is held out as well
        held |= np.isin(every.labels, every.labels[held])
    duplicates = _duplicates(every.pixels, held)
    if not held.any() or (held | duplicates).all():
        raise UserError(f"{kept.parent}: a run over other images, or too few to hold any out; choose another folder")
    return Split(np.flatnonzero(held), np.flatnonzero(~held & ~duplicates), int(duplicates.sum()))


def _images_of(every: ImageCache, share: float, seed: int, least: int) -> Rows:
    random, chosen = np.random.default_rng(seed), []
    for kind in range(-1, len(every.classes)):
        rows = random.permutation(np.flatnonzero(every.labels == kind))
        count = min(max(least, round(share * len(rows))), len(rows) - 1) if len(rows) > 1 else 0
        chosen.append(rows[:count])
    return np.sort(np.concatenate(chosen))


def _classes_of(every: ImageCache, share: float, seed: int) -> Rows:
    classes = len(every.classes)
    held = np.random.default_rng(seed).permutation(classes)[: max(2, round(share * classes))]
    return np.flatnonzero(np.isin(every.labels, held))


def _duplicates(pixels: Pixels, held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(N,): which images, not held out themselves, have the pixels of one that is."""
    digests = np.array([hashlib.sha256(one.tobytes()).hexdigest() for one in pixels])
    return np.asarray(~held & np.isin(digests, digests[held]), np.bool_)


def evenly_spaced(rows: Rows, most: int) -> Rows:
    """At most so many of the rows, evenly spread."""
    chosen: Rows = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int)]
    return chosen
