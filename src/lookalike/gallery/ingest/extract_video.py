"""Reads and describes one video: a vector of each frame that is looked at, a filmstrip where thumbnails are kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from lookalike.descriptors import get
from lookalike.descriptors.video import DESCRIPTOR, describe_frames
from lookalike.errors import DamagedVideo, FileUnreadable
from lookalike.gallery.ingest.scan import ListedFile
from lookalike.gallery.storage.base import NewImage
from lookalike.gallery.storage.frame_codec import packed
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.thumbnails import KEPT, webp
from lookalike.imaging.filmstrip import filmstrip
from lookalike.imaging.frame_sampling import RATE
from lookalike.imaging.video import Video, open_video
from lookalike.types import VideoFrame


def read_video(file: ListedFile, sha256: str, thumbnails: bool, max_pixels: int) -> NewImage:
    """A video as the gallery keeps it. One that is damaged behind its first frames is kept as far as it can be decoded.

    Raises LoadError, MissingDependency."""
    video = open_video(file.path, max_pixels=max_pixels)
    readable = _Readable(video)
    description = describe_frames(readable.frames())
    if os.stat(file.path).st_size != file.bytes:
        raise FileUnreadable("changed while it was read", file.path)
    strip = webp(filmstrip(video, KEPT), KEPT) if thumbnails and not readable.damage else None
    return NewImage(_row(file, sha256, video, readable), {}, thumbnail=strip, frames={DESCRIPTOR: packed(description)})


@dataclass(slots=True)
class _Readable:
    """The frames of a video up to where it is damaged. ``damage``: what is wrong there, once they are read."""

    video: Video
    damage: str | None = None
    seen: int = 0

    def frames(self) -> Iterator[VideoFrame]:
        try:
            for frame in self.video.frames(RATE, get(DESCRIPTOR).card.min_side):
                self.seen += 1
                yield frame
        except DamagedVideo as error:
            if not self.seen:
                raise
            self.damage = error.reason


def _row(file: ListedFile, sha256: str, video: Video, readable: _Readable) -> Row:
    info = video.info
    return Row(
        id=0,
        path=file.path,
        sha256=sha256,
        bytes=file.bytes,
        mtime_ns=file.mtime_ns,
        width=info.width,
        height=info.height,
        format=info.format,
        taken=None,
        camera=None,
        frames=round(info.duration * info.fps) or None,
        damage=readable.damage,
        codec=info.codec,
        duration=info.duration,
        fps=info.fps,
        bitrate=info.bitrate,
    )
