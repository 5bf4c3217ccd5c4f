"""A file's further frames or pages: how many there are, small views of them, and which of them stands for all.

An animation is looked at at equal steps of its time, so that the same one in another format, with other frames and
durations, gives the same views. Of a blank first frame (fading in from black) a contrasted one takes the place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from lookalike.imaging.colour_profile import plain
from lookalike.types import FrameSequence, Pixels

SAMPLES = 16  # steps of an animation's time
FRAME_SIDE = 64  # pixels of a frame's view
PAGE_SIDE = 160  # and of a page's, which may hold nothing but text
MAX_PIXELS = 1_000_000_000  # of all frames together; of a longer one no views are made
MAX_FRAMES = 5_000
MAX_PAGES = 64
BLANK = 4.0  # standard deviation of luma, in levels, below which a frame shows nothing
CONTRASTED = 0.9  # of the greatest standard deviation: the first frame that has so much stands for all
_FRAME_SECONDS = 0.1  # of a frame that says nothing, or too little to be shown
_MIN_MILLISECONDS = 10
_ANIMATED = {"GIF", "WEBP", "PNG", "AVIF"}
_PAGED = {"TIFF", "HEIF"}
_REDUCED, _SUBFILE_TYPE = 1, 254  # a smaller view of another page

Open = Callable[[], ImageFile.ImageFile]


@dataclass(frozen=True, slots=True)
class Frames:
    """``count``, ``sequence``, ``samples``, ``damage``: as in ``Image``. ``chosen``: the number of the frame that
    stands for all, to seek."""

    count: int = 1
    sequence: FrameSequence = "still"
    samples: Pixels | None = None
    chosen: int = 0
    damage: str | None = None


STILL = Frames()


def look_through(name: str, opened: ImageFile.ImageFile, open_again: Open, max_pixels: int) -> Frames:
    """The frames of a file of this format, of which ``opened`` is at the first and ``open_again`` gives another.

    ``max_pixels``: of one page; those that are larger are not looked at."""
    if name not in _ANIMATED | _PAGED:
        return STILL
    numbers = frame_numbers(name, opened)
    if len(numbers) < 2:
        return Frames(chosen=numbers[0]) if numbers else STILL
    sequence: FrameSequence = "animation" if name in _ANIMATED else "pages"
    pixels = len(numbers) * opened.width * opened.height
    if pixels > MAX_PIXELS or len(numbers) > (MAX_FRAMES if name in _ANIMATED else MAX_PAGES):
        return Frames(len(numbers), sequence, chosen=numbers[0])
    return _sampled(sequence, numbers, open_again(), max_pixels)


def frames_of(images: Sequence[Image.Image]) -> Frames:
    """An animation of which all frames are decoded already, and last equally long."""
    views = [_view(image, FRAME_SIDE) for image in images]
    samples = np.stack(_at_equal_steps(views, [_FRAME_SECONDS] * len(views)))
    return Frames(len(images), "animation", samples, _contrasted(views))


def frame_numbers(name: str, image: ImageFile.ImageFile) -> list[int]:
    """The frames that belong to the sequence; none if they cannot be counted."""
    try:
        count = int(getattr(image, "n_frames", 1))
        if name == "PNG":
            return list(range(int(bool(getattr(image, "default_image", False)) and count > 1), count))
        if name == "TIFF" and count > 1:
            return list(_full_pages(image, count))
        primary = image.tell()  # of a HEIF, not always the first
        return [primary, *(number for number in range(count) if number != primary)]
    except Exception:  # what ends before it can be counted is decoded as a still, or refused there
        return []


def _full_pages(image: ImageFile.ImageFile, count: int) -> Iterator[int]:
    """Pages that are no smaller views of others, which pyramids and previews are."""
    for number in range(count):
        image.seek(number)
        if not int(getattr(image, "tag_v2", {}).get(_SUBFILE_TYPE, 0)) & _REDUCED:
            yield number


def _sampled(sequence: FrameSequence, numbers: Sequence[int], image: ImageFile.ImageFile, max_pixels: int) -> Frames:
    whole = Frames(len(numbers), sequence, chosen=numbers[0])
    side = FRAME_SIDE if sequence == "animation" else PAGE_SIDE
    views: list[Pixels] = []
    seconds: list[float] = []
    with suppress(Exception):  # what cannot be decoded is told below
        for number in numbers:
            image.seek(number)
            if image.width * image.height > max_pixels:
                return whole
            image.load()
            views.append(_view(image, side))
            seconds.append(frame_seconds(image))
    if not views:
        return whole
    chosen = numbers[_contrasted(views)]
    if len(views) < len(numbers):
        damage = f"frame {len(views) + 1} of {len(numbers)} cannot be decoded"
        return replace(whole, chosen=chosen, damage=damage)
    samples = np.stack(_at_equal_steps(views, seconds) if sequence == "animation" else views)
    return replace(whole, chosen=chosen, samples=samples)


def _view(image: Image.Image, side: int) -> Pixels:
    """(side, side, 3) uint8: the frame stretched to a square, what is transparent over middle grey."""
    image = plain(image)
    if image.mode in {"LA", "RGBA"}:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (128, 128, 128, 255))
        image = Image.alpha_composite(ground, image)
    return np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BOX))


def frame_seconds(image: Image.Image) -> float:
    """How long the frame that the image is at is shown."""
    duration = image.info.get("duration", 0)
    return float(duration) / 1000 if duration and duration > _MIN_MILLISECONDS else _FRAME_SECONDS


def _contrasted(views: Sequence[Pixels]) -> int:
    """The first frame, or if that is blank the first that shows as much as any."""
    contrast: NDArray[np.float64] = np.array([view.mean(axis=2).std() for view in views])
    if contrast[0] >= BLANK or contrast.max() < BLANK:
        return 0
    return int(np.argmax(contrast >= CONTRASTED * contrast.max()))


def _at_equal_steps(views: Sequence[Pixels], seconds: Sequence[float]) -> list[Pixels]:
    """The views that are shown in the middle of each of SAMPLES equal parts of the time."""
    ends = np.cumsum(seconds)
    times = (np.arange(SAMPLES) + 0.5) / SAMPLES * ends[-1]
    return [views[min(int(n), len(views) - 1)] for n in np.searchsorted(ends, times, side="right")]
