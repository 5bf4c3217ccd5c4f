"""Two soundtracks' descriptions -> stretches of the one that run along stretches of the other.

Blocks of three seconds of the one are correlated with the whole of the other, at the speeds of a scale of semitones,
once with its pitch kept and once with that of a tape that is played faster or slower. Where a block agrees it votes for
a line, an offset in time, as frames do (``temporal``). Along the lines that are voted for the stretches are found, and
moved to where they agree best. All positions are in words of a description (46 ms), those of b on the line ``slope * i
+ offset``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.sound import BITS, SoundDescription
from lookalike.parallel import in_order
from lookalike.types import Floats, Ids

BLOCK = 64  # words, 3 s
BLOCK_STEP = 32
MAX_BLOCKS = 2400  # an hour; of longer sound every so manieth is taken
OTHER_BLOCKS = 64  # at another speed
MIN_BLOCK_KNOWN = 0.1  # of a block's bits
OTHER_PITCHES = (-2, -1, 1, 2)  # semitones, at the same speed
CHUNK = 512  # words of b that are correlated at a time
BLOCKS_AT_ONCE, CHUNKS_AT_ONCE = 256, 16
PEAK_WORDS = 150  # of b among which a block has one vote
MIN_AGREEMENT = 0.2  # of a block that votes
SEMITONES = tuple(range(-12, 13))  # half to twice the speed
OFFSET_BIN = 4  # words
LINES_TRIED = 2  # of each speed
LINES_VERIFIED = 6  # of all of them, those with most votes
FLOOR = 0.2  # agreement that two others have for a while: what is above counts for a stretch
SMOOTH = 64  # words over which agreement is seen
MAX_GAP = 86  # words, 4 s, of other sound that a stretch may bridge
MIN_KNOWN = 50.0  # words' worth of bits that are known in both: a stretch is no shorter
REACH = 600  # words on either side of a vote that are looked at first; more where the stretch reaches so far
REFINING_STEPS = (4.0, 2.0, 1.0, 0.5)  # words by which either end of a stretch is moved
REFINED_ROWS = 3000  # words of a stretch on which that is measured
MAX_ROUNDS = 12
GROWN = 1.05  # a stretch that grows by so much is moved once more
SPEED_STEP, SPEED_ERROR, SPEED_COST = 0.05, 2.0, 0.98  # a speed of which this is a multiple is taken instead if the
# ends lie no farther than so many words away, and it explains so much of the agreement
MAX_MATCHES = 8
MAX_TRIED = 16  # stretches, repetitions with them
REPEATING = 12_900  # words, ten minutes, within which a stretch may come again
MIN_LAG = 32  # words after which it does
UNUSUAL = 0.1  # of a score that any other speed loses
EXPLAINED = 12  # words beside a stretch within which votes are explained by it
COVERED = 0.7  # of a stretch on both sides: what better ones cover so far is a repetition within them

Ternary = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class SoundMatch:
    """The words ``a_start`` .. ``a_end`` of a run along b's. ``shift``: semitones that b is higher.

    ``agreement``: -1..1, the correlation of their bits. ``known``: how many words' worth of bits are known in both.
    ``score``: agreement above FLOOR, summed up."""

    a_start: float
    a_end: float
    slope: float
    offset: float
    shift: int
    agreement: float
    known: float
    score: float

    @property
    def b_start(self) -> float:
        """Where it begins in b."""
        return self.slope * self.a_start + self.offset

    @property
    def b_end(self) -> float:
        """Where it ends in b."""
        return self.slope * self.a_end + self.offset

    def swapped(self) -> SoundMatch:
        """The same with a and b exchanged."""
        return replace(
            self,
            a_start=self.b_start,
            a_end=self.b_end,
            slope=1 / self.slope,
            offset=-self.offset / self.slope,
            shift=-self.shift,
        )


def sound_matches(a: SoundDescription, b: SoundDescription) -> list[SoundMatch]:
    """The stretches, the best first; one of a may run along several of b. None of them is proved."""
    if len(a) > len(b):
        return [match.swapped() for match in sound_matches(b, a)]
    sides = a.ternary(), b.ternary()
    votes = list(in_order(partial(_votes, *sides, semitones, shift) for semitones, shift in _scans()))
    found: list[SoundMatch] = []
    for _ in range(MAX_TRIED):
        grown = [(_grown(*sides, line), line) for line in _lines(votes)]
        matches = [(match, line) for match, line in grown if match is not None]
        if not matches or len(found) == MAX_MATCHES:
            break
        best, line = max(matches, key=lambda pair: pair[0].score)
        votes = [
            one.without(best.a_start, best.a_end, best.slope, best.offset).without(
                line.middle, line.middle, line.slope, line.offset
            )
            for one in votes
        ]
        if not _is_repetition(best, found):
            found.append(best)
    return found


def self_agreement(words: Ternary, start: float, end: float) -> float:
    """-1..1: how well the words ``start`` .. ``end``, or the middle of them, agree with their own sound at another
    time, at best, up to ten minutes before and after."""
    margin = max((end - start - REPEATING) / 2, 0)
    first, last = max(round(start + margin), 0), min(round(end - margin), len(words))
    begin = max(first - REPEATING, 0)
    around, stretch = words[begin : last + REPEATING], words[first:last]
    agree = _correlation(around, stretch).sum(1)
    parts = (np.sqrt(np.abs(one).sum(1, keepdims=True, dtype=np.float32)) for one in (around, stretch))
    known = _correlation(*parts)[:, 0]
    lags = np.arange(len(agree)) - (len(stretch) - 1) + begin - first
    counted = (np.abs(lags) >= MIN_LAG) & (known >= MIN_KNOWN * BITS)
    return float((agree[counted] / known[counted]).max(initial=0.0))


def _correlation(whole: NDArray[np.generic], part: NDArray[np.generic]) -> Floats:
    """(N + M - 1, D) float32: the sum of products of (N, D) and (M, D), column by column, for each place of the part,
    the first where only its last row lies on the whole."""
    count = len(whole) + len(part) - 1
    size = 1 << count.bit_length()
    spectra = [np.fft.rfft(one.astype(np.float32), size, axis=0) for one in (whole, part[::-1])]
    return np.asarray(np.fft.irfft(spectra[0] * spectra[1], size, axis=0)[:count])


def _scans() -> Iterator[tuple[int, int]]:
    """(speed, pitch) of b in semitones: pitch kept, or that of a tape; and a few of another pitch alone."""
    for semitones in SEMITONES:
        yield semitones, 0
        if semitones:
            yield semitones, semitones
    yield from ((0, shift) for shift in OTHER_PITCHES)


@dataclass(frozen=True, slots=True)
class _Votes:
    """Places of a and b, in words, that agree, and how well, at one speed and pitch."""

    slope: float
    shift: int
    a: Floats
    b: Floats
    weights: Floats

    def without(self, start: float, end: float, slope: float, offset: float) -> _Votes:
        """What is left when a stretch of a along a line is explained."""
        inside = (self.a >= start - BLOCK) & (self.a <= end + BLOCK)
        left = ~(inside & (np.abs(self.b - slope * self.a - offset) <= EXPLAINED))
        return replace(self, a=self.a[left], b=self.b[left], weights=self.weights[left])


@dataclass(frozen=True, slots=True)
class _Line:
    """One that many votes are for, and a place of a that is on it."""

    slope: float
    offset: float
    shift: int
    middle: float
    weight: float


def _votes(a: Ternary, b: Ternary, semitones: int, shift: int) -> _Votes:
    """b is played back at a's speed, and its bits are put to a's places; then blocks of a are looked for."""
    slope = 2 ** (-semitones / 12)
    played = b[np.rint(np.arange(int(len(b) / slope)) * slope).astype(np.int64).clip(0, max(len(b) - 1, 0))]
    high, low = _shifted(a, played, shift)
    starts = _block_starts(high, MAX_BLOCKS if semitones == shift == 0 else OTHER_BLOCKS)
    row, place, weight = _peaks(high, starts, low)
    return _Votes(slope, shift, starts[row] + BLOCK / 2, (place + BLOCK / 2) * slope, weight)


def _shifted(a: Ternary, b: Ternary, shift: int) -> tuple[Ternary, Ternary]:
    """The bits of both that show the same bands if b is ``shift`` semitones higher."""
    if shift > 0:
        return a[:, :-shift], b[:, shift:]
    return (a[:, -shift:], b[:, :shift]) if shift < 0 else (a, b)


def _block_starts(words: Ternary, most: int) -> NDArray[np.int64]:
    """Where blocks begin that say enough, ``most`` of them, evenly spread."""
    starts = np.arange(0, len(words) - BLOCK + 1, BLOCK_STEP)
    sums = np.r_[0, np.abs(words).sum(1, dtype=np.int64).cumsum()]
    starts = starts[sums[starts + BLOCK] - sums[starts] >= MIN_BLOCK_KNOWN * BLOCK * words.shape[1]]
    step = max(len(starts) / most, 1)
    return np.asarray(starts[(np.arange(min(len(starts), most)) * step).astype(np.int64)])


def _peaks(a: Ternary, starts: Ids, b: Ternary) -> tuple[Ids, Ids, Floats]:
    """Blocks of a by their number, places of b, and how well they agree: the best of every PEAK_WORDS places."""
    found: list[Floats] = [np.zeros((3, 0), np.float32)]
    places = range(0, len(b) - BLOCK + 1, CHUNK - BLOCK + 1)
    for row in range(0, len(starts), BLOCKS_AT_ONCE):
        blocks = np.stack([a[start : start + BLOCK] for start in starts[row : row + BLOCKS_AT_ONCE]])
        spectra = np.fft.rfft(blocks.astype(np.float32), CHUNK, axis=1).conj().transpose(1, 0, 2)
        known = np.abs(blocks).sum((1, 2), dtype=np.int64)
        for first in range(0, len(places), CHUNKS_AT_ONCE):
            agreement = _correlated(spectra, known, b, places[first : first + CHUNKS_AT_ONCE])
            found.append(_highest(agreement, row, places[first], len(b) - BLOCK + 1))
    numbers = np.concatenate(found, axis=1)
    return numbers[0].astype(np.int64), numbers[1].astype(np.int64), numbers[2].astype(np.float32)


def _correlated(spectra: NDArray[np.complexfloating], known: Ids, b: Ternary, places: Sequence[int]) -> Floats:
    """(K, C * (CHUNK - BLOCK + 1)) float32, -1..1: how well K blocks, by their ``spectra``, agree with every place of C
    chunks of b, which follow one another. All places at once, by the Fourier transform, summed over the bits before it
    is taken back."""
    chunks = np.zeros((len(places), CHUNK, b.shape[1]), np.float32)
    for chunk, first in zip(chunks, places, strict=True):
        chunk[: len(b) - first] = b[first : first + CHUNK]
    sums = np.matmul(spectra, np.fft.rfft(chunks, axis=1).transpose(1, 2, 0))
    agree = np.fft.irfft(sums, CHUNK, axis=0)[: CHUNK - BLOCK + 1].transpose(1, 2, 0)
    totals = np.abs(chunks).sum(2).cumsum(1)
    inside = totals[:, BLOCK - 1 :] - np.pad(totals[:, :-BLOCK], ((0, 0), (1, 0)))
    least = MIN_BLOCK_KNOWN * BLOCK * b.shape[1]
    return np.asarray((agree / np.sqrt(known[:, None, None] * np.maximum(inside, least))).reshape(len(known), -1))


def _highest(agreement: Floats, row: int, place: int, places: int) -> Floats:
    """(3, N): number of the block, place and agreement, from ``row`` and ``place`` on; no place beyond ``places``."""
    count = -(-agreement.shape[1] // PEAK_WORDS)
    padded = np.pad(agreement, ((0, 0), (0, count * PEAK_WORDS - agreement.shape[1])), constant_values=-1)
    groups = padded.reshape(len(agreement), count, PEAK_WORDS)
    best = groups.argmax(2)
    rows, group = np.nonzero(groups.max(2) >= MIN_AGREEMENT)
    found = place + group * PEAK_WORDS + best[rows, group]
    keep = found < places
    return np.stack([row + rows, found, groups[rows, group, best[rows, group]]])[:, keep]


def _lines(votes: Sequence[_Votes]) -> list[_Line]:
    """Those that most votes are for."""
    lines: list[_Line] = []
    for one in votes:
        if not len(one.weights):
            continue
        offsets = one.b - one.slope * one.a
        low = float(offsets.min())
        bins = ((offsets - low) / OFFSET_BIN).astype(np.int64)
        counts = np.convolve(np.bincount(bins, one.weights**2), [0.5, 1, 0.5], "same")
        for place in np.argsort(-counts)[:LINES_TRIED]:
            near = np.flatnonzero(np.abs(bins - place) <= 1)
            if len(near):
                best = near[np.argmax(one.weights[near])]
                lines.append(
                    _Line(one.slope, float(offsets[best]), one.shift, float(one.a[best]), float(counts[place]))
                )
    return sorted(lines, key=lambda line: -line.weight)[:LINES_VERIFIED]


def _grown(a: Ternary, b: Ternary, line: _Line) -> SoundMatch | None:
    """The stretch along a line, moved to where it agrees best, for as long as it grows by that."""
    match = _along(a, b, line.slope, line.offset, line.shift, line.middle)
    for _ in range(MAX_ROUNDS):
        if match is None:
            return None
        slope, offset = _climbed(a, b, match)
        other = _along(a, b, slope, offset, match.shift, (match.a_start + match.a_end) / 2)
        if other is None or other.score <= match.score:
            break
        grown = other.a_end - other.a_start > GROWN * (match.a_end - match.a_start)
        match = other
        if not grown:
            break
    return _at_round_speed(a, b, match) if match is not None else None


def _climbed(a: Ternary, b: Ternary, match: SoundMatch) -> tuple[float, float]:
    """The line (slope, offset) near that of a stretch on which its words agree best: its ends are moved by ever smaller
    steps."""
    rows = np.arange(int(match.a_start), int(match.a_end))
    rows = rows[:: -(-len(rows) // REFINED_ROWS)]
    length = match.a_end - match.a_start

    def line(ends: tuple[float, float]) -> tuple[float, float]:
        slope = (ends[1] - ends[0]) / length
        return slope, ends[0] - slope * match.a_start

    ends = match.b_start, match.b_end
    best = _sum_along(a, b, rows, *line(ends), match.shift)
    for size in REFINING_STEPS:
        for _ in range(MAX_ROUNDS):
            moved = [(ends[0] + x * size, ends[1] + y * size) for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y]
            sums = [_sum_along(a, b, rows, *line(one), match.shift) for one in moved]
            place = int(np.argmax(sums))
            if sums[place] <= best:
                break
            best, ends = sums[place], moved[place]
    return line(ends)


def _at_round_speed(a: Ternary, b: Ternary, match: SoundMatch) -> SoundMatch:
    """The same at a round speed, if that is as near as can be told and agrees as well."""
    speed = max(round(1 / match.slope / SPEED_STEP), 1) * SPEED_STEP
    middle = (match.a_start + match.a_end) / 2
    if abs(1 / speed - match.slope) * (match.a_end - match.a_start) / 2 > SPEED_ERROR:
        return match
    offset = match.slope * middle + match.offset - middle / speed
    other = _along(a, b, 1 / speed, offset, match.shift, middle)
    return other if other is not None and other.score >= SPEED_COST * match.score else match


def _sum_along(a: Ternary, b: Ternary, rows: Ids, slope: float, offset: float, shift: int) -> float:
    return float(_products(a, b, rows, slope, offset, shift)[0].sum())


def _products(
    a: Ternary, b: Ternary, rows: Ids, slope: float, offset: float, shift: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N,) of these words of a, in words: bits that agree with those of b on the line less those that do not, and how
    many are known. 0 beyond b's ends."""
    places = np.rint(slope * rows + offset).astype(np.int64)
    inside = (places >= 0) & (places < len(b))
    high, low = _shifted(a[rows], b[places.clip(0, len(b) - 1)], shift)
    agree = (high * low).sum(1, dtype=np.int64) * inside / high.shape[1]
    known = np.sqrt(np.abs(high).sum(1, dtype=np.int64) * np.abs(low).sum(1, dtype=np.int64)) * inside / high.shape[1]
    return agree, known


def _along(
    a: Ternary, b: Ternary, slope: float, offset: float, shift: int, middle: float, reach: int = REACH
) -> SoundMatch | None:
    """The stretch around ``middle`` on this line in which both agree; None if there is none that is long enough."""
    first, last = max(int(middle) - reach, 0), min(int(middle) + reach, len(a))
    rows = np.arange(first, last)
    agree, known = _products(a, b, rows, slope, offset, shift)
    span = _span(agree, known, int(middle) - first)
    if span is None:
        return None
    start, end = span
    if (start < SMOOTH and first > 0) or (end > len(rows) - SMOOTH and last < len(a)):
        return _along(a, b, slope, offset, shift, middle, 4 * reach)
    agree, known = agree[start:end], known[start:end]
    if known.sum() < MIN_KNOWN:
        return None
    usual = 1 - UNUSUAL * (slope != 1)
    return SoundMatch(
        a_start=first + start,
        a_end=first + end,
        slope=slope,
        offset=offset,
        shift=shift,
        agreement=float(agree.sum() / known.sum()),
        known=float(known.sum()),
        score=float((agree - FLOOR * known).sum()) * usual,
    )


def _span(agree: NDArray[np.float64], known: NDArray[np.float64], middle: int) -> tuple[int, int] | None:
    """The run of words around ``middle`` that agree for a while, gaps bridged, without what does not add to it at
    either end."""
    gains = agree - FLOOR * known
    smooth = np.convolve(gains, np.ones(SMOOTH), "same") > 0
    high = np.flatnonzero(smooth)
    if not len(high):
        return None
    runs = np.split(high, np.flatnonzero(np.diff(high) > MAX_GAP) + 1)
    run = min(runs, key=lambda one: max(one[0] - middle, middle - one[-1], 0))
    start, end = int(run[0]), int(run[-1]) + 1
    sums = np.r_[0, gains[start:end].cumsum()]
    lowest = np.minimum.accumulate(sums)
    stop = int(np.argmax(sums - lowest))
    begin = int(np.argmin(sums[: stop + 1]))
    return (start + begin, start + stop) if stop > begin else None


def _is_repetition(match: SoundMatch, better: Sequence[SoundMatch]) -> bool:
    """Whether better stretches cover it on both sides: bars that come again within what is the same anyway."""
    sides = [
        [(one.a_start, one.a_end) for one in (match, *better)],
        [(one.b_start, one.b_end) for one in (match, *better)],
    ]
    return all(_covered(span, others) >= COVERED for span, *others in sides)


def _covered(span: tuple[float, float], others: Sequence[tuple[float, float]]) -> float:
    """The share of a span that lies in any of these."""
    total, reached = 0.0, span[0]
    for start, end in sorted(others):
        start, end = max(start, reached), min(end, span[1])
        total += max(end - start, 0.0)
        reached = max(reached, end)
    return total / (span[1] - span[0])
