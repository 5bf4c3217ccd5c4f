"""Numbers as people write them in tables: "12.90", "1.299,00 €", "$1,299", "-5"."""

from __future__ import annotations

import re
from collections.abc import Iterable

_AROUND = r"(?:[^\W\d_]{0,3}\.?|[$€£¥₹₩₽%])"  # a currency or a unit, before or after
_NUMBER = re.compile(rf"\s*{_AROUND}\s*([-+−]?)\s*(\d[\d.,'’\s]*?)\s*{_AROUND}\s*")
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:[,.'’\s]\d{3})+")


def decimal_mark(values: Iterable[str]) -> str:
    """How a column writes decimals, "." or ",": as most of its values do of which it can be told; else ".".

    "1,299" alone may be either, "12,9", "1.299,00" and "1,299,000" may not."""
    votes = [_mark(found[2]) for value in values if (found := _NUMBER.fullmatch(value))]
    return "," if votes.count(",") > votes.count(".") else "."


def _mark(digits: str) -> str | None:
    marks = [one for one in digits if one in ".,"]
    if not marks:
        return None
    if len(set(marks)) == 2:
        return marks[-1]
    if len(marks) > 1:
        return "," if marks[0] == "." else "."
    return None if _GROUPED.fullmatch(digits) else marks[0]


def number(text: str, mark: str = ".") -> float | None:
    """The number in a cell, None if there is none. ``mark``: how its column writes decimals, for a cell that may be
    read both ways."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    whole, point, fraction = found[2].partition(_mark(found[2]) or mark)
    if re.search(r"\D", whole):
        if not _GROUPED.fullmatch(whole):
            return None
        whole = re.sub(r"\D", "", whole)
    if point and not fraction.isdecimal():
        return None
    return float(f"{'-' if found[1] in ('-', '−') else ''}{whole}.{fraction or 0}")


def is_plain(text: str) -> bool:
    """Whether it is a number and no code: "00123" and "4 006381 333931" are to stay as they are."""
    return re.fullmatch(r"[-+−]?(?:0|[1-9]\d{0,11})(?:[.,]\d+)?", text) is not None
