"""The words of a catalogue's titles and text columns, and how well an item answers to a text: Okapi's BM25 (Robertson
& Zaragoza 2009). SQLite's FTS5 has the same measure, and takes a second for four words that many of 100,000 items
share.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.gallery.index.catalogue_columns import CatalogueColumns, TextColumn
from lookalike.types import Floats

MAX_WORDS = 64  # of a text that is looked for
TITLE_WEIGHT = 2.0  # of a word in a title; 1 in a column
SATURATION, LENGTH = 1.2, 0.75  # k1 and b


def words_of(text: str) -> list[str]:
    """Its words, without accents and in lower case."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"\w+", "".join(one for one in plain if not unicodedata.combining(one)))


@dataclass(frozen=True, slots=True)
class ItemWords:
    """Of N items. ``places``: word -> its place among W; ``starts``: (W + 1,) where the postings of each begin;
    ``rows``, ``counts``: (O,), which items have it, and how often; ``lengths``: (N,) words of each item, as a share of
    the mean."""

    places: dict[str, int]
    starts: NDArray[np.int64]
    rows: NDArray[np.int64]
    counts: NDArray[np.float64]
    lengths: NDArray[np.float64]

    @classmethod
    def of(cls, columns: CatalogueColumns) -> ItemWords:
        """All words of a catalogue."""
        places: dict[str, int] = {}
        found = [_occurrences(column, places, 1.0 if n else TITLE_WEIGHT) for n, column in enumerate(columns.texts())]
        words, rows = (np.concatenate([one[n] for one in found]).astype(np.int64) for n in (0, 1))
        weights = np.concatenate([one[2] for one in found])
        keys, inverse = np.unique(words * max(len(columns), 1) + rows, return_inverse=True)
        counts = np.asarray(np.bincount(inverse, weights, len(keys)), np.float64)
        words, rows = keys // max(len(columns), 1), keys % max(len(columns), 1)
        lengths = np.bincount(rows, counts, len(columns))
        starts = np.searchsorted(words, np.arange(len(places) + 1))
        return cls(places, starts, rows, counts, lengths / (float(lengths.mean()) if counts.size else 1.0))

    def similarity(self, text: str, own: int | None = None) -> Floats:
        """(N,): how well each item answers to it, as a share of the best one; 0 without a common word. ``own``: the row
        of the item that the text is of: words that no other has say nothing of what is like it."""
        scores = np.zeros(len(self.lengths))
        asked = list(dict.fromkeys(words_of(text)))[:MAX_WORDS]
        for place in (self.places[word] for word in asked if word in self.places):
            span = slice(self.starts[place], self.starts[place + 1])
            rows, counts = self.rows[span], self.counts[span]
            if len(rows) == 1 and rows[0] == own:
                continue
            rarity = np.log1p((len(scores) - len(rows) + 0.5) / (len(rows) + 0.5))
            damped = counts + SATURATION * (1 - LENGTH + LENGTH * self.lengths[rows])
            scores[rows] += rarity * counts * (SATURATION + 1) / damped
        best = float(scores.max(initial=0.0))
        return np.asarray(scores / best if best > 0 else scores, np.float32)


def _occurrences(
    column: TextColumn, places: dict[str, int], weight: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Of one column: the words, the rows that have them, and how much each counts; every different text is read
    once."""
    read = [_counted(text, places) for text in column.texts]
    sizes = np.array([*(len(words) for words, _ in read), 0], np.int64)
    words = np.array([word for ones, _ in read for word in ones], np.int64)
    counts = np.array([count for _, ones in read for count in ones], np.float64)
    begins = np.concatenate([[0], np.cumsum(sizes[:-1])])
    each = sizes[column.places]
    rows = np.repeat(np.arange(len(column.places)), each)
    within = np.arange(int(each.sum())) - np.repeat(np.cumsum(each) - each, each)
    at = np.repeat(begins[column.places], each) + within
    return words[at], rows, weight * counts[at]


def _counted(text: str, places: dict[str, int]) -> tuple[Sequence[int], Sequence[int]]:
    counts = Counter(places.setdefault(word, len(places)) for word in words_of(text))
    return list(counts), list(counts.values())
