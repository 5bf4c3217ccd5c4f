"""Files put elsewhere so that nothing is ever lost: no name is overwritten, no half of a file has the right one.

A place is reserved first, by an empty file that nobody else can have made; then the file takes it by a rename, or, onto
another disk, by a copy that was read again. Killed at any moment, the file lies whole at one of the two places.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lookalike.errors import UserError


def digest_of(path: str) -> str:
    """The sha256 of a file, in hex. Raises OSError."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def numbered(place: str) -> Iterator[str]:
    """a.jpg, a (2).jpg, a (3).jpg, ..."""
    yield place
    stem, ending = os.path.splitext(place)
    number = 2
    while True:
        yield f"{stem} ({number}){ending}"
        number += 1


@contextmanager
def reserved(place: str) -> Iterator[None]:
    """An empty file there; gone again if nothing took its place. Raises FileExistsError."""
    file = os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    empty = os.fstat(file)
    os.close(file)
    try:
        yield
    finally:  # whatever was interrupted where: only the very file that was made here is ever deleted
        if os.path.lexists(place) and os.path.samestat(empty, os.lstat(place)):
            os.unlink(place)


@contextmanager
def reserved_beside(place: str) -> Iterator[str]:
    """The first free name of ``numbered(place)``, reserved; its folder is made."""
    os.makedirs(os.path.dirname(place), exist_ok=True)
    for name in numbered(place):
        with ExitStack() as stack:
            try:
                stack.enter_context(reserved(name))
            except FileExistsError:
                continue
            yield name
            return


@contextmanager
def draft_of(place: str) -> Iterator[str]:
    """A name beside this place to write to first, so that no half of a file ever has the right one."""
    draft = os.path.join(os.path.dirname(place), f".{uuid.uuid4().hex[:8]}.draft")
    try:
        yield draft
        os.replace(draft, place)
    finally:
        if os.path.lexists(draft):
            os.unlink(draft)


def write_whole(place: str, data: bytes) -> None:
    """These bytes as the file at ``place``, on the disk when this returns: all of them, or what was there before."""
    with draft_of(place) as draft, Path(draft).open("wb") as stream:
        stream.write(data)
        to_disk(stream.fileno())


def to_disk(descriptor: int) -> None:
    """What was written to this open file is on the disk from now on."""
    os.fsync(descriptor)


def copy_file(path: str, place: str, sha256: str) -> None:
    """A copy with its times; what arrived is read again. Raises UserError if it is not what was expected."""
    with draft_of(place) as draft:
        shutil.copy2(path, draft)
        with Path(draft).open("rb") as stream:
            to_disk(stream.fileno())
        if digest_of(draft) != sha256:
            raise UserError("changed while it was copied; index its folder again")


def move_file(path: str, place: str, sha256: str) -> None:
    """Renamed; onto another disk copied, verified, and then deleted. A symbolic link still leads to its file."""
    if os.path.islink(path):
        with draft_of(place) as draft:
            os.symlink(os.path.realpath(path), draft)
        os.unlink(path)
        return
    try:
        os.replace(path, place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy_file(path, place, sha256)
        os.unlink(path)


def link_file(path: str, place: str) -> None:
    """``place`` becomes a further name of the file ``path``. Raises OSError where the disks differ."""
    with draft_of(place) as draft:
        os.link(os.path.realpath(path), draft)  # a link to a symbolic link would lead nowhere from here
