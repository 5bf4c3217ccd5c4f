"""Reads what somebody looks for: "red car on a street", "a dog, no people", "blue at the top", "screenshot 2019"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from lookalike.words.colours import COLOURS, SPELLINGS
from lookalike.words.file_facts import file_fact
from lookalike.words.vocabulary import Concept, vocabulary

LONGEST = 500  # characters
LONGEST_COMPOUND = 4  # words
ARTICLES = frozenset(["a", "an", "the", "some", "any", "this", "that", "its", "his", "her", "their"])
IGNORED = ARTICLES | frozenset(
    [
        ",",
        ";",
        "is",
        "are",
        "and",
        "or",
        "of",
        "in",
        "on",
        "with",
        "at",
        "by",
        "to",
        "from",
        "for",
        "photo",
        "photos",
        "photograph",
        "photographs",
        "picture",
        "pictures",
        "image",
        "images",
        "showing",
        "shows",
        "near",
        "next",
        "behind",
        "under",
        "over",
        "beside",
        "front",
    ]
)
NEGATIONS = frozenset(("no", "not", "without"))
LAYOUT = {"top": "top", "bottom": "bottom", "left": "left", "right": "right", "centre": "centre", "center": "centre",
          "middle": "centre"}  # fmt: skip
_TOKEN = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*|[,;]")


@dataclass(frozen=True, slots=True)
class ColourTerm:
    """A colour, somewhere or in one ``area`` of an image (colours.py)."""

    word: str
    colour: str
    area: str = "anywhere"


@dataclass(frozen=True, slots=True)
class FileTerm:
    """What a file itself answers, as a filter ``where``."""

    word: str
    where: str


Term = Concept | ColourTerm | FileTerm


@dataclass(frozen=True, slots=True)
class TextQuery:
    """``wanted``: what an image is to show. ``unwanted``: what it is not to show, each a few terms that it does not
    show all of: "no red car". ``unknown``: words that nobody can judge."""

    wanted: tuple[Term, ...] = ()
    unwanted: tuple[tuple[Term, ...], ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reader:
    """One pass over the words of a text. ``group``: the terms since a "no", None outside of one."""

    tokens: Sequence[str]
    group: list[Term] | None = None
    wanted: list[Term] = field(default_factory=list)
    unwanted: list[tuple[Term, ...]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    place: int = 0

    def read(self, negated: bool = False) -> TextQuery:
        """``negated``: all of it is not to be seen."""
        self.group = [] if negated else None
        while self.place < len(self.tokens):
            token = self.tokens[self.place]
            if token in NEGATIONS:
                self._end_group([])
            elif token in IGNORED:
                if token not in ARTICLES:
                    self._end_group([] if negated else None)
            else:
                self._read_term()
                continue
            self.place += 1
        self._end_group(None)
        return TextQuery(tuple(self.wanted), tuple(self.unwanted), tuple(dict.fromkeys(self.unknown)))

    def _end_group(self, following: list[Term] | None) -> None:
        if self.group:
            self.unwanted.append(tuple(self.group))
        self.group = following

    def _read_term(self) -> None:
        term, length = self._longest()
        terms = self.wanted if self.group is None else self.group
        if length == 1 and self._is_layout():
            self._read_place(terms, self.tokens[self.place])
        elif term is None:
            self.unknown.append(self.tokens[self.place])
        else:
            terms.append(term)
        self.place += length

    def _longest(self) -> tuple[Term | None, int]:
        """The term of most words that begins here, and how many these are."""
        for length in range(min(LONGEST_COMPOUND, len(self.tokens) - self.place), 0, -1):
            text = " ".join(self.tokens[self.place : self.place + length])
            term = self._term(text, self.place + length)
            if term is not None:
                return term, length
        return None, 1

    def _term(self, text: str, after: int) -> Term | None:
        colour = SPELLINGS.get(text, text)
        concept = vocabulary().find(text)
        named = concept is not None and (bool(concept.classes) or colour not in COLOURS)
        followed = after < len(self.tokens) and vocabulary().find(self.tokens[after]) is not None
        if colour in COLOURS and (followed or not named):  # "orange car", but "orange"
            return ColourTerm(text, colour)
        if (where := file_fact(text)) is not None:
            return FileTerm(text, where)
        return concept if named else None

    def _is_layout(self) -> bool:
        """Whether "top" is a place here: after "at the" and the like."""
        before = self.tokens[max(0, self.place - 2) : self.place]
        return self.tokens[self.place] in LAYOUT and bool({"at", "on", "in"} & set(before))

    def _read_place(self, terms: list[Term], word: str) -> None:
        """A place belongs to the colour before it; of nothing else can be told where it is."""
        last = terms[-1] if terms else None
        if isinstance(last, ColourTerm):
            terms[-1] = ColourTerm(last.word, last.colour, LAYOUT[word])
        else:
            self.unknown.append(word)


def read_query(text: str, without: str = "") -> TextQuery:
    """What ``text`` asks for, and what is not to be seen: after "no" and "without" in it, and all of ``without``."""
    own, other = _read(text), _read(without, negated=True)
    unknown = tuple(dict.fromkeys((*own.unknown, *other.unknown)))
    return TextQuery(own.wanted, (*own.unwanted, *other.unwanted), unknown)


def _read(text: str, negated: bool = False) -> TextQuery:
    return _Reader(_TOKEN.findall(text[:LONGEST].lower())).read(negated)
