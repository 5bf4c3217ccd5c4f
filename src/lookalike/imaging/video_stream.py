"""A video file -> its frames, by FFmpeg's libraries (PyAV). Frames on which no other depends are not decoded where that
saves time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import DamagedVideo, NotAVideo
from lookalike.imaging.container import MAX_BROKEN, MICROSECONDS, begins, decoded, opened, read_on, unknown_codec
from lookalike.imaging.decode import check_size
from lookalike.imaging.frame_sampling import RATE, FrameSampler
from lookalike.imaging.letterbox import content_box
from lookalike.types import Box, Image, Pixels, VideoFrame, VideoInfo

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame as Decoded
    from av.video.stream import VideoStream as Stream

PROBES = 8  # frames, evenly spread, in which bars are looked for
PROBE_SIDE = 180  # pixels
CUT_STRIDE = 16  # pixels between those of the coarse view in which cuts are seen
MISSING_SECONDS, MISSING_SHARE = 1.0, 0.05  # of the duration: a file that ends so much too early is truncated
SEEK_SECONDS = 8.0  # to the next frame that is asked for: from so many on, seeking is quicker than decoding


class VideoStream:
    """The first video stream of a file that is no attached cover."""

    def __init__(self, path: str, max_pixels: int) -> None:
        self._path, self._max_pixels = path, max_pixels
        with self._opened() as (container, stream):
            probes = self._probe(container, stream)
            self._turn, self._stretch = _turn(probes[0]), _stretch(stream)
            width, height = self._size = self._upright_size(probes[0].width, probes[0].height)
            content = content_box([self._whole(frame, PROBE_SIDE) for frame in probes], width, height)
            self._info = VideoInfo(
                path=path,
                duration=_duration(container, stream),
                fps=float(stream.average_rate or 0),
                width=width,
                height=height,
                content=content,
                format=_format(container, path),
                codec=stream.codec_context.name,
                bitrate=int(container.bit_rate or 0),
                bytes=os.path.getsize(path),
                has_sound=bool(container.streams.audio),
            )

    @property
    def info(self) -> VideoInfo:
        """See ``Video.info``."""
        return self._info

    def frames(self, rate: float = RATE, min_side: int | None = None) -> Iterator[VideoFrame]:
        """See ``Video.frames``."""
        sampler, found = FrameSampler(rate), False
        with self._opened() as (container, stream):
            stream.codec_context.skip_frame = "NONREF"
            for time, frame in self._timed(container, stream):
                if sampler.wants(time, _coarse_luma(frame)):
                    found = True
                    yield VideoFrame(time, self._image(frame, min_side))
        if not found:
            raise DamagedVideo("not one frame can be decoded", self._path)

    def frames_at(self, times: Sequence[float], min_side: int | None = None) -> list[VideoFrame]:
        """See ``Video.frames_at``."""
        found: list[VideoFrame] = []
        with self._opened() as (container, stream):
            begin, step = begins(container, stream), 0.5 / self._info.fps if self._info.fps else 0.02
            shown: Iterator[tuple[float, Decoded]] = iter(())
            at, frame = -np.inf, None
            for wanted in times:
                if frame is None or wanted - at > SEEK_SECONDS:
                    container.seek(int((wanted + begin) * MICROSECONDS), backward=True)
                    shown, at = self._timed(container, stream, complete=False), -np.inf
                while at < wanted - step and (following := next(shown, None)) is not None:
                    at, frame = following
                if frame is None:
                    raise DamagedVideo(f"there is no frame at {wanted:.2f} s", self._path)
                found.append(VideoFrame(at, self._image(frame, min_side)))
        return found

    def _timed(
        self, container: InputContainer, stream: Stream, complete: bool = True
    ) -> Iterator[tuple[float, Decoded]]:
        """Each frame with its time in seconds. ``complete``: raise DamagedVideo if the file ends too early."""
        begin, end, packets, broken = begins(container, stream), 0.0, 0, 0
        watched = [stream, *container.streams.audio] if complete else [stream]
        ticks = {one.index: float(one.time_base or 0) for one in watched}
        guessed, step = 0.0, 1 / self._info.fps if self._info.fps else 0.04
        for packet in read_on(container.demux(watched)):
            end = max(end, _end(packet) * ticks[packet.stream.index] - begin)
            if packet.stream.index != stream.index:  # of a packet that flushes the decoder, stream_index is 0
                continue
            packets += 1
            frames = decoded(packet)
            broken += frames is None
            for frame in frames or ():
                guessed = frame.time - begin if frame.time is not None else guessed + step
                yield max(guessed, 0.0), frame
        if broken > MAX_BROKEN * packets:
            raise DamagedVideo(f"corrupt: {broken} of {packets} pieces cannot be decoded")
        declared = self._info.duration
        if complete and declared - end > max(MISSING_SECONDS, MISSING_SHARE * declared):
            raise DamagedVideo(f"truncated: it ends after {end:.1f} of {declared:.1f} seconds")

    def _probe(self, container: InputContainer, stream: Stream) -> list[Decoded]:
        """Frames evenly spread over the file, as far as it can be searched; one at least."""
        duration, begin = _duration(container, stream), begins(container, stream)
        found = []
        count = min(PROBES, stream.frames or PROBES)
        for number in range(count):
            try:
                container.seek(int((begin + duration * number / count) * MICROSECONDS), backward=True)
                found.append(next(_shown_at_once(container, stream)))
            except (StopIteration, OSError, ValueError):
                continue
        if not found:
            raise DamagedVideo("not one frame can be decoded")
        return found

    def _upright_size(self, width: int, height: int) -> tuple[int, int]:
        """Of an image stored with ``width`` x ``height`` pixels, once they are square and it is upright."""
        wide = max(round(width * self._stretch), 1)
        return (height, wide) if self._turn % 2 else (wide, height)

    def _whole(self, frame: Decoded, min_side: int | None, content: Box | None = None) -> Pixels:
        """The upright frame with its bars, at the smallest scale at which the content has ``min_side`` pixels. Frames
        of another size than the first ones come in theirs, as they are shown."""
        check_size((frame.width, frame.height), self._max_pixels)
        width, height = self._size
        side = min(width, height) if content is None else min(content.width, content.height)
        scale = 1.0 if min_side is None else min(min_side / side, 1.0)
        width, height = (max(int(np.ceil(length * scale)), 1) for length in (width, height))
        stored = (height, width) if self._turn % 2 else (width, height)
        pixels = frame.reformat(*stored, format="rgb24", interpolation="AREA").to_ndarray()
        return np.ascontiguousarray(np.rot90(pixels, self._turn))

    def _image(self, frame: Decoded, min_side: int | None) -> Image:
        info, box = self._info, self._info.content
        pixels = self._whole(frame, min_side, box)
        across, down = pixels.shape[1] / info.width, pixels.shape[0] / info.height
        left, top = round(box.x * across), round(box.y * down)
        right, bottom = round((box.x + box.width) * across), round((box.y + box.height) * down)
        shown = np.ascontiguousarray(pixels[top:bottom, left:right])
        return Image(shown, int(box.width), int(box.height), path=self._path, format=info.codec)

    @contextmanager
    def _opened(self) -> Iterator[tuple[InputContainer, Stream]]:
        """The file and its video stream; whatever goes wrong with them is a LoadError that names the file."""
        with opened(self._path) as container:
            stream = _video_stream(container)
            check_size((stream.codec_context.width, stream.codec_context.height), self._max_pixels)
            stream.thread_type = "AUTO"
            stream.codec_context.options = {"max_pixels": str(self._max_pixels)}
            yield container, stream


def _video_stream(container: InputContainer) -> Stream:
    from av.stream import Disposition

    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise NotAVideo("it has sound and no moving images" if container.streams.audio else "no moving images in it")
    if not hasattr(streams[0], "codec_context") or streams[0].codec_context is None:
        raise unknown_codec(container)
    return streams[0]


def _turn(frame: Decoded) -> int:
    """Quarter turns counter-clockwise that make the stored frame upright."""
    return round((frame.rotation or 0) / 90) % 4


def _stretch(stream: Stream) -> float:
    """A stored pixel's width divided by its height."""
    aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or Fraction(1)
    return float(aspect) if 1 / 8 < aspect < 8 else 1.0


def _format(container: InputContainer, path: str) -> str:
    """As the file's name ends, if files of its format may; else FFmpeg's first name for the format."""
    ending = os.path.splitext(path)[1][1:].lower()
    return (ending if ending in container.format.extensions else container.format.name.split(",")[0]).upper()


def _duration(container: InputContainer, stream: Stream) -> float:
    """Seconds that the file says it lasts; 0 if it does not say. An AVI's header counts its frames, also of a file that
    is cut off."""
    if container.format.name == "avi" and stream.frames and stream.average_rate:
        return float(stream.frames / stream.average_rate)
    if container.duration:
        return float(container.duration / MICROSECONDS)
    return float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0


def _end(packet: Packet[Any]) -> int:
    """When what the packet holds is over, in its stream's time stamps."""
    return 0 if packet.pts is None else packet.pts + (packet.duration or 0)


def _shown_at_once(container: InputContainer, stream: Stream) -> Iterator[Decoded]:
    """The frames from here on. A key frame is not held back until those come that are shown before it."""
    decoder = stream.codec_context
    for packet in container.demux(stream):
        frames = packet.decode()
        if not frames and packet.is_keyframe:
            frames = decoder.decode(None)
            decoder.flush_buffers()
        yield from frames


def _coarse_luma(frame: Decoded) -> NDArray[np.uint8] | None:
    """Every CUT_STRIDE-th pixel of the luma, of formats that keep it as bytes in a plane of its own; None of others."""
    name = frame.format.name
    if not name.startswith(("yuv", "nv", "gray")) or frame.format.components[0].bits != 8 or "yuyv" in name:
        return None
    plane = frame.planes[0]
    lines: NDArray[np.uint8] = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return lines[: frame.height : CUT_STRIDE, : frame.width : CUT_STRIDE].copy()
