"""Which images a person should label next: those that together stand for most images that no labelled one stands for.

Facility location, greedily (Wei, Iyer and Bilmes, "Submodularity in data subset selection and active learning", 2015):
each image counts as much as it is like the most like one of those that were labelled or chosen, and the next is the
one that adds most. So an outlier that is like nothing else comes late, and of ten alike the first alone. How alike two
images are is the similarity of their vectors raised to a power, so that many that are hardly alike do not outweigh a
few that are.

What an image probably shows, which is told beside it, is the vote of the labelled images nearest to it, each as much as
it probably shows the same kind of thing (words/tag_head.py); far from all of them it is none of what was labelled yet.
That an image is unsure by these votes was a reason to choose it before; on four labelled sets it did no better than
chance, as margins, entropies and k-centre did there, and what stands here did better on each (benchmarks/label_next.py
reports on two others).
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
POOL = 2000  # images among which is chosen, from everywhere where there are more
SHARPNESS = 8  # the power of the similarity
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


def next_labels(library: Library, count: int, where: str | None) -> list[NextLabel]:
    """As ``Gallery.next_labels``."""
    need_words(library.cards, library.place)
    pool, labelled = _unlabelled(library, where)
    if not len(pool.ids):
        return []
    chosen = choose(similarity(pool.vectors, pool.vectors), covered_by(pool.vectors, labelled), count)
    like = _like(tag_head().by_distance(cosine(pool.vectors, pool.vectors)), chosen)
    rows = library.store.rows(pool.ids[chosen].tolist())
    return [
        _next_label(rows[number].path, pool, place, others)
        for place, others, number in zip(chosen, like, pool.ids[chosen].tolist(), strict=True)
        if number in rows
    ]


def similarity(a: Floats, b: Floats) -> Floats:
    """(N, D), (M, D) unit vectors -> (N, M), 0..1."""
    return np.asarray(np.maximum(1 - cosine(a, b), 0) ** SHARPNESS, np.float32)


def covered_by(vectors: Floats, labelled: Floats) -> Floats:
    """(N, D), (L, D) unit vectors -> (N,): how much each is like the most like labelled one, 0 without any."""
    blocks = range(0, len(labelled), SEARCH_BLOCK)
    near = [similarity(vectors, labelled[start : start + SEARCH_BLOCK]).max(axis=1) for start in blocks]
    return np.asarray(np.max([np.zeros(len(vectors), np.float32), *near], axis=0), np.float32)


def choose(alike: Floats, covered: Floats, count: int) -> list[int]:
    """``alike``: (N, N), ``covered``: (N,), what those that were chosen before cover already, both 0..1 -> at most
    ``count`` rows, the one that covers most first, each with what it adds to those before it."""
    cover = covered.copy()
    chosen: list[int] = []
    for _ in range(min(count, len(cover))):
        gains = np.maximum(alike - cover, 0).sum(axis=1)
        gains[chosen] = -1.0
        best = int(gains.argmax())
        chosen.append(best)
        cover = np.maximum(cover, alike[best])
    return chosen


def _unlabelled(library: Library, where: str | None) -> tuple[_Unlabelled, Floats]:
    """Up to POOL images without a person's label, the first of byte-identical ones, with the votes of the labelled
    ones; and (L, D) the vectors of these."""
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
    others = others.keep(_from_everywhere(np.array(first, np.int64)))
    names = sorted(set(labels.values()))
    kinds = np.array([names.index(labels[number]) for number in labelled.ids.tolist()], np.int64)
    vectors = np.asarray(others.vectors[CONTENT], np.float32)
    shares = _shares(vectors, labelled.vectors[CONTENT], kinds, len(names))
    return _Unlabelled(others.ids, vectors, shares, names), np.asarray(labelled.vectors[CONTENT], np.float32)


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


def _from_everywhere(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most POOL of these, evenly spread."""
    step = max(1.0, len(rows) / POOL)
    return rows[(np.arange(min(len(rows), POOL)) * step).astype(np.int64)]


def _like(alike: Floats, chosen: Sequence[int]) -> list[int]:
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
