"""Two soundtracks compared: which segments they share, how sure that is, and what it says beside the images.

Evidence of a stretch: ``agreement``: how well the bits agree, as -ln(1 - correlation): 0 of two others, 3 of the very
same sound. ``repetition``: the same of either side with itself at another time, at best; music that repeats its bars
agrees with itself so well without being copied. ``rival``: the same of the best other stretch that has most of this
one's sound on either side: what was copied agrees better than its repetitions do. ``seconds``: logarithm of how much
sound, other than silence and hum, is compared. ``in_step``: 1 where the same images are shown at the same time.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

import numpy as np

from lookalike.comparison.sound_alignment import SoundMatch, self_agreement, sound_matches
from lookalike.descriptors.sound import BITS, FIRST_SECONDS, WORD_SECONDS, SoundDescription
from lookalike.logistic import scalar_sigmoid
from lookalike.types import Segment, Side, SoundSegment

MIN_PROBABILITY = 0.5  # of a segment that is told
AT_AN_END = 2.0  # words: a stretch that ends so near the end of the sound goes on to it
LEAST_ERROR = 0.05  # 1 - correlation: below, it says no more
RIVAL_SHARE = 0.5  # of a stretch, that another one must cover to be a rival
MAX_SECONDS = 60.0  # beyond which length says nothing more
MIN_AUDIBLE = 3.0  # seconds within the shared images, from which on their sound can be the same or another one
MOST, HARDLY = 0.7, 0.2  # of these: from so much on the sound is the same, below so much it is another one
OTHER_SOUND = "other sound"  # of shared images that are heard with another soundtrack, and of what shares nothing
IN_STEP = 0.25  # seconds by which sound may be shifted against its images
IN_STEP_ODDS = 3.0  # added to the log-odds of sound that is not: by chance one of twenty stretches would be so near


@dataclass(frozen=True, slots=True)
class SoundCurve:
    """log-odds = ``intercept`` + the sum of ``weights`` times evidence, fitted by recipes/fit_sound.py at even odds."""

    intercept: float
    weights: Mapping[str, float]


@cache
def shipped_sound_curve() -> SoundCurve:
    """The curve that comes with the package."""
    table = tomllib.loads(resources.files("lookalike.comparison").joinpath("sound.toml").read_text("utf-8"))
    return SoundCurve(float(table["intercept"]), table["weights"])


def shared_sound(
    a: SoundDescription | None, b: SoundDescription | None, images: Sequence[Segment] = ()
) -> tuple[SoundSegment, ...]:
    """The segments that two soundtracks share, in the order of a; none where one video has no sound. ``images``: the
    segments of images that both share."""
    if a is None or b is None:
        return ()
    matches = sound_matches(a, b)
    segments = (_segment(a, b, match, matches, images) for match in matches)
    return tuple(sorted((one for one in segments if one.probability >= MIN_PROBABILITY), key=lambda one: one.a_start))


def sound_evidence(
    a: SoundDescription, b: SoundDescription, match: SoundMatch, matches: Sequence[SoundMatch]
) -> dict[str, float]:
    """The named numbers of a stretch; ``matches``: all that were found."""
    repetition = max(
        self_agreement(a.ternary(), match.a_start, match.a_end), self_agreement(b.ternary(), match.b_start, match.b_end)
    )
    return {
        "agreement": _logarithm(match.agreement),
        "repetition": _logarithm(repetition),
        "rival": _logarithm(max((one.agreement for one in matches if _is_rival(one, match)), default=0.0)),
        "seconds": math.log(min(match.known * WORD_SECONDS, MAX_SECONDS)),
    }


def _is_rival(one: SoundMatch, other: SoundMatch) -> bool:
    """Whether most of the other's sound, on either side, is in this one, too."""
    shared_a = min(one.a_end, other.a_end) - max(one.a_start, other.a_start)
    shared_b = min(one.b_end, other.b_end) - max(one.b_start, other.b_start)
    lengths = other.a_end - other.a_start, other.b_end - other.b_start
    return one is not other and (shared_a > RIVAL_SHARE * lengths[0] or shared_b > RIVAL_SHARE * lengths[1])


def _logarithm(agreement: float) -> float:
    return -math.log(max(1 - agreement, LEAST_ERROR))


def _segment(
    a: SoundDescription,
    b: SoundDescription,
    match: SoundMatch,
    matches: Sequence[SoundMatch],
    images: Sequence[Segment],
) -> SoundSegment:
    evidence, curve, placed = sound_evidence(a, b, match, matches), shipped_sound_curve(), _placed(a, b, match)
    in_step = sum(_in_step(image, placed) for image in images) > (placed.a_end - placed.a_start) / 2
    odds = curve.intercept + sum(weight * evidence[name] for name, weight in curve.weights.items())
    return replace(
        placed,
        probability=scalar_sigmoid(odds + IN_STEP_ODDS * in_step),
        evidence=evidence | {"in_step": float(in_step)},
    )


def _placed(a: SoundDescription, b: SoundDescription, match: SoundMatch) -> SoundSegment:
    """When it is heard, to the very ends of the sound if it goes on so far; without a probability yet."""
    from_start = FIRST_SECONDS if min(match.a_start, match.b_start) <= AT_AN_END else 0.0
    to_end = FIRST_SECONDS if min(len(a) - match.a_end, len(b) - match.b_end) <= AT_AN_END else 0.0
    starts = (place * WORD_SECONDS + FIRST_SECONDS - from_start for place in (match.a_start, match.b_start))
    ends = ((place - 1) * WORD_SECONDS + FIRST_SECONDS + to_end for place in (match.a_end, match.b_end))
    (a_start, b_start), (a_end, b_end) = starts, ends
    return SoundSegment(
        a_start=max(a_start, 0.0),
        a_end=a_end,
        b_start=max(b_start, 0.0),
        b_end=b_end,
        speed=round(1 / match.slope, 3),
        probability=0.0,
    )


def statement(
    segments: Sequence[Segment],
    sound: Sequence[SoundSegment],
    a: SoundDescription | None,
    b: SoundDescription | None,
) -> str:
    """What two videos share, in a few words: "same images, other sound".

    "same sound, shifted" is heard at another time than the images are shown; "partly the same sound" accompanies a part
    of them. Of images that are shared without anything audible in one of them nothing is said but that."""
    images = "same images" if segments else "other images"
    return f"{images}, {_missing(a, b) or (_beside(segments, sound, a, b) if segments else _alone(sound))}"


def sound_failures(a: SoundDescription | None, b: SoundDescription | None) -> dict[Side, str]:
    """Why the sound of a side could not be read to its end."""
    sides: tuple[tuple[Side, SoundDescription | None], ...] = (("a", a), ("b", b))
    return {name: side.problem for name, side in sides if side is not None and side.problem is not None}


def _missing(a: SoundDescription | None, b: SoundDescription | None) -> str | None:
    """Why there is nothing to compare."""
    for lacks, words in (
        (_is_none, "no sound in {}"),
        (_is_broken, "unreadable sound in {}"),
        (_is_silent, "silence in {}"),
    ):
        sides = [name for name, side in (("A", a), ("B", b)) if lacks(side)]
        if sides:
            return words.format(" and ".join(sides))
    return None


def _is_none(side: SoundDescription | None) -> bool:
    return side is None


def _is_broken(side: SoundDescription | None) -> bool:
    return side is not None and side.problem is not None and not side.known.any()


def _is_silent(side: SoundDescription | None) -> bool:
    return side is not None and not side.known.any()


def _alone(sound: Sequence[SoundSegment]) -> str:
    return "same sound" if sound else OTHER_SOUND


def _beside(
    segments: Sequence[Segment],
    sound: Sequence[SoundSegment],
    a: SoundDescription | None,
    b: SoundDescription | None,
) -> str:
    """How much of the audible time of the shared images has the same sound."""
    audible = same = 0.0
    for segment in segments:
        alike = sum(_in_step(segment, one) for one in sound)
        seconds = min(_audible(a, segment.a_start, segment.a_end), _audible(b, segment.b_start, segment.b_end))
        if alike or seconds >= MIN_AUDIBLE:
            audible += segment.a_end - segment.a_start
            same += alike
    if not audible:
        return "hardly any sound"
    if same >= HARDLY * audible:
        return "same sound" if same >= MOST * audible else "partly the same sound"
    return "same sound, shifted" if sound else OTHER_SOUND


def _audible(side: SoundDescription | None, start: float, end: float) -> float:
    """Seconds' worth of known bits."""
    if side is None:
        return 0.0
    first, last = (max(round((time - FIRST_SECONDS) / WORD_SECONDS), 0) for time in (start, end))
    return float(np.bitwise_count(side.known[first:last]).sum()) / BITS * WORD_SECONDS


def _in_step(image: Segment, sound: SoundSegment) -> float:
    """Seconds of a in which the same sound is heard with the same images."""
    start, end = max(sound.a_start, image.a_start), min(sound.a_end, image.a_end)
    middle = (start + end) / 2
    shown = image.b_start + (middle - image.a_start) / image.speed
    played = sound.b_start + (middle - sound.a_start) / sound.speed
    return max(end - start, 0.0) if abs(shown - played) <= IN_STEP else 0.0
