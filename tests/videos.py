"""Small videos for tests, written by PyAV: every frame and its time is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import PIL.Image

from samples import photograph

FPS = 10
SIZE = (240, 176)
TICKS = 1000  # of a second


def write_video(
    path: Path,
    frames: Iterable[np.ndarray],
    fps: float = FPS,
    *,
    times: Sequence[float] | None = None,
    aspect: Fraction | None = None,
    codec: str = "mpeg4",
    quality: int = 3,
) -> Path:
    """(h, w, 3) uint8 frames as a video. ``times``: seconds, if they are not evenly spaced; ``aspect``: of a pixel."""
    with av.open(str(path), "w") as container:
        stream = None
        for number, pixels in enumerate(frames):
            if stream is None:
                stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1000))
                stream.height, stream.width = pixels.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.codec_context.qmin = stream.codec_context.qmax = quality
                if times is not None:
                    stream.codec_context.time_base = Fraction(1, TICKS)
                if aspect is not None:
                    stream.codec_context.sample_aspect_ratio = aspect
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = round(times[number] * TICKS), Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_sound(path: Path, seconds: float = 1.0) -> Path:
    """A file with a soundtrack and no images."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        samples = (8000 * np.sin(np.arange(int(44_100 * seconds)) / 20)).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@cache
def _scene(name: str) -> PIL.Image.Image:
    image = PIL.Image.fromarray(photograph(name))
    return image.resize((480, 480 * image.height // image.width))


def pan(
    name: str, seconds: float, fps: float = FPS, *, start: float = 0.0, size: tuple[int, int] = SIZE
) -> list[np.ndarray]:
    """A camera that moves over a photograph for ``seconds``, and is at the same place again at the same time.

    ``start``: seconds after which it begins to be recorded."""
    scene = _scene(name)
    frames = []
    for number in range(round(seconds * fps)):
        time = start + number / fps
        zoom = 0.62 + 0.12 * np.sin(time * 0.9)
        width, height = scene.width * zoom, scene.height * zoom
        left = (scene.width - width) * (0.5 + 0.5 * np.sin(time * 0.53))
        top = (scene.height - height) * (0.5 + 0.5 * np.cos(time * 0.71))
        view = scene.resize(size, PIL.Image.Resampling.BILINEAR, (left, top, left + width, top + height))
        frames.append(np.asarray(view))
    return frames
