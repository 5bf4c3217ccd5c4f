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
    Word,
    blank_canvas,
    printable_name,
    truncate_middle,
    write_words,
)
from lookalike.formatting import clock, percent, relation_text
from lookalike.imaging.video import Video
from lookalike.report.html_report import VideoPairView
from lookalike.report.sound_timeline import SOUND_PREFIX, Sounds, draw_sound_timeline, sound_text
from lookalike.report.thumbnails import thumbnail
from lookalike.report.timeline_canvas import TIMELINE_WIDTH, draw_bands, segment_colour, time_x
from lookalike.types import Pixels, Segment, VideoComparison, VideoInfo

STRIP_FRAMES = 12
STRIP_HEIGHT = 84  # pixels of a filmstrip
BAND_HEIGHT = 170  # pixels between the strips
HEAD, RULER, LINE_HEIGHT = 34, 22, 26  # pixels of a name, of the times below a strip, of a line of text
TICKS = 6


def video_pair_view(a: Video, b: Video, comparison: VideoComparison, sounds: Sounds = (None, None)) -> VideoPairView:
    """What the report shows of two videos and of their ``sounds``. Raises LoadError if one cannot be read any more."""
    timeline = draw_timeline(a, b, comparison, sounds)
    return VideoPairView(
        _path(a.info),
        _path(b.info),
        comparison.segments,
        thumbnail(timeline, max(timeline.shape[:2])),
        tuple(sound_text(one) for one in comparison.sound),
        comparison.statement,
    )


def draw_timeline(a: Video, b: Video, comparison: VideoComparison, sounds: Sounds = (None, None)) -> Pixels:
    """(h, w, 3) uint8: both filmstrips over the same length of paper, the segments between them, the same of their
    ``sounds`` if there are any, and what they are."""
    waves = [draw_sound_timeline(a.info, b.info, sounds, comparison.sound)] if any(sounds) else []
    parts = [
        _head("A", a.info),
        _ruler(a.info),
        _strip(a, comparison.segments, "a"),
        draw_bands(a.info, b.info, comparison.segments, BAND_HEIGHT),
        _strip(b, comparison.segments, "b"),
        _ruler(b.info),
        _head("B", b.info),
        *waves,
        _list(comparison),
    ]
    return np.concatenate(parts)


def _path(info: VideoInfo) -> str:
    return info.path or ""


def _head(letter: str, info: VideoInfo) -> Pixels:
    facts = f"{clock(info.duration)}, {info.width} x {info.height}, {info.codec}"
    name = truncate_middle(f"{letter}  {printable_name(os.path.basename(_path(info)))}", 17, TIMELINE_WIDTH * 0.6)
    right = Word(facts, CANVAS_WIDTH - MARGIN, 24, 15, GREY_INK, "rs")
    return write_words(blank_canvas(HEAD), [Word(name, MARGIN, 24, 17, INK, bold=0.35), right])


def _ruler(info: VideoInfo) -> Pixels:
    words = []
    for tick in range(TICKS + 1):
        anchor = "ls" if tick == 0 else "rs" if tick == TICKS else "ms"
        x = MARGIN + TIMELINE_WIDTH * tick / TICKS
        words.append(Word(clock(info.duration * tick / TICKS), x, 16, 13, GREY_INK, anchor))
    return write_words(blank_canvas(RULER), words)


def _strip(video: Video, segments: Sequence[Segment], side: str) -> Pixels:
    """Frames at equal steps, and over or below them a line in the colour of each segment."""
    canvas = blank_canvas(STRIP_HEIGHT)
    duration = video.info.duration
    times = [duration * (n + 0.5) / STRIP_FRAMES for n in range(STRIP_FRAMES)]
    edges = [MARGIN + round(TIMELINE_WIDTH * n / STRIP_FRAMES) for n in range(STRIP_FRAMES + 1)]
    for frame, left, right in zip(video.frames_at(times, STRIP_HEIGHT), edges, edges[1:], strict=False):
        canvas[:, left : right - 2] = _cover(frame.image.pixels, right - 2 - left, STRIP_HEIGHT)
    for number, segment in enumerate(segments):
        left, right = (time_x(time, video.info) for time in _span(segment, side))
        rows = slice(STRIP_HEIGHT - 6, STRIP_HEIGHT) if side == "a" else slice(0, 6)
        canvas[rows, left:right] = segment_colour(number)
    return canvas


def _cover(pixels: Pixels, width: int, height: int) -> Pixels:
    """The middle of a frame, filling this size."""
    scale = max(width / pixels.shape[1], height / pixels.shape[0])
    size = (max(round(pixels.shape[1] * scale), width), max(round(pixels.shape[0] * scale), height))
    scaled = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return np.asarray(scaled[top : top + height, left : left + width], np.uint8)


def _list(comparison: VideoComparison) -> Pixels:
    lines = [f"{number}  {segment_text(one)}" for number, one in enumerate(comparison.segments, 1)]
    lines = lines or ["no segment of the one is in the other"]
    lines += [f"{SOUND_PREFIX}{number}  {sound_text(one)}" for number, one in enumerate(comparison.sound, 1)]
    lines += [comparison.statement] if comparison.statement else []
    canvas = blank_canvas(LINE_HEIGHT * len(lines) + 24)
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
