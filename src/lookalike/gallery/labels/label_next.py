"""Which images a person should label next: unsure ones, unlike one another, that many other unsure ones are like.

What an image probably shows is the vote of the labelled images nearest to it, each as much as it probably shows the
same kind of thing (words/tag_head.py); far from all of them it is none of what was labelled yet. Among the most unsure
(Lewis and Gale, "A sequential algorithm for training text classifiers", 1994) those are chosen that together cover
most of what is unsure: facility location, greedily (Wei, Iyer and Bilmes, "Submodularity in data subset selection and
active learning", 2015). So an outlier that is like nothing else comes late, and of ten alike the first alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.distance import cosine
from lookalike.gallery.index.faiss_index import FaissIndex
from lookalike.gallery.index.word_index import CONTENT, need_words
from lookalike.gallery.library import Library
from lookalike.gallery.storage.embeddings import Embeddings
from lookalike.gallery.storage.filters import PERSONS
from lookalike.types import Floats, NextLabel
from lookalike.words.tag_head import tag_head

NEIGHBOURS = 10
POOL = 2000  # of the most unsure images, among which is chosen
SAME_KIND = 0.5  # probability from which on two images are like one another
SEARCH_BLOCK = 4096  # images searched at a time
LABELS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _Unlabelled:
    """N images. ``ids``: (N,); ``vectors``: (N, D); ``shares``: (N, C), how probably each is of which of the ``names``;
    a row adds up to less than 1 where the image may be none of them."""

    ids: NDArray[np.int64]
    vectors: Floats
    shares: Floats
    names: Sequence[str]

    @property
    def uncertainty(self) -> Floats:
        """(N,): that the likeliest label is wrong."""
        return np.asarray(1 - self.shares.max(axis=1, initial=0.0), np.float32)

    def keep(self, rows: NDArray[np.int64]) -> _Unlabelled:
        return _Unlabelled(self.ids[rows], self.vectors[rows], self.shares[rows], self.names)


def next_labels(library: Library, count: int, where: str | None) -> list[NextLabel]:
    """As ``Gallery.next_labels``."""
    need_words(library.cards, library.place)
    found = _unlabelled(library, where)
    pool = found.keep(_most_unsure(found.uncertainty))
    if not len(pool.ids):
        return []
    alike = tag_head().by_distance(cosine(pool.vectors, pool.vectors))
    chosen = choose(alike, pool.uncertainty, count)
    covered = _covered(alike, chosen)
    rows = library.store.rows(pool.ids[chosen].tolist())
    return [
        _next_label(rows[number].path, pool, place, like)
        for place, like, number in zip(chosen, covered, pool.ids[chosen].tolist(), strict=True)
        if number in rows
    ]


def choose(alike: Floats, uncertainty: Floats, count: int) -> list[int]:
    """``alike``: (N, N), 0..1, ``uncertainty``: (N,) -> at most ``count`` rows, the one that covers most first, each
    with what it adds to those before it."""
    cover = np.zeros(len(uncertainty), np.float32)
    chosen: list[int] = []
    for _ in range(min(count, len(uncertainty))):
        gains = np.maximum(alike - cover, 0) @ uncertainty
        gains[chosen] = -1.0
        best = int(gains.argmax())
        chosen.append(best)
        cover = np.maximum(cover, alike[best])
    return chosen


def _unlabelled(library: Library, where: str | None) -> _Unlabelled:
    """The images without a person's label, the first of byte-identical ones, with the votes of the labelled ones."""
    store, cards = library.store, {CONTENT: library.cards[CONTENT]}
    labels = {
        number: one.labels[0].label for source in PERSONS for number, one in store.labels.of_images(source=source)
    }
    every = Embeddings.read(store, cards, [CONTENT])
    is_labelled = np.isin(every.ids, list(labels))
    labelled, others = every.keep(is_labelled), every.keep(~is_labelled & np.isin(every.ids, store.select(where)))
    rows = store.rows(others.ids.tolist())
    seen = {row.sha256 for row in store.rows(labelled.ids.tolist()).values()}
    first = []
    for place, number in enumerate(others.ids.tolist()):
        if number in rows and rows[number].sha256 not in seen:
            seen.add(rows[number].sha256)
            first.append(place)
    others = others.keep(np.array(first, np.int64))
    names = sorted(set(labels.values()))
    kinds = np.array([names.index(labels[number]) for number in labelled.ids.tolist()], np.int64)
    vectors = np.asarray(others.vectors[CONTENT], np.float32)
    return _Unlabelled(others.ids, vectors, _shares(vectors, labelled.vectors[CONTENT], kinds, len(names)), names)


def _shares(vectors: Floats, labelled: NDArray[np.float16], kinds: NDArray[np.int64], classes: int) -> Floats:
    """(N, D), (L, D), (L,) -> (N, C): the votes of the nearest, times the probability that the nearest of them shows
    the same kind of thing."""
    shares = np.zeros((len(vectors), classes), np.float32)
    if not len(labelled):
        return shares
    index = FaissIndex("cosine", vectors.shape[1])
    index.add(np.arange(len(labelled)), labelled)
    for start in range(0, len(vectors), SEARCH_BLOCK):
        near, distances = index.search(vectors[start : start + SEARCH_BLOCK], min(NEIGHBOURS, len(labelled)))
        votes = tag_head().by_distance(distances)
        part = shares[start : start + SEARCH_BLOCK]
        np.add.at(part, (np.arange(len(part))[:, None], kinds[near]), votes)
        part *= votes.max(axis=1, keepdims=True) / np.maximum(part.sum(axis=1, keepdims=True), 1e-12)
    return shares


def _most_unsure(uncertainty: Floats) -> NDArray[np.int64]:
    """At most POOL rows; of as unsure ones, as where nothing is labelled yet, some from everywhere."""
    spread_out = np.argsort(np.arange(len(uncertainty)) * 0.6180339887 % 1, kind="stable")  # the golden ratio's steps
    order = spread_out[np.argsort(-uncertainty[spread_out], kind="stable")]
    return np.asarray(np.sort(order[:POOL]), np.int64)


def _covered(alike: Floats, chosen: Sequence[int]) -> list[int]:
    """Of each chosen row, how many others are like it, and like none that was chosen before it."""
    free = np.ones(len(alike), bool)
    counts = []
    for row in chosen:
        like = alike[row] >= SAME_KIND
        counts.append(int((like & free).sum()) - int(free[row]))
        free &= ~like
        free[row] = False
    return counts


def _next_label(path: str, pool: _Unlabelled, place: int, like: int) -> NextLabel:
    order = np.argsort(-pool.shares[place], kind="stable")[:LABELS_SHOWN]
    shares = {pool.names[kind]: float(pool.shares[place, kind]) for kind in order if pool.shares[place, kind] > 0}
    reason = _why(shares, bool(pool.names)) + (f"; {like:,} more like it" if like else "")
    return NextLabel(path, shares, float(pool.uncertainty[place]), like, reason)


def _why(shares: dict[str, float], any_labelled: bool) -> str:
    if not any_labelled:
        return "nothing is labelled yet"
    if sum(shares.values()) < SAME_KIND:
        return "unlike what is labelled"
    said = [f"{label} ({100 * share:.0f} %)" for label, share in shares.items()]
    return f"between {said[0]} and {said[1]}" if len(said) > 1 else f"perhaps {said[0]}"
