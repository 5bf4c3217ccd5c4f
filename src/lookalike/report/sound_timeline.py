"""Two soundtracks as waveforms, one above the other, and bands between them that join the segments they share."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from lookalike.comparison.explain.canvas import GREY_INK, MARGIN, Colour, Word, blank_canvas, write_words
from lookalike.descriptors.sound import SoundDescription
from lookalike.formatting import clock, percent
from lookalike.report.timeline_canvas import draw_bands, segment_colour, time_x
from lookalike.types import Pixels, SoundSegment, VideoInfo

WAVE_HEIGHT = 56  # pixels of a waveform
BAND_HEIGHT = 90  # pixels between the two
WAVE: Colour = (120, 126, 124)
SOUND_PREFIX = "S"  # before the number of a segment

Sounds = tuple[SoundDescription | None, SoundDescription | None]


def draw_sound_timeline(a: VideoInfo, b: VideoInfo, sounds: Sounds, segments: Sequence[SoundSegment]) -> Pixels:
    """(h, CANVAS_WIDTH, 3) uint8: both waveforms over the time of their videos, and the segments between them."""
    spans = [[(one.a_start, one.a_end) for one in segments], [(one.b_start, one.b_end) for one in segments]]
    waves = [_wave(*one) for one in zip(("A", "B"), (a, b), sounds, spans, strict=True)]
    return np.concatenate([waves[0], draw_bands(a, b, segments, BAND_HEIGHT, SOUND_PREFIX), waves[1]])


def sound_text(segment: SoundSegment) -> str:
    """One line for people: where, at which speed, how sure."""
    a, b = (
        f"{clock(start)} - {clock(end)}"
        for start, end in ((segment.a_start, segment.a_end), (segment.b_start, segment.b_end))
    )
    speed = "" if abs(segment.speed - 1) < 0.005 else f" at {segment.speed:.2f} times the speed"
    return f"sound of A {a} is that of B {b}{speed}, {percent(segment.probability)}"


def _wave(letter: str, info: VideoInfo, sound: SoundDescription | None, spans: Sequence[tuple[float, float]]) -> Pixels:
    """A bar a pixel, as high as its time is loud against the loudest, in the colour of its segment."""
    canvas = blank_canvas(WAVE_HEIGHT)
    words = [Word(letter, MARGIN - 10, WAVE_HEIGHT / 2, 15, GREY_INK, "rm")]
    if sound is None or not len(sound):
        reason = "no sound" if sound is None else "the sound cannot be read"
        return write_words(canvas, [*words, Word(reason, MARGIN, WAVE_HEIGHT / 2, 15, GREY_INK, "lm")])
    last = time_x(sound.seconds, info)
    edges = np.linspace(0, len(sound), max(last - MARGIN, 1) + 1)
    amplitudes = 10 ** ((sound.loudness - float(sound.loudness.max())) / 20) * sound.loudness.any()
    for x, (first, end) in enumerate(pairwise(edges), MARGIN):
        level = amplitudes[int(first) : max(int(end), int(first) + 1)].max(initial=0)
        half = max(round(level * WAVE_HEIGHT / 2), 1)
        canvas[WAVE_HEIGHT // 2 - half : WAVE_HEIGHT // 2 + half, x] = _wave_colour(
            first / len(sound) * sound.seconds, spans
        )
    return write_words(canvas, words)


def _wave_colour(time: float, spans: Sequence[tuple[float, float]]) -> Colour:
    inside = [number for number, (start, end) in enumerate(spans) if start <= time <= end]
    return segment_colour(inside[0]) if inside else WAVE
