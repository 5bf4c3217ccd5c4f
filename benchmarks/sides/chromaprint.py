"""Chromaprint's fingerprints, by its program fpcalc, and how well two of them agree: the peer of sound descriptions."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BITS = 32
MIN_OVERLAP = 0.5  # of the shorter one


def is_installed() -> bool:
    """Whether there is an fpcalc to be asked."""
    return shutil.which("fpcalc") is not None


def fingerprint(sound: NDArray[np.float32], rate: int) -> NDArray[np.int8]:
    """(N, 32) int8, 1 and -1: the raw words of a whole sound, (N,) float32 at ``rate``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes((np.clip(sound, -1, 1) * 32_767).astype("<i2").tobytes())
        command = ["fpcalc", "-raw", "-length", "0", str(path)]
        asked = subprocess.run(command, check=False, capture_output=True, text=True)  # it tells some ends as errors
    words = np.array(asked.stdout.split("FINGERPRINT=")[1].split(","), np.int64).astype(np.uint32)
    return (words[:, None] >> np.arange(BITS, dtype=np.uint32) & 1).astype(np.int8) * 2 - 1


def best_agreement(a: NDArray[np.int8], b: NDArray[np.int8]) -> float:
    """-1..1: the correlation of (N, 32) and (M, 32) bits, 0 where one is unknown, at the offset where it is highest."""
    agree = _correlation(a, b).sum(1)
    totals = [np.sqrt(np.abs(one).sum(1, keepdims=True, dtype=np.float32)) for one in (a, b)]
    known = _correlation(totals[0], totals[1])[:, 0]
    enough = known >= max(MIN_OVERLAP * float(known.max()), 1.0)
    return float((agree[enough] / known[enough]).max(initial=0.0))


def _correlation(a: NDArray[np.generic], b: NDArray[np.generic]) -> NDArray[np.float32]:
    count = len(a) + len(b) - 1
    size = 1 << count.bit_length()
    spectra = [np.fft.rfft(one.astype(np.float32), size, axis=0) for one in (a, b[::-1])]
    return np.asarray(np.fft.irfft(spectra[0] * spectra[1], size, axis=0)[:count], np.float32)
