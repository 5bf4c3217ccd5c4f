"""Clears duplicates away: to a folder, to the system's trash, or into hard links. Never deletes for good.

Before a file is touched, it and the one that is kept are read again: what has changed since it was indexed is
left alone, and so is a copy whose keeper is gone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lookalike.errors import UserError
from lookalike.gallery import Gallery
from lookalike.gallery.walk import absolute
from lookalike.types import Failure, Group

Act = Callable[[str, str], None]  # (the copy, the one that is kept)


@dataclass(frozen=True, slots=True)
class ClearReport:
    """``done``: paths that were cleared away. ``bytes``: their size together. ``failed``: what was left alone, why."""

    done: tuple[str, ...]
    bytes: int
    failed: tuple[Failure, ...]


def move_to(folder: str | os.PathLike[str]) -> Act:
    """Move copies into this folder, below which they keep their place; nothing there is overwritten."""
    target = absolute(folder)

    def act(copy: str, keep: str) -> None:  # noqa: ARG001  every act takes both
        place = _free(Path(target + os.path.splitdrive(copy)[1]))
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(copy, place)

    return act


def trash() -> Act:
    """Move copies to the system's trash, from where they can be brought back."""
    from send2trash import send2trash

    def act(copy: str, keep: str) -> None:  # noqa: ARG001
        send2trash(copy)

    return act


def hardlink() -> Act:
    """Make byte-identical copies share one content on the disk; both names stay."""

    def act(copy: str, keep: str) -> None:
        draft = f"{copy}.{uuid.uuid4().hex[:8]}.link"
        os.link(keep, draft)
        try:
            os.replace(draft, copy)
        except OSError:
            os.unlink(draft)
            raise

    return act


def clear_away(gallery: Gallery, groups: Sequence[Group], act: Act, *, only_identical: bool = False) -> ClearReport:
    """Apply an act to every copy, one after the other; what fails is left where it is, and told.

    ``only_identical``: leave copies alone whose bytes differ from those of the picture that is kept. The gallery
    forgets the files that are gone from their place."""
    done: list[str] = []
    failed: list[Failure] = []
    size = 0
    try:
        for copy, keep in _copies(groups):
            reason = _reason_against(gallery, copy, keep, only_identical)
            count = 0 if reason else os.stat(copy).st_size
            reason = reason or _tried(act, copy, keep)
            if reason:
                failed.append(Failure(copy, reason))
            else:
                done.append(copy)
                size += count
    finally:
        gallery.remove([path for path in done if not os.path.lexists(path)])
    return ClearReport(tuple(done), size, tuple(failed))


def _copies(groups: Sequence[Group]) -> Iterator[tuple[str, str]]:
    return ((copy, group.keep) for group in groups for copy in group.others)


def _reason_against(gallery: Gallery, copy: str, keep: str, only_identical: bool) -> str:
    """Why this copy must not be touched; "" if it may."""
    try:
        contents = [gallery.content(path) for path in (copy, keep)]
        if [_digest(path) for path in (copy, keep)] != contents:
            return "changed since it was indexed, or the picture to keep was"
        if os.path.samefile(copy, keep):
            return "is the very file that is kept, by another name"
    except (OSError, UserError) as error:
        return str(error)
    return "not byte-identical" if only_identical and contents[0] != contents[1] else ""


def _tried(act: Act, copy: str, keep: str) -> str:
    try:
        act(copy, keep)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _digest(path: str) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _free(place: Path) -> Path:
    """This place, or the same name with a number if something is there."""
    number = 1
    free = place
    while os.path.lexists(free):
        number += 1
        free = place.with_name(f"{place.stem} ({number}){place.suffix}")
    return free
