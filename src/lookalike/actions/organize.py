"""Puts the images of a gallery into one folder per label: copied, linked or moved. Nothing is ever overwritten.

First a plan, which touches nothing; then one file after the other. What lies at its place already is left alone, so
that an interrupted run is simply run again. The gallery learns of every moved file at once.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from lookalike.actions.journal import Entry, FileMove, Journal
from lookalike.actions.safe_files import copy_file, digest_of, draft_of, move_file, numbered, reserved
from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.storage.row import Row
from lookalike.paths import PathLike, absolute
from lookalike.types import Failure, Progress

Way = Literal["copy", "link", "move"]
LONGEST = 100  # bytes of a folder's name; file systems take 255
_UNSAFE = re.compile(r'[/\\:*?"<>|\u202a-\u202e\u2066-\u2069]')  # what no or not every system takes, or that misleads
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # on Windows


@dataclass(frozen=True, slots=True)
class Step:
    """One file: where it lies, where it is to lie, and why."""

    path: str
    to: str
    label: str


@dataclass(frozen=True, slots=True)
class MovePlan:
    """What is to be done. ``steps``: one per file. ``there``: files whose content lies in its folder already.
    ``unlabelled``: images without a label that stay where they are. ``failed``: files that cannot be used."""

    way: Way
    steps: tuple[Step, ...]
    there: int
    unlabelled: int
    failed: tuple[Failure, ...]

    @property
    def counts(self) -> dict[str, int]:
        """label -> files, the commonest first."""
        return dict(Counter(step.label for step in self.steps).most_common())


@dataclass(frozen=True, slots=True)
class OrganizeReport:
    """What was done. ``done``: a step per file, with the place that it got. ``failed``: what was left alone."""

    done: tuple[Step, ...]
    failed: tuple[Failure, ...]


# --- the plan


def plan_moves(
    gallery: Gallery, folder: PathLike, way: Way, *, where: str | None = None, unlabelled: str | None = None
) -> MovePlan:
    """What it takes to have every labelled image in ``folder``, in a folder named like its label. Touches nothing.

    ``where``: only these images. ``unlabelled``: the folder for those without a label; otherwise they stay. Files
    that are gone, or changed since they were indexed, are listed as failed."""
    gallery.need_paths("organizing")
    top = absolute(folder)
    if os.path.exists(top) and not os.path.isdir(top):
        raise UserError(f"{folder}: not a folder")
    if (top + os.sep).startswith(str(gallery.path) + os.sep):
        raise UserError(f"{folder}: lies within the gallery's own folder; choose another one")
    planner = _Planner(top, {one.path: one.labels[0].label for one in gallery.labels(where=where)}, unlabelled)
    for row in gallery.rows(where=where):
        planner.take(row)
    return MovePlan(way, tuple(planner.steps), planner.there, planner.stay, tuple(planner.failed))


class _Planner:
    def __init__(self, top: str, labels: Mapping[str, str], unlabelled: str | None) -> None:
        self._top, self._labels, self._unlabelled = top, labels, unlabelled
        self._claimed: dict[str, str] = {}  # place -> sha256 of what it will hold
        self.steps: list[Step] = []
        self.failed: list[Failure] = []
        self.there = self.stay = 0

    def take(self, row: Row) -> None:
        label = self._labels.get(row.path, self._unlabelled)
        if label is None:
            self.stay += 1
            return
        try:
            _refuse_changed(row)
            place = self._place(row, os.path.join(self._top, folder_name(label)))
        except (OSError, UserError) as error:
            self.failed.append(Failure(row.path, _why(error)))
            return
        if place is None:
            self.there += 1
        else:
            self.steps.append(Step(row.path, place, label))

    def _place(self, row: Row, folder: str) -> str | None:
        """The first name that nothing else has; None if the content is there."""
        for place in numbered(os.path.join(folder, os.path.basename(row.path))):
            if place == row.path or self._claimed.get(place) == row.sha256:
                return None
            if place in self._claimed:
                continue
            if not os.path.lexists(place):
                self._claimed[place] = row.sha256
                return place
            if _holds(place, row):
                return None
        raise UserError(f"{folder}: no name is free")


def folder_name(label: str) -> str:
    """A name that every file system takes, the same for the same label. A label that had to be changed gets a mark of
    its own, so that no two labels share a folder: "a/b" -> "a_b~1f3c"."""
    text = unicodedata.normalize("NFC", label)
    safe = _UNSAFE.sub("_", "".join("_" if unicodedata.category(c) in ("Cc", "Cs") else c for c in text))
    safe = re.sub(r"^[. ]+|[. ]+$", "_", safe) or "_"
    if _RESERVED.fullmatch(safe):
        safe += "_"
    if safe == text and len(safe.encode()) <= LONGEST:
        return safe
    return safe.encode()[:LONGEST].decode("utf-8", "ignore") + "~" + hashlib.sha256(text.encode()).hexdigest()[:4]


def _holds(place: str, row: Row) -> bool:
    try:
        return os.path.getsize(place) == row.bytes and digest_of(place) == row.sha256
    except OSError:  # a link to nowhere, a folder, or not for us: the name is taken
        return False


def _refuse_changed(row: Row) -> None:
    """Raises UserError or OSError if the file is not the one that was indexed."""
    status = os.stat(row.path)
    if (status.st_size, status.st_mtime_ns) != (row.bytes, row.mtime_ns) and digest_of(row.path) != row.sha256:
        raise UserError("changed since it was indexed; index its folder again")


# --- doing it


def organize(gallery: Gallery, plan: MovePlan, progress: Progress | None = None) -> OrganizeReport:
    """Carry a plan out, one file after the other; what fails is left where it is, and listed. What is moved is written
    down first, so that `undo` brings it back."""
    done: list[Step] = []
    failed: list[Failure] = []
    with _journal(gallery, plan) as write:
        for number, step in enumerate(plan.steps, 1):
            try:
                place = _put(_WAYS[plan.way], step, gallery.sha256_of(step.path), write)
                done.append(Step(step.path, place, step.label))
                if plan.way == "move":
                    gallery.relocate(step.path, place)
            except (OSError, UserError) as error:
                failed.append(Failure(step.path, _why(error)))
            if progress:
                progress(number, len(plan.steps))
    return OrganizeReport(tuple(done), tuple(failed))


@contextmanager
def _journal(gallery: Gallery, plan: MovePlan) -> Iterator[Write]:
    """Writes down (file, its place, its sha256) where files are moved; copies and links need no undo."""
    if plan.way != "move" or not plan.steps:
        yield lambda *_: None
        return
    with Journal("moved", str(gallery.path)) as journal:

        def write(path: str, place: str, sha256: str) -> None:
            journal.write(Entry("moved", "", (FileMove(path, place, sha256, os.path.getsize(path)),)))

        yield write


Act = Callable[[str, str, str], None]  # (the file, a place that is ours, the sha256 that must arrive there)
Write = Callable[[str, str, str], None]  # the same, written down before it is done


def _put(act: Act, step: Step, sha256: str, write: Write) -> str:
    """Where it is now: at the place of the plan, or beside it if somebody took that meanwhile."""
    os.makedirs(os.path.dirname(step.to), exist_ok=True)
    for place in numbered(step.to):
        try:
            with reserved(place):
                write(step.path, place, sha256)
                act(step.path, place, sha256)
            return place
        except FileExistsError:
            continue
    raise UserError(f"{step.to}: no name beside it is free")


def _link(path: str, place: str, sha256: str) -> None:  # noqa: ARG001  every act takes it
    """A hard link, or a symbolic one where that cannot be: on another disk."""
    real = os.path.realpath(path)
    with draft_of(place) as draft:
        try:
            os.link(real, draft)
        except OSError:
            os.symlink(real, draft)


_WAYS: Mapping[Way, Act] = {"copy": copy_file, "link": _link, "move": move_file}


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "vanished: it was indexed, and then gone"
    return (getattr(error, "strerror", None) or str(error)).lower()
