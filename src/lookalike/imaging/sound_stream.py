"""The soundtrack of a video file -> samples, by FFmpeg's libraries (PyAV): one channel, one rate, in step with images.

A few thousand samples are held at a time, however long the file is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from lookalike.errors import DamagedVideo
from lookalike.imaging.container import MAX_BROKEN, MICROSECONDS, begins, decoded, opened, read_on
from lookalike.types import Floats

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.container import InputContainer

SAMPLE_RATE = 5512  # samples a second that are given: half of the half of a compact disc's, up to 2.7 kHz
MAX_DRIFT = 0.1  # seconds between the samples so far and a time stamp: with more, samples are missing
MAX_SILENCE = 1 << 16  # samples of a gap that are given at a time
LIMIT = 4.0  # times full scale: what is louder is broken
LATE_SECONDS = 60.0  # beyond the duration of the file: time stamps so late are broken


def sound_samples(path: str) -> Iterator[Floats]:
    """(N,) float32 each, full scale is -1..1, SAMPLE_RATE a second, all channels mixed: those of the first soundtrack,
    from when the images begin. What is missing in between is 0.

    Raises LoadError where too much of it cannot be decoded; the samples up to the end have been given by then.
    """
    with opened(path) as container:
        begin, packets, broken = _images_begin(container), 0, 0
        line = _Line(container)
        for packet in read_on(container.demux(container.streams.audio[0])):
            packets += 1
            frames = decoded(packet)
            broken += frames is None
            for frame in frames or ():
                yield from line.put(frame, None if frame.time is None else frame.time - begin)
        yield from line.end()
        if broken > MAX_BROKEN * packets:
            raise DamagedVideo(f"its sound is corrupt: {broken} of {packets} pieces cannot be decoded")


def _images_begin(container: InputContainer) -> float:
    """The time stamp, in seconds, at which the images begin; of a file without any, that of the sound."""
    streams = container.streams.video or container.streams.audio
    return begins(container, streams[0])


class _Line:
    """Frames of sound, resampled and put behind one another by their times. ``_given``: samples since the images begin;
    those before are left out."""

    def __init__(self, container: InputContainer) -> None:
        self._last = container.duration / MICROSECONDS + LATE_SECONDS if container.duration else np.inf
        self._given = 0
        self._expected = 0.0  # seconds at which the next frame begins if nothing is missing
        self._form: tuple[str, str, int] | None = None
        self._resampler = _resampler()

    def put(self, frame: AudioFrame, time: float | None) -> Iterator[Floats]:
        """What this frame adds. ``time``: seconds since the images begin, None if the file does not say."""
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._form or (time is not None and time - self._expected > MAX_DRIFT):
            yield from self._begin(form, self._expected if time is None else time)
        self._expected += frame.samples / frame.sample_rate
        frame.pts = None  # the resampler would fill or drop by it; times are kept here
        yield from self._cut(self._resampler.resample(frame))

    def end(self) -> Iterator[Floats]:
        """What is still in the resampler."""
        if self._form is not None:
            yield from self._cut(self._resampler.resample(None))

    def _begin(self, form: tuple[str, str, int], time: float) -> Iterator[Floats]:
        """Zeros up to ``time``, and a new resampler for what begins there."""
        if time > self._last:
            raise DamagedVideo(f"its sound is corrupt: a time stamp of {time:.0f} seconds")
        yield from self.end()
        if self._form is None:
            self._given = min(round(time * SAMPLE_RATE), 0)
        self._form, self._resampler = form, _resampler()
        while (missing := round(time * SAMPLE_RATE) - self._given) > 0:
            self._given += min(missing, MAX_SILENCE)
            yield np.zeros(min(missing, MAX_SILENCE), np.float32)
        self._expected = max(time, self._given / SAMPLE_RATE)

    def _cut(self, frames: list[AudioFrame]) -> Iterator[Floats]:
        for frame in frames:
            samples = frame.to_ndarray()[0]
            before = max(-self._given, 0)
            self._given += len(samples)
            if before < len(samples):
                yield np.clip(np.nan_to_num(samples[before:], posinf=LIMIT, neginf=-LIMIT), -LIMIT, LIMIT)


def _resampler() -> AudioResampler:
    from av.audio.resampler import AudioResampler

    return AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
