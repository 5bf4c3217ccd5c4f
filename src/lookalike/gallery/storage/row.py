"""An image as the gallery keeps it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """``path``: the exact path, or an opaque name where none is kept. ``mtime_ns``: when the file last changed.
    ``frames``: frames or pages in it, None if it was indexed before they were counted. ``damage``: what is wrong with a
    file that can be decoded all the same. ``codec``: of a video; None for an image. ``duration``, seconds, and ``fps``,
    of what moves; ``bitrate``, bits a second, of a video, 0 where it is not known."""

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
    frames: int | None = 1
    damage: str | None = None
    codec: str | None = None
    duration: float | None = None
    fps: float | None = None
    bitrate: int | None = None

    @property
    def is_video(self) -> bool:
        """Whether it is described by its frames alone."""
        return self.codec is not None
