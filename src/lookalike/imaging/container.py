"""A file of moving images or of sound, opened by FFmpeg's libraries (PyAV), and what goes wrong in our own words.

FFmpeg is given an open file and never a name, only formats that hold what they show themselves, and no protocol: a
playlist or a list of files to join can open nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lookalike.errors import DamagedVideo, FileUnreadable, ImageTooLarge, LoadError, MissingDependency, NotAVideo

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

FORMATS = "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,rm,dv,ivf,nut,h264,hevc,av1,obu,m4v,vc1,yuv4mpegpipe"
MICROSECONDS = 1_000_000  # FFmpeg's unit of a container's times
MAX_BROKEN = 0.2  # of the packets: with more that cannot be decoded a file is damaged
_OPTIONS = {"format_whitelist": FORMATS, "protocol_whitelist": ""}


@contextmanager
def opened(path: str) -> Iterator[InputContainer]:
    """The file; whatever goes wrong with it, in the body as well, is a LoadError that names it."""
    av = _pyav()
    try:
        with open(path, "rb") as file, av.open(file, options=_OPTIONS, metadata_errors="replace") as container:
            yield container
    except LoadError as error:
        raise type(error)(error.reason, path) from error
    except av.error.FFmpegError as error:
        raise _named(error, path) from error
    except OSError as error:
        raise FileUnreadable(error.strerror or "cannot be read", path) from error
    except MemoryError as error:
        raise ImageTooLarge("there is not enough memory to decode it", path) from error
    except (UnicodeDecodeError, ValueError, IndexError, RuntimeError, AttributeError) as error:
        raise DamagedVideo(f"cannot be decoded ({type(error).__name__})", path) from error


def begins(container: InputContainer, stream: Stream) -> float:
    """The time stamp, in seconds, at which the stream begins."""
    if stream.start_time is not None and stream.time_base:
        return float(stream.start_time * stream.time_base)
    return float((container.start_time or 0) / MICROSECONDS)


def read_on(packets: Iterator[Packet[Any]]) -> Iterator[Packet[Any]]:
    """Packets up to the first error of the file; what is missing then is counted by its time."""
    from av.error import FFmpegError

    try:
        yield from packets
    except (FFmpegError, UnicodeDecodeError):
        return


def decoded(packet: Packet[Any]) -> list[Any] | None:
    """The frames that a packet completes; None if it cannot be decoded."""
    from av.error import FFmpegError

    try:
        return [frame for frame in packet.decode() if not frame.is_corrupt]
    except (FFmpegError, UnicodeDecodeError):
        return None


def unknown_codec(container: InputContainer) -> NotAVideo:
    """That there is no decoder, with the codec's name as far as FFmpeg knows it: it says it in its log alone."""
    from av import logging

    level = logging.get_level()
    logging.set_level(logging.INFO)
    try:
        described = re.search(r"Video: (\w+)(?: \((\w+) /)?", container.dumps_format())  # type: ignore[attr-defined]  # its stubs lack it
    finally:
        logging.set_level(level)
    names = [name for name in described.groups() if name not in (None, "none")] if described else []
    return NotAVideo(f"there is no decoder for its codec{''.join(f', {name}' for name in names[:1])}")


def _pyav() -> Any:
    try:
        import av
        import av.error
        import av.logging
    except ImportError as error:
        raise MissingDependency("videos are read by PyAV: pip install 'lookalike[video]'") from error
    return av


def _named(error: Any, path: str) -> LoadError:
    """FFmpeg's error in the words of the house."""
    av = _pyav()
    if isinstance(error, av.error.DecoderNotFoundError):
        return NotAVideo("there is no decoder for its codec", path)
    if isinstance(error, av.error.EOFError):
        return DamagedVideo("it ends before its first image", path)
    if isinstance(error, (av.error.InvalidDataError, av.error.ArgumentError, av.error.DemuxerNotFoundError)):
        return NotAVideo("of no video format that we know, or cut off before its images begin", path)
    return DamagedVideo(f"cannot be decoded: {error.strerror or type(error).__name__}", path)
