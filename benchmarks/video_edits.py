"""Short videos for recipes and benchmarks, what people do to them, and pairs that are alike and no copies.

Sources are recordings: real videos, films cut together from photographs under a moving camera, and fixed cameras before
which somebody walks about now and then (both drawn from any folder of images). Each is described once; windows are cut
out of it and of its description. What is true of a pair is known: which seconds of the original are which of the edit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.video_pair import VideoInput, describe_video
from lookalike.descriptors import get
from lookalike.descriptors.video import DESCRIPTOR, VideoDescription
from lookalike.imaging import load
from lookalike.imaging.frame_sampling import RATE
from lookalike.imaging.video import Video, open_video
from lookalike.types import Pixels, VideoFrame, VideoInfo

FPS = 10.0
SIZE = (384, 288)
DRAWN_SECONDS = 60.0
WINDOW_SECONDS = (10.0, 40.0)
EDITED_SECONDS = (10.0, 24.0)
QUALITY, LOW_QUALITY = 25, 38  # x264's constant rate factor
SHOTS = 24  # different photographs of a film
INSERT_SECONDS = 6.0
VIDEO_ENDINGS = {".mp4", ".mkv", ".mov", ".webm", ".avi"}

Span = tuple[float, float, float, float]
"""Begin and end in the original, begin and end in the edit, in seconds."""


@dataclass(frozen=True)
class Clip:
    """Frames, (h, w, 3) uint8 each, ``fps`` a second. ``quality``: x264's constant rate factor."""

    frames: Sequence[Pixels]
    fps: float = FPS
    quality: int = QUALITY

    @property
    def seconds(self) -> float:
        return len(self.frames) / self.fps

    def part(self, start: float, end: float) -> Clip:
        return replace(self, frames=self.frames[round(start * self.fps) : round(end * self.fps)])


def write(path: Path, clip: Clip) -> Path:
    """As H.264, with frames that others do not depend on."""
    with av.open(str(path), "w") as container:
        height, width = (length - length % 2 for length in clip.frames[0].shape[:2])
        stream = container.add_stream("libx264", rate=Fraction(clip.fps).limit_denominator(1000))
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.options = {"crf": str(clip.quality), "preset": "veryfast"}
        for pixels in clip.frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:height, :width]), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


# --- sources ------------------------------------------------------------------------------------------


def film(images: Sequence[Path], seed: int, seconds: float = DRAWN_SECONDS) -> Clip:
    """Shots of 2 to 5 seconds, each a photograph over which the camera moves; none comes twice while they last."""
    rng, frames = np.random.default_rng(seed), list[Pixels]()
    while len(frames) < seconds * FPS:
        for place in rng.permutation(len(images)):
            scene = _filling(load(images[int(place)]).pixels, SIZE, 1.6)
            count = int(rng.integers(2 * int(FPS), 5 * int(FPS)))
            begin, end = (_viewport(rng, scene.shape[1] / scene.shape[0]) for _ in range(2))
            frames += [_view(scene, begin + (end - begin) * n / count) for n in range(count)]
    return Clip(frames[: round(seconds * FPS)])


def fixed_camera(room: Path, people: Sequence[Path], seed: int, seconds: float = DRAWN_SECONDS) -> Clip:
    """One photograph as the room; before it things walk about now and then, each another photograph's middle in an
    oval."""
    rng = np.random.default_rng(seed)
    scene, frames = _filling(load(room).pixels, SIZE, 1.0), list[Pixels]()
    walkers = [_Walker(load(person).pixels, rng, seconds) for person in people]
    for number in range(round(seconds * FPS)):
        frame = np.clip(scene + rng.normal(0, 2, scene.shape), 0, 255).astype(np.uint8)
        for walker in walkers:
            walker.draw(frame, number / FPS)
        frames.append(frame)
    return Clip(frames)


class _Walker:
    """An oval that goes from place to place; for half of the time, in one piece, it is not there."""

    def __init__(self, pixels: Pixels, rng: np.random.Generator, seconds: float) -> None:
        width, height = int(rng.integers(50, 90)), int(rng.integers(90, 150))
        self._shape = _filling(pixels, (width, height), 1.0)
        oval = np.zeros((height, width), np.uint8)
        cv2.ellipse(oval, (width // 2, height // 2), (width // 2 - 1, height // 2 - 1), 0, 0, 360, 255, -1)
        self._inside = oval > 0
        steps = max(int(seconds / 2), 2)
        self._times = np.linspace(0, seconds, steps)
        self._x, self._y = rng.uniform(-0.3, 1.1, steps) * SIZE[0], rng.uniform(0.2, 0.7, steps) * SIZE[1]
        away = int(rng.integers(steps))
        self._x[np.arange(away, away + steps // 2) % steps] = 2 * SIZE[0]

    def draw(self, frame: Pixels, time: float) -> None:
        left, top = (int(np.interp(time, self._times, way)) for way in (self._x, self._y))
        height, width = self._inside.shape
        x, y = max(left, 0), max(top, 0)
        right, bottom = min(left + width, frame.shape[1]), min(top + height, frame.shape[0])
        if right <= x or bottom <= y:
            return
        own = np.s_[y - top : bottom - top, x - left : right - left]
        frame[y:bottom, x:right][self._inside[own]] = self._shape[own][self._inside[own]]


class Excerpt:
    """Some seconds of a video, as a video of its own."""

    def __init__(self, video: Video, start: float, end: float) -> None:
        self._video, self._start, self._end = video, start, end

    @property
    def info(self) -> VideoInfo:
        """See ``Video.info``."""
        return replace(self._video.info, duration=self._end - self._start)

    def frames(self, rate: float = RATE, min_side: int | None = None) -> Iterator[VideoFrame]:
        """See ``Video.frames``."""
        for frame in self._video.frames(rate, min_side):
            if self._start <= frame.time < self._end:
                yield replace(frame, time=frame.time - self._start)

    def frames_at(self, times: Sequence[float], min_side: int | None = None) -> list[VideoFrame]:
        """See ``Video.frames_at``."""
        found = self._video.frames_at([time + self._start for time in times], min_side)
        return [replace(frame, time=frame.time - self._start) for frame in found]


@dataclass(frozen=True)
class Recording:
    """What one camera has seen, or one film; described once."""

    name: str
    input: VideoInput

    @property
    def seconds(self) -> float:
        return self.input.video.info.duration

    def window(self, start: float, end: float) -> VideoInput:
        """Some seconds of it: what it would give as a video of its own."""
        times, vectors = self.input.description.times, self.input.description.vectors
        inside = (times >= start) & (times < end)
        cut = VideoDescription(times[inside] - np.float32(start), vectors[inside])
        return VideoInput(Excerpt(self.input.video, start, end), cut)

    def clip(self, start: float, end: float) -> Clip:
        """The frames of some seconds of it."""
        wanted = np.arange(start, min(end, self.seconds - 0.2), 1 / FPS)
        return Clip([frame.image.pixels for frame in self.input.video.frames_at(wanted.tolist(), SIZE[1])])


def recorded(path: Path, folder: Path) -> Recording:
    """``folder``: where descriptions are kept, for those that come again."""
    kept = folder / f"{path.stem}-{get(DESCRIPTOR).card.fingerprint}.npz"
    if not kept.exists():
        described = describe_video(path).description
        np.savez(kept, times=described.times, vectors=described.vectors)
    with np.load(kept) as arrays:
        return Recording(path.stem, VideoInput(open_video(path), VideoDescription(arrays["times"], arrays["vectors"])))


def drawn(
    photographs: Sequence[Path], folder: Path, count: int, seed: int, seconds: float = DRAWN_SECONDS
) -> list[Path]:
    """So many films and fixed cameras, in turn, written into the folder if they are not there."""
    rng, paths = np.random.default_rng(seed), list[Path]()
    for number in range(count):
        own = [photographs[int(place)] for place in rng.permutation(len(photographs))[:SHOTS]]
        paths.append(folder / f"{'film' if number % 2 else 'camera'}{number}.mp4")
        if not paths[-1].exists():
            people = own[1 : 2 + number // 2 % 3]
            write(
                paths[-1],
                film(own, seed + number, seconds)
                if number % 2
                else fixed_camera(own[0], people, seed + number, seconds),
            )
    return paths


# --- edits --------------------------------------------------------------------------------------------

Edit = Callable[[Clip, Clip], tuple[Clip, list[Span]]]
"""Of a clip and a host, another video: the edit and what of the clip is in it."""


def _framewise(change: Callable[[Pixels], Pixels], quality: int = QUALITY) -> Edit:
    def edit(clip: Clip, _: Clip) -> tuple[Clip, list[Span]]:
        edited = replace(clip, frames=[change(frame) for frame in clip.frames], quality=quality)
        return edited, [(0, clip.seconds, 0, clip.seconds)]

    return edit


def _speed(factor: float) -> Edit:
    def edit(clip: Clip, _: Clip) -> tuple[Clip, list[Span]]:
        return replace(clip, fps=clip.fps * factor), [(0, clip.seconds, 0, clip.seconds / factor)]

    return edit


def _crop(share: float) -> Callable[[Pixels], Pixels]:
    def crop(frame: Pixels) -> Pixels:
        height, width = frame.shape[:2]
        top, left = int(height * (1 - share) * 0.4), int(width * (1 - share) * 0.6)
        part = frame[top : top + int(height * share), left : left + int(width * share)]
        return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)

    return crop


def _logo(frame: Pixels) -> Pixels:
    frame = frame.copy()
    height, width = frame.shape[:2]
    cv2.rectangle(frame, (width * 2 // 3, 8), (width - 8, height // 4), (220, 30, 40), -1)
    place = (width * 2 // 3 + 8, height // 6)
    cv2.putText(frame, "CHANNEL", place, cv2.FONT_HERSHEY_DUPLEX, width / 500, (255, 255, 255), 2, cv2.LINE_AA)
    return frame


def _subtitles(clip: Clip, _: Clip) -> tuple[Clip, list[Span]]:
    frames = []
    for number, frame in enumerate(clip.frames):
        words = f"and then number {number // 25} said: no, never"
        height, width = frame.shape[:2]
        frame = frame.copy()
        for colour, thick in (((0, 0, 0), 5), ((255, 255, 230), 1)):
            place = (width // 12, height - 18)
            cv2.putText(frame, words, place, cv2.FONT_HERSHEY_SIMPLEX, width / 600, colour, thick, cv2.LINE_AA)
        frames.append(frame)
    return replace(clip, frames=frames), [(0, clip.seconds, 0, clip.seconds)]


def _small(frame: Pixels) -> Pixels:
    height, width = frame.shape[:2]
    return np.asarray(cv2.resize(frame, (width * 2 // 3, height * 2 // 3), interpolation=cv2.INTER_AREA), np.uint8)


def _insert(start: float) -> Edit:
    def edit(clip: Clip, host: Clip) -> tuple[Clip, list[Span]]:
        begin = min(start, host.seconds)
        part = clip.part(3.0, 3.0 + INSERT_SECONDS)
        pasted = [_fitted(frame, host.frames[0].shape) for frame in part.frames]
        at = round(begin * FPS)
        frames = [*host.frames[:at], *pasted, *host.frames[at:]]
        return Clip(frames), [(3.0, 3.0 + part.seconds, begin, begin + part.seconds)]

    return edit


def _inset(share: float) -> Edit:
    def edit(clip: Clip, host: Clip) -> tuple[Clip, list[Span]]:
        frames = []
        for own, other in zip(clip.frames, host.frames, strict=False):
            frame = other.copy()
            height, width = (int(length * share) for length in frame.shape[:2])
            top, left = int((frame.shape[0] - height) * 0.9), int((frame.shape[1] - width) * 0.85)
            frame[top : top + height, left : left + width] = cv2.resize(
                own, (width, height), interpolation=cv2.INTER_AREA
            )
            frames.append(frame)
        seconds = len(frames) / FPS
        return Clip(frames), [(0, seconds, 0, seconds)]

    return edit


def _vertical(frame: Pixels) -> Pixels:
    """Upright, 9 to 16: the whole in the middle, itself blurred above and below."""
    height, width = frame.shape[:2]
    tall = width * 16 // 9
    ground = cv2.GaussianBlur(_filling(frame, (width, tall), 1.0), (0, 0), 12)
    top = (tall - height) // 2
    ground[top : top + height] = frame
    return np.asarray(ground, np.uint8)


def _off_screen(clip: Clip, _: Clip) -> tuple[Clip, list[Span]]:
    """Filmed off a screen by a hand-held camera: from the side, with the room around it, stripes where the pixels of
    the screen meet those of the camera (moire), and a lamp that is reflected (glare)."""
    rng = np.random.default_rng(len(clip.frames))
    height, width = clip.frames[0].shape[:2]
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    stripes = 1 + 0.09 * np.sin(2 * np.pi * (37 * x + 11 * y + 2 * x * y))[..., None] * (1.0, 0.6, 1.2)
    glare = 110 * np.exp(-(((x - 0.7) / 0.16) ** 2 + ((y - 0.25) / 0.12) ** 2))[..., None]
    room = np.dstack([40 + 25 * y, 36 + 20 * x, 34 + 10 * y])
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    screen = corners * 0.8 + np.array([(0.12, 0.06), (0.06, 0.13), (0.08, 0.09), (0.1, 0.13)]) * (width, height)
    tremble = np.cumsum(rng.normal(0, 0.0012 * width, (len(clip.frames), 2)), axis=0)
    frames = []
    for frame, moved in zip(clip.frames, tremble - tremble.mean(0), strict=True):
        matrix = cv2.getPerspectiveTransform(corners, (screen + moved).astype(np.float32))
        shown = cv2.warpPerspective((frame * stripes).astype(np.float32), matrix, (width, height), flags=cv2.INTER_AREA)
        lit = cv2.warpPerspective(np.ones((height, width), np.float32), matrix, (width, height))[..., None]
        seen = cv2.GaussianBlur((shown * (0.95, 0.9, 1.0) + 12) * lit + room * (1 - lit), (0, 0), 0.8) + glare
        frames.append(np.clip(seen, 0, 255).astype(np.uint8))
    return Clip(frames, clip.fps), [(0, clip.seconds, 0, clip.seconds)]


def _swapped(clip: Clip, _: Clip) -> tuple[Clip, list[Span]]:
    half = round(len(clip.frames) / 2) / clip.fps
    frames = [*clip.part(half, clip.seconds).frames, *clip.part(0, half).frames]
    rest = clip.seconds - half
    return replace(clip, frames=frames), [(half, clip.seconds, 0, rest), (0, half, rest, clip.seconds)]


EDITS: dict[str, Edit] = {
    "speed 0.8": _speed(0.8),
    "speed 1.25": _speed(1.25),
    "crop to 70 %": _framewise(_crop(0.7)),
    "crop to 50 %": _framewise(_crop(0.5)),
    "mirrored": _framewise(lambda frame: frame[:, ::-1]),
    "quarter turn": _framewise(lambda frame: np.rot90(frame)),
    "logo": _framewise(_logo),
    "small, high compression": _framewise(_small, LOW_QUALITY),
    "insert of 6 s at 2 s": _insert(2.0),
    "insert of 6 s at 7 s": _insert(7.0),
    "insert of 6 s at the end": _insert(99.0),
    "picture in picture 60 %": _inset(0.6),
    "picture in picture 40 %": _inset(0.4),
    "picture in picture 25 %": _inset(0.25),
    "vertical, blurred sides": _framewise(_vertical),
    "subtitles": _subtitles,
    "halves swapped": _swapped,
    "camera off a screen": _off_screen,
}


# --- what is asked ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """Two videos. ``kind``: the edit, or why they are alike; ``b``: the edit is yet to be written; ``truth``: what they
    share, nothing of a negative."""

    kind: str
    a: VideoInput
    b: VideoInput | Clip
    truth: tuple[Span, ...] = ()


def edits(recordings: Sequence[Recording], seed: int, share: int = 1) -> Iterator[Question]:
    """Edits of a window of each recording, with ``share`` every so manieth."""
    rng = np.random.default_rng(seed)
    for number, one in enumerate(recordings):
        start, end = _window(rng, one.seconds, EDITED_SECONDS)
        other = recordings[(number + 1) % len(recordings)]
        clip, host = one.clip(start, end), other.clip(*_window(rng, other.seconds, EDITED_SECONDS))
        for kind, edit in list(EDITS.items())[number % share :: share]:
            edited, truth = edit(clip, host)
            yield Question(kind, one.window(start, end), edited, tuple(truth))


def at_other_times(recordings: Sequence[Recording], count: int, seed: int) -> Iterator[Question]:
    """So many pairs of windows of one recording that have no second in common."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        one = recordings[number % len(recordings)]
        half = one.seconds * rng.uniform(0.35, 0.65)
        first, second = _window(rng, half, WINDOW_SECONDS), _window(rng, one.seconds - half, WINDOW_SECONDS)
        windows = one.window(*first), one.window(half + second[0], half + second[1])
        yield Question(f"{one.name} at another time", *windows)


def unrelated(recordings: Sequence[Recording], count: int, seed: int) -> Iterator[Question]:
    """So many pairs of windows of two recordings."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        a, b = (recordings[int(place)] for place in rng.choice(len(recordings), 2, replace=False))
        windows = [one.window(*_window(rng, one.seconds, WINDOW_SECONDS)) for one in (a, b)]
        yield Question(f"{a.name} and {b.name}", *windows)


def _window(rng: np.random.Generator, whole: float, lengths: tuple[float, float]) -> tuple[float, float]:
    """Begin and end of a window of a video that lasts ``whole`` seconds: all of it, if that is too short."""
    seconds = min(float(rng.uniform(*lengths)), whole)
    start = float(rng.uniform(0, whole - seconds))
    return start, start + seconds


# --- shared -------------------------------------------------------------------------------------------


def _viewport(rng: np.random.Generator, aspect: float) -> NDArray[np.float64]:
    """Left, top and width of a view, as shares of a scene of this aspect; its height follows."""
    width = rng.uniform(0.5, 0.8) * min(1.0, SIZE[0] / SIZE[1] / aspect)
    height = width * aspect / (SIZE[0] / SIZE[1])
    return np.array([rng.uniform(0, 1 - width), rng.uniform(0, max(1 - height, 0.01)), width])


def _view(scene: Pixels, viewport: NDArray[np.float64]) -> Pixels:
    height, width = scene.shape[:2]
    scale = viewport[2] * width / SIZE[0]
    matrix = np.array([[scale, 0, viewport[0] * width], [0, scale, viewport[1] * height]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(scene, matrix, SIZE, flags=flags, borderMode=cv2.BORDER_REFLECT), np.uint8)


def _filling(pixels: Pixels, size: tuple[int, int], larger: float) -> Pixels:
    """The middle of an image at ``larger`` times this size, the rest cut off."""
    width, height = (round(length * larger) for length in size)
    scale = max(width / pixels.shape[1], height / pixels.shape[0])
    scaled = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    top, left = max((scaled.shape[0] - height) // 2, 0), max((scaled.shape[1] - width) // 2, 0)
    part = scaled[top : top + height, left : left + width]
    return np.asarray(part if part.shape[:2] == (height, width) else cv2.resize(part, (width, height)), np.uint8)


def _fitted(frame: Pixels, shape: Sequence[int]) -> Pixels:
    return frame if frame.shape == tuple(shape) else _filling(frame, (shape[1], shape[0]), 1.0)
