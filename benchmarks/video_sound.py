"""Soundtracks compared: what people do to sound, and what is no copy, other bars of the same piece among it.

Recordings are those in DATA/sound/report, if there are any, which the curve was not fitted on, and drawn ones; see
sound_edits.py. A pair is found if a segment is told that lies in what is shared, at its offset. Beside it stands
Chromaprint, which has no alignment of parts, in a simpler question, where its program fpcalc is installed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import SEED, Options, run, table
from benchmarks.sides import chromaprint
from benchmarks.sound_edits import (
    EDITS,
    NEAR,
    NEGATIVES,
    RATE,
    Piece,
    Question,
    Sound,
    describe,
    pieces,
    questions,
)
from lookalike.comparison.sound_pair import shared_sound
from lookalike.descriptors.sound import SoundDescription
from lookalike.types import SoundSegment

TITLE = "Sound of videos: segments found, and where"
DRAWN = (2, 2)  # pieces of either kind; the second of each pair of figures is for --quick
EACH = (10, 1)  # of each edit
NEGATIVE = (170, 2)  # of each kind

EXCERPT_SECONDS = 20.0

Answer = tuple[Question, tuple[SoundSegment, ...], float]


def measure(options: Options) -> str:
    folder = options.data / "sound" / "report"
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    found = pieces(files[: options.size(len(files), 0)], options.size(*DRAWN), SEED + 7)
    whole = {one.name: describe(one.sound) for one in found}
    asked = questions(found, options.size(*EACH), options.size(*NEGATIVE), SEED + 8)
    answers = [_answer(one, whole) for one in asked]
    rows = [_row(kind, [one for one in answers if one[0].kind == kind]) for kind in EDITS]
    rows.append(_row("**all edits**", [one for one in answers if one[0].truth]))
    edits = table(("edit", "pairs", "found, %", "ends off, s", "false segments"), rows)
    false = table(("no copies", "pairs", "with a segment"), [_negative(kind, answers) for kind in NEGATIVES])
    rate = median(one[2] for one in answers)
    note = (
        f"{len(found)} pieces, {sum(one.seconds for one in found) / 60:.0f} minutes. Seconds of both "
        f"soundtracks compared in a second: {rate:.0f} (median)."
    )
    return "\n\n".join([edits, false, note, *_beside_chromaprint(found)])


def _answer(question: Question, whole: Mapping[str, SoundDescription]) -> Answer:
    """``whole``: the descriptions of all pieces, of which copies are taken."""
    a, b = whole[question.name] if question.truth else describe(question.a), describe(question.b)
    started = time.perf_counter()
    found = shared_sound(a, b)
    return question, found, (len(question.a) + len(question.b)) / RATE / (time.perf_counter() - started)


def _beside_chromaprint(found: Sequence[Piece]) -> Iterator[str]:
    """Which copies of whole excerpts agree better than any two different ones do, if there is a Chromaprint."""
    if not chromaprint.is_installed():
        return
    voice = next(one.sound for one in found if one.name.startswith("speech"))
    parts = [one.part(0, EXCERPT_SECONDS) for one in found]
    kinds = {kind: edit for kind, (speed, edit) in EDITS.items() if speed == 1}
    copies = {kind: [edit(part, voice) for part in parts] for kind, edit in kinds.items()}
    sides = [_above_others(side, parts, copies) for side in (_described, _chromaprint)]
    rows = [(kind, *(f"{100 * one[1][kind]:.0f}" for one in sides)) for kind in kinds]
    yield table(("whole excerpts above all others, %", "ours", "Chromaprint"), rows)
    limits = " and ".join(f"{one[0]:.2f}" for one in sides)
    yield (
        f"{len(parts)} excerpts of {EXCERPT_SECONDS:.0f} s at their best offset; two different ones correlate by at "
        f"most {limits}."
    )


def _described(sound: Sound) -> NDArray[np.int8]:
    return describe(sound).ternary()


def _chromaprint(sound: Sound) -> NDArray[np.int8]:
    return chromaprint.fingerprint(sound, RATE)


def _above_others(
    side: Callable[[Sound], NDArray[np.int8]], parts: Sequence[Sound], copies: Mapping[str, Sequence[Sound]]
) -> tuple[float, dict[str, float]]:
    """The highest correlation of two different parts; of each edit, which share of the copies is above it."""
    prints = [side(part) for part in parts]
    highest = max(chromaprint.best_agreement(a, b) for a, b in combinations(prints, 2))
    shares = {}
    for kind, sounds in copies.items():
        agreement = [chromaprint.best_agreement(a, side(b)) for a, b in zip(prints, sounds, strict=True)]
        shares[kind] = sum(one > highest for one in agreement) / len(agreement)
    return highest, shares


def is_right(segment: SoundSegment, question: Question) -> bool:
    """Whether its middle lies in what is shared, and is heard at its time."""
    if question.truth is None:
        return False
    a_start, a_end, b_start, b_end = question.truth
    middle = (segment.a_start + segment.a_end) / 2
    wanted = b_start + (middle - a_start) * (b_end - b_start) / (a_end - a_start)
    return a_start <= middle <= a_end and abs((segment.b_start + segment.b_end) / 2 - wanted) <= NEAR


def _row(kind: str, answers: Sequence[Answer]) -> tuple[str, ...]:
    right = [(question, one) for question, found, _ in answers for one in found if is_right(one, question)]
    pairs = {id(question) for question, _ in right}
    off = [
        abs(got - wanted)
        for question, one in right
        if question.truth is not None
        for got, wanted in ((one.a_start, question.truth[0]), (one.a_end, question.truth[1]))
    ]
    false = sum(len(found) for _, found, _ in answers) - len(right)
    share = 100 * len(pairs) / len(answers)
    return kind, str(len(answers)), f"{share:.0f}", f"{median(off):.1f}" if off else "", str(false)


def _negative(kind: str, answers: Sequence[Answer]) -> tuple[str, str, str]:
    answered = [found for question, found, _ in answers if question.kind == kind]
    return kind, str(len(answered)), str(sum(bool(found) for found in answered))


if __name__ == "__main__":
    run(TITLE, measure)
