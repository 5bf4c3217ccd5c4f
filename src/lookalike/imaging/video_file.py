"""The size, time and digest of a video: of its file, or of all numbered frames of a folder together."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

from lookalike.errors import FileMissing, FileUnreadable
from lookalike.imaging.frame_sequence import numbered_files


def size_and_time(path: str) -> tuple[int, int]:
    """Bytes, and when it last changed, in nanoseconds. Raises LoadError."""
    with _translated(path):
        found = [os.stat(file) for file in _files(path)]
    return sum(one.st_size for one in found), max(one.st_mtime_ns for one in found)


def sha256_of(path: str) -> str:
    """Of a file its own; of a folder that of its frames' digests, in their order. Raises LoadError."""
    with _translated(path):
        digests = [_digest(file) for file in _files(path)]
    return digests[0].hex() if not os.path.isdir(path) else hashlib.sha256(b"".join(digests)).hexdigest()


def _files(path: str) -> list[str]:
    return numbered_files(path) if os.path.isdir(path) else [path]


def _digest(path: str) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise FileMissing("no such file", path) from error
    except OSError as error:
        raise FileUnreadable((error.strerror or str(error)).lower(), path) from error
