"""An image as the gallery keeps it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """``path``: the exact path, or an opaque name where none is kept. ``mtime_ns``: when the file last changed."""

    id: int
    path: str
    sha256: str
    bytes: int
    mtime_ns: int
    width: int
    height: int
    format: str
    taken: str | None
    camera: str | None
