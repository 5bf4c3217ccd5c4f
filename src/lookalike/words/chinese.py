"""A text in Chinese, cut into the words of a table: the longest that begins at each place.

``chinese.csv`` is written by ``recipes/chinese_words.py``, of what was written down by hand. A single sign counts as a
word of its own only between words that are known: of "人工" nothing is known, though 人 is a person.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources

from lookalike.words.token import Token
from lookalike.words.vocabulary import Concept, vocabulary

SIGNS = "\u3400-\u9fff\u3005"
UNJUDGED = "unjudged"
LOOSE = frozenset(("thing", "skip", UNJUDGED))  # kinds whose single signs may be parts of longer words


def is_chinese(text: str) -> bool:
    """Whether any of it is written in Chinese signs."""
    return re.search(f"[{SIGNS}]", text) is not None


def chinese_words(text: str) -> list[Token]:
    """A run of Chinese signs -> its words."""
    return list(_joined(list(_cut(text))))


def mixed_words() -> list[str]:
    """Those that begin with other signs, such as T恤, the longest first."""
    return sorted((word for word in _table() if not is_chinese(word[0])), key=len, reverse=True)


def concept_of(word: Token) -> Concept:
    """What a thing's word stands for: an English word, or one class by its number."""
    if word.means.startswith("#"):
        return Concept(word.word, (int(word.means[1:]),), (), False)
    found = vocabulary().find(word.means)
    return Concept(word.word, found.classes, found.tags, found.tagged) if found else Concept(word.word, (), (), False)


def _cut(text: str) -> Iterator[Token]:
    """Word by word; what is in no table, sign by sign."""
    place, table = 0, _table()
    longest = max(map(len, table))
    while place < len(text):
        ends = range(min(len(text), place + longest), place, -1)
        word = next((text[place:end] for end in ends if text[place:end] in table), "")
        yield table[word] if word else Token(text[place])
        place += len(word) or 1


def _joined(words: list[Token]) -> Iterator[Token]:
    """Unknown signs, and loose ones beside them, as one unknown word."""
    start = 0
    while start < len(words):
        end = start
        while end < len(words) and _is_loose(words[end]):
            end += 1
        run = words[start:end]
        if any(not one.kind for one in run):
            yield Token("".join(one.word for one in run), UNJUDGED)
        else:
            yield from run
        if end < len(words):
            yield words[end]
        start = end + 1


def _is_loose(word: Token) -> bool:
    return not word.kind or (len(word.word) == 1 and word.kind in LOOSE)


@cache
def _table() -> dict[str, Token]:
    text = resources.files("lookalike.words").joinpath("chinese.csv").read_text("utf-8")
    rows = csv.reader(text.splitlines()[1:])
    return {word: Token(word, kind, means) for word, kind, means in rows}
