"""What a file says of its numbers without an ICC profile: gAMA and cICP of PNG, nclx of AVIF and HEIF -> sRGB.

The codes are those of ITU-T H.273. PQ is SMPTE ST 2084, HLG is ITU-R BT.2100; both show white at 203 cd/m2, as ITU-R
BT.2408 has it, and what is brighter than white is clipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lookalike.types import Floats, Pixels

WHITE = 203.0  # cd/m2
_SRGB_GAMMA = 1 / 2.2
_NO_GAMMA = 0.05  # share by which a gamma may differ from sRGB's and still change nothing
_LINEAR, _GAMMA_22, _GAMMA_28, _PQ, _HLG = 8, 4, 5, 16, 18
_STEPS = 65536
_HEADER = 1 << 16  # bytes of an AVIF or HEIF in which its colour is told

# Primaries -> linear sRGB. 9: BT.2020, 11 and 12: P3.
_BT2020 = ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187))
_P3 = ((1.2249, -0.2247, 0.0), (-0.0420, 1.0419, 0.0), (-0.0197, -0.0786, 1.0979))
_MATRICES = {9: _BT2020, 11: _P3, 12: _P3}


@dataclass(frozen=True, slots=True)
class ColourSignal:
    """``primaries``, ``transfer``: codes of H.273. ``gamma``: PNG's, the exponent that made the numbers; 0 if the
    transfer says it."""

    primaries: int = 1
    transfer: int = 13
    gamma: float = 0.0


def colour_signal(name: str, data: bytes) -> ColourSignal | None:
    """What the file of this format says; None if that is sRGB, an ICC profile, or nothing."""
    if name == "PNG":
        return _of_png(data)
    return _of_nclx(data) if name in {"AVIF", "HEIF"} else None


def apply_signal(pixels: Pixels, signal: ColourSignal) -> Pixels:
    """(h, w, 3) uint8 numbers as the signal means them -> (h, w, 3) uint8 sRGB."""
    curve, matrix = _curve(signal), _MATRICES.get(signal.primaries)
    if matrix is None and signal.transfer != _HLG:
        return _encoded(curve)[pixels]
    linear = curve[pixels]
    if signal.transfer == _HLG:
        luma = linear @ np.array([0.2627, 0.6780, 0.0593], np.float32)
        linear = linear * (luma[..., None] ** 0.2) * np.float32(1000 / WHITE)
    return _encoded(linear if matrix is None else linear @ np.array(matrix, np.float32).T)


def _of_png(data: bytes) -> ColourSignal | None:
    chunks = {name: body for name, body in _png_chunks(data) if name in {b"cICP", b"iCCP", b"sRGB", b"gAMA"}}
    if len(chunks.get(b"cICP", b"")) == 4:
        return _meant(ColourSignal(chunks[b"cICP"][0], chunks[b"cICP"][1]))
    if b"iCCP" in chunks or b"sRGB" in chunks or len(chunks.get(b"gAMA", b"")) != 4:
        return None
    gamma = int.from_bytes(chunks[b"gAMA"], "big") / 100_000
    if not 0.05 < gamma < 5 or abs(gamma / _SRGB_GAMMA - 1) <= _NO_GAMMA:
        return None
    return ColourSignal(gamma=gamma)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and body of the chunks before the pixels."""
    at = 8
    while at + 8 <= len(data) and data[at + 4 : at + 8] != b"IDAT":
        length = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length] if length <= 16 else b""
        at += 12 + length


def _of_nclx(data: bytes) -> ColourSignal | None:
    at = data.find(b"colrnclx", 0, _HEADER)
    if at < 0 or data.find(b"colrprof", 0, _HEADER) >= 0 or at + 12 > len(data):
        return None
    primaries, transfer = (int.from_bytes(data[at + n : at + n + 2], "big") for n in (8, 10))
    return _meant(ColourSignal(primaries, transfer))


def _meant(signal: ColourSignal) -> ColourSignal | None:
    """The signal, if it is anything but sRGB, or BT.709, which everybody shows as sRGB."""
    special = signal.transfer in {_LINEAR, _GAMMA_22, _GAMMA_28, _PQ, _HLG}
    return signal if special or signal.primaries in _MATRICES else None


@lru_cache(maxsize=16)
def _curve(signal: ColourSignal) -> Floats:
    """(256,) float32: the light of each level, 1 for white; of HLG the scene's, 1 for its peak."""
    levels = np.arange(256, dtype=np.float64) / 255
    light = levels ** (1 / signal.gamma) if signal.gamma else _TRANSFERS.get(signal.transfer, _srgb)(levels)
    return light.astype(np.float32)


def _srgb(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def _pq(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    root = levels ** (1 / m2)
    return (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) * (10_000 / WHITE)


def _hlg(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(levels <= 0.5, levels**2 / 3, (np.exp((levels - c) / a) + b) / 12)


_TRANSFERS: dict[int, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    _LINEAR: lambda levels: levels,
    _GAMMA_22: lambda levels: levels**2.2,
    _GAMMA_28: lambda levels: levels**2.8,
    _PQ: _pq,
    _HLG: _hlg,
}


def _encoded(linear: Floats) -> Pixels:
    """Light, 1 for white, of any shape -> sRGB uint8 levels."""
    steps = (np.clip(linear, 0, 1) * (_STEPS - 1) + 0.5).astype(np.uint16)
    return _srgb_levels()[steps]


@lru_cache(maxsize=1)
def _srgb_levels() -> Pixels:
    """(65536,) uint8: the sRGB level of each step of light."""
    light = np.arange(_STEPS) / (_STEPS - 1)
    levels = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.round(levels * 255).astype(np.uint8)
