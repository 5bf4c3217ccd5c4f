"""Which of a network's classes and which tags a word stands for, by the synonyms and hypernyms of WordNet 3.0.

``wordnet.json.gz`` is written by ``recipes/wordnet.py``. Of a word's senses those are taken that people mean mostly: a
"cat" is no lion. Fellbaum (ed.), WordNet: An Electronic Lexical Database, 1998.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Concept:
    """What a word stands for: any of these ``classes`` of `content`, or any of these ``tags`` (tag_head.py).
    ``tagged``: a tag stands for this very word, and knows of its classes."""

    word: str
    classes: tuple[int, ...]
    tags: tuple[int, ...]
    tagged: bool


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """``sets``: what a concept consists of; ``words``: a word -> number of its set; ``plurals``: an irregular plural
    -> its word."""

    sets: Sequence[tuple[Sequence[int], Sequence[int], bool]]
    words: dict[str, int]
    plurals: dict[str, str]

    def find(self, text: str) -> Concept | None:
        """The concept of a word or compound in lower case, one or many; None for one that is not known."""
        for word in (text, text.replace(" ", ""), text.replace("-", " ")):
            known = self._singular(word)
            if known is not None:
                classes, tags, tagged = self.sets[self.words[known]]
                return Concept(known, tuple(classes), tuple(tags), tagged)
        return None

    def _singular(self, word: str) -> str | None:
        each = (word, self.plurals.get(word), word.removesuffix("s"))
        return next((one for one in each if one in self.words), None)


@cache
def vocabulary() -> Vocabulary:
    """The one that ships."""
    data = resources.files("lookalike.words").joinpath("wordnet.json.gz").read_bytes()
    table = json.loads(gzip.decompress(data))
    return Vocabulary(table["sets"], table["words"], table["plurals"])
