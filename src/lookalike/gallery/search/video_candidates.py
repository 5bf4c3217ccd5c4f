"""A video of a gallery that may show what is looked for, and its file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from lookalike.comparison.sound_pair import statement
from lookalike.descriptors.sound import SoundDescription
from lookalike.descriptors.video import VideoDescription
from lookalike.errors import LoadError
from lookalike.gallery.load_verified import CHANGED
from lookalike.gallery.search.shared_sound import sound_at
from lookalike.gallery.storage.row import Row
from lookalike.imaging.video import Video, open_video
from lookalike.types import Segment, SoundSegment


@dataclass(frozen=True, slots=True)
class Candidate:
    """``score``: how much speaks for it. ``sound``: its soundtrack, None if it has none or none was looked for."""

    row: Row
    description: VideoDescription
    score: float
    sound: SoundDescription | None = None


def all_of(row: Row) -> Segment:
    """What a video shares with another one of the same bytes."""
    end = row.duration or 0.0
    return Segment(0.0, end, 0.0, end, 1.0, "identical", 1.0)


def surest(segments: Sequence[Segment], sound: Sequence[SoundSegment]) -> float:
    """The greatest probability, of sound only where no images are shared; 0 of none."""
    return max((one.probability for one in segments or sound), default=0.0)


@dataclass(frozen=True, slots=True)
class SoundAlone:
    """What a video shares with another one whose images are not like its own: segments of sound, and what is said."""

    row: Row
    sound: tuple[SoundSegment, ...]
    statement: str


def sound_alone(query: SoundDescription, row: Row, other: SoundDescription, later: float) -> SoundAlone:
    """By the stored soundtracks, of which the one is about so many seconds ``later`` in the other; no file is read."""
    sound = sound_at(query, other, later)
    return SoundAlone(row, sound, statement((), sound, query, other))


def opened(row: Row) -> Video:
    """The file of a video that is held. Raises LoadError for one that is gone or was changed."""
    video = open_video(row.path, fps=row.fps if os.path.isdir(row.path) else None)
    if video.info.bytes != row.bytes:
        raise LoadError(CHANGED, row.path)
    return video
