"""Animations (GIF, WebP, APNG, AVIF) and folders of numbered frames, read as videos are."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count

import numpy as np

from lookalike.errors import ImageTooLarge, LoadError, NotAVideo
from lookalike.imaging.decode import opened_frames
from lookalike.imaging.formats import is_image_name
from lookalike.imaging.frame_sampling import RATE, FrameSampler
from lookalike.imaging.frames import frame_seconds
from lookalike.imaging.letterbox import content_box
from lookalike.imaging.read import from_pillow, load, read_bytes
from lookalike.types import Image, VideoFrame, VideoInfo

FPS = 25.0
"""Frames a second of a folder, where nobody says how many."""
MAX_SEQUENCE_PIXELS = 4_000_000_000  # of all frames of an animation together: each must be decoded to reach the last
PROBES, PROBE_SIDE = 8, 180  # frames in which bars are looked for, and their side in pixels

_ANIMATED = {"GIF", "WEBP", "PNG", "AVIF"}
_NUMBERED = re.compile(r"(\d+)\D*$")  # the last number of a name, without its ending


class FolderOfFrames:
    """The images of a folder whose names end in a number, in the order of the numbers, equally long each."""

    def __init__(self, path: str, fps: float | None, max_pixels: int) -> None:
        self._files, self._fps, self._max_pixels = numbered_files(path), fps or FPS, max_pixels
        places = sorted({round(n * (len(self._files) - 1) / (PROBES - 1)) for n in range(PROBES)})
        probes = [self._load(place, PROBE_SIDE) for place in places]
        width, height = probes[0].width, probes[0].height
        self._info = VideoInfo(
            path=path,
            duration=len(self._files) / self._fps,
            fps=self._fps,
            width=width,
            height=height,
            content=content_box([probe.pixels for probe in probes], width, height),
            format=probes[0].format,
            codec=probes[0].format.lower(),
            bitrate=0,
            bytes=sum(os.path.getsize(file) for file in self._files),
            has_sound=False,
        )

    @property
    def info(self) -> VideoInfo:
        """See ``Video.info``."""
        return self._info

    def frames(self, rate: float = RATE, min_side: int | None = None) -> Iterator[VideoFrame]:
        """See ``Video.frames``. Cuts are not looked for: files that are not wanted are not read."""
        sampler = FrameSampler(rate)
        for number in range(len(self._files)):
            if sampler.wants(number / self._fps):
                yield self._frame(number, min_side)

    def frames_at(self, times: Sequence[float], min_side: int | None = None) -> list[VideoFrame]:
        """See ``Video.frames_at``."""
        last = len(self._files) - 1
        return [self._frame(min(max(int(time * self._fps + 0.5), 0), last), min_side) for time in times]

    def _frame(self, number: int, min_side: int | None) -> VideoFrame:
        image = self._load(number, _side_with_bars(min_side, self._info))
        return VideoFrame(number / self._fps, _without_bars(image, self._info))

    def _load(self, number: int, min_side: int | None) -> Image:
        return load(self._files[number], min_side=min_side, max_pixels=self._max_pixels)


class Animation:
    """A GIF, WebP, APNG or AVIF of several frames. Its bytes are held; frames are decoded as they are asked for."""

    def __init__(self, path: str, data: bytes, max_pixels: int) -> None:
        self._path, self._data, self._max_pixels = path, data, max_pixels
        seconds, probes = [], []
        with opened_frames(data, max_pixels) as (image, numbers):
            _check_animation(image.format or "", image.size, len(numbers))
            wanted = {numbers[round(n * (len(numbers) - 1) / (PROBES - 1))] for n in range(PROBES)}
            for number in numbers:
                image.seek(number)
                image.load()
                seconds.append(frame_seconds(image))
                if number in wanted:
                    probes.append(from_pillow(image.copy(), min_side=PROBE_SIDE))
            name = image.format or ""
        self._times = [0.0, *np.cumsum(seconds)[:-1].tolist()]
        width, height, duration = probes[0].width, probes[0].height, float(sum(seconds))
        self._info = VideoInfo(
            path=path,
            duration=duration,
            fps=len(seconds) / duration,
            width=width,
            height=height,
            content=content_box([probe.pixels for probe in probes], width, height),
            format=name,
            codec=name.lower(),
            bitrate=round(len(data) * 8 / duration),
            bytes=len(data),
            has_sound=False,
        )

    @property
    def info(self) -> VideoInfo:
        """See ``Video.info``."""
        return self._info

    def frames(self, rate: float = RATE, min_side: int | None = None) -> Iterator[VideoFrame]:
        """See ``Video.frames``. A frame that is shown for longer than the others is given as often as it is due."""
        sampler = FrameSampler(rate)
        due = [place for place, time in enumerate(self._times) if sampler.wants(time)]
        yield from self._read(self._held_still(due, rate), min_side)

    def frames_at(self, times: Sequence[float], min_side: int | None = None) -> list[VideoFrame]:
        """See ``Video.frames_at``."""
        places = [max(bisect_right(self._times, time + 1e-6) - 1, 0) for time in times]
        return list(self._read([(place, self._times[place]) for place in places], min_side))

    def _held_still(self, places: Sequence[int], rate: float) -> list[tuple[int, float]]:
        """Places with their times, and again after each ``1 / rate`` seconds for which nothing else is shown."""
        ends = [*(self._times[place] for place in places[1:]), self._info.duration]
        found = []
        for place, end in zip(places, ends, strict=True):
            for number in count():
                time = self._times[place] + number / rate
                if number and time >= end - 0.5 / rate:
                    break
                found.append((place, time))
        return found

    def _read(self, wanted: Sequence[tuple[int, float]], min_side: int | None) -> Iterator[VideoFrame]:
        """Frames by their places in ascending order, each with the time that is given with it."""
        try:
            with opened_frames(self._data, self._max_pixels) as (image, numbers):
                at, shown = -1, None
                for place, time in wanted:
                    if place != at or shown is None:
                        image.seek(numbers[place])
                        image.load()
                        whole = from_pillow(image.copy(), min_side=_side_with_bars(min_side, self._info))
                        whole = replace(whole, path=self._path, format=self._info.codec)
                        at, shown = place, _without_bars(whole, self._info)
                    yield VideoFrame(time, shown)
        except LoadError as error:
            raise type(error)(error.reason, self._path) from error


def open_animation(path: str, max_pixels: int) -> Animation:
    """An animated image. Raises LoadError: NotAVideo for a still, and for pages, which are a set and no sequence."""
    return Animation(path, read_bytes(path), max_pixels)


def _check_animation(name: str, size: tuple[int, int], frames: int) -> None:
    if name not in _ANIMATED:
        raise NotAVideo(f"{name} holds stills or pages, which do not move; `lookalike compare` compares images")
    if frames < 2:
        raise NotAVideo("a still image; `lookalike compare` compares images")
    pixels = size[0] * size[1] * frames
    if pixels > MAX_SEQUENCE_PIXELS:
        raise ImageTooLarge(
            f"{frames:,} frames of {size[0]} x {size[1]} pixels are over the limit of 4,000 million pixels"
        )


def numbered_files(folder: str) -> list[str]:
    """The images whose names end in a number and are otherwise called alike, by their numbers: of several such series
    the longest. Raises NotAVideo if there are not two of them."""
    series: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for name in os.listdir(folder):
        stem, ending = os.path.splitext(name)
        number = _NUMBERED.search(stem)
        if is_image_name(name) and number and not name.startswith("."):
            series.setdefault((stem[: number.start()], ending.lower()), []).append((int(number[1]), name))
    longest = max(series.values(), key=len, default=[])
    if len(longest) < 2:
        raise NotAVideo("no numbered frames in this folder (frame_0001.png, frame_0002.png, ...)", folder)
    return [os.path.join(folder, name) for _, name in sorted(longest)]


def _side_with_bars(min_side: int | None, info: VideoInfo) -> int | None:
    """The shorter side of the whole image at which that of its content is ``min_side``."""
    if min_side is None:
        return None
    return int(np.ceil(min_side * min(info.width, info.height) / min(info.content.width, info.content.height)))


def _without_bars(image: Image, info: VideoInfo) -> Image:
    """The content of an image, at whatever scale."""
    box, height, width = info.content, *image.pixels.shape[:2]
    if (box.width, box.height) == (info.width, info.height):
        return image
    across, down = width / info.width, height / info.height
    rows = slice(round(box.y * down), round((box.y + box.height) * down))
    columns = slice(round(box.x * across), round((box.x + box.width) * across))
    return Image(
        np.ascontiguousarray(image.pixels[rows, columns]),
        int(box.width),
        int(box.height),
        path=image.path,
        format=image.format,
    )
