"""Finds the copies within a gallery, as tight groups, in memory that grows with the images, not their pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.calibration import Calibration, curve
from lookalike.descriptors.fusion import Blend
from lookalike.gallery.calibration.scoring import Scoring
from lookalike.gallery.dedup.complete_linkage import complete_linkage
from lookalike.gallery.dedup.representative import Standing, preference, reason
from lookalike.gallery.index.faiss_index import FaissIndex
from lookalike.gallery.library import Library
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.embeddings import Embeddings
from lookalike.gallery.storage.row import Row
from lookalike.types import Floats, Group, Ids, Pair

SEARCH_BLOCK = 4096  # images searched at a time
UNRELATED = 1.0  # the distance, in the unit of the blend, of images of which no measure knows both
TINY = 1e-30  # in place of a limit of nought
MAX_NEIGHBOURS = 64  # images looked at per image; bounds the pairs at MAX_NEIGHBOURS x N

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Close:
    """Pairs (a[i], b[i]) of row numbers, closest first, with their measured distance."""

    a: Rows
    b: Rows
    distance: Floats


@dataclass(frozen=True, slots=True)
class MeasureSpace:
    """What one measure says of the images: their ``embeddings``, one per content, in the order of their ids; ``curve``
    and ``prior`` make a limit up to which two are close."""

    embeddings: Embeddings
    blend: Blend
    curve: Calibration
    prior: float

    @classmethod
    def of(cls, library: Library, scoring: Scoring, measure: str, copies: Sequence[Sequence[int]]) -> MeasureSpace:
        """Of a gallery, whose images with the same bytes are ``copies``."""
        blend = scoring.blend(measure)
        embeddings = _one_per_digest(Embeddings.read(library.store, library.cards, blend.names), copies)
        return cls(embeddings, blend, scoring.curves.get(measure) or curve(measure), scoring.prior())

    def limit(self, precision: float) -> float:
        """The distance up to which two images are copies with at least this probability."""
        return self.curve.distance(precision, self.prior)

    def rows(self, numbers: Sequence[int]) -> tuple[Rows, Rows]:
        """Of these image ids, the places of those that have vectors here, and the rows where they lie."""
        wanted = np.asarray(numbers, np.int64)
        rows = np.minimum(np.searchsorted(self.embeddings.ids, wanted), max(len(self.embeddings) - 1, 0))
        known = self.embeddings.ids[rows] == wanted if len(self.embeddings) else np.zeros(len(wanted), bool)
        return np.flatnonzero(known), rows[known]

    def within(self, limit: float, left: Sequence[int], right: Sequence[int]) -> bool:
        """Whether each of these images, which have vectors here, is close to each of those."""
        left_rows, right_rows = (self.rows(numbers)[1].tolist() for numbers in (left, right))
        return bool((self.blend.distance(self.embeddings.between(left_rows, right_rows)) <= limit).all())

    def distances(self, numbers: tuple[int, int]) -> dict[str, Floats] | None:
        """Descriptor -> (1,) of two images; None if one has no vectors here."""
        known, rows = self.rows(numbers)
        return self.embeddings.along(rows[:1], rows[1:]) if len(known) == 2 else None


@dataclass(frozen=True, slots=True)
class Candidates:
    """``groups``: any two members are copies with the precision asked for, by vectors alone. ``wider``: (P, 2) ids of
    pairs with a lesser one, the closest first. ``builder``: makes groups of either."""

    groups: list[Group]
    wider: Ids
    builder: GroupBuilder


def find_duplicates(
    library: Library, scoring: Scoring, measures: Sequence[str], precision: float, wider: float | None = None
) -> Candidates:
    """Groups in which any two members are copies with at least the probability ``precision`` by the first of the
    ``measures``, a descriptor or the blend, and pairs with at least the probability ``wider`` by any of them."""
    store = library.store
    copies = store.repeated_bytes()
    spaces = [MeasureSpace.of(library, scoring, measure, copies) for measure in measures]
    different = store.different()
    groups = _grouped(store, spaces[0], precision, different)
    pairs = np.empty((0, 2), np.int64) if wider is None else _apart(_closest_first(spaces, wider), store, different)
    scored = np.unique(np.concatenate([np.array([n for group in groups for n in group], np.int64), pairs.ravel()]))
    names = list(dict.fromkeys([*(name for space in spaces for name in space.blend.names), *scoring.descriptors]))
    builder = GroupBuilder(store, spaces, Embeddings.read(store, library.cards, names, scored), scoring, different)
    return Candidates(builder.build(_with_copies(groups, copies)), pairs, builder)


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
    store: GalleryStorage, space: MeasureSpace, precision: float, different: set[tuple[str, str]]
) -> list[list[int]]:
    """Tight groups as lists of image ids, a person's decisions respected."""
    pairs = _closest_first([space], precision)
    digests = _digests(store, pairs) if different else {}
    limit = space.limit(precision)

    def close(left: list[int], right: list[int]) -> bool:
        if any((min(p), max(p)) in different for p in _pairs(digests, left, right)):
            return False
        return space.within(limit, left, right)

    return complete_linkage(map(tuple, pairs.tolist()), close)


def _closest_first(spaces: Sequence[MeasureSpace], precision: float) -> Ids:
    """(P, 2) image ids of all pairs that are close by one measure or several, the closest in its limit first."""
    parts, shares = [np.empty((0, 2), np.int64)], [np.empty(0, np.float64)]
    for space in spaces:
        limit = space.limit(precision)
        found = close_pairs(space.embeddings, space.blend, limit)
        parts.append(np.stack([space.embeddings.ids[found.a], space.embeddings.ids[found.b]], axis=1))
        shares.append(found.distance.astype(np.float64) / max(limit, TINY))
    pairs = np.concatenate(parts)
    pairs.sort(axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0], np.concatenate(shares)))]


def _apart(pairs: Ids, store: GalleryStorage, different: set[tuple[str, str]]) -> Ids:
    """The pairs that no person has called different, each once."""
    digests = _digests(store, pairs) if different else {}
    kept = [pair for pair in dict.fromkeys(map(tuple, pairs.tolist())) if not _has_different(pair, digests, different)]
    return np.array(kept, np.int64).reshape(-1, 2)


def _has_different(pair: tuple[int, int], digests: Mapping[int, str], different: set[tuple[str, str]]) -> bool:
    return bool(different) and tuple(sorted(digests[number] for number in pair)) in different


def _digests(store: GalleryStorage, pairs: Ids) -> dict[int, str]:
    return {number: row.sha256 for number, row in store.rows(np.unique(pairs).tolist()).items()}


def _pairs(digests: Mapping[int, str], left: Sequence[int], right: Sequence[int]) -> Iterator[tuple[str, str]]:
    if digests:
        yield from ((digests[a], digests[b]) for a in left for b in right)


def _with_copies(groups: list[list[int]], copies: Sequence[Sequence[int]]) -> list[list[int]]:
    """Each group with the byte-identical copies of its members; contents that repeat without relatives too."""
    same = {numbers[0]: list(numbers) for numbers in copies}
    grouped = {number for group in groups for number in group}
    full = [[copy for number in group for copy in same.get(number, [number])] for group in groups]
    return full + [numbers for first, numbers in same.items() if first not in grouped]


class GroupBuilder:
    """Turns lists of image ids into Groups: what to keep, and how each of the others relates to it."""

    def __init__(
        self,
        store: GalleryStorage,
        spaces: Sequence[MeasureSpace],
        scored: Embeddings,
        scoring: Scoring,
        different: set[tuple[str, str]],
    ) -> None:
        self._store, self._spaces = store, spaces
        self._scored, self._scoring = scored, scoring
        self._different = different
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
                self._twins.update({row.sha256: row.id for row in rows if self._has_vectors(row.id)})
                ranked.append((sum(row.bytes for row in rows[1:]), self._group(rows)))
        return [group for _, group in sorted(ranked, key=lambda pair: (-pair[0], pair[1].keep))]

    def pair_group(self, numbers: tuple[int, int], kept: Mapping[str, str]) -> Group | None:
        """Two images as a group; None if one is gone meanwhile. ``kept``: path -> path of an image with the same bytes
        that stands for it."""
        rows = self._store.rows(numbers).values()
        self._rows.update({row.path: row for row in rows})
        return self.anew(kept.get(row.path, row.path) for row in rows) if len(rows) == 2 else None

    def has_different(self, paths: Iterable[str]) -> bool:
        """Whether a person has called two of these members of groups different."""
        digests = sorted({self._rows[path].sha256 for path in paths}) if self._different else []
        return any(pair in self._different for pair in combinations(digests, 2))

    def anew(self, paths: Iterable[str]) -> Group:
        """A group of members of others, the best of them kept."""
        return self._group(sorted((self._rows[path] for path in paths), key=preference))

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
        known = set(numbers) <= self._scored_position.keys()
        measured = self._measured(numbers)
        if measured is None:  # each is near a third one by another measure; verification says what they are
            return Pair(a.path, b.path, UNRELATED, 0.0, "unrelated")
        space, distances = measured
        every = _between(self._scored, self._scored_position, numbers) if known else distances
        score = self._scoring.score({name: float(part[0]) for name, part in every.items()})
        distance = float(space.blend.distance(distances)[0])
        return Pair(a.path, b.path, distance, score.probability, score.relation)

    def _measured(self, numbers: tuple[int, int]) -> tuple[MeasureSpace, dict[str, Floats]] | None:
        """The distances by the first measure that knows both, which is the one that was asked for wherever it can."""
        found = ((space, distances) for space in self._spaces if (distances := space.distances(numbers)) is not None)
        return next(found, None)

    def _has_vectors(self, number: int) -> bool:
        return any(len(space.rows([number])[0]) for space in self._spaces)

    def _known(self, row: Row) -> int:
        """The number of the image whose vectors these are: its own, or that of one with the same bytes."""
        return row.id if self._has_vectors(row.id) else self._twins[row.sha256]


def _between(embeddings: Embeddings, position: Mapping[int, int], numbers: tuple[int, int]) -> dict[str, Floats]:
    first, second = (np.array([position[number]]) for number in numbers)
    return embeddings.along(first, second)
