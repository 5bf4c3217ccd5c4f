"""The system's trash, with the place where a file lies in it, so that it can be brought back.

On Linux and the BSDs the trash is that of the freedesktop.org specification 1.0, kept here and not through send2trash:
that one does not say where a file went, and two processes that trash files of one name at the same moment can overwrite
each other's. On macOS and Windows send2trash asks the system, which does not say where either.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from lookalike.actions.safe_files import move_file

TELLS_PLACE = sys.platform not in ("darwin", "win32", "cygwin")  # whether this system's trash is files and folders
STICKY = 0o1000


@contextmanager
def place_in_trash(path: str) -> Iterator[str | None]:
    """Where ``path`` is to lie in the trash: reserved by its .trashinfo, which is gone again if nothing came there.

    None where the system does not say. Raises OSError if there is no trash for this file."""
    if not TELLS_PLACE:
        yield None
        return
    top, trash = _trash_for(path)
    place = _reserve(path, top, trash)
    try:
        yield place
    finally:
        forget_empty(place)


def put_in_trash(path: str, place: str | None, sha256: str) -> None:
    """Move a file to the place that ``place_in_trash`` gave."""
    if place is not None:
        move_file(path, place, sha256)
        return
    from send2trash import send2trash

    send2trash(path)


def forget_empty(place: str) -> None:
    """Remove the .trashinfo of a place in a trash at which nothing lies (any more)."""
    info = info_of(place)
    if info is not None and not os.path.lexists(place):
        info.unlink(missing_ok=True)


def info_of(place: str) -> Path | None:
    """The .trashinfo that belongs to a place in a trash; None for a place that is in none."""
    path = Path(place)
    return path.parent.parent / "info" / f"{path.name}.trashinfo" if path.parent.name == "files" else None


def _trash_for(path: str) -> tuple[str | None, str]:
    """The top folder of the file's disk and the trash there; None and the home trash on the home's disk."""
    home = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    trash = os.path.join(home, "Trash")
    os.makedirs(home, 0o700, exist_ok=True)
    device = os.lstat(path).st_dev
    if os.stat(home).st_dev == device:
        return None, trash
    top = _mount_point(path)
    shared = os.path.join(top, ".Trash")
    if _is_shared_trash(shared):
        return top, os.path.join(shared, str(os.getuid()))
    own = os.path.join(top, f".Trash-{os.getuid()}")
    if os.access(own if os.path.isdir(own) else top, os.W_OK):
        return top, own
    return None, trash  # a disk on which nobody may make a trash: the file is copied into the home's


def _is_shared_trash(folder: str) -> bool:
    return os.path.isdir(folder) and not os.path.islink(folder) and bool(os.stat(folder).st_mode & STICKY)


def _mount_point(path: str) -> str:
    place = os.path.realpath(os.path.dirname(path))
    while not os.path.ismount(place):
        place = os.path.dirname(place)
    return place


def _reserve(path: str, top: str | None, trash: str) -> str:
    files, infos = os.path.join(trash, "files"), os.path.join(trash, "info")
    for folder in (files, infos):
        os.makedirs(folder, 0o700, exist_ok=True)
    stem, ending = os.path.splitext(os.path.basename(path))
    for number in range(1, sys.maxsize):
        name = f"{stem}{ending}" if number == 1 else f"{stem}.{number}{ending}"
        try:
            info = os.open(os.path.join(infos, f"{name}.trashinfo"), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            continue
        with open(info, "wb") as stream:
            stream.write(_info(path, top))
        place = os.path.join(files, name)
        if not os.path.lexists(place):
            return place
        os.unlink(os.path.join(infos, f"{name}.trashinfo"))
    raise OSError(errno.EEXIST, "no name is free in the trash")


def _info(path: str, top: str | None) -> bytes:
    """The text of a .trashinfo: the path, relative to the disk's top folder, in percent escapes, and the time."""
    shown = os.path.relpath(os.path.realpath(os.path.dirname(path)), top) if top else os.path.dirname(path)
    source = os.path.normpath(os.path.join(shown, os.path.basename(path)))
    now = datetime.now().strftime("%Y-%m-%dT%H:%M:%S")
    return f"[Trash Info]\nPath={quote(os.fsencode(source))}\nDeletionDate={now}\n".encode("ascii")
