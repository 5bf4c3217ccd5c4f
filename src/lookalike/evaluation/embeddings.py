"""Files to vectors, on all cores: each file is decoded once and described with every descriptor that is needed."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from lookalike.descriptors import describe_all, get, min_side, names
from lookalike.descriptors.fusion import BLEND, DEFAULT_WEIGHTS, Blend
from lookalike.distance import METRICS
from lookalike.errors import LoadError, LookalikeError, UserError
from lookalike.imaging import load
from lookalike.imaging.manipulations import EDITS, apply
from lookalike.types import Failure, Floats, Image, Pixels, Progress

EDITED_SIDE = 512  # pixels: a photograph has about this size before it is edited
MIN_EDITED_SIDE = 8  # pixels: the shortest side that can be edited
JPEG_QUALITY = 90  # of the JPEG that an edited image is saved as
SINGLE_PROCESS_FILES = 24  # so few files are not worth the seconds that processes take to start

Advance = Callable[[int], None]  # by how much
Mapper = Callable[[Callable[[str], Any], Sequence[str]], Iterator[Any]]


@dataclass(frozen=True, slots=True)
class Vectors:
    """N images. ``of``: descriptor name -> (N, D), as its card says. ``contrast``: name -> (N,) float32, 0..1."""

    of: Mapping[str, NDArray[Any]]
    contrast: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(next(iter(self.of.values())))

    def rows(self, which: slice | NDArray[Any]) -> Vectors:
        """Only these images (a slice, positions, or a mask)."""
        kept = {name: part[which] for name, part in self.of.items()}
        return Vectors(kept, {name: part[which] for name, part in self.contrast.items()})


@dataclass(frozen=True, slots=True)
class Library:
    """What became of files. ``paths``, ``digests`` (sha256): of the N ``vectors``, in the order of the files.

    ``identical``: how many more files were left out because they hold the same bytes as another one.
    """

    paths: tuple[str, ...]
    digests: tuple[str, ...]
    vectors: Vectors
    failed: tuple[Failure, ...]
    identical: int


@dataclass(frozen=True, slots=True)
class _DescribedFile:
    sha256: str
    vectors: Vectors


def chosen(by: Sequence[str] | None) -> tuple[str, ...]:
    """These names, or all descriptors and the blend. Raises UserError for an unknown name, and for none."""
    wanted = tuple(dict.fromkeys([*names(), BLEND] if by is None else by))
    if not wanted:
        raise UserError(f"no descriptor named; there are {', '.join(names())} and {BLEND}")
    for name in wanted:
        if name != BLEND:
            get(name)
    return wanted


def needed(by: Sequence[str]) -> tuple[str, ...]:
    """The descriptors whose vectors these measures take."""
    parts = Blend(DEFAULT_WEIGHTS).names if BLEND in by else ()
    return tuple(dict.fromkeys([*(name for name in by if name != BLEND), *parts]))


def distances(name: str, queries: Vectors, library: Vectors) -> Floats:
    """(Q, N) by a descriptor or the blend; infinite where one of the two has too little contrast, as in a gallery."""
    if name == BLEND:
        blend = Blend(DEFAULT_WEIGHTS)
        return blend.combine({part: distances(part, queries, library) for part in blend.names})
    card = get(name).card
    found = np.array(METRICS[card.metric](queries.of[name], library.of[name]), np.float32)
    found[queries.contrast[name] < card.min_contrast] = np.inf
    found[:, library.contrast[name] < card.min_contrast] = np.inf
    return found


# --- many files


@contextmanager
def workers(files: int, count: int | None = None) -> Iterator[Mapper]:
    """Gives a ``map`` that keeps the order. ``count`` processes; None: one per core, and none for a few files.

    Left by an exception (Ctrl-C), it ends after what is being done now.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = count if count is not None else 1 if files < SINGLE_PROCESS_FILES else cores
    if wanted <= 1:
        yield lambda work, items: map(work, items)
        return
    # Not a copy of this process: that would inherit the locks of threads that it does not have.
    pool = ProcessPoolExecutor(wanted, multiprocessing.get_context("spawn"), _start_worker)
    try:
        yield pool.map
    except BrokenProcessPool as error:
        raise LookalikeError(
            "a worker process ended before its work was done, perhaps for want of memory; take fewer images"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    """Ctrl-C is the parent's business, and OpenCV's own threads would only be in the way of the other workers."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


def describe_files(mapped: Mapper, files: Sequence[str], by: Sequence[str], advance: Advance) -> Library:
    """Describe N files; of byte-identical ones the first. ``advance`` is called for each file that is done."""
    kept: dict[str, tuple[str, Vectors]] = {}
    failed: list[Failure] = []
    for path, outcome in zip(files, mapped(partial(_of_file, tuple(by)), files), strict=True):
        if isinstance(outcome, Failure):
            failed.append(outcome)
        else:
            kept.setdefault(outcome.sha256, (path, outcome.vectors))
        advance(1)
    paths = tuple(path for path, _ in kept.values())
    vectors = stacked([one for _, one in kept.values()], by)
    return Library(paths, tuple(kept), vectors, tuple(failed), len(files) - len(failed) - len(kept))


def counter(progress: Progress, total: int) -> Advance:
    """Adds up what it is called with, and reports that to ``progress``."""
    done = 0

    def advance(more: int) -> None:
        nonlocal done
        done += more
        progress(done, total)

    return advance


def describe_edits(
    mapped: Mapper, files: Sequence[str], by: Sequence[str], seed: int, advance: Advance
) -> tuple[list[int], Vectors, list[Failure]]:
    """Edit N files in every way and describe what comes of it.

    Gives the positions of the K files that could be edited, vectors of K * len(EDITS) images, those of one file
    side by side in the order of EDITS, and the others as failures.
    """
    done, parts, failed = [], [], []
    for place, outcome in enumerate(mapped(partial(_of_edits, tuple(by), seed), files)):
        if isinstance(outcome, Failure):
            failed.append(outcome)
        else:
            done.append(place)
            parts.append(outcome)
        advance(len(EDITS))
    return done, stacked(parts, by), failed


def stacked(parts: Sequence[Vectors], by: Sequence[str]) -> Vectors:
    """The images of all parts, one after the other."""
    if not parts:
        return Vectors({name: np.empty((0, 0)) for name in by}, {name: np.empty(0, np.float32) for name in by})
    of = {name: np.concatenate([part.of[name] for part in parts]) for name in by}
    return Vectors(of, {name: np.concatenate([part.contrast[name] for part in parts]) for name in by})


# --- one file, in a worker process


def _of_file(by: tuple[str, ...], path: str) -> _DescribedFile | Failure:
    try:
        image = load(path, min_side=min_side(by))
    except LoadError as error:
        return Failure(path, error.reason)
    return _DescribedFile(image.sha256, _described([image], by))


def _of_edits(by: tuple[str, ...], seed: int, path: str) -> Vectors | Failure:
    try:
        pixels = photograph(path)
    except LoadError as error:
        return Failure(path, error.reason)
    return _described([load(jpeg(apply(edit, pixels, seed)), min_side=min_side(by)) for edit in EDITS], by)


def photograph(path: str) -> Pixels:
    """(h, w, 3) uint8 as it is before an edit: about EDITED_SIDE pixels. Raises LoadError, also for what is too
    small."""
    image = load(path, min_side=EDITED_SIDE)
    if min(image.pixels.shape[:2]) < MIN_EDITED_SIDE:
        raise LoadError(f"{image.width} x {image.height} pixels: too small to be edited", path)
    return image.pixels


def jpeg(pixels: Pixels, quality: int = JPEG_QUALITY) -> bytes:
    """(h, w, 3) uint8 sRGB -> a JPEG file."""
    memory = io.BytesIO()
    Pillow.fromarray(pixels).save(memory, "JPEG", quality=quality)
    return memory.getvalue()


def _described(images: Sequence[Image], by: Sequence[str]) -> Vectors:
    found = describe_all(images, by)
    return Vectors({name: one.vectors for name, one in found.items()}, {n: one.contrast for n, one in found.items()})
