"""Keeps a gallery in step with its folders: whenever something changes in one, that folder is added again, which reads
no file that it knows. What the system tells of changes comes through `watchfiles`."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lookalike.errors import MissingDependency, UserError
from lookalike.gallery import Gallery
from lookalike.paths import PathLike, absolute
from lookalike.types import AddReport, Failure, Result

QUIET_MS = 400  # of changes that follow one another at shorter intervals, all are taken together
TIMEOUT_MS = 200  # after which it looks whether it is to stop
LONGEST_MS = 10_000  # but no longer than this


@dataclass(frozen=True, slots=True)
class WatchReport(Result):
    """One round: what was ``added``, see AddReport, whose ``failed`` no earlier round has told; the paths that were
    ``forgotten``, for their files are gone; and ``problems``, in words, that the next round may find solved."""

    added: AddReport
    forgotten: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the gallery, or what is to be told, is not as it was before."""
        counts = (self.added.added, self.added.updated, self.added.moved, len(self.added.failed))
        return any(counts) or bool(self.forgotten or self.problems)


def watch(
    gallery: Gallery, folders: Sequence[PathLike] = (), *, refresh: bool = False, stop: threading.Event | None = None
) -> Iterator[WatchReport]:
    """Add the folders, then wait, and add again those in which something has changed: a report for each round, the
    first at once. Ends when ``stop`` is set, or by Ctrl-C.

    ``folders``: by default those that were added before. ``refresh``: also forget images whose files are gone, unless a
    whole folder is. Raises UserError without any folder, MissingDependency without `watchfiles`."""
    watchfiles = _watchfiles()
    places = [absolute(folder) for folder in folders] or [root.path for root in gallery.roots()]
    if missing := [place for place in places if not os.path.isdir(place)]:
        raise UserError(f"{missing[0]}: no such folder")
    if not places:
        raise UserError("name a folder to watch: this gallery has none yet")
    changes = watchfiles.watch(
        *places, watch_filter=_outside(gallery.path), stop_event=stop, debounce=LONGEST_MS, step=QUIET_MS,
        rust_timeout=TIMEOUT_MS, yield_on_timeout=True, raise_interrupt=False, ignore_permission_denied=True,
    )  # fmt: skip
    next(changes, None)  # from here on nothing is missed
    reported: set[Failure] = set()
    yield _round(gallery, places, refresh, reported)
    for batch in changes:
        touched = [place for place in places if any(_within(path, place) for _, path in batch)]
        if touched:
            yield _round(gallery, touched, refresh, reported)


def _round(gallery: Gallery, places: Sequence[str], refresh: bool, reported: set[Failure]) -> WatchReport:
    there = [place for place in places if os.path.isdir(place)]
    problems = [f"{place}: not there; is its drive away?" for place in places if place not in there]
    added = gallery.add(there)
    failed = tuple(one for one in added.failed if one not in reported)
    reported.update(failed)
    forgotten: list[str] = []
    if refresh:
        try:
            forgotten = gallery.refresh()
        except UserError as error:  # a folder is away or empty: nothing is forgotten by itself then
            problems.append(str(error))
    return WatchReport(replace(added, failed=failed), tuple(forgotten), tuple(problems))


def _outside(gallery: PathLike) -> Any:
    """A gallery may lie within a folder that it watches: what it writes is no change."""
    own = absolute(gallery)
    return lambda _change, path: not _within(path, own)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _watchfiles() -> Any:
    try:
        import watchfiles
    except ImportError as error:
        raise MissingDependency("watchfiles is not installed; get it with: pip install 'lookalike[watch]'") from error
    return watchfiles
