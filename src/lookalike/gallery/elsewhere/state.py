"""What is known of a file elsewhere that was not read: its length, when it changed, and a mark that changes with it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import Any

SECOND = 1_000_000_000  # nanoseconds
UNKNOWN = -1  # the length of a file whose server does not say


@dataclass(frozen=True, slots=True)
class FileState:
    """``bytes``: UNKNOWN if that is not known. ``mtime_ns``: when it last changed; if it ``is_marked``, the nanoseconds
    below the second are a hash of the mark (ETag, CRC) that alone says whether it changed."""

    bytes: int
    mtime_ns: int
    is_marked: bool

    @classmethod
    def of(cls, size: int | None, changed: datetime | None, mark: str | None) -> FileState:
        """Of what a server or an archive says. A file of which neither a time nor a mark is known counts as changed
        now, so that it is read again."""
        if changed is None and not mark:
            return cls(_size(size), time.time_ns(), False)
        seconds = 0 if changed is None else int(changed.replace(tzinfo=changed.tzinfo or UTC).timestamp())
        return cls(_size(size), seconds * SECOND + (hash_of(mark) if mark else 0), bool(mark))

    @classmethod
    def of_headers(cls, info: Mapping[str, Any]) -> FileState:
        """Of what fsspec tells of a file in a bucket or on a web server."""
        changed = info.get("LastModified") or _parsed(info.get("Last-Modified"))
        mark = str(info.get("ETag") or "").removeprefix("W/").strip('"')
        return cls.of(info.get("size"), changed, mark or None)

    def is_that_of(self, size: int, mtime_ns: int) -> bool:
        """Whether a file that was like this when it was indexed is unchanged."""
        if self.bytes not in (UNKNOWN, size):
            return False
        return self.mtime_ns % SECOND == mtime_ns % SECOND if self.is_marked else self.mtime_ns == mtime_ns


def hash_of(mark: str) -> int:
    """1..10^9 - 1."""
    return 1 + int.from_bytes(blake2b(mark.encode(), digest_size=8).digest(), "little") % (SECOND - 1)


def _size(size: int | None) -> int:
    return UNKNOWN if size is None else int(size)


def _parsed(text: object) -> datetime | None:
    try:
        return parsedate_to_datetime(str(text)) if text else None
    except ValueError:
        return None
