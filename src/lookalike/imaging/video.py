"""A video, an animation or a folder of numbered frames -> frames with times: upright, sRGB, without black bars."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import PurePath
from typing import Protocol

from lookalike.errors import FileMissing, FileUnreadable, LoadError, NotAVideo, UserError
from lookalike.imaging.decode import MAX_PIXELS
from lookalike.imaging.formats import HEAD, sniff
from lookalike.imaging.frame_sampling import RATE
from lookalike.imaging.frame_sequence import FolderOfFrames, open_animation
from lookalike.imaging.video_stream import VideoStream
from lookalike.types import VideoFrame, VideoInfo

VideoSource = str | os.PathLike[str]

_SUFFIXES = frozenset(
    {
        *(
            ".mp4",
            ".m4v",
            ".mov",
            ".qt",
            ".3gp",
            ".3g2",
            ".mkv",
            ".webm",
            ".avi",
            ".mpg",
            ".mpeg",
            ".m2v",
            ".vob",
            ".ts",
        ),
        *(".m2ts", ".mts", ".wmv", ".asf", ".flv", ".f4v", ".ogv", ".mxf", ".rm", ".rmvb", ".dv", ".ivf", ".y4m"),
    }
)
_MPEG_TS = b"G"  # how a packet of a transport stream begins; sources of TypeScript are called .ts as well


def reads_videos() -> bool:
    """Whether PyAV is installed, so that files can be read that are no animated images."""
    return find_spec("av") is not None


def is_video_name(path: str | os.PathLike[str]) -> bool:
    """Whether the file's name ends like a video's (".mp4", ".MKV", ...). Does not touch the file."""
    return PurePath(path).suffix.lower() in _SUFFIXES


def is_video_file(path: str | os.PathLike[str]) -> bool:
    """Whether it is called a video, and is none of those that merely have the same ending. Raises OSError."""
    if not is_video_name(path):
        return False
    if PurePath(path).suffix.lower() != ".ts":
        return True
    with open(path, "rb") as file:
        return file.read(1) == _MPEG_TS


class Video(Protocol):
    """Moving images that are read as often as they are asked for; nothing of them is held meanwhile."""

    @property
    def info(self) -> VideoInfo:
        """What the file says of itself."""
        ...

    def frames(self, rate: float = RATE, min_side: int | None = None) -> Iterator[VideoFrame]:
        """``rate`` frames a second and the first after each cut, at the smallest scale whose shorter side has
        ``min_side`` pixels. Raises LoadError where the file ends before it should or cannot be decoded on."""
        ...

    def frames_at(self, times: Sequence[float], min_side: int | None = None) -> list[VideoFrame]:
        """The frames that are shown at these times, in seconds and ascending. Raises LoadError."""
        ...


def open_video(source: VideoSource, *, fps: float | None = None, max_pixels: int = MAX_PIXELS) -> Video:
    """Open a video file (needs the extra ``video``), an animation (GIF, WebP, APNG, AVIF) or a folder of frames.

    ``fps``: frames a second of a folder of numbered frames, 25 if it is not said; an error for anything else.
    ``max_pixels`` limits one decoded frame. Raises FileMissing, FileUnreadable, NotAVideo, DamagedVideo, ImageTooLarge,
    UserError, and MissingDependency where PyAV is needed and not installed.
    """
    path = os.fspath(source)
    if fps is not None and not fps > 0:
        raise UserError(f"fps must be more than 0 frames a second, not {fps:g}")
    if os.path.isdir(path):
        return FolderOfFrames(path, fps, max_pixels)
    if fps is not None:
        raise UserError(f"{path}: only a folder of numbered frames needs fps; a file says itself how fast it runs")
    try:
        head = _head(path)
        if not head:
            raise NotAVideo("empty file (0 bytes)")
        if sniff(head) is not None:
            return open_animation(path, max_pixels)
        return VideoStream(path, max_pixels)
    except LoadError as error:
        raise type(error)(error.reason, path) from error


def _head(path: str) -> bytes:
    """The first bytes of a file. Raises LoadError for what is no file that can be read."""
    if not os.path.exists(path):
        raise FileMissing("no such file")
    if not os.path.isfile(path):
        raise FileUnreadable("neither a file nor a folder of frames")
    try:
        with open(path, "rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise FileUnreadable(error.strerror or "cannot be read") from error
