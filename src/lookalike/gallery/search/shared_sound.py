"""The sound that two videos of a gallery share, by their stored soundtracks: looked for only where it is likely.

Whole films would have to be held against one another at every offset. But where images are shared, their sound is
there as well or nowhere, and otherwise the index of words tells the offset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from lookalike.comparison.sound_pair import shared_sound
from lookalike.descriptors.sound import WORD_SECONDS, SoundDescription
from lookalike.types import Segment, SoundSegment

Part = TypeVar("Part", Segment, SoundSegment)

MARGIN = 10.0  # seconds before and after what is likely


def sound_beside(
    a: SoundDescription | None, b: SoundDescription | None, images: Sequence[Segment]
) -> tuple[SoundSegment, ...]:
    """The segments of sound around these segments of images."""
    if a is None or b is None or not images:
        return ()
    a_span = min(one.a_start for one in images), max(one.a_end for one in images)
    b_span = min(one.b_start for one in images), max(one.b_end for one in images)
    return _within(a, b, a_span, b_span, images)


def sound_at(a: SoundDescription, b: SoundDescription, later: float) -> tuple[SoundSegment, ...]:
    """The segments of sound that are about so many seconds ``later`` in b than in a."""
    a_span = max(-later, 0.0), min(a.seconds, b.seconds - later)
    return _within(a, b, a_span, (a_span[0] + later, a_span[1] + later), ())


def _within(
    a: SoundDescription,
    b: SoundDescription,
    a_span: tuple[float, float],
    b_span: tuple[float, float],
    images: Sequence[Segment],
) -> tuple[SoundSegment, ...]:
    """What these spans of both share, in seconds of the whole soundtracks."""
    (a_part, a_from), (b_part, b_from) = _part(a, *a_span), _part(b, *b_span)
    found = shared_sound(a_part, b_part, [_moved(one, -a_from, -b_from) for one in images])
    return tuple(_moved(one, a_from, b_from) for one in found)


def _part(sound: SoundDescription, start: float, end: float) -> tuple[SoundDescription, float]:
    """A span with its margins, and the second at which it begins."""
    first = max(int((start - MARGIN) / WORD_SECONDS), 0)
    words = slice(first, max(int((end + MARGIN) / WORD_SECONDS), first))
    return replace(
        sound, bits=sound.bits[words], known=sound.known[words], loudness=sound.loudness[words]
    ), first * WORD_SECONDS


def _moved(segment: Part, a: float, b: float) -> Part:
    return replace(
        segment,
        a_start=segment.a_start + a,
        a_end=segment.a_end + a,
        b_start=segment.b_start + b,
        b_end=segment.b_end + b,
    )
