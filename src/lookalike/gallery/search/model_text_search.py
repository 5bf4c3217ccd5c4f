"""Searches by words that go by a network with a text tower, of the user's own: a text is understood as a whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookalike.gallery.index.model_words import ModelWords, text_descriptors
from lookalike.gallery.index.word_index import judges
from lookalike.gallery.library import Library
from lookalike.gallery.search.text_search import TextOptions, TextSearch, joint
from lookalike.types import Floats, Ids, TextHit, TextResult, WordEvidence

WORDS = "words"  # what needs no model of the user's own


def text_search(library: Library, by: str | None) -> TextSearch | ModelTextSearch:
    """Searches ``by`` the descriptor of a network with a text tower, or by "words"; by default such a network where one
    is held. Raises UserError for what the gallery does not hold, or what reads no text."""
    if by is None:
        by = next(iter(text_choices(library)), WORDS)
    return TextSearch(library) if by == WORDS else ModelTextSearch(library, by)


def text_choices(library: Library) -> list[str]:
    """What a search by words may go by in this gallery, its default first; nothing if it holds nothing for words."""
    return [*text_descriptors(library.cards), *([WORDS] if judges(library.cards) else [])]


class ModelTextSearch:
    """By the descriptor ``name`` of one gallery, as it is now."""

    def __init__(self, library: Library, name: str) -> None:
        self._library, self._store, self._card = library, library.store, library.card(name)

    def search(self, text: str, options: TextOptions) -> TextResult:
        """At most ``options.k`` hits, best first, each with at least the probability ``options.least``."""
        every = self._store.select(options.where)
        columns = self._library.text_columns.get(self._card.name)
        if options.where is not None:
            columns = columns.keep(np.isin(columns.ids, every))
        words = ModelWords(self._store, self._card.name, columns)
        understood = tuple(one for one in (text.strip(), options.without.strip()) if one)
        undescribed = len(every) - len(words.ids)
        wanted = list(words.probabilities([text])) if text.strip() else []
        if options.like is not None:
            wanted.append(TextSearch(self._library).nearness(options.like, words.ids))
        if not wanted or not len(words.ids):
            return TextResult((), understood, (), 0.0, undescribed)
        probability = joint(wanted)
        if options.without.strip():
            probability = probability * (1 - words.probabilities([options.without])[0])
        order = np.lexsort((words.ids, -probability))[: options.k]
        order = order[probability[order] >= options.least]
        hits = self._hits(words.ids[order], probability[order], text.strip(), [one[order] for one in wanted])
        return TextResult(hits, understood, (), float(probability.max()), undescribed)

    def shown(self, text: str) -> tuple[Ids, Floats]:
        """Ids of the images, and the probability that each shows the text."""
        words = ModelWords(self._store, self._card.name, self._library.text_columns.get(self._card.name))
        return words.ids, words.probabilities([text])[0]

    def _hits(self, ids: Ids, probability: Floats, text: str, wanted: Sequence[Floats]) -> tuple[TextHit, ...]:
        rows = self._store.rows(ids.tolist())
        hits = []
        for place, number in enumerate(ids.tolist()):
            if number in rows:  # another process may have removed it since
                evidence = [WordEvidence("", "example", "content", float(one[place])) for one in wanted]
                if text:
                    evidence[0] = WordEvidence(text, "model", self._card.name, float(wanted[0][place]))
                hits.append(TextHit(rows[number].path, float(probability[place]), tuple(evidence)))
        return tuple(hits)
