"""The description of sound: what it does not depend on, what says nothing, and one word worked out by loops."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from lookalike.descriptors.sound import HOP, LAG, MIN_CHANGE, WINDOW, SoundDescription, describe_sound
from lookalike.imaging.sound_stream import SAMPLE_RATE
from videos import low_rate_tune


def agreement(a: SoundDescription, b: SoundDescription, shift: int = 0) -> float:
    """Correlation of the bits, b's ``shift`` places higher."""
    x, y = a.ternary().astype(float), b.ternary().astype(float)
    x, y = x[: len(y), : 32 - shift], y[: len(x), shift:]
    return float((x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum()))


def test_a_word_worked_out_by_loops() -> None:
    """By the Fourier sum itself, one band after the other."""
    sound = low_rate_tune(1, 6.0)
    described = describe_sound([sound])
    number, time = 40, np.arange(WINDOW)
    shape = 0.5 - 0.5 * np.cos(2 * np.pi * time / (WINDOW - 1))

    def band_energy(word: int, band: int) -> float:
        window, total = sound[word * HOP : word * HOP + WINDOW] * shape, 0.0
        low, high = (300 * 2 ** ((band + n) / 12) for n in (0, 1))
        for k in range(WINDOW // 2 + 1):
            if low <= k * SAMPLE_RATE / WINDOW < high:
                total += abs((window * np.exp(-2j * np.pi * k * time / WINDOW)).sum()) ** 2 / WINDOW**2
        return float(np.log(total + 1e-9))

    for band in range(0, 32, 5):
        ratios = [band_energy(word, band) - band_energy(word, band + 1) for word in (number - LAG, number + LAG)]
        change = ratios[1] - ratios[0]
        assert (described.known[number] >> band & 1) == (abs(change) > MIN_CHANGE)
        assert (described.bits[number] >> band & 1) == (change > 0)


def test_blocks_do_not_matter() -> None:
    """However the samples come, the words are the same, one a hop."""
    sound = low_rate_tune(1, 20.0)
    whole = describe_sound([sound])
    pieces = describe_sound(np.array_split(sound, 77))
    assert len(whole) == 1 + (len(sound) - WINDOW) // HOP == len(pieces)
    assert (whole.bits == pieces.bits).all()
    assert (whole.known == pieces.known).all()
    assert (whole.loudness == pieces.loudness).all()


def test_loudness_and_equalisers_do_not_matter() -> None:
    """Six decibels softer, and through a filter that tilts the spectrum: nearly the same bits; other sound: others."""
    sound, described = low_rate_tune(1, 6.0), describe_sound([low_rate_tune(1, 6.0)])
    tilted = np.convolve(sound, [1.0, -0.8], "same").astype(np.float32)
    assert agreement(described, describe_sound([0.5 * sound])) > 0.85
    assert agreement(described, describe_sound([tilted])) > 0.9
    assert abs(agreement(described, describe_sound([low_rate_tune(2, 6.0)]))) < 0.1


def test_faster_and_higher_sound_has_its_bits_elsewhere() -> None:
    """Played a third faster, everything is five semitones higher: the same bits, five places on, at other times."""
    sound = low_rate_tune(1, 8.0)
    speed = 2 ** (5 / 12)
    faster = np.interp(np.arange(0, len(sound) - 1, speed), np.arange(len(sound)), sound).astype(np.float32)
    a, b = describe_sound([sound]), describe_sound([faster])
    middles = (np.arange(len(b)) * HOP + WINDOW / 2) * speed
    rows = np.rint((middles - WINDOW / 2) / HOP).astype(int)
    rows, kept = rows[(rows >= 0) & (rows < len(a))], (rows >= 0) & (rows < len(a))
    at_b = SoundDescription(a.bits[rows], a.known[rows], a.loudness[rows])
    played = SoundDescription(b.bits[kept], b.known[kept], b.loudness[kept])
    assert agreement(at_b, played, shift=5) > 0.4
    assert abs(agreement(at_b, played)) < 0.15


@pytest.mark.parametrize("kind", ["silence", "hum", "hiss far below"])
def test_steady_sound_says_nothing(kind: str) -> None:
    """Silence, the hum of the mains with its overtones, and noise 100 dB below full scale: no bit is known but at the
    beginning."""
    time = np.arange(8 * SAMPLE_RATE) / SAMPLE_RATE
    hum = sum(0.1 * np.sin(2 * np.pi * 50 * n * time) / n for n in range(1, 40))
    hiss = 1e-5 * np.random.default_rng(3).normal(size=len(time))
    sound = {"silence": np.zeros(len(time)), "hum": hum, "hiss far below": hiss}[kind].astype(np.float32)
    assert np.bitwise_count(describe_sound([sound]).known).mean() < 0.5


def test_half_an_hour_takes_no_more_memory_than_its_words() -> None:
    """Samples are not held: half an hour of them would be 40 MB."""
    second = low_rate_tune(1, 1.0)
    tracemalloc.start()
    described = describe_sound(second for _ in range(1800))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(described) > 38_000
    assert peak < 24e6


def test_too_little_sound_is_no_word() -> None:
    """Less than a window, and none at all."""
    assert len(describe_sound([])) == len(describe_sound([np.ones(100, np.float32)])) == 0
