"""Black bars beside, above and below a video's images, where they stay for as long as it lasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lookalike.types import Box, Pixels, VideoInfo

BLACK = 32.0  # levels: the brightest of a bar's pixels but for one in twenty, after compression
SHOWN = 40.0  # levels: a frame that is nowhere brighter shows nothing, and says nothing of bars
MIN_CONTENT = 0.2  # of a side: with less left, the images are dark and there are no bars
MIN_BAR = 0.01  # of a side: thinner ones are left where they are


def content_box(frames: Sequence[Pixels], width: int, height: int) -> Box:
    """The part of a video's images that is no bar in any of ``frames``, (h, w, 3) uint8 each and evenly spread over it.

    In pixels of a video of ``width`` x ``height``, of which the frames may be smaller copies."""
    bright = [luma for luma in (frame.mean(axis=2) for frame in frames) if np.percentile(luma, 98) > SHOWN]
    whole = Box(0, 0, width, height)
    if not bright:
        return whole
    rows, columns = (
        _extent(np.max([np.percentile(luma, 95, axis=axis) for luma in bright], axis=0)) for axis in (1, 0)
    )
    if rows is None or columns is None:
        return whole
    top, bottom, left, right = (
        round(share * side) for share, side in zip(rows + columns, (height, height, width, width), strict=True)
    )
    return Box(left, top, right - left, bottom - top)


def with_bars(box: Box, info: VideoInfo) -> Box:
    """A box of what a video shows, in pixels of the video with its bars."""
    return replace(box, x=box.x + info.content.x, y=box.y + info.content.y)


def _extent(brightness: NDArray[np.float64]) -> tuple[float, float] | None:
    """Where the lines of an image begin and end that are not black, each 0..1; None if hardly any is."""
    lit = np.flatnonzero(brightness > BLACK)
    if len(lit) < MIN_CONTENT * len(brightness):
        return None
    first, last = lit[0] / len(brightness), (lit[-1] + 1) / len(brightness)
    return (first if first >= MIN_BAR else 0.0), (last if last <= 1 - MIN_BAR else 1.0)
