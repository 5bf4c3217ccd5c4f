"""How ``like`` compares text: % is anything, _ one character, \\ takes the next character as it is. Upper and lower
case are the same in every script, and so are the two ways to write an é (Unicode's NFC and NFD)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from unicodedata import normalize

ESCAPE = "\\"


def matches(pattern: str, text: str | None) -> bool | None:
    """Whether the whole text is what the pattern says; None of no text. Takes time in proportion to both, whatever the
    pattern."""
    return None if text is None else bool(compiled(pattern).fullmatch(folded(str(text))))


def closed(pattern: str) -> str:
    """A backslash at the end stands for itself, which SQL wants doubled."""
    return pattern + ESCAPE * ((len(pattern) - len(pattern.rstrip(ESCAPE))) % 2)


def folded(text: str) -> str:
    """Without what makes no difference: what ``compiled`` is held against."""
    return text.lower() if text.isascii() else normalize("NFC", normalize("NFC", text).casefold())


def fits(pattern: str) -> Callable[[str], bool]:
    """Whether a folded text is what the pattern says; ten times as quick where it only asks for a part of it."""
    plain = re.fullmatch(r"%([^%_\\]+)%", normalize("NFC", pattern))
    if plain is not None:
        part = folded(plain[1])
        return lambda text: part in text
    whole = compiled(pattern).fullmatch
    return lambda text: whole(text) is not None


@lru_cache(maxsize=64)
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern for folded texts.

    Each stretch between two % is found as early as it can be, and never looked for again: the groups are atomic."""
    first, *others = _stretches(pattern)
    if not others:
        return re.compile(first, re.DOTALL)
    *middle, last = others
    return re.compile(first + "".join(f"(?>.*?{one})" for one in middle) + f".*{last}", re.DOTALL)


def _stretches(pattern: str) -> list[str]:
    """Regular expressions of what stands between the %, each of a fixed length."""
    found, literal = [""], ""
    for one in re.findall(r"\\.|%|_|[^%_\\]+|\\", normalize("NFC", pattern), re.DOTALL):
        if one in ("%", "_"):
            found[-1] += re.escape(folded(literal)) + ("." if one == "_" else "")
            literal = ""
        else:
            literal += one[1:] if len(one) == 2 and one[0] == ESCAPE else one
        if one == "%":
            found.append("")
    found[-1] += re.escape(folded(literal))
    return found
