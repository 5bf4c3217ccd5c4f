"""Two videos as filmstrips, one above the other, and bands between them that join the segments they share."""

from __future__ import annotations

import os
from collections.abc import Sequence

import cv2
import numpy as np

from lookalike.comparison.explain.canvas import (
    CANVAS_WIDTH,
    GREY_INK,
    INK,
    MARGIN,
    Colour,
    Word,
    blank_canvas,
    blend_pixels,
    printable_name,
    truncate_middle,
    write_words,
)
from lookalike.formatting import clock, percent, relation_text
from lookalike.imaging.video import Video
from lookalike.report.html_report import VideoPairView
from lookalike.report.thumbnails import thumbnail
from lookalike.types import Pixels, Segment, VideoComparison, VideoInfo

STRIP_FRAMES = 12
STRIP_HEIGHT = 84  # pixels of a filmstrip
BAND_HEIGHT = 170  # pixels between the strips
HEAD, RULER, LINE_HEIGHT = 34, 22, 26  # pixels of a name, of the times below a strip, of a line of text
COLOURS: tuple[Colour, ...] = (
    (27, 106, 86),
    (196, 84, 26),
    (52, 92, 168),
    (140, 60, 130),
    (150, 120, 20),
    (70, 70, 70),
)
OPACITY = 0.45
TICKS = 6
WIDTH = CANVAS_WIDTH - 2 * MARGIN


def video_pair_view(a: Video, b: Video, comparison: VideoComparison) -> VideoPairView:
    """What the report shows of two videos. Raises LoadError if one cannot be read any more."""
    timeline = draw_timeline(a, b, comparison)
    return VideoPairView(
        _path(a.info), _path(b.info), comparison.segments, thumbnail(timeline, max(timeline.shape[:2]))
    )


def draw_timeline(a: Video, b: Video, comparison: VideoComparison) -> Pixels:
    """(h, w, 3) uint8: both filmstrips over the same length of paper, the segments between them, and what they are."""
    parts = [
        _head("A", a.info),
        _ruler(a.info),
        _strip(a, comparison.segments, "a"),
        _bands(a.info, b.info, comparison.segments),
        _strip(b, comparison.segments, "b"),
        _ruler(b.info),
        _head("B", b.info),
        _list(comparison.segments),
    ]
    return np.concatenate(parts)


def _path(info: VideoInfo) -> str:
    return info.path or ""


def _head(letter: str, info: VideoInfo) -> Pixels:
    facts = f"{clock(info.duration)}, {info.width} x {info.height}, {info.codec}"
    name = truncate_middle(f"{letter}  {printable_name(os.path.basename(_path(info)))}", 17, WIDTH * 0.6)
    right = Word(facts, CANVAS_WIDTH - MARGIN, 24, 15, GREY_INK, "rs")
    return write_words(blank_canvas(HEAD), [Word(name, MARGIN, 24, 17, INK, bold=0.35), right])


def _ruler(info: VideoInfo) -> Pixels:
    words = []
    for tick in range(TICKS + 1):
        anchor = "ls" if tick == 0 else "rs" if tick == TICKS else "ms"
        x = MARGIN + WIDTH * tick / TICKS
        words.append(Word(clock(info.duration * tick / TICKS), x, 16, 13, GREY_INK, anchor))
    return write_words(blank_canvas(RULER), words)


def _strip(video: Video, segments: Sequence[Segment], side: str) -> Pixels:
    """Frames at equal steps, and over or below them a line in the colour of each segment."""
    canvas = blank_canvas(STRIP_HEIGHT)
    duration = video.info.duration
    times = [duration * (n + 0.5) / STRIP_FRAMES for n in range(STRIP_FRAMES)]
    edges = [MARGIN + round(WIDTH * n / STRIP_FRAMES) for n in range(STRIP_FRAMES + 1)]
    for frame, left, right in zip(video.frames_at(times, STRIP_HEIGHT), edges, edges[1:], strict=False):
        canvas[:, left : right - 2] = _cover(frame.image.pixels, right - 2 - left, STRIP_HEIGHT)
    for number, segment in enumerate(segments):
        left, right = (_x(time, video.info) for time in _span(segment, side))
        rows = slice(STRIP_HEIGHT - 6, STRIP_HEIGHT) if side == "a" else slice(0, 6)
        canvas[rows, left:right] = _colour(number)
    return canvas


def _cover(pixels: Pixels, width: int, height: int) -> Pixels:
    """The middle of a frame, filling this size."""
    scale = max(width / pixels.shape[1], height / pixels.shape[0])
    size = (max(round(pixels.shape[1] * scale), width), max(round(pixels.shape[0] * scale), height))
    scaled = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return np.asarray(scaled[top : top + height, left : left + width], np.uint8)


def _bands(a: VideoInfo, b: VideoInfo, segments: Sequence[Segment]) -> Pixels:
    canvas = blank_canvas(BAND_HEIGHT)
    words = []
    for number, segment in enumerate(segments):
        (left, right), (low, high) = ([_x(t, i) for t in _span(segment, s)] for i, s in ((a, "a"), (b, "b")))
        corners = np.array([(left, 0), (right, 0), (high, BAND_HEIGHT), (low, BAND_HEIGHT)], np.int32)
        painted = cv2.fillPoly(canvas.copy(), [corners], _colour(number), cv2.LINE_AA)
        canvas = blend_pixels(canvas, np.asarray(painted, np.uint8), OPACITY)
        middle = (left + right + low + high) / 4
        words.append(Word(str(number + 1), middle, BAND_HEIGHT / 2, 22, INK, "mm", bold=0.5))
    return write_words(canvas, words)


def _list(segments: Sequence[Segment]) -> Pixels:
    canvas = blank_canvas(LINE_HEIGHT * max(len(segments), 1) + 24)
    if not segments:
        return write_words(canvas, [Word("no segment of the one is in the other", MARGIN, 24, 16, GREY_INK)])
    lines = [f"{number}  {segment_text(one)}" for number, one in enumerate(segments, 1)]
    return write_words(canvas, [Word(line, MARGIN, 24 + LINE_HEIGHT * n, 16) for n, line in enumerate(lines)])


def segment_text(segment: Segment) -> str:
    """One line for people: where, at which speed, what was done, how sure."""
    places = (
        f"{clock(start)} - {clock(end)}"
        for start, end in ((segment.a_start, segment.a_end), (segment.b_start, segment.b_end))
    )
    speed = "" if abs(segment.speed - 1) < 0.005 else f" at {segment.speed:.2f} times the speed"
    relation = relation_text(segment.relation, segment.edits, segment.orientation)
    return f"A {next(places)} is B {next(places)}{speed}: {relation}, {percent(segment.probability)}"


def _span(segment: Segment, side: str) -> tuple[float, float]:
    return (segment.a_start, segment.a_end) if side == "a" else (segment.b_start, segment.b_end)


def _x(time: float, info: VideoInfo) -> int:
    return MARGIN + round(WIDTH * min(max(time / max(info.duration, 1e-6), 0), 1))


def _colour(number: int) -> Colour:
    return COLOURS[number % len(COLOURS)]
