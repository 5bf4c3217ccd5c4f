"""Removes duplicates: to a folder, to the system's trash, or into hard links. Never deletes for good.

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
from lookalike.paths import absolute
from lookalike.types import Failure, Group

Act = Callable[[str, str], None]  # (the copy, the one that is kept)


@dataclass(frozen=True, slots=True)
class RemovalReport:
    """``done``: paths that were removed from their place. ``bytes``: their size together. ``failed``: what was left
    alone, why."""

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

    def act(copy: str, keep: str) -> None:  # noqa: ARG001  every act takes both
        send2trash(copy)

    return act


def hardlink() -> Act:
    """Make byte-identical copies share one content on the disk; both names stay. Others are left alone."""

    def act(copy: str, keep: str) -> None:
        if _digest(copy) != _digest(keep):
            raise OSError("not byte-identical")
        draft = f"{copy}.{uuid.uuid4().hex[:8]}.link"
        os.link(os.path.realpath(keep), draft)  # a link to a symbolic link would lead nowhere from here
        try:
            os.replace(draft, copy)
        except OSError:
            os.unlink(draft)
            raise

    return act


def remove_copies(gallery: Gallery, groups: Sequence[Group], act: Act) -> RemovalReport:
    """Apply an act to every copy, one after the other; what fails is left where it is, and listed.

    The gallery forgets the files that are gone from their place."""
    gallery.need_paths("removing copies")
    done: list[str] = []
    failed: list[Failure] = []
    size = 0
    try:
        for copy, keep in _copies(groups):
            try:
                size += _remove_one(gallery, copy, keep, act)
                done.append(copy)
            except (OSError, UserError) as error:
                failed.append(Failure(copy, getattr(error, "strerror", None) or str(error)))
    finally:
        gallery.remove([path for path in done if not os.path.lexists(path)])
    return RemovalReport(tuple(done), size, tuple(failed))


def _copies(groups: Sequence[Group]) -> Iterator[tuple[str, str]]:
    return ((copy, group.keep) for group in groups for copy in group.others)


def _remove_one(gallery: Gallery, copy: str, keep: str, act: Act) -> int:
    """The bytes of the copy that was removed. Raises UserError if it must not be touched, OSError if it cannot be."""
    for path, who in ((copy, "it"), (keep, "the image to keep")):
        _refuse_changed(gallery, path, who)
    if os.path.samefile(copy, keep):
        raise UserError("is the very file that is kept, by another name")
    count = os.stat(copy).st_size
    act(copy, keep)
    return count


def _refuse_changed(gallery: Gallery, path: str, who: str) -> None:
    try:
        digest = _digest(path)
    except OSError as error:
        raise UserError(f"{who} cannot be read: {error.strerror or error}") from error
    if digest != gallery.sha256_of(path):
        raise UserError(f"{who} changed since it was indexed")


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
