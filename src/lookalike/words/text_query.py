"""Reads what somebody looks for: "red car on a street", "a dog, no people", "blue at the top", "screenshot 2019",
"beach -person", "红色的汽车"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lookalike.words.chinese import concept_of
from lookalike.words.colours import ANYWHERE, COLOURS, SPELLINGS
from lookalike.words.file_facts import file_fact
from lookalike.words.token import Token
from lookalike.words.tokens import FUNCTION_WORDS, tokens
from lookalike.words.vocabulary import Concept, vocabulary

LONGEST_COMPOUND = 4  # words
LAYOUT = {"top": "top", "bottom": "bottom", "left": "left", "right": "right", "centre": "centre", "center": "centre",
          "middle": "centre"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ColourTerm:
    """A colour, somewhere or in one ``area`` of an image (colours.py)."""

    word: str
    colour: str
    area: str = ANYWHERE


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
    """One pass over the words of a text. ``group``: the terms since a "no", None outside of one. ``place``: one that
    waits for its colour, as in "上面是蓝色"."""

    tokens: Sequence[Token]
    negated: bool
    group: list[Term] | None = None
    wanted: list[Term] = field(default_factory=list)
    unwanted: list[tuple[Term, ...]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    at: int = 0
    place: Token | None = None

    def read(self) -> TextQuery:
        """``negated``: all of it is not to be seen."""
        self.group = [] if self.negated else None
        while self.at < len(self.tokens):
            kind = self.tokens[self.at].kind
            if kind in FUNCTION_WORDS:
                self._read_function_word(kind)
                self.at += 1
            else:
                self._read_term(self.wanted if self.group is None else self.group)
        self._end_group(None)
        self._end_place()
        return TextQuery(tuple(self.wanted), tuple(self.unwanted), tuple(dict.fromkeys(self.unknown)))

    def _read_function_word(self, kind: str) -> None:
        if kind == "minus":
            self._read_left_out()
        elif kind == "no" or (kind == "or" and self.group):
            self._end_group([])
        elif self.group and kind != "article" and not self._is_attribute(kind):
            self._end_group([] if self.negated else None)
        if kind == "comma":
            self._end_place()

    def _is_attribute(self, kind: str) -> bool:
        """Whether an "of" follows a colour: "没有红色的汽车" is to have no red car, but "没有人的海滩" is a beach."""
        return kind == "of" and self.group is not None and isinstance(self.group[-1], ColourTerm)

    def _read_left_out(self) -> None:
        """The one term after a minus."""
        self._end_group([] if self.negated else None)
        self.at += 1
        term: list[Term] = []
        if self.at < len(self.tokens) and self.tokens[self.at].kind not in FUNCTION_WORDS:
            self._read_term(term)
        self.unwanted += [tuple(term)] if term else []
        self.at -= 1

    def _end_group(self, following: list[Term] | None) -> None:
        if self.group:
            self.unwanted.append(tuple(self.group))
        self.group = following

    def _end_place(self) -> None:
        """Nothing came that the place could belong to."""
        self.unknown += [self.place.word] if self.place else []
        self.place = None

    def _read_term(self, terms: list[Term]) -> None:
        token = self.tokens[self.at]
        term, length = (_chinese_term(token), 1) if token.kind else self._longest()
        if token.kind == "place":
            self._read_chinese_place(terms, token)
        elif length == 1 and self._is_layout():
            self._read_place(terms, token.word, LAYOUT[token.word])
        elif term is None:
            self.unknown.append(token.word)
        elif isinstance(term, ColourTerm) and self.place:
            terms.append(ColourTerm(term.word, term.colour, self.place.means))
            self.place = None
        else:
            terms.append(term)
        self.at += length

    def _longest(self) -> tuple[Term | None, int]:
        """The term of most words that begins here, and how many these are."""
        for length in range(min(LONGEST_COMPOUND, len(self.tokens) - self.at), 0, -1):
            text = " ".join(token.word for token in self.tokens[self.at : self.at + length])
            term = self._term(text, self.at + length)
            if term is not None:
                return term, length
        return None, 1

    def _term(self, text: str, after: int) -> Term | None:
        colour = SPELLINGS.get(text, text)
        concept = vocabulary().find(text)
        named = concept is not None and (bool(concept.classes) or colour not in COLOURS)
        if colour in COLOURS and (not named or self._is_thing(after)):  # "orange car", but "orange"
            return ColourTerm(text, colour)
        if (where := file_fact(text)) is not None:
            return FileTerm(text, where)
        return concept if named else None

    def _is_thing(self, at: int) -> bool:
        if at >= len(self.tokens):
            return False
        return self.tokens[at].kind == "thing" or vocabulary().find(self.tokens[at].word) is not None

    def _is_layout(self) -> bool:
        """Whether "top" is a place here: after "at the" and the like."""
        before = {token.word for token in self.tokens[max(0, self.at - 2) : self.at]}
        return self.tokens[self.at].word in LAYOUT and bool({"at", "on", "in"} & before)

    def _read_place(self, terms: list[Term], word: str, area: str) -> None:
        """A place belongs to the colour before it; of nothing else can be told where it is."""
        last = terms[-1] if terms else None
        if isinstance(last, ColourTerm):
            terms[-1] = ColourTerm(last.word, last.colour, area)
        else:
            self.unknown.append(word)

    def _read_chinese_place(self, terms: list[Term], token: Token) -> None:
        """To the colour before it that has none, or to the next; behind a thing it is a preposition: "桌子上面的猫"."""
        last = terms[-1] if terms else None
        if isinstance(last, ColourTerm) and last.area == ANYWHERE:
            self._read_place(terms, token.word, token.means)
        elif self.at == 0 or self.tokens[self.at - 1].kind != "thing":
            self._end_place()
            self.place = token


def read_query(text: str, without: str = "") -> TextQuery:
    """What ``text`` asks for, in English, in Chinese or in both, and what is not to be seen: after "no" and "without"
    in it, what has a minus before it, and all of ``without``."""
    own, other = _Reader(tokens(text), False).read(), _Reader(tokens(without), True).read()
    return TextQuery(own.wanted, (*own.unwanted, *other.unwanted), tuple(dict.fromkeys((*own.unknown, *other.unknown))))


def _chinese_term(token: Token) -> Term | None:
    """None for what nobody can judge, and for a place."""
    if token.kind == "thing":
        return concept_of(token)
    if token.kind == "colour":
        return ColourTerm(token.word, token.means)
    where = file_fact(token.means) if token.kind == "file" else None
    return None if where is None else FileTerm(token.word, where)
