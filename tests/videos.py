"""Small videos for tests, written by PyAV: every frame and its time is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import PIL.Image

from lookalike.imaging.sound_stream import SAMPLE_RATE
from samples import photograph

FPS = 10
SIZE = (240, 176)
TICKS = 1000  # of a second
SOUND_RATE = 44_100
SOUND_STEP = 1024  # samples of a frame of sound
LAYOUTS = {1: "mono", 2: "stereo"}


def write_video(
    path: Path,
    frames: Iterable[np.ndarray],
    fps: float = FPS,
    *,
    times: Sequence[float] | None = None,
    aspect: Fraction | None = None,
    codec: str = "mpeg4",
    quality: int = 3,
    sound: np.ndarray | None = None,
    sound_start: float = 0.0,
) -> Path:
    """(h, w, 3) uint8 frames as a video. ``times``: seconds, if they are not evenly spaced; ``aspect``: of a pixel.
    ``sound``: (channels, N) float32 at SOUND_RATE, from ``sound_start`` seconds on."""
    with av.open(str(path), "w") as container:
        stream = None
        soundtrack = None if sound is None else container.add_stream("aac", rate=SOUND_RATE, layout=LAYOUTS[len(sound)])
        for number, pixels in enumerate(frames):
            if stream is None:
                stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1000))
                stream.height, stream.width = pixels.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.codec_context.qmin = stream.codec_context.qmax = quality
                if codec.startswith("libvpx"):
                    stream.options = {"crf": str(quality)}  # between these two, or it refuses
                if times is not None:
                    stream.codec_context.time_base = Fraction(1, TICKS)
                if aspect is not None:
                    stream.codec_context.sample_aspect_ratio = aspect
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = round(times[number] * TICKS), Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if soundtrack is not None:
            for frame in _sound_frames(sound, sound_start):
                container.mux(soundtrack.encode(frame))
            container.mux(soundtrack.encode())
    return path


def _sound_frames(sound: np.ndarray, start: float) -> Iterator[av.AudioFrame]:
    for first in range(0, sound.shape[1], SOUND_STEP):
        block = np.ascontiguousarray(sound[:, first : first + SOUND_STEP], np.float32)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=LAYOUTS[len(sound)])
        frame.sample_rate, frame.pts = SOUND_RATE, first + round(start * SOUND_RATE)
        frame.time_base = Fraction(1, SOUND_RATE)
        yield frame


def tune(seed: int, seconds: float) -> np.ndarray:
    """(1, N) float32 at SOUND_RATE: tones and hisses that come and go at random; no two of them alike."""
    draw = np.random.default_rng(seed)
    sound = 0.001 * draw.normal(size=int(seconds * SOUND_RATE))
    for _ in range(int(seconds * 12)):
        count = int(draw.uniform(0.1, 0.6) * SOUND_RATE)
        time = np.arange(count) / SOUND_RATE
        tone = np.sin(2 * np.pi * draw.uniform(280, 2200) * (1 + draw.uniform(-0.2, 0.2) * time) * time)
        at = int(draw.uniform(0, max(len(sound) - count, 1)))
        sound[at : at + count] += (draw.uniform(0.02, 0.2) * np.hanning(count) * tone)[: len(sound) - at]
    return np.asarray(np.clip(sound, -1, 1), np.float32)[None]


def break_sound(path: Path) -> Path:
    """Overwrite most packets of the soundtrack."""
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(audio=0)]
    for packet in packets[20:]:
        place = data.find(packet)
        data[place : place + len(packet)] = b"\xff" * len(packet)
    path.write_bytes(data)
    return path


@cache
def low_rate_tune(seed: int, seconds: float) -> np.ndarray:
    """(N,) float32: the same at SAMPLE_RATE, at which it is described."""
    sound = tune(seed, seconds)[0]
    places = np.arange(0, len(sound) - 1, SOUND_RATE / SAMPLE_RATE)
    return np.interp(places, np.arange(len(sound)), sound).astype(np.float32)


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
