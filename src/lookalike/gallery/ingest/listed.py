"""What a walk finds, wherever it walks."""

from __future__ import annotations

from dataclasses import dataclass

from lookalike.gallery.elsewhere.state import FileState
from lookalike.gallery.storage.row import Row
from lookalike.types import Failure


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file that may be an image, or a video: absolute path, bytes, and when it last changed. ``fps``:
    of a folder of numbered frames, which is a video as well. ``is_marked``: of a file elsewhere whose time holds the
    mark that tells whether it changed (gallery/elsewhere/state.py)."""

    path: str
    bytes: int
    mtime_ns: int
    is_video: bool = False
    fps: float | None = None
    is_marked: bool = False

    def is_that_of(self, row: Row) -> bool:
        """Whether the image was indexed from this very file."""
        if not self.is_marked:
            return (row.bytes, row.mtime_ns) == (self.bytes, self.mtime_ns)
        return FileState(self.bytes, self.mtime_ns, True).is_that_of(row.bytes, row.mtime_ns)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that neither is named like an image or a video nor begins like an image."""

    path: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file, or a folder with everything in it, that was not looked at. ``reason``: a key of leave_out.REASONS."""

    path: str
    reason: str


Listed = ListedFile | Skipped | LeftOut | Failure
