"""Numbers as people read them; the command line and the report say the same."""

from __future__ import annotations

import math
from collections.abc import Iterable

from lookalike.intervals import Interval


def human_bytes(count: float) -> str:
    """ "0 B", "999 B", "1.2 kB", "34 MB": two digits or more, in steps of 1000, as disks and file managers count."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.5 or unit == "TB":
            break
        value /= 1000
    digits = 1 if unit != "B" and value < 9.95 else 0
    return f"{value:,.{digits}f} {unit}"


def plural(count: int, singular: str, plural_form: str = "") -> str:
    """ "1 file", "2 files", "1,234 copies"; ``plural_form`` where an "s" does not make it."""
    return f"{count:,} {singular if count == 1 else plural_form or singular + 's'}"


def clock(seconds: float) -> str:
    """ "0:07.3", "12:40.0", "1:02:03.0": a time in a video, to a tenth of a second."""
    tenths = round(max(seconds, 0.0) * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest / 10:04.1f}"
    return f"{minutes}:{rest / 10:04.1f}"


EDIT_WORDS = {"padded": "padding added around it"}  # edits whose short names were not understood


def relation_text(relation: str, edits: Iterable[str] = (), turn: str = "upright") -> str:
    """ "edited: caption, blurred", "rotated 90": the relation and what was done, nothing of it twice."""
    name = turn if turn.startswith(relation) else relation
    done = dict.fromkeys([*([] if turn == "upright" else [turn]), *edits])
    words = ", ".join(EDIT_WORDS.get(edit, edit) for edit in done if edit not in (relation, name))
    return f"{name}: {words}" if words else name


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


def gain_text(gain: Interval) -> str:
    """ "+6.1, 95 % interval -0.4 to +12.6": percentage points with their sign."""
    return "{:+.1f}, 95 % interval {:+.1f} to {:+.1f}".format(*(100 * one for one in (gain.value, gain.low, gain.high)))
