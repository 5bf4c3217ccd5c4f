"""Small views of two videos' frames, laid on one another -> which moment of the one is exactly which of the other.

Described frames are half a second apart, so a stretch that is found by them runs a fraction of a second beside the true
line, and ends as much too early or too late. Here frames as near to one another as the file has them say how far it is
to be moved, and from when to when both videos show the same: where they begin to be alike, and cease to be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.temporal import MIN_SECONDS, STILL, TemporalMatch, round_slopes
from lookalike.descriptors.video import WHOLE, View
from lookalike.imaging.video import Video
from lookalike.types import Floats, Image

SIDE = 64  # pixels of a view, whatever shape the frame has
BLUR = 3  # pixels over which noise of compression is averaged away
MIN_COVERED = 0.02  # of a view's places, that both frames show
WATCHED = 24  # frames of a in which a stretch is watched
MARGIN = 0.08  # of a stretch at either end, where its line is not looked for: its ends are less sure
REACH = 0.65  # seconds to either side of the line within which the true one is looked for ...
STILL_REACH = 3.0  # ... and of what hardly changes, of which vectors do not know where it belongs
FINEST, COARSEST = 0.04, 0.1  # seconds between frames of b that are looked at: as many as the file has, within these
MOVES = 0.5  # levels, root mean square, of views so small that noise is averaged away: below, nothing moves
MOVING = 0.3  # agreement below which a line is left where it is: there nothing tells where it belongs
CLEARLY = 0.02  # more of it that another line must have ...
FAR = 0.1  # ... and again as much, one beyond REACH ...
TURNED = 0.02  # ... and again as much, one at another speed ...
NEARER = 1e-6  # ... and of those as good the nearer one is taken, by this a second
MOST_TURNED = 0.2  # of the speed, by which a line is turned at most
END_SECONDS = 2.5  # to either side of an end, within which the true one is looked for
END_STEP = 0.1  # seconds between frames that are looked at there
ALIKE = 0.5  # correlation of laid frames, of all together, from which on their ends can be told ...
STILL_ALIKE = 0.65  # ... and the share of it that a single pair within the stretch has

Matrix = NDArray[np.float64]
Times = NDArray[np.float64]
AnyFloats = NDArray[Any]
Agreement = Callable[[Times, Times], Times]


@dataclass(frozen=True, slots=True)
class Views:
    """``times``: (N,), when each frame begins to be shown, seconds, ascending. ``luma``: (N, SIDE, SIDE), 0..255.
    ``size``: width and height of the frames that the views were made of, in pixels of the upright video. ``seconds``:
    how long the video lasts."""

    times: Times
    luma: Floats
    size: tuple[int, int]
    seconds: float

    def at(self, times: Times) -> NDArray[np.int64]:
        """Which view is shown at each of these times, or nearest to it."""
        if len(self.times) == 1:
            return np.zeros(len(times), np.int64)
        after = np.clip(np.searchsorted(self.times, times), 1, len(self.times) - 1)
        return np.asarray(after - (times - self.times[after - 1] < self.times[after] - times), np.int64)


def read_views(video: Video, times: Times, view: View = WHOLE) -> Views:
    """Those of the frames shown at these times; each frame once. Raises LoadError."""
    wanted = np.unique(np.clip(times, 0.0, max(video.info.duration, 0.0)))
    frames = video.frames_at(wanted.tolist(), round(SIDE / min(view.width, view.height)))
    images = {frame.time: frame.image for frame in frames}
    shown = [one if view == WHOLE else view.of(one) for one in images.values()]
    luma = np.stack([_luma(one) for one in shown])
    order = np.argsort(np.fromiter(images, np.float64))
    times, size = np.fromiter(images, np.float64)[order], (shown[0].width, shown[0].height)
    return Views(times, luma[order], size, video.info.duration)


def _luma(image: Image) -> Floats:
    small = cv2.resize(image.pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.blur(small.mean(axis=2, dtype=np.float32), (BLUR, BLUR)), np.float32)


def watched_times(match: TemporalMatch) -> Times:
    """(WATCHED,) seconds of a, evenly spread over a stretch."""
    margin = MARGIN * (match.a_end - match.a_start)
    return np.asarray(np.linspace(match.a_start + margin, match.a_end - margin, WATCHED), np.float64)


def end_times(match: TemporalMatch) -> Times:
    """Seconds of a around both ends of a stretch, but not beyond its middle."""
    middle, around = (match.a_start + match.a_end) / 2, np.arange(-END_SECONDS, END_SECONDS + END_STEP, END_STEP)
    before, behind = match.a_start + around, match.a_end + around
    return np.concatenate([before[before < middle], behind[behind > middle]])


def near_line(match: TemporalMatch, video: Video) -> Times:
    """Seconds of b around its partners of all these: as near to one another as its frames are."""
    step = float(np.clip(1 / video.info.fps if video.info.fps else COARSEST, FINEST, COARSEST))
    around = np.arange(-_reach(match), _reach(match) + step, step)
    watched, ends = (match.slope * times + match.offset for times in (watched_times(match), end_times(match)))
    times = np.r_[(watched[:, None] + around).ravel(), ends, ends - step / 2]
    return np.asarray(np.unique(np.round(times / (step / 2))) * (step / 2), np.float64)


class AlignedViews:
    """The views of a where they lie on those of b. ``matrix``: (3, 3), a's pixels -> b's, upright; None: the one lies
    on the whole of the other."""

    def __init__(self, a: Views, b: Views, matrix: Matrix | None) -> None:
        self._a, self._b = a, b
        shrink_a, shrink_b = (np.diag([SIDE / one.size[0], SIDE / one.size[1], 1.0]) for one in (a, b))
        onto = np.eye(3) if matrix is None else shrink_b @ matrix @ np.linalg.inv(shrink_a)
        side = (SIDE, SIDE)
        covered = cv2.warpPerspective(np.full(side, 255, np.uint8), onto, side) > 250
        self.is_covered = bool(covered.mean() >= MIN_COVERED)
        moved = np.stack([cv2.warpPerspective(one, onto, side) for one in a.luma])
        self._first, self._second = moved[:, covered], b.luma[:, covered]

    def moved(self, matrix: Matrix | None) -> AlignedViews:
        """The same views by another matrix."""
        return AlignedViews(self._a, self._b, matrix)

    def contrasted(self, match: TemporalMatch, count: int) -> tuple[Times, Times]:
        """Of each of ``count`` parts of a stretch the pair of frames in which the duller one has most contrast: their
        times in a, and in b."""
        rows, columns = self._pairs(watched_times(match), match.slope, match.offset)
        contrast = np.minimum(self._a.luma[rows].std((1, 2)), self._b.luma[columns].std((1, 2)))
        parts = np.array_split(np.arange(len(rows)), count)
        best = [int(part[np.argmax(contrast[part])]) for part in parts]
        return self._a.times[rows[best]], self._b.times[columns[best]]

    def motion(self, match: TemporalMatch) -> float:
        """How well the places of the watched pairs of frames change alike over time, -1..1; 0 where nothing moves."""
        if not self.is_covered:
            return 0.0
        rows, columns = self._pairs(watched_times(match), match.slope, match.offset)
        return motion_agreement(self._first[rows], self._second[columns])

    def _pairs(self, times: Times, slope: float, offset: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        rows = self._a.at(times)
        return rows, self._b.at(slope * self._a.times[rows] + offset)

    def on_its_line(self, match: TemporalMatch) -> TemporalMatch:
        """The same moved by at most REACH at either end, to where its frames agree best, at a round speed if that is as
        good; as it is, where no other line is clearly better."""
        rows = np.unique(self._a.at(watched_times(match)))
        if not self.is_covered or min(_level(_about_mean(one)) for one in (self._first[rows], self._second)) < MOVES:
            return match
        agreement = self._line_agreement(rows)
        shifts, wide = _shifts(self._b, REACH), _shifts(self._b, _reach(match))
        start, end = (np.concatenate([one.ravel(), wide]) for one in np.meshgrid(shifts, shifts))
        slopes = match.slope + (end - start) / (match.a_end - match.a_start)
        offsets = match.b_start + start - slopes * match.a_start
        possible = np.abs(slopes / match.slope - 1) <= MOST_TURNED
        start, end, slopes, offsets = (one[possible] for one in (start, end, slopes, offsets))
        found = agreement(slopes, offsets)
        far = np.abs(start) + np.abs(end)
        doubt = CLEARLY * (far > 0) + TURNED * (start != end) + FAR * (far > 2 * REACH) + NEARER * far
        best = int(np.argmax(found - doubt))
        if found[best] < MOVING:
            return match
        line = replace(match, slope=float(slopes[best]), offset=float(offsets[best])) if far[best] else match
        return self._at_round_speed(line, shifts, agreement, float(found[best]) - TURNED)

    def _at_round_speed(self, match: TemporalMatch, shifts: Times, agreement: Agreement, least: float) -> TemporalMatch:
        """The same at a round speed, if its frames agree so well at least."""
        middle = (match.a_start + match.a_end) / 2
        shown = match.slope * middle + match.offset + shifts
        for slope in round_slopes(match.slope):
            offsets = shown - slope * middle
            found = agreement(np.full(len(shifts), slope), offsets) - NEARER * np.abs(shifts)
            if found.max() >= least:
                return replace(match, slope=slope, offset=float(offsets[np.argmax(found)]))
        return match

    def _line_agreement(self, rows: NDArray[np.int64]) -> Agreement:
        """How well these views of a agree with those of b along lines: (K,) slopes and offsets -> (K,), -1..1."""
        first, second = (_about_mean(part) for part in (self._first[rows], self._second))
        products = first @ second.T / max(float(np.sqrt((first**2).sum())), 1e-6)
        energies, times, places = (second**2).sum(1), self._a.times[rows], np.arange(len(rows))

        def agreement(slopes: Times, offsets: Times) -> Times:
            columns = self._b.at((slopes[:, None] * times + offsets[:, None]).ravel()).reshape(-1, len(rows))
            return np.asarray(products[places, columns].sum(1) / np.sqrt(energies[columns].sum(1) + 1e-9), np.float64)

        return agreement

    def within_its_ends(self, match: TemporalMatch) -> TemporalMatch:
        """The same from where both videos begin to show the same to where they cease to."""
        if not self.is_covered:
            return match
        within = float(np.median(self._alike(watched_times(match), match)))
        if within < ALIKE:
            return match
        times = np.unique(np.clip(end_times(match), *self._limits(match)))
        gains = self._alike(times, match) - STILL_ALIKE * within
        before = times < (match.a_start + match.a_end) / 2
        if before.all() or not before.any():
            return match
        start = _first_alike(times[before], gains[before])
        end = -_first_alike(-times[~before][::-1], gains[~before][::-1])
        return replace(match, a_start=start, a_end=end) if end - start >= MIN_SECONDS else match

    def _limits(self, match: TemporalMatch) -> tuple[float, float]:
        """Seconds of a between which both videos have frames."""
        begin, end = (-match.offset / match.slope, (self._b.seconds - match.offset) / match.slope)
        return max(begin, 0.0), min(end, self._a.seconds)

    def _alike(self, times: Times, match: TemporalMatch) -> Floats:
        """(N,) -1..1, the correlation over all places of the pair of frames that is shown at each time."""
        rows, columns = self._pairs(times, match.slope, match.offset)
        first, second = _standardised(self._first[rows]), _standardised(self._second[columns])
        return np.asarray((first * second).mean(1), np.float32)


def _reach(match: TemporalMatch) -> float:
    """Seconds to either side of a line within which the true one is looked for."""
    return REACH if match.variation >= STILL else STILL_REACH


def _shifts(b: Views, reach: float) -> Times:
    """Seconds by which a line may be moved, by as little as b's frames are apart."""
    step = float(np.clip(np.median(np.diff(b.times)), FINEST, COARSEST)) if len(b.times) > 1 else COARSEST
    count = int(reach / step)
    return np.asarray(np.arange(-count, count + 1) * step, np.float64)


def motion_agreement(first: AnyFloats, second: AnyFloats) -> float:
    """(N, places) luma of N pairs of frames that lie on one another -> how well the places change alike, -1..1; 0 where
    nothing moves. What is drawn over all frames alike and what stands still are in each place's mean, which is taken
    off; changing light is in that of each frame, which is taken off before."""
    if len(first) < 3:
        return 0.0
    changes = [_about_mean(part) for part in (first, second)]
    levels = [_level(part) for part in changes]
    if min(levels) < MOVES:
        return 0.0
    return float((changes[0] * changes[1]).mean()) / (levels[0] * levels[1])


def _level(changes: Floats) -> float:
    """Root mean square."""
    return float(np.sqrt((changes**2).mean()))


def _about_mean(views: AnyFloats) -> Floats:
    """(N, places), each frame about its mean, then each place about its own over time."""
    lit = views - views.mean(1, keepdims=True)
    return np.asarray(lit - lit.mean(0), np.float32)


def _standardised(views: AnyFloats) -> Floats:
    centred = views - views.mean(1, keepdims=True)
    return np.asarray(centred / np.maximum(centred.std(1, keepdims=True), 1.0), np.float32)


def _first_alike(times: Times, gains: Floats) -> float:
    """Ascending times towards a stretch's middle -> from which on the sum of gains is greatest."""
    after = np.cumsum(gains[::-1])[::-1]
    place = int(np.argmax(after))
    return float(times[place])
