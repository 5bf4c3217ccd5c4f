"""Brings back what an action did, from the journal: files to their place, hard links to files of their own.

What became of each file is seen from the disk, so that an action that was killed in the middle is undone as well.
Nothing is overwritten: where something else lies at the old place by now, the file stays where it is, and that is said.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lookalike.actions.journal import Action, Entry, FileMove, MetadataChange, actions, mark_undone
from lookalike.actions.safe_files import copy_file, digest_of, move_file, reserved, write_whole
from lookalike.actions.trash import forget_empty
from lookalike.errors import GalleryError, UserError
from lookalike.gallery import Gallery
from lookalike.types import Failure


@dataclass(frozen=True, slots=True)
class UndoReport:
    """``action``: its id. ``restored``: files that are back. ``there``: files that were at their place already.
    ``failed``: what could not be brought back, and where it lies."""

    action: str
    restored: tuple[str, ...]
    there: tuple[str, ...]
    failed: tuple[Failure, ...]


def find_action(name: str | None = None) -> Action:
    """The action of this id; by default the last one that was not undone. Raises UserError if there is none."""
    known = actions()
    if name is None:
        open_ones = [action for action in known if not action.undone]
        if not open_ones:
            raise UserError("nothing to undo: the journal holds no action that was not undone")
        return open_ones[0]
    found = next((action for action in known if action.id == name), None)
    if found is None:
        raise UserError(f"{name}: no such action; `lookalike undo --list` shows them all")
    return found


def undo(action: Action) -> UndoReport:
    """Bring everything back, the last first. The gallery, if it is still there, takes the images in again, with the
    labels that they had; what a person said of pairs it has never forgotten."""
    undoer = _Undoer()
    for entry in reversed(action.entries):
        undoer.take(entry)
    if undoer.back and os.path.isdir(action.gallery):
        undoer.failed += _into_gallery(action.gallery, undoer.back)
    mark_undone(action)
    return UndoReport(action.id, tuple(undoer.restored), tuple(undoer.there), tuple(undoer.failed))


class _Undoer:
    def __init__(self) -> None:
        self.restored: list[str] = []
        self.there: list[str] = []
        self.failed: list[Failure] = []
        self.back: list[Entry] = []

    def take(self, entry: Entry) -> None:
        before = len(self.restored)
        for file in entry.files:
            self._restore(entry, file)
        if entry.metadata is not None:
            self._restore_metadata(entry.metadata)
        if len(self.restored) > before:
            self.back.append(entry)

    def _restore(self, entry: Entry, file: FileMove) -> None:
        try:
            done = _separated(entry, file) if entry.kind == "linked" else _brought_back(file)
            (self.restored if done else self.there).append(file.source)
        except (OSError, UserError) as error:
            self.failed.append(Failure(file.source, getattr(error, "strerror", None) or str(error)))

    def _restore_metadata(self, change: MetadataChange) -> None:
        """The sidecar as it was, unless somebody has written to it since."""
        try:
            path = Path(change.path)
            if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != change.sha256:
                return
            if change.before is None:
                path.unlink()
            else:
                write_whole(change.path, change.before.encode("utf-8", "surrogateescape"))
            self.restored.append(change.path)
        except OSError as error:
            self.failed.append(Failure(change.path, error.strerror or str(error)))


def _brought_back(file: FileMove) -> bool:
    """Whether it was away. Raises UserError or OSError if it is neither here nor can be brought back."""
    if os.path.lexists(file.source):
        if digest_of(file.source) != file.sha256:
            raise UserError(f"something else lies there now; the file is at {file.place}")
        if file.place is not None:
            _tidy(file.place, file.bytes)
        return False
    if file.place is None:
        raise UserError("it lies in the system's trash, which does not say where: put it back from there")
    if not os.path.lexists(file.place) or digest_of(file.place) != file.sha256:
        raise UserError(f"it is not at {file.place} any more, or was changed there")
    os.makedirs(os.path.dirname(file.source), exist_ok=True)
    with reserved(file.source):
        move_file(file.place, file.source, file.sha256)
    forget_empty(file.place)
    return True


def _tidy(place: str, size: int) -> None:
    """Remove what a killed process reserved for a file of ``size`` bytes that never came."""
    if size and os.path.lexists(place) and not os.lstat(place).st_size:
        os.unlink(place)
    forget_empty(place)


def _separated(entry: Entry, file: FileMove) -> bool:
    """Whether the file was a hard link of the kept one; it has a content of its own then."""
    if not os.path.lexists(file.source):
        raise UserError("it is gone")
    if not os.path.exists(entry.keep) or not os.path.samefile(file.source, entry.keep):
        return False
    copy_file(entry.keep, file.source, file.sha256)
    return True


def _into_gallery(path: str, entries: Sequence[Entry]) -> list[Failure]:
    """The images are held again, as they were labelled."""
    images = {entry.files[0].source: entry.labels for entry in entries}
    try:
        with Gallery.open(path) as gallery:
            report = gallery.add([image for image in images if os.path.lexists(image)])
            gallery.put_labels(images)
    except GalleryError as error:
        return [Failure(path, f"the files are back, but the gallery could not take them in: {error}")]
    return list(report.failed)
