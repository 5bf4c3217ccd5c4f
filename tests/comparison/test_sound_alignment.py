"""Stretches of sound: at which offset, speed and pitch they run along, how far, and what runs along nothing."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.comparison.sound_alignment import SoundMatch, self_agreement, sound_matches
from lookalike.descriptors.sound import WORD_SECONDS, SoundDescription, describe_sound
from lookalike.imaging.sound_stream import SAMPLE_RATE
from videos import low_rate_tune

Sound = np.ndarray


def part(sound: Sound, start: float, end: float) -> Sound:
    return sound[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)]


def described(*parts: Sound) -> SoundDescription:
    return describe_sound(parts)


def seconds(match: SoundMatch) -> list[float]:
    return [place * WORD_SECONDS for place in (match.a_start, match.a_end, match.b_start, match.b_end)]


def played(sound: Sound, speed: float) -> Sound:
    """As a tape that runs faster."""
    return np.interp(np.arange(0, len(sound) - 1, speed), np.arange(len(sound)), sound).astype(np.float32)


def test_a_part_is_found_within_other_sound() -> None:
    """Seconds 6 to 16 of the one are seconds 5 to 15 of the other, whichever way they are asked."""
    a = described(low_rate_tune(1, 30.0))
    b = described(low_rate_tune(2, 5.0), part(low_rate_tune(1, 30.0), 6, 16), low_rate_tune(3, 9.0))
    (one,) = sound_matches(a, b)
    assert pytest.approx([6, 16, 5, 15], abs=0.5) == seconds(one)
    assert (one.slope, one.shift) == (1.0, 0)
    assert one.agreement > 0.8
    (other,) = sound_matches(b, a)
    assert pytest.approx([5, 15, 6, 16], abs=0.5) == seconds(other)


@pytest.mark.parametrize(("speed", "semitones"), [(1.25, 4), (0.8, -4), (1.04, 1)])
def test_a_tape_at_another_speed(speed: float, semitones: int) -> None:
    """Faster and higher: the speed is found to a hundredth, and how many semitones higher it is."""
    a, b = described(low_rate_tune(1, 20.0)), described(low_rate_tune(2, 4.0), played(low_rate_tune(1, 20.0), speed))
    one = sound_matches(a, b)[0]
    assert 1 / one.slope == pytest.approx(speed, abs=0.01)
    assert one.shift == semitones
    assert pytest.approx([0, 20, 4, 4 + 20 / speed], abs=0.7) == seconds(one)


def test_sound_under_noise_as_loud() -> None:
    """Half of what is heard is something else: found all the same, at its place."""
    sound = low_rate_tune(1, 15.0)
    noise = np.random.default_rng(5).normal(size=len(sound)) * sound.std()
    one = sound_matches(described(low_rate_tune(2, 4.0), (sound + noise).astype(np.float32)), described(sound))[0]
    assert pytest.approx(4, abs=0.1) == one.a_start * WORD_SECONDS - one.b_start * WORD_SECONDS
    assert one.agreement < 0.8


def test_two_inserts_are_two_stretches() -> None:
    """Parts that changed their order, with other sound between them."""
    whole = low_rate_tune(1, 30.0)
    cut = described(part(whole, 18, 26), low_rate_tune(4, 8.0), part(whole, 3, 11))
    found = sorted(sound_matches(described(whole), cut), key=lambda one: one.a_start)
    first, second = (seconds(one) for one in found)
    assert pytest.approx([3, 11, 16, 24], abs=0.5) == first
    assert pytest.approx([18, 26, 0, 8], abs=0.5) == second


def test_other_sound_runs_along_nothing() -> None:
    """Other tunes, silence against silence, hum against hum, and sound too short for a block."""
    time = np.arange(20 * SAMPLE_RATE) / SAMPLE_RATE
    hum = sum(0.1 * np.sin(2 * np.pi * 50 * n * time) / n for n in range(1, 30)).astype(np.float32)
    silence = np.zeros_like(hum)
    for a, b in (
        (low_rate_tune(1, 20.0), low_rate_tune(2, 30.0)),
        (silence, silence),
        (hum, hum),
        (low_rate_tune(1, 2.0), low_rate_tune(1, 20.0)),
    ):
        assert sound_matches(described(a), described(b)) == []


def test_bars_that_come_again_are_seen() -> None:
    """Four seconds, over and over: the sound agrees with itself elsewhere; sound that never repeats does not."""
    bars = described(np.tile(low_rate_tune(1, 4.0), 5)).ternary()
    assert self_agreement(bars, 100, 250) > 0.9
    assert self_agreement(described(low_rate_tune(1, 20.0)).ternary(), 100, 250) < 0.3


def test_repetitions_within_what_is_the_same_are_left_out() -> None:
    """The same twenty seconds of bars that come again are one stretch, not one for each way to shift them."""
    bars = np.tile(low_rate_tune(1, 4.0), 5)
    whole = (bars + 0.3 * low_rate_tune(2, 20.0)[: len(bars)]).astype(np.float32)
    (one,) = sound_matches(described(whole), described(whole))
    assert one.offset == pytest.approx(0, abs=0.5)
