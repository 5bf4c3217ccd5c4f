"""Reads and describes one video or animation: a vector of each frame that is looked at, its sound, a filmstrip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lookalike.descriptors import get
from lookalike.descriptors.sound import describe_soundtrack
from lookalike.descriptors.video import DESCRIPTOR, describe_frames
from lookalike.errors import DamagedVideo, FileUnreadable, LoadError
from lookalike.gallery.ingest.listed import ListedFile
from lookalike.gallery.storage.base import NewImage
from lookalike.gallery.storage.frame_codec import packed
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.sound_codec import packed as packed_sound
from lookalike.gallery.storage.thumbnails import KEPT, webp
from lookalike.imaging.filmstrip import filmstrip
from lookalike.imaging.frame_sampling import RATE
from lookalike.imaging.video import Video, open_video
from lookalike.imaging.video_file import size_and_time
from lookalike.types import Image, VideoFrame


def read_video(file: ListedFile, sha256: str, thumbnails: bool, max_pixels: int) -> NewImage:
    """A video as the gallery keeps it. One that is damaged behind its first frames is kept as far as it can be decoded.

    Raises LoadError, MissingDependency."""
    video = open_video(file.path, fps=file.fps, max_pixels=max_pixels)
    readable = _Readable(video)
    description = describe_frames(readable.frames())
    sound = packed_sound(describe_soundtrack(video.info))
    if size_and_time(file.path)[0] != file.bytes:
        raise FileUnreadable("changed while it was read", file.path)
    strip = _strip(video, readable.damage) if thumbnails else None
    frames = {DESCRIPTOR: packed(description)}
    return NewImage(_row(file, sha256, video, readable), {}, thumbnail=strip, frames=frames, sound=sound)


def _strip(video: Video, damage: str | None) -> bytes | None:
    """A filmstrip, WebP; where a video is damaged, its last frame that can be decoded stands for those behind it."""
    try:
        return webp(filmstrip(video, KEPT), KEPT)
    except LoadError:
        if damage:
            return None
        raise


def with_frames(row: Row, image: Image) -> tuple[Row, dict[str, bytes]]:
    """An animated image as what moves as well: how long it lasts, and its frames; a still, or what holds more pixels
    than an animation may, as it was."""
    if (image.frames or 1) < 2:
        return row, {}
    try:
        video = open_video(row.path)
        frames = packed(describe_frames(video.frames(RATE, get(DESCRIPTOR).card.min_side)))
    except LoadError:
        return row, {}
    return replace(row, duration=video.info.duration, fps=video.info.fps), {DESCRIPTOR: frames}


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
