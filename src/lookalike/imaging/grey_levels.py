"""Grey of more than 8 bits, whole numbers or floats, as 8-bit levels, the same whatever file the numbers lie in.

A sensor of 10, 12 or 14 bits writes its numbers into 16, so the smallest of these widths that holds them is taken for
theirs. A thermal camera's numbers begin far above zero and use little of their width: they are stretched to fit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.types import Pixels

Numbers = NDArray[Any]

BITS = (8, 10, 12, 14, 16)
FAR_ABOVE_ZERO = 0.5  # the least number, as a share of the greatest, ...
NARROW = 1 / 8  # ... and how much of the width lies between the two, from which on they are stretched


def grey_levels(numbers: Numbers) -> Pixels:
    """(h, w) of whole numbers or floats -> (h, w) uint8 levels; what is not a number becomes black."""
    whole, low, high = _range(numbers)
    if whole and (cut := _low_bits(low, high)) is not None:
        return (numbers.astype(np.uint16) >> cut).astype(np.uint8)
    finite = np.isfinite(numbers)
    with np.errstate(all="ignore"):
        levels = (numbers.astype(np.float64) - low) * (255.0 / (high - low)) + 0.5
    return np.where(finite, np.clip(levels, 0, 255), 0).astype(np.uint8)


def lost_numbers(numbers: Numbers) -> bytes:
    """What the levels do not show: the numbers, of which low bits are cut off or the range is not kept; b"" if they
    show everything."""
    whole, low, high = _range(numbers)
    cut = _low_bits(low, high) if whole else None
    if cut is not None and not (numbers.astype(np.uint16) & ((1 << cut) - 1)).any():
        return b""
    return numbers.astype("<i4" if numbers.dtype.kind in "iu" else "<f4").tobytes()


def _low_bits(low: float, high: float) -> int | None:
    """How many low bits are more than a level shows; None where the range is no width of a sensor."""
    widths = {2.0**bits - 1: bits - 8 for bits in BITS}
    return widths.get(high) if low == 0 else None


def _range(numbers: Numbers) -> tuple[bool, float, float]:
    """Whether they are whole, and the values that become black and white."""
    known = numbers[np.isfinite(numbers)] if numbers.dtype.kind == "f" else numbers
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    whole = numbers.dtype.kind in "iu"
    if low < 0 or high > 65535:
        return whole, low, max(high, low + 1e-30)
    width = 1.0 if high <= 1 and not whole else 2.0 ** next(bits for bits in BITS if high < 2**bits) - 1
    if 0 < high - low < NARROW * width and low >= FAR_ABOVE_ZERO * high and width != 255:
        return whole, low, high
    return whole, 0.0, width
