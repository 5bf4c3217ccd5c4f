"""A text, cut into words, those of grammar told from the others. Chinese is cut by a table (chinese.py)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from lookalike.words.chinese import SIGNS, chinese_words, is_chinese, mixed_words
from lookalike.words.file_facts import MONTHS
from lookalike.words.token import Token

LONGEST = 500  # characters
FUNCTION_WORDS = frozenset(("no", "minus", "or", "of", "link", "article", "skip", "comma"))
ENGLISH = {
    "no": ("no", "not", "without"),
    "or": ("or", "nor"),
    "article": ("a", "an", "the", "some", "any", "this", "that", "its", "his", "her", "their"),
    "link": ("is", "are", "and", "of"),
    "skip": (
        *("in", "on", "with", "at", "by", "to", "from", "for", "near", "next", "behind", "under", "over", "beside"),
        *("front", "showing", "shows", "image", "images", "photo", "photos", "photograph", "photographs"),
        *("picture", "pictures"),
    ),
    "comma": (",", ";", "。"),
}
KINDS = {word: kind for kind, words in ENGLISH.items() for word in words} | {"、": "or", "-": "minus"}
_LATIN = rf"[^\W_{SIGNS}]+(?:[-'][^\W_{SIGNS}]+)*"
_PARTS = rf"(?<![^\s,;、])-(?=\w)|(?:19|20)\d\d年|\d{{1,2}}月份?|[{SIGNS}]+|{_LATIN}|[,;、。]"


def tokens(text: str) -> list[Token]:
    """The words of the first LONGEST characters."""
    return list(_tokens(unicodedata.normalize("NFKC", text[:LONGEST]).lower()))


def _tokens(text: str) -> Iterator[Token]:
    mixed = "|".join(map(re.escape, mixed_words())) if is_chinese(text) else ""
    for part in re.findall(f"{mixed}|{_PARTS}" if mixed else _PARTS, text):
        month = re.fullmatch(r"(\d+)月份?", part)
        if month and 1 <= int(month[1]) <= len(MONTHS):
            yield Token(part, "file", list(MONTHS)[int(month[1]) - 1])
        elif part.endswith("年") and part[:-1].isdigit():
            yield Token(part, "file", part[:-1])
        elif is_chinese(part):
            yield from chinese_words(part)
        else:
            yield Token(part, KINDS.get(part, ""))
