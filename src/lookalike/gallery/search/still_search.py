"""A still image in a video: in which shot, at which moment, and how sure it is that it was taken from there.

The stored frames tell the shot. Within it vectors hardly differ, so the still is compared with a few of its frames,
laid on those near the likeliest one, and compared again with that of which the least is left over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.alignment.align import LOAD_MIN_SIDE
from lookalike.comparison.pair import ComparisonInput, compare_features, extract_features
from lookalike.errors import LoadError
from lookalike.gallery.search.video_candidates import Candidate, opened
from lookalike.gallery.storage.row import Row
from lookalike.imaging.letterbox import with_bars
from lookalike.imaging.video import Video
from lookalike.types import Comparison, Floats, Image, Pixels, Segment, VideoHit

SHOWN_AS_WELL = 0.1  # less similar than the most similar frame: the still is shown for as long
LONGEST_SHOT = 20.0  # seconds in which the moment is looked for
SEEDS = 4  # moments of a shot that the still is compared with at first
STEPS = 8  # to either side of the likeliest moment, of which the one is chosen that leaves the least over
COARSE = 0.25  # seconds beyond a shot's stored frames
VIEW_SIDE = 160  # pixels of the shorter side of frames that a still is laid on
MIN_COVERED = 0.05  # of a frame's view
FPS = 25.0  # where a file does not say how fast it runs


@dataclass(frozen=True, slots=True)
class Shown:
    """A video, and when it shows what is most like a still: from ``start`` to ``end``, most of all at ``time``."""

    row: Row
    time: float
    start: float
    end: float
    similarity: float


def shown_in(vector: Floats, candidate: Candidate) -> Shown:
    """By the stored frames of a video."""
    similarity = candidate.description.vectors.astype(np.float32) @ vector
    best = int(similarity.argmax())
    alike = similarity >= similarity[best] - SHOWN_AS_WELL
    first = best - int(np.argmin(np.r_[alike[: best + 1][::-1], False])) + 1
    last = best + int(np.argmin(np.r_[alike[best:], False])) - 1
    time, start, end = (float(candidate.description.times[place]) for place in (best, first, last))
    return Shown(candidate.row, time, start, end, float(similarity[best]))


def verified_still(still: ComparisonInput, found: Shown) -> VideoHit:
    """The still compared with the frame that it may have been taken from; not verified if the file cannot be read."""
    try:
        video = opened(found.row)
        best = _at_its_moment(still, video, found)
    except LoadError:
        return VideoHit(found.row.path, 0.0, ())
    return VideoHit(found.row.path, best.result.probability, (_segment(found, best, video),), verified=True)


@dataclass(frozen=True, slots=True)
class _Moment:
    """A frame of a video that the still was compared with."""

    time: float
    result: Comparison

    @property
    def odds(self) -> float:
        """Of a copy, their logarithm."""
        return np.inf if self.result.odds is None else self.result.odds


def _at_its_moment(still: ComparisonInput, video: Video, found: Shown) -> _Moment:
    """A few moments of the shot, and from the likeliest of these on ever nearer ones, as long as it gets likelier."""
    best = _compared(still, video, found.time)
    if best.result.transform is None:
        return best
    begin = max(found.start, found.time - LONGEST_SHOT / 2)
    end = min(found.end, found.time + LONGEST_SHOT / 2)
    best = max([best, *(_compared(still, video, time) for time in np.linspace(begin, end, SEEDS).tolist())], key=_odds)
    reach, frame = (end - begin) / SEEDS + COARSE, 1 / (video.info.fps or FPS)
    while reach > frame:
        step = max(reach / STEPS, frame)
        times = np.arange(max(best.time - reach, 0.0), min(best.time + reach + step, video.info.duration), step)
        best = max(best, _compared(still, video, _best_time(still.image, video, times, best)), key=_odds)
        reach = step
    return best


def _odds(moment: _Moment) -> float:
    return moment.odds


def _compared(still: ComparisonInput, video: Video, time: float) -> _Moment:
    return _Moment(time, compare_features(still, extract_features(video.frames_at([time], LOAD_MIN_SIDE)[0].image)))


def _best_time(still: Image, video: Video, times: NDArray[np.float64], near: _Moment) -> float:
    """When the least is left over, once the still lies on the frame as it does at a moment near by."""
    if near.result.transform is None:
        return near.time
    frames = video.frames_at(times.tolist(), VIEW_SIDE)
    left = _left_over(still, [frame.image for frame in frames], near.result.transform)
    return frames[int(np.argmin(left))].time


def _left_over(still: Image, frames: Sequence[Image], matrix: NDArray[np.float64]) -> list[float]:
    """Of each frame, (N,), the mean absolute difference to the still that lies on it, both with the same brightness and
    contrast. ``matrix``: (3, 3), the still's pixels -> the frames' pixels, upright."""
    height, width = frames[0].pixels.shape[:2]
    onto = np.diag([width / frames[0].width, height / frames[0].height, 1.0]) @ matrix
    small = cv2.resize(still.pixels, _small_size(still), interpolation=cv2.INTER_AREA)
    onto = onto @ np.diag([still.width / small.shape[1], still.height / small.shape[0], 1.0])
    overlaid = cv2.warpPerspective(_luma(np.asarray(small, np.uint8)), onto, (width, height))
    covered = cv2.warpPerspective(np.full(small.shape[:2], 255, np.uint8), onto, (width, height)) > 250
    if covered.mean() < MIN_COVERED:
        return [0.0 for _ in frames]
    wanted = _standardised(np.asarray(overlaid[covered], np.float32))
    return [float(np.abs(_standardised(_luma(one.pixels)[covered]) - wanted).mean()) for one in frames]


def _small_size(still: Image) -> tuple[int, int]:
    scale = min(VIEW_SIDE / min(still.pixels.shape[:2]), 1.0)
    height, width = still.pixels.shape[:2]
    return max(round(width * scale), 1), max(round(height * scale), 1)


def _luma(pixels: Pixels) -> Floats:
    return np.asarray(pixels.mean(axis=2), np.float32)


def _standardised(values: Floats) -> Floats:
    return np.asarray((values - values.mean()) / max(float(values.std()), 1.0), np.float32)


def _segment(found: Shown, best: _Moment, video: Video) -> Segment:
    result = best.result
    return Segment(
        a_start=0.0,
        a_end=0.0,
        b_start=found.start,
        b_end=found.end,
        speed=1.0,
        relation=result.relation,
        probability=result.probability,
        edits=result.edits,
        orientation=result.orientation,
        box=with_bars(result.box, video.info) if result.box and result.box_in == "b" else result.box,
        box_in=result.box_in,
        evidence={"moment": best.time},
    )
