"""Looks whether the files of a gallery's images still are those that were indexed; reads them only on request."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice

from lookalike.errors import FileMissing, LoadError
from lookalike.gallery.elsewhere.address import is_elsewhere
from lookalike.gallery.elsewhere.read import read_elsewhere, state_elsewhere
from lookalike.gallery.ingest.roots import away_roots, is_below
from lookalike.gallery.library import Library
from lookalike.gallery.maintenance.problems import Problem
from lookalike.gallery.storage.row import Row
from lookalike.imaging.video_file import sha256_of, size_and_time
from lookalike.parallel import in_order
from lookalike.types import Progress

CHUNK = 16  # files per task


def file_problems(library: Library, read: bool, progress: Progress | None) -> Iterator[Problem]:
    """Of every image; those of a folder that is away are one problem together. None where no paths are kept."""
    if library.store.privacy.opaque:
        return
    rows, away = list(library.store.every_row()), away_roots(library.store.roots())
    here = [row for row in rows if not any(is_below(row.path, root) for root in away)]
    for root in away:
        if count := sum(is_below(row.path, root) for row in rows):
            yield Problem(
                "roots", root, f"gone or empty, so {count:,} images were not looked at; is its drive mounted?"
            )
    done = 0
    for found in in_order(partial(_of_chunk, chunk, read) for chunk in _chunks(here)):
        done += len(found)
        if progress:
            progress(done, len(here))
        yield from filter(None, found)


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    every = iter(rows)
    while chunk := list(islice(every, CHUNK)):
        yield chunk


def _of_chunk(rows: Sequence[Row], read: bool) -> list[Problem | None]:
    return [_problem(row, reason) if (reason := _reason(row, read)) else None for row in rows]


def _problem(row: Row, reason: str) -> Problem:
    return Problem("files", row.path, reason, row.id)


def _reason(row: Row, read: bool) -> str | None:
    """What is wrong with the file of an image, if anything is."""
    try:
        if is_elsewhere(row.path):
            return _reason_elsewhere(row, read)
        size, time = size_and_time(row.path)
        same = size == row.bytes and (not read or sha256_of(row.path) == row.sha256)
        if not same and time == row.mtime_ns and size == row.bytes:
            return "its bytes are others than were indexed, though its size and time are the same: damaged?"
        if not same or (time != row.mtime_ns and not read):
            return "changed since it was indexed; index its folder again"
    except FileMissing:
        return "gone"
    except LoadError as error:
        return error.reason
    return None


def _reason_elsewhere(row: Row, read: bool) -> str | None:
    """Raises LoadError."""
    same = state_elsewhere(row.path).is_that_of(row.bytes, row.mtime_ns)
    if read:
        same = hashlib.sha256(read_elsewhere(row.path)).hexdigest() == row.sha256
    return None if same else "changed since it was indexed; index it again"
