"""A word of a text, and what it is there for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Token:
    """``word``, as it was written, in lower case. ``kind``: "" for an English word that is to be looked up; of Chinese
    thing, colour, place, file, or unjudged for what nobody can judge; of both no, minus, or, of, link, article, skip.
    ``means``: of Chinese a colour, a place or a fact in English, of a thing words, or numbers of classes ("#134")."""

    word: str
    kind: str = ""
    means: str = ""
