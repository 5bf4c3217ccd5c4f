"""Archives, zip and tar, on a disk or elsewhere: what is in them, and its bytes. Nothing is unpacked onto the disk.

A zip file has a directory, so that one file of it is read by itself. A compressed tar has none: a file of it is read by
decompressing all that stands before it, which is quick in order, and slow otherwise.
"""

from __future__ import annotations

import os
import posixpath
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from threading import Lock
from typing import BinaryIO, Protocol
from weakref import finalize

from lookalike.errors import FileMissing, FileUnreadable, LoadError
from lookalike.gallery.elsewhere import remote
from lookalike.gallery.elsewhere.state import SECOND, FileState
from lookalike.paths import is_url

OPEN_AT_ONCE = 8
_TAR_ERRORS = (tarfile.TarError, EOFError, zlib.error, OSError)


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive. ``name``: as it is read; ``inside``: as the gallery calls it, below the archive."""

    name: str
    inside: str
    state: FileState


class _Reader(Protocol):
    """``problem``: why it could not be listed to its end, None if it could."""

    problem: str | None

    def states(self) -> dict[str, FileState]:
        """Name of each file -> what it is like."""
        ...

    def read(self, name: str) -> bytes:
        """Raises FileUnreadable."""
        ...


class Archive:
    """What is in an archive. ``members``: by how the gallery calls them; ``led_out``: names that lead out of it.
    ``problem``: why it could not be listed to its end, None if it could."""

    def __init__(self, path: str, reader: _Reader) -> None:
        self._path, self._reader, self.problem = path, reader, reader.problem
        self.members: dict[str, Member] = {}
        self.led_out: list[str] = []
        for name, state in sorted(reader.states().items()):
            inside = posixpath.normpath(name.replace("\\", "/")).lstrip("/")
            if inside.split("/")[0] in ("..", ".", ""):
                self.led_out.append(name)
            else:
                self.members[inside] = Member(name, inside, state)

    def member(self, inside: str) -> Member:
        """Raises FileMissing."""
        if inside not in self.members:
            raise FileMissing("no such file in the archive", f"{self._path}/{inside}")
        return self.members[inside]

    def read(self, inside: str) -> bytes:
        """All bytes of a file. Raises LoadError."""
        with _translated(f"{self._path}/{inside}"):
            return self._reader.read(self.member(inside).name)


def opened(path: str) -> Archive:
    """An archive, open until others are wanted. Raises LoadError for one that cannot be read at all."""
    with _translated(path):
        if is_url(path):
            state = remote.state_of(path)
            return _opened(path, state.bytes, state.mtime_ns, os.getpid())
        status = os.stat(path)
        return _opened(path, status.st_size, status.st_mtime_ns, os.getpid())


@lru_cache(maxsize=OPEN_AT_ONCE)
def _opened(path: str, _size: int, _mtime_ns: int, _process: int) -> Archive:
    file = remote.opened(path) if is_url(path) else open(path, "rb")  # noqa: SIM115  closed with the archive
    try:
        found = Archive(path, _ZipReader(file) if path.lower().endswith(".zip") else _TarReader(file))
    except BaseException:
        file.close()
        raise
    finalize(found, file.close)
    return found


class _ZipReader:
    """Of files of one name the last counts, as for every other program."""

    problem: str | None = None

    def __init__(self, file: BinaryIO) -> None:
        self._lock, self._zip = Lock(), zipfile.ZipFile(file)

    def states(self) -> dict[str, FileState]:
        return {info.filename: _zip_state(info) for info in self._zip.infolist() if not info.is_dir()}

    def read(self, name: str) -> bytes:
        with self._lock:
            info = self._zip.getinfo(name)
            if info.flag_bits & 1:
                raise FileUnreadable("encrypted")
            return self._zip.read(info)


def _zip_state(info: zipfile.ZipInfo) -> FileState:
    """Zip files say their time without a zone, to two seconds, and sometimes one that there is not."""
    try:
        changed = datetime(*info.date_time, tzinfo=UTC)
    except ValueError:
        changed = datetime(1980, 1, 1, tzinfo=UTC)
    return FileState.of(info.file_size, changed, f"{info.CRC:08x}")


class _TarReader:
    """Listed once, from its beginning to its end."""

    def __init__(self, file: BinaryIO) -> None:
        self._lock, self._tar = Lock(), tarfile.open(fileobj=file, mode="r:*")  # noqa: SIM115  holds nothing open
        self._members: dict[str, tarfile.TarInfo] = {}
        self.problem: str | None = None
        try:
            for one in self._tar:
                if one.isfile():
                    self._members[one.name] = one
        except _TAR_ERRORS as error:
            self.problem = f"cut short or damaged ({error}): {len(self._members):,} of its files can be listed"

    def states(self) -> dict[str, FileState]:
        return {name: FileState(one.size, int(one.mtime) * SECOND, False) for name, one in self._members.items()}

    def read(self, name: str) -> bytes:
        with self._lock:
            file = self._tar.extractfile(self._members[name])
            data = file.read() if file is not None else b""
            if len(data) != self._members[name].size:
                raise FileUnreadable("the archive is cut short")
            return data


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except LoadError as error:
        raise type(error)(error.reason, path) from error
    except (zipfile.BadZipFile, *_TAR_ERRORS[:-1]) as error:  # of the archive: whole again, its files are read again
        raise FileUnreadable(f"damaged or cut short: {error}", path) from error
    except Exception as error:
        raise FileUnreadable(f"cannot be read: {error}", path) from error
