"""The scales of ratios that some evidence is measured on. No image is seen here, so that a bound can be named without
what measures it."""

from __future__ import annotations

import math

TONE_UNIT = 0.004  # of 0..1, a mean difference of colour


def log_levels(levels: float) -> float:
    """Grey levels, 0..1."""
    return min(math.log1p(levels) / math.log(256), 1.0)


def log_tone(tone: float) -> float:
    """A mean difference of colour, 0..1, in units of TONE_UNIT."""
    return math.log1p(tone / TONE_UNIT)
