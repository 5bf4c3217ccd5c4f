"""The soundtrack of a video -> one description: for every twentieth of a second 32 bits, after Haitsma & Kalker.

"A Highly Robust Audio Fingerprinting System" (ISMIR 2002): which way the difference of neighbouring bands changes over
time. Three things are other than there. Energies are taken as logarithms, so that loudness and any equaliser, being
constant, cancel out. Bands are a semitone wide, so that sound that is played faster, and with it higher, has the same
bits at other places. And a bit whose change is small is unknown, so that silence, hum and any steady sound say nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import LoadError
from lookalike.imaging.sound_stream import SAMPLE_RATE, sound_samples
from lookalike.types import Floats, VideoInfo

WINDOW = 2048  # samples, 0.37 s, of which a spectrum is taken ...
HOP = 256  # ... every 46 ms
BITS = 32
LOWEST = 300.0  # Hz; of 33 bands a semitone wide, up to 2,018 Hz
FLOOR = 1e-9  # energy of a band in a window, of a full-scale tone 0.1: what is 80 dB below says nothing
LAG = 2  # words before and after between which a change is seen
MIN_CHANGE = 0.3  # of the logarithm of the energies' ratio: below it a bit is unknown
BATCH_WORDS = 256
SILENCE_DB = -100.0  # of full scale: a loudness of 0
WORD_SECONDS = HOP / SAMPLE_RATE
FIRST_SECONDS = WINDOW / 2 / SAMPLE_RATE  # the middle of the first word


@dataclass(frozen=True, slots=True)
class SoundDescription:
    """The soundtrack of a video, a word every WORD_SECONDS, the first in the middle of the first window.

    ``bits``: (N,) uint32, bit m is 1 where the energy of band m against that of band m + 1 grows. ``known``: (N,)
    uint32, the bits that are certain; the others say nothing. ``loudness``: (N,) uint8, decibels above SILENCE_DB. An
    hour takes 0.7 MB. ``problem``: why the sound ends early or is not there at all, None if nothing is wrong."""

    bits: NDArray[np.uint32]
    known: NDArray[np.uint32]
    loudness: NDArray[np.uint8]
    problem: str | None = None

    def __len__(self) -> int:
        return len(self.bits)

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return (len(self) - 1) * WORD_SECONDS + 2 * FIRST_SECONDS if len(self) else 0.0

    def ternary(self) -> NDArray[np.int8]:
        """(N, 32) int8: 1 or -1, and 0 for what is not known."""
        places = np.arange(BITS, dtype=np.uint32)
        known = (self.known[:, None] >> places & 1).astype(np.int8)
        signs = (self.bits[:, None] >> places & 1).astype(np.int8) * 2 - 1
        return np.asarray(known * signs, np.int8)


def describe_soundtrack(info: VideoInfo) -> SoundDescription | None:
    """The description of a video's sound, None if it has none. Sound that cannot be read is no error of its images: the
    ``problem`` is told with what could be read."""
    if not info.has_sound or info.path is None:
        return None
    problems: list[str] = []
    described = describe_sound(_until_broken(info.path, problems))
    return replace(described, problem=problems[0] if problems else None)


def _until_broken(path: str, problems: list[str]) -> Iterator[Floats]:
    try:
        yield from sound_samples(path)
    except LoadError as error:
        problems.append(error.reason)


def describe_sound(samples: Iterable[Floats]) -> SoundDescription:
    """The description of (N,) float32 blocks of samples at SAMPLE_RATE, which follow one another. A few seconds are
    held at a time."""
    words, loudness = [np.zeros((0, 2), np.uint32)], [np.zeros(0, np.uint8)]
    recent: Floats | None = None  # the contrasts of the last words, which are needed once more
    for windows in _windows(samples):
        contrasts, levels = _contrasts(windows)
        recent = np.concatenate([contrasts[:1].repeat(LAG, 0) if recent is None else recent, contrasts])
        words.append(_words(recent))
        loudness.append(levels)
        recent = recent[-2 * LAG :]
    if recent is not None:
        words.append(_words(np.concatenate([recent, recent[-1:].repeat(LAG, 0)])))
    bits, known = np.ascontiguousarray(np.concatenate(words).T)
    return SoundDescription(bits, known, np.concatenate(loudness))


def _windows(samples: Iterable[Floats]) -> Iterator[Floats]:
    """(N, WINDOW) each, a HOP apart; what is left at the end is filled up with zeros."""
    enough = WINDOW + (BATCH_WORDS - 1) * HOP
    rest = [np.zeros(0, np.float32)]
    for block in samples:
        rest.append(block)
        if sum(map(len, rest)) < enough:
            continue
        held = np.concatenate(rest)
        windows = np.lib.stride_tricks.sliding_window_view(held, WINDOW)[::HOP]
        for start in range(0, len(windows), BATCH_WORDS):
            yield windows[start : start + BATCH_WORDS]
        rest = [held[len(windows) * HOP :]]
    held = np.concatenate(rest)
    if len(held) >= WINDOW:
        yield np.lib.stride_tricks.sliding_window_view(held, WINDOW)[::HOP]


@cache
def _bands() -> Floats:
    """(WINDOW / 2 + 1, 33) float32: which frequencies belong to which band."""
    edges = LOWEST * 2 ** (np.arange(BITS + 2) / 12)
    band = np.searchsorted(edges, np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE), side="right") - 1
    return np.asarray(band[:, None] == np.arange(BITS + 1), np.float32)


def _contrasts(windows: Floats) -> tuple[Floats, NDArray[np.uint8]]:
    """(N, 32) float32, the logarithm of each band's energy less that of the next one; (N,) uint8, the loudness."""
    power = np.abs(np.fft.rfft(windows * np.hanning(WINDOW).astype(np.float32), axis=1)) ** 2 / WINDOW**2
    energies = np.log(power.astype(np.float32) @ _bands() + FLOOR)
    decibels = 10 * np.log10((windows.astype(np.float64) ** 2).mean(1) + 10 ** (SILENCE_DB / 10))
    levels = np.clip(np.rint(decibels - SILENCE_DB), 0, 255).astype(np.uint8)
    return np.asarray(energies[:, :-1] - energies[:, 1:], np.float32), levels


def _words(contrasts: Floats) -> NDArray[np.uint32]:
    """(N, 32) -> (N - 2 LAG, 2) uint32: which bits are set, and which are known."""
    changes = contrasts[2 * LAG :] - contrasts[: -2 * LAG]
    places = np.uint32(1) << np.arange(BITS, dtype=np.uint32)
    parts = [((one * places).sum(1, dtype=np.uint32)) for one in (changes > 0, np.abs(changes) > MIN_CHANGE)]
    return np.stack(parts, axis=1)
