"""Finds the copies within a gallery, as tight groups, in memory that grows with the images, not their pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.calibration import curve
from lookalike.descriptors.fusion import Blend
from lookalike.gallery.calibration.scoring import Scoring
from lookalike.gallery.dedup.complete_linkage import complete_linkage
from lookalike.gallery.dedup.representative import Around, Standing, preference, reason
from lookalike.gallery.index.faiss_index import FaissIndex
from lookalike.gallery.library import Library
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.embeddings import Embeddings
from lookalike.gallery.storage.row import Row
from lookalike.types import Floats, Group, Pair

SEARCH_BLOCK = 4096  # images searched at a time
MAX_NEIGHBOURS = 64  # images looked at per image; bounds the pairs at MAX_NEIGHBOURS x N

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Close:
    """Pairs (a[i], b[i]) of row numbers, closest first, with their measured distance."""

    a: Rows
    b: Rows
    distance: Floats


def find_duplicates(library: Library, scoring: Scoring, measure: str, precision: float) -> tuple[list[Group], Around]:
    """Groups in which any two members are copies with at least the probability ``precision`` by the ``measure``, a
    descriptor or the blend, and what tells one of them anew around another image."""
    store, blend = library.store, scoring.blend(measure)
    copies = store.repeated_bytes()
    limit = (scoring.curves.get(measure) or curve(measure)).distance(precision, scoring.prior())
    embeddings = _one_per_digest(Embeddings.read(store, library.cards, blend.names), copies)
    close = close_pairs(embeddings, blend, limit)
    groups = _grouped(store, embeddings, blend, limit, close, store.different())
    grouped = np.array(sorted(number for group in groups for number in group), np.int64)
    names = list(dict.fromkeys([*blend.names, *scoring.descriptors]))
    scored = Embeddings.read(store, library.cards, names, grouped)
    builder = _Builder(store, embeddings, scored, blend, scoring)
    return builder.build(_with_copies(groups, copies)), builder.around


def close_pairs(embeddings: Embeddings, blend: Blend, limit: float) -> Close:
    """All pairs of images at most ``limit`` apart.

    The search runs over the descriptor with the largest weight; since no share of a weighted sum is negative,
    none that belongs can be farther apart in it than ``limit`` allows. Of more than MAX_NEIGHBOURS images within that
    reach of one image, the MAX_NEIGHBOURS nearest are followed.
    """
    lead = max(blend.weights, key=lambda name: blend.weights[name])
    reach = (
        limit
        if len(blend.weights) == 1
        else limit / blend.weights[lead] * embeddings.cards[lead].median_negative_distance
    )
    parts = [_pairs_within(embeddings, blend, limit, *found) for found in _candidates(embeddings, lead, reach)]
    if not parts:
        return Close(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    a, b, distance = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((b, a, distance))
    return Close(a[order], b[order], distance[order])


def _candidates(embeddings: Embeddings, lead: str, reach: float) -> Iterator[tuple[Rows, Rows]]:
    """Pairs of rows within reach in one descriptor; each block is held against itself and those before it.

    A pair comes once or twice within a block: each of the two may have the other among its nearest."""
    card, vectors = embeddings.cards[lead], embeddings.vectors[lead]
    index = FaissIndex(card.metric, card.dim)
    for start in range(0, len(embeddings), SEARCH_BLOCK):
        rows = np.arange(start, min(start + SEARCH_BLOCK, len(embeddings)))
        index.add(rows, vectors[rows])
        found, distances = index.search(vectors[rows], MAX_NEIGHBOURS + 1)
        query, position = np.nonzero((distances <= reach) & (found != rows[:, None]))
        near = found[query, position]
        yield np.minimum(near, rows[query]), np.maximum(near, rows[query])


def _pairs_within(embeddings: Embeddings, blend: Blend, limit: float, a: Rows, b: Rows) -> tuple[Rows, Rows, Floats]:
    distance = blend.distance(embeddings.along(a, b))
    within = distance <= limit
    return a[within], b[within], distance[within]


def _one_per_digest(embeddings: Embeddings, copies: Sequence[Sequence[int]]) -> Embeddings:
    """Byte-identical files are one image here; the others join its group in the end."""
    others = [number for same in copies for number in same[1:]]
    return embeddings.keep(~np.isin(embeddings.ids, others))


def _grouped(
    store: GalleryStorage,
    embeddings: Embeddings,
    blend: Blend,
    limit: float,
    pairs: Close,
    different: set[tuple[str, str]],
) -> list[list[int]]:
    """Tight groups as lists of image ids, a person's decisions respected."""
    digests = _digests(store, embeddings, pairs) if different else {}

    def close(left: list[int], right: list[int]) -> bool:
        if any((min(p), max(p)) in different for p in _pairs(digests, left, right)):
            return False
        return bool((blend.distance(embeddings.between(left, right)) <= limit).all())

    groups = complete_linkage(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True), close)
    return [embeddings.ids[group].tolist() for group in groups]


def _digests(store: GalleryStorage, embeddings: Embeddings, pairs: Close) -> dict[int, str]:
    used = np.union1d(pairs.a, pairs.b)
    rows = store.rows(embeddings.ids[used].tolist())
    return {int(number): rows[int(embeddings.ids[number])].sha256 for number in used}


def _pairs(digests: Mapping[int, str], left: Sequence[int], right: Sequence[int]) -> Iterator[tuple[str, str]]:
    if digests:
        yield from ((digests[a], digests[b]) for a in left for b in right)


def _with_copies(groups: list[list[int]], copies: Sequence[Sequence[int]]) -> list[list[int]]:
    """Each group with the byte-identical copies of its members; contents that repeat without relatives too."""
    same = {numbers[0]: list(numbers) for numbers in copies}
    grouped = {number for group in groups for number in group}
    full = [[copy for number in group for copy in same.get(number, [number])] for group in groups]
    return full + [numbers for first, numbers in same.items() if first not in grouped]


class _Builder:
    """Turns lists of image ids into Groups: what to keep, and how each of the others relates to it."""

    def __init__(
        self,
        store: GalleryStorage,
        embeddings: Embeddings,
        scored: Embeddings,
        blend: Blend,
        scoring: Scoring,
    ) -> None:
        self._store = store
        self._embeddings, self._scored = embeddings, scored
        self._blend, self._scoring = blend, scoring
        self._position = {int(number): position for position, number in enumerate(embeddings.ids)}
        self._scored_position = {int(number): position for position, number in enumerate(scored.ids)}
        self._rows: dict[str, Row] = {}  # of all groups, by their paths
        self._twins: dict[str, int] = {}  # content -> the one of its images whose vectors are looked at

    def build(self, groups: list[list[int]]) -> list[Group]:
        """Groups with the most bytes to be won first."""
        ranked = []
        for numbers in groups:
            rows = sorted(self._store.rows(numbers).values(), key=preference)
            if len(rows) > 1:
                self._rows.update({row.path: row for row in rows})
                self._twins.update({row.sha256: row.id for row in rows if row.id in self._position})
                ranked.append((sum(row.bytes for row in rows[1:]), self._group(rows)))
        return [group for _, group in sorted(ranked, key=lambda pair: (-pair[0], pair[1].keep))]

    def around(self, keep: str, group: Group) -> Group:
        """The group with another one of its images to keep."""
        paths = [keep, *(path for path in (group.keep, *group.others) if path != keep)]
        return self._group([self._rows[path] for path in paths])

    def _group(self, rows: list[Row]) -> Group:
        keep, others = rows[0], rows[1:]
        words = reason(Standing(keep), Standing(others[0]))
        return Group(
            keep.path, tuple(row.path for row in others), tuple(self._pair(keep, row) for row in others), words
        )

    def _pair(self, a: Row, b: Row) -> Pair:
        if a.sha256 == b.sha256:
            return Pair(a.path, b.path, 0.0, 1.0, "identical")
        numbers = self._known(a), self._known(b)
        distances = _between(self._embeddings, self._position, numbers)
        known = set(numbers) <= self._scored_position.keys()
        every = _between(self._scored, self._scored_position, numbers) if known else distances
        score = self._scoring.score({name: float(part[0]) for name, part in every.items()})
        distance = float(self._blend.distance(distances)[0])
        return Pair(a.path, b.path, distance, score.probability, score.relation)

    def _known(self, row: Row) -> int:
        """The number of the image whose vectors these are: its own, or that of one with the same bytes."""
        return row.id if row.id in self._position else self._twins[row.sha256]


def _between(embeddings: Embeddings, position: Mapping[int, int], numbers: tuple[int, int]) -> dict[str, Floats]:
    first, second = (np.array([position[number]]) for number in numbers)
    return embeddings.along(first, second)
