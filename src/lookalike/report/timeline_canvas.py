"""What timelines of images and of sound share: where a time lies on the paper, colours, bands that join segments."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from lookalike.comparison.explain.canvas import (
    CANVAS_WIDTH,
    INK,
    MARGIN,
    Colour,
    Word,
    blank_canvas,
    blend_pixels,
    write_words,
)
from lookalike.types import Pixels, Segment, SoundSegment, VideoInfo

COLOURS: tuple[Colour, ...] = (
    (27, 106, 86),
    (196, 84, 26),
    (52, 92, 168),
    (140, 60, 130),
    (150, 120, 20),
    (70, 70, 70),
)
OPACITY = 0.45
TIMELINE_WIDTH = CANVAS_WIDTH - 2 * MARGIN


def time_x(time: float, info: VideoInfo) -> int:
    """Pixels from the left at which a time of a video lies."""
    return MARGIN + round(TIMELINE_WIDTH * min(max(time / max(info.duration, 1e-6), 0), 1))


def segment_colour(number: int) -> Colour:
    """The colour of the segment with this number, from 0."""
    return COLOURS[number % len(COLOURS)]


def draw_bands(
    a: VideoInfo, b: VideoInfo, segments: Sequence[Segment | SoundSegment], height: int, prefix: str = ""
) -> Pixels:
    """(height, CANVAS_WIDTH, 3) uint8: from where each segment is in a, above, to where it is in b, below."""
    canvas = blank_canvas(height)
    words = []
    for number, one in enumerate(segments):
        left, right = (time_x(time, a) for time in (one.a_start, one.a_end))
        low, high = (time_x(time, b) for time in (one.b_start, one.b_end))
        corners = np.array([(left, 0), (right, 0), (high, height), (low, height)], np.int32)
        painted = cv2.fillPoly(canvas.copy(), [corners], segment_colour(number), cv2.LINE_AA)
        canvas = blend_pixels(canvas, np.asarray(painted, np.uint8), OPACITY)
        middle = (left + right + low + high) / 4
        words.append(Word(f"{prefix}{number + 1}", middle, height / 2, 22, INK, "mm", bold=0.5))
    return write_words(canvas, words)
