"""A video of a gallery that may show what is looked for, and its file."""

from __future__ import annotations

import os
from dataclasses import dataclass

from lookalike.descriptors.video import VideoDescription
from lookalike.errors import LoadError
from lookalike.gallery.load_verified import CHANGED
from lookalike.gallery.storage.row import Row
from lookalike.imaging.video import Video, open_video
from lookalike.types import Segment


@dataclass(frozen=True, slots=True)
class Candidate:
    """``score``: how much speaks for it."""

    row: Row
    description: VideoDescription
    score: float


def all_of(row: Row) -> Segment:
    """What a video shares with another one of the same bytes."""
    end = row.duration or 0.0
    return Segment(0.0, end, 0.0, end, 1.0, "identical", 1.0)


def opened(row: Row) -> Video:
    """The file of a video that is held. Raises LoadError for one that is gone or was changed."""
    video = open_video(row.path, fps=row.fps if os.path.isdir(row.path) else None)
    if video.info.bytes != row.bytes:
        raise LoadError(CHANGED, row.path)
    return video
