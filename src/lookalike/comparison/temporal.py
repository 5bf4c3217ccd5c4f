"""Two videos' descriptions -> stretches of the one that run along stretches of the other: temporal alignment.

Frames that are alike vote for an offset and a speed (temporal Hough voting, Douze et al., "An image-based approach to
video copy detection with spatio-temporal post-filtering", 2010). Along each line that is voted for, the stretches are
found by dynamic programming. Fixed cameras fool every vote of frames, for all their frames are alike at any offset. So
frames vote by what they have besides their video's mean, and a stretch says how well its *changes* run along
(``centred``): the correlation of both videos' vectors once each stretch's own mean is taken off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.video import VideoDescription
from lookalike.types import Floats, Ids

SLOPES = np.geomspace(0.5, 2.0, 17)  # steps of 9 %, between which a line is fitted
FLOOR = 0.4  # cosine similarity of two frames below which they vote for nothing
VOTES_PER_FRAME = 48  # the best that a frame of the one has among all frames of the other
BIN = 0.5  # seconds of offset
STILL_SHARE = 0.1  # of a vote that does not depend on what changes: stills have nothing else
TOLERANCE = 0.8  # seconds beside a line within which a frame's partner may lie ...
CLOSE = 0.45  # ... and once the line is found: no farther than two frames that are looked at
BESIDE = 0.1  # similarity that a partner as far as possible beside the line loses
SNAPS = ((1.0, 0.12), (0.25, 0.04), (0.05, 0.02))  # multiples that people choose, so near, are taken instead ...
SNAPPED_SCORE = 0.98  # ... if they explain this share of the best score
UNUSUAL = 0.1  # of a score that any speed but the original one loses: stills run along at every speed
UNUSUAL_SECONDS = 6.0  # over which it loses twice as much
UNUSUAL_FROM = 0.1  # octaves from the original speed at which all of that is lost
MIN_SLOPE, MAX_SLOPE = 0.45, 2.2
REFINED = 4  # of the stretches along all these lines, the best are moved to where they fit best
REFINING_STEPS = (0.8, 0.4, 0.2, 0.1, 0.05)  # seconds; of the slope, an eighth of it
REFINING_ROUNDS = 6  # of each step at most
MAX_GAIN = 0.3  # similarity above or below FLOOR that a frame adds to a stretch at most
SHARPNESS = 4  # how steeply a frame counts less that is less similar than partners are
MAX_GAP = 3.0  # seconds of frames that are not alike at all which a stretch may bridge
MIN_SECONDS = 1.5
MIN_FRAMES = 3
MAX_MATCHES = 24  # stretches of a pair of videos
LINES_TRIED = 2  # most voted for at each slope, of which the best stretch of all is taken each time
APART = 2.0  # seconds from which on another offset is another one ...
MIN_SHARED = 0.5  # ... of the frames of a stretch at least so many have partners there ...
OFFSETS_TRIED = 200  # ... and of longer videos no more are tried,
MOST_COMPARED = 128  # ... and of longer stretches no more frames are compared
SAME_STRETCH = 0.5  # of both sides: what overlaps so much is the same stretch at another offset
STILL = 0.2  # variation from which on a stretch is no still at all
BLOCK_FRAMES = 1024


@dataclass(frozen=True, slots=True)
class TemporalMatch:
    """A stretch of a that runs along one of b: b's time is ``slope`` * a's time + ``offset``, in seconds: b runs
    1 / ``slope`` times as fast.

    ``a_times``, ``b_times``: (N,), the partners along it. ``similarity``: their mean cosine. ``centred``: -1..1, the
    correlation of their vectors about each side's mean. ``elsewhere``: the best of these, 0 at least, at any offset
    that is quite another one. ``variation``: how far the stiller side's vectors are from their mean, 0..1; next to
    nothing in a still. ``score``: similarity above FLOOR, most of it of what changes, summed
    over all seconds."""

    a_start: float
    a_end: float
    slope: float
    offset: float
    a_times: Floats
    b_times: Floats
    similarity: float
    centred: float
    elsewhere: float
    variation: float
    score: float

    @property
    def b_start(self) -> float:
        """Where it begins in b."""
        return self.slope * self.a_start + self.offset

    @property
    def b_end(self) -> float:
        """Where it ends in b."""
        return self.slope * self.a_end + self.offset


def temporal_matches(a: VideoDescription, b: VideoDescription) -> list[TemporalMatch]:
    """The stretches, the best first; one of a may run along several of b. None of them is proved."""
    if min(len(a), len(b)) < MIN_FRAMES:
        return []
    sides = _Sides(a, b)
    votes = _votes(sides)
    found: list[TemporalMatch] = []
    while len(found) < MAX_MATCHES:
        new = [match for match in _stretches(sides, votes) if not any(same_stretch(match, other) for other in found)]
        if not new:
            break
        best = max(new, key=lambda match: match.score)
        found.append(best)
        votes = votes.without(best, sides)
    return [_with_elsewhere(sides, match) for match in sorted(found, key=lambda match: -match.score)]


class _Sides:
    """Both descriptions in single precision, their vectors as they are and about their means.

    ``reach``: how far above FLOOR the similarity of partners comes: what stays below is a neighbour in the same shot.
    """

    def __init__(self, a: VideoDescription, b: VideoDescription) -> None:
        self.a_times, self.b_times = a.times.astype(np.float64), b.times.astype(np.float64)
        self.a, self.b = a.vectors.astype(np.float32), b.vectors.astype(np.float32)
        self.b_mean = self.b.mean(0)
        self.a_centred, self.b_centred = self.a - self.a.mean(0), self.b - self.b_mean
        rms = [np.sqrt((part**2).sum(1).mean()) for part in (self.a_centred, self.b_centred)]
        self.scale = float(max(rms[0] * rms[1], 1e-6))
        self.a_seconds = _seconds(self.a_times)
        best = self._best_similarity() - FLOOR
        self.reach = float(np.percentile(best[best > 0], 80)) if (best > 0).any() else 1.0

    def agreement(self, rows: Ids, slope: float, offset: float) -> float:
        """How well these frames of a run along exactly this line, over all their seconds, in the video in which these
        are fewer: else what hardly changes ran along best at half the speed. b is interpolated."""
        wanted = slope * self.a_times[rows] + offset
        inside = (wanted >= self.b_times[0] - BIN / 2) & (wanted <= self.b_times[-1] + BIN / 2)
        rows, wanted = rows[inside], wanted[inside]
        after = np.clip(np.searchsorted(self.b_times, wanted), 1, len(self.b_times) - 1)
        gap = np.maximum(self.b_times[after] - self.b_times[after - 1], 1e-6)
        share = np.clip((wanted - self.b_times[after - 1]) / gap, 0, 1)[:, None]
        vectors = (1 - share) * self.b[after - 1] + share * self.b[after]
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
        similarity = np.einsum("nd,nd->n", self.a[rows], vectors)
        changing = np.einsum("nd,nd->n", self.a_centred[rows], vectors - self.b_mean) / self.scale
        gains = np.maximum(similarity - FLOOR, 0)
        gains *= np.minimum(gains / self.reach, 1) ** SHARPNESS * (STILL_SHARE + np.clip(changing, 0, 1))
        seconds = self.a_seconds[rows] * min(slope, 1.0)
        return float((gains * seconds).sum()) * _usualness(slope, float(seconds.sum()))

    def _best_similarity(self) -> Floats:
        """(N,) of each frame of a, that to the most similar frame of b."""
        blocks = range(0, len(self.a), BLOCK_FRAMES)
        return np.concatenate([(self.a[n : n + BLOCK_FRAMES] @ self.b.T).max(1) for n in blocks])


def _usualness(slope: float, seconds: float) -> float:
    """1 at the original speed, less at any other one, most of all over a few seconds: what hardly changes runs along at
    every speed."""
    doubt = UNUSUAL * (1 + UNUSUAL_SECONDS / max(seconds, UNUSUAL_SECONDS / 4))
    return 1 - doubt * min(abs(float(np.log2(slope))) / UNUSUAL_FROM, 1)


def _seconds(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """How long each frame stands for, at most a second."""
    gaps = np.minimum(np.diff(times), 1.0)
    return np.asarray(np.convolve(np.r_[gaps[:1], gaps, gaps[-1:]], [0.5, 0.5], "valid"))


@dataclass(frozen=True, slots=True)
class _Votes:
    """Pairs of frames that are alike, by their numbers, and how much each counts."""

    a: Ids
    b: Ids
    weights: Floats

    def without(self, match: TemporalMatch, sides: _Sides) -> _Votes:
        """What is left when a stretch is explained."""
        time = sides.a_times[self.a]
        apart = np.abs(sides.b_times[self.b] - match.slope * time - match.offset)
        along = (time >= match.a_start - BIN) & (time <= match.a_end + BIN) & (apart <= 2 * TOLERANCE)
        return _Votes(self.a[~along], self.b[~along], self.weights[~along])


def _votes(sides: _Sides) -> _Votes:
    """Each frame's best partners. The whole matrix of similarities is never held."""
    rows, columns, weights = [], [], []
    for start in range(0, len(sides.a), BLOCK_FRAMES):
        block = slice(start, start + BLOCK_FRAMES)
        alike = np.maximum(sides.a[block] @ sides.b.T - FLOOR, 0)
        changing = np.maximum(sides.a_centred[block] @ sides.b_centred.T / sides.scale, 0)
        weight = alike * (STILL_SHARE + np.minimum(changing, 1))
        most = min(VOTES_PER_FRAME, weight.shape[1])
        best = np.argpartition(-weight, most - 1, axis=1)[:, :most]
        chosen = np.take_along_axis(weight, best, 1)
        row, place = np.nonzero(chosen > 0)
        rows.append(row + start)
        columns.append(best[row, place])
        weights.append(chosen[row, place])
    return _Votes(np.concatenate(rows), np.concatenate(columns), np.concatenate(weights).astype(np.float32))


def _stretches(sides: _Sides, votes: _Votes) -> list[TemporalMatch]:
    """The best stretch along each of the lines that most votes are for."""
    found = []
    for slope, offset in _lines(sides, votes):
        match = _along(sides, *_fitted(sides, votes, slope, offset), TOLERANCE)
        if match is not None:
            found.append(match)
    best = sorted(found, key=lambda match: -match.score)[:REFINED]
    return [_at_round_speed(sides, _refined(sides, match)) for match in best]


def _refined(sides: _Sides, match: TemporalMatch) -> TemporalMatch:
    """The same along the line nearby that its frames run along best."""
    return _along(sides, *_climbed(sides, match, match.slope, slope_steps=(-1, 0, 1))) or match


def _climbed(sides: _Sides, match: TemporalMatch, slope: float, slope_steps: Sequence[int]) -> tuple[float, float]:
    """The line (slope, offset) near that of a stretch along which its frames run best: by ever smaller steps, from its
    middle. ``slope_steps``: the directions in which the slope may change."""
    rows = np.flatnonzero((sides.a_times >= match.a_start) & (sides.a_times <= match.a_end))
    middle = (match.a_start + match.a_end) / 2
    shown = match.slope * middle + match.offset
    best = sides.agreement(rows, slope, shown - slope * middle)
    for size in REFINING_STEPS:
        for _ in range(REFINING_ROUNDS):
            steps = [
                (slope * (1 + turn * size / 8), shown + shift * size) for turn in slope_steps for shift in (-1, 0, 1)
            ]
            values = [sides.agreement(rows, one, other - one * middle) for one, other in steps]
            place = int(np.argmax(values))
            if values[place] <= best + 1e-9:
                break
            best, (slope, shown) = values[place], steps[place]
    slope = float(np.clip(slope, MIN_SLOPE, MAX_SLOPE))
    return slope, shown - slope * middle


def _at_round_speed(sides: _Sides, match: TemporalMatch) -> TemporalMatch:
    """The same at a round speed, if that explains as much."""
    middle = (match.a_start + match.a_end) / 2
    for slope in round_slopes(match.slope):
        other = _along(sides, *_climbed(sides, match, slope, slope_steps=(0,)))
        if other is not None and other.score >= SNAPPED_SCORE * match.score and other.a_start < middle < other.a_end:
            return other
    return match


def round_slopes(slope: float) -> list[float]:
    """The multiples near a slope that people choose as a speed, of the one video or of the other, the roundest first.
    A slope that is one itself comes last."""
    found = []
    for step, most in SNAPS:
        for one in (1 / step / max(round(1 / slope / step), 1), round(slope / step) * step):
            if abs(one / slope - 1) <= most and one not in found:
                found.append(one)
    return found


def _lines(sides: _Sides, votes: _Votes) -> list[tuple[float, float]]:
    """(slope, offset) of the lines that most votes are for."""
    if not len(votes.weights):
        return []
    lines = []
    a_times, b_times = sides.a_times[votes.a], sides.b_times[votes.b]
    for slope in SLOPES:
        offsets = b_times - slope * a_times
        low = offsets.min()
        counts = np.bincount(((offsets - low) / BIN).astype(np.int64), votes.weights)
        smooth = np.convolve(counts, [0.5, 1, 0.5], "same")
        best = np.argsort(-smooth)[:LINES_TRIED]
        lines += [(float(slope), float(low + (place + 0.5) * BIN)) for place in best]
    return lines


def _fitted(sides: _Sides, votes: _Votes, slope: float, offset: float) -> tuple[float, float]:
    """The line through the votes beside it, by weighted least squares."""
    a_times, b_times = sides.a_times[votes.a], sides.b_times[votes.b]
    for width in (2.0, 1.0, 0.6):
        near = np.abs(b_times - slope * a_times - offset) <= width
        x, y, weight = a_times[near], b_times[near], votes.weights[near].astype(np.float64) ** 2
        if near.sum() < MIN_FRAMES or not weight.sum():
            break
        mean_x, mean_y = np.average(x, weights=weight), np.average(y, weights=weight)
        spread = float(np.average((x - mean_x) ** 2, weights=weight))
        if spread > 1.0:
            fitted = float(np.average((x - mean_x) * (y - mean_y), weights=weight)) / spread
            slope = float(np.clip(fitted, slope / 1.1, slope * 1.1))
        offset = float(mean_y - slope * mean_x)
    return float(np.clip(slope, MIN_SLOPE, MAX_SLOPE)), offset


def _along(sides: _Sides, slope: float, offset: float, tolerance: float = CLOSE) -> TemporalMatch | None:
    """The best stretch along a line; None if it is too short or too weak."""
    partners, similarity = _partners(sides, slope, offset, tolerance)
    inside = partners >= 0
    if inside.sum() < MIN_FRAMES:
        return None
    gains = np.where(inside, np.clip(similarity - FLOOR, -MAX_GAIN, MAX_GAIN), -MAX_GAIN) * sides.a_seconds
    first, last, gain = _best_run(gains)
    rows = np.arange(first, last + 1)
    rows = rows[inside[rows] & (similarity[rows] > FLOOR)]
    if len(rows) < MIN_FRAMES or gain <= 0:
        return None
    a_times, b_times = sides.a_times[rows], sides.b_times[partners[rows]]
    half = 0.5 * sides.a_seconds[[rows[0], rows[-1]]]
    start, end = a_times[0] - half[0], a_times[-1] + half[1]
    low, high = ((time - offset) / slope for time in (sides.b_times[0], sides.b_times[-1] + 0.5))
    start, end = max(start, low, 0.0), min(end, high, sides.a_times[-1] + sides.a_seconds[-1])
    if end - start < MIN_SECONDS:
        return None
    centred, variation = centred_correlation(sides.a[rows], sides.b[partners[rows]])
    return TemporalMatch(
        a_start=float(start),
        a_end=float(end),
        slope=slope,
        offset=offset,
        a_times=a_times.astype(np.float32),
        b_times=b_times.astype(np.float32),
        similarity=float(similarity[rows].mean()),
        centred=centred,
        elsewhere=0.0,
        variation=variation,
        score=sides.agreement(rows, slope, offset),
    )


def _partners(sides: _Sides, slope: float, offset: float, tolerance: float) -> tuple[Ids, Floats]:
    """Of each frame of a the most similar frame of b beside the line, -1 where b has none there, and the similarity."""
    wanted = slope * sides.a_times + offset
    first = np.searchsorted(sides.b_times, wanted - tolerance)
    last = np.searchsorted(sides.b_times, wanted + tolerance)
    partners = np.full(len(wanted), -1, np.int64)
    found = np.full(len(wanted), -1.0, np.float32)
    best = np.full(len(wanted), -2.0, np.float32)
    for step in range(int((last - first).max(initial=0))):
        rows = np.flatnonzero(first + step < last)
        columns = first[rows] + step
        similarity = np.einsum("nd,nd->n", sides.a[rows], sides.b[columns])
        value = similarity - BESIDE * ((sides.b_times[columns] - wanted[rows]) / tolerance) ** 2
        better = value > best[rows]
        partners[rows[better]], best[rows[better]] = columns[better], value[better]
        found[rows[better]] = similarity[better]
    return partners, found


def _best_run(gains: NDArray[np.float64]) -> tuple[int, int, float]:
    """First, last and sum of the run of the greatest sum that bridges no gap of more than MAX_GAP seconds.

    Kadane's algorithm, which forgets what came before as soon as it has lost too much."""
    best = (0, -1, 0.0)
    start, total, top = 0, 0.0, 0.0
    for place, gain in enumerate(gains):
        total += gain
        if total <= 0 or top - total > MAX_GAP * MAX_GAIN:
            start, total, top = place + 1, 0.0, 0.0
            continue
        top = max(top, total)
        if total > best[2]:
            best = (start, place, float(total))
    return best


def centred_correlation(a: Floats, b: Floats) -> tuple[float, float]:
    """(N, D) vectors of partners -> their correlation about each side's mean, -1..1, and the smaller side's root mean
    square distance from its mean, 0..1. A still has no correlation: 0."""
    first, second = a - a.mean(0), b - b.mean(0)
    energies = float((first**2).sum()), float((second**2).sum())
    variation = (min(energies) / len(a)) ** 0.5
    product = (energies[0] * energies[1]) ** 0.5
    return (float((first * second).sum()) / product if product > 1e-9 else 0.0), variation


def _with_elsewhere(sides: _Sides, match: TemporalMatch) -> TemporalMatch:
    """The same, knowing how well its frames run along elsewhere: first those of b are other ones, then those of a."""
    rows = np.searchsorted(sides.a_times, match.a_times.astype(np.float64))
    columns = np.searchsorted(sides.b_times, match.b_times.astype(np.float64))
    kept = slice(None, None, len(rows) // MOST_COMPARED + 1)
    rows, columns = rows[kept], columns[kept]
    best = (
        _best_elsewhere(sides.a[rows], columns, sides.b, sides.b_times),
        _best_elsewhere(sides.b[columns], rows, sides.a, sides.a_times),
    )
    return replace(match, elsewhere=max(best))


def _best_elsewhere(fixed: Floats, places: Ids, others: Floats, times: NDArray[np.float64]) -> float:
    """The best centred correlation, 0 at least, of (N, D) vectors with those that lie as far before or behind their
    partners ``places`` in the other video, each time another number of frames."""
    best, shifts = 0.0, np.arange(-places[-1], len(times) - places[0])
    for shift in shifts[:: len(shifts) // OFFSETS_TRIED + 1]:
        moved = places + shift
        inside = (moved >= 0) & (moved < len(times))
        if inside.sum() < max(MIN_SHARED * len(places), MIN_FRAMES):
            continue
        if np.median(np.abs(times[moved[inside]] - times[places[inside]])) >= APART:
            best = max(best, centred_correlation(fixed[inside], others[moved[inside]])[0])
    return best


class Spans(Protocol):
    """What lies between two times of a and between two of b."""

    @property
    def a_start(self) -> float: ...
    @property
    def a_end(self) -> float: ...
    @property
    def b_start(self) -> float: ...
    @property
    def b_end(self) -> float: ...


def same_stretch(one: Spans, other: Spans) -> bool:
    """Whether both are one stretch, found twice: on both sides half of the shorter lies in the other."""
    sides = (
        _overlap((one.a_start, one.a_end), (other.a_start, other.a_end)),
        _overlap((one.b_start, one.b_end), (other.b_start, other.b_end)),
    )
    return min(sides) >= SAME_STRETCH


def _overlap(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Of the shorter of two stretches the share that both have."""
    shared = min(first[1], second[1]) - max(first[0], second[0])
    return max(shared, 0.0) / max(min(first[1] - first[0], second[1] - second[0]), 1e-6)
