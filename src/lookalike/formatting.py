"""Numbers as people read them; the command line and the report say the same."""

from __future__ import annotations

import math


def human_bytes(count: float) -> str:
    """ "0 B", "999 B", "1.2 kB", "34 MB": two digits or more, in steps of 1000, as disks and file managers count."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.5 or unit == "TB":
            break
        value /= 1000
    digits = 1 if unit != "B" and value < 9.95 else 0
    return f"{value:,.{digits}f} {unit}"


def percent(probability: float, relation: str = "") -> str:
    """ "99.7 %", and never rounded to a certainty: "100 %" is said of identical files only."""
    if not math.isfinite(probability):
        return "unknown"
    if relation == "identical" and probability >= 1:
        return "100 %"
    if probability >= 0.9995:
        return "> 99.9 %"
    if probability < 0.0005:
        return "< 0.1 %"
    return f"{100 * probability:.1f} %"
