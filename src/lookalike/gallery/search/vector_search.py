"""Candidates by vectors of whole images: from the indexes, with exact distances from the store and their scores."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.alignment.align import LOAD_MIN_SIDE
from lookalike.comparison.alignment.orientations import ORIENTATIONS
from lookalike.comparison.pair import COMPARISON_DESCRIPTORS
from lookalike.comparison.score_normalization import background_similarity, is_normalised
from lookalike.descriptors import describe_all, region_network
from lookalike.descriptors.base import Described, DescriptorCard
from lookalike.descriptors.fusion import Blend
from lookalike.distance import paired
from lookalike.errors import UserError
from lookalike.gallery.calibration.scoring import Scoring
from lookalike.gallery.index.faiss_index import FaissIndex
from lookalike.gallery.library import Library
from lookalike.gallery.search.allowed import Allowed, narrowing
from lookalike.gallery.search.options import SearchOptions
from lookalike.gallery.search.query import QuerySource, QueryVectors, query_image, stored_embeddings
from lookalike.gallery.search.relevance_feedback import Example, examples, feedback_contributions
from lookalike.gallery.storage.embeddings import Embeddings
from lookalike.gallery.storage.row import Row
from lookalike.types import Floats, Hit, Ids, Image

FUSION_CANDIDATES = 1000  # of a blend, before the exact weighted distances are taken
EXACT_SEARCH_LIMIT = 50_000  # images that a filter leaves: from here down they are compared one by one


@dataclass(frozen=True, slots=True)
class VectorQuery:
    """``views``: name -> one vector, (1, D), for each orientation that is looked for. ``sha256``: of the file, "" if
    there is none. ``examples``: relevance feedback. ``image``: None if the vectors come from the gallery."""

    views: tuple[Mapping[str, Described], ...]
    sha256: str = ""
    examples: tuple[Example, ...] = ()
    image: Image | None = None

    @property
    def described(self) -> Mapping[str, Described]:
        """Of the image as it is."""
        return self.views[0]


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near an image is: the ``distance`` that ranks, every single one that is known, and its
    ``feedback_contributions``."""

    distance: float
    distances: dict[str, float] = field(default_factory=dict)
    feedback_contributions: dict[str, float] = field(default_factory=dict)


Near = dict[int, Nearness]


class VectorSource:
    """A search by one descriptor of whole images, or by a weighted sum of several."""

    def __init__(self, library: Library, scoring: Scoring, by: str | Mapping[str, float]) -> None:
        self._library, self._store, self._cards = library, library.store, library.cards
        self._scoring, self._blend = scoring, scoring.blend(by)

    @property
    def names(self) -> tuple[str, ...]:
        return self._blend.names

    @property
    def reranks(self) -> bool:
        return len(self.names) == 1 and self._cards[self.names[0]].rerank

    @property
    def second_chance(self) -> str | None:
        held = [name for name in self._library.region_cards if region_network(name).proposes_parts]
        return next(iter(held), None) if self.reranks else None

    def query(self, source: QuerySource | QueryVectors, options: SearchOptions, depth: int) -> VectorQuery:
        names = list(dict.fromkeys([*self._blend.weights, *self._scoring.descriptors]))
        examples_given = self._examples(options)
        if isinstance(source, QueryVectors):
            return VectorQuery((self._of_elsewhere(source, options),), "", examples_given)
        if isinstance(source, Row) and options.region is None and not options.views and not depth:
            known = stored_embeddings(self._store, self._cards, names, source)
            return VectorQuery((known,), source.sha256, examples_given)
        names = list(dict.fromkeys([*names, *(COMPARISON_DESCRIPTORS if depth else ())]))
        image = query_image(source, names, options.region, LOAD_MIN_SIDE if depth else 1)
        views = _orientations(image) if options.views else [image]
        described = tuple(describe_all([view], names) for view in views)
        return VectorQuery(described, image.sha256 if options.region is None else "", examples_given, image)

    def _of_elsewhere(self, source: QueryVectors, options: SearchOptions) -> dict[str, Described]:
        """Raises UserError where a vector is missing that the search goes by, or something is asked of the image."""
        if options.region is not None or options.views or options.rerank:
            raise UserError("region, views and rerank need the image: vectors alone do not show it")
        described = source.described(self._cards)
        missing = ", ".join(name for name in self.names if name not in described)
        if missing:
            raise UserError(f"a search by {missing} needs its vector; there are vectors of {', '.join(described)}")
        return described

    def candidates(self, query: VectorQuery, k: int, allowed: Allowed | None, exact: bool) -> list[Hit]:
        return self.candidates_of_all([query], k, allowed, exact)[0]

    def candidates_of_all(
        self, queries: Sequence[VectorQuery], k: int, allowed: Allowed | None, exact: bool
    ) -> list[list[Hit]]:
        """As in the contract: the index and the store are asked once for all of them."""
        views = [_View(query, described) for query in queries for described in query.views]
        same = {query.sha256: self._same(query, allowed) for query in queries}
        near = self._nearest(views, k, allowed, exact)
        best = [_first(same[view.query.sha256], found, k) for view, found in zip(views, near, strict=True)]
        hits = iter(self._hits(views, best, same))
        found = [[next(hits) for _ in query.views] for query in queries]
        return [one[0] if len(one) == 1 else _nearest_of_views(one, k) for one in found]

    def _examples(self, options: SearchOptions) -> tuple[Example, ...]:
        good, bad = ([self._library.row(path) for path in paths] for paths in (options.good, options.bad))
        return examples(self._store, self._cards, self.names, good, bad)

    def _same(self, query: VectorQuery, allowed: Allowed | None) -> list[int]:
        """Ids of the images with the same bytes, but for disliked ones."""
        disliked = {one.row.id for one in query.examples if one.weight < 0}
        same = self._store.same_bytes(query.sha256) if query.sha256 else []
        ids = [row.id for row in same if row.id not in disliked]
        return ids if allowed is None or not ids else np.intersect1d(ids, allowed.ids).tolist()

    def _has_signal(self, view: Mapping[str, Described], names: Iterable[str]) -> bool:
        """Whether the query has any feature; a blank one would be like every other blank one."""
        return all(view[name].contrast[0] >= self._cards[name].min_contrast for name in names)

    def _nearest(self, views: Sequence[_View], k: int, allowed: Allowed | None, exact: bool) -> list[Near]:
        """For each view, image id -> how near it is, nearest first."""
        telling = [view for view in views if self._has_signal(view.described, self.names)]
        if not telling:
            return [{} for _ in views]
        if exact or (allowed is not None and allowed.at_most(EXACT_SEARCH_LIMIT)):
            every = Embeddings.read(self._store, self._cards, self.names, None if allowed is None else allowed.ids)
            found = [self._ranked(every, every.from_query(view.vectors), view.query, k) for view in telling]
        elif len(self.names) == 1 and self._index_tells and not telling[0].query.examples:
            found = self._by_index(telling, k, allowed)
        else:
            found = self._by_candidates(telling, k, allowed)
        ranked = dict(zip(telling, found, strict=True))
        return [ranked.get(view, {}) for view in views]

    @property
    def _index_tells(self) -> bool:
        """Whether an index tells distances as exact as the store does."""
        index = self._library.index.get(self.names[0])
        return index.holds_vectors if isinstance(index, FaissIndex) else True

    def _by_index(self, views: Sequence[_View], k: int, allowed: Allowed | None) -> list[Near]:
        """By what the index of the only descriptor says: the store is not asked."""
        name, asked = self.names[0], np.concatenate([view.described[self.names[0]].vectors for view in views])
        index = self._library.index.get(name)
        if isinstance(index, FaissIndex):
            near = index.nearest(asked, min(k, max(len(index), 1)), None if allowed is None else allowed.ids)
        else:  # the storage's own; how many vectors it holds is dear to know
            near = index.search(asked, k, **narrowing(allowed))
        found = [_in_order(ids, distances) for ids, distances in zip(*near, strict=True)]
        return [
            {number: Nearness(bits, {name: bits}) for number, bits in zip(ids.tolist(), counts.tolist(), strict=True)}
            for ids, counts in found
        ]

    def _by_candidates(self, views: Sequence[_View], k: int, allowed: Allowed | None) -> list[Near]:
        """By the exact distances of what the indexes tell of."""
        found = self._candidates(views, k, allowed)
        if len(found) == 1:
            every = Embeddings.read(self._store, self._cards, self.names, found[0][0])
            return [self._ranked(every, every.from_query(views[0].vectors), views[0].query, k)]
        ids = np.unique(np.concatenate([one for one, _ in found]))
        every = Embeddings.read(self._store, self._cards, self.names, ids)
        every = every.keep(np.argsort(every.ids))
        parts = [every.keep(_places(every.ids, one)) for one, _ in found]
        each = {name: _along(self._cards[name], views, [one.vectors[name] for one in parts]) for name in self.names}
        ends = np.cumsum([len(one) for one in parts])[:-1]
        split = {name: np.split(column, ends) for name, column in each.items()}
        return [
            self._ranked(part, {name: split[name][place] for name in self.names}, views[place].query, k)
            for place, part in enumerate(parts)
        ]

    def _ranked(self, embeddings: Embeddings, each: Mapping[str, Floats], query: VectorQuery, k: int) -> Near:
        """The k nearest of these images, by each of whose distances, (N,), is known."""
        total, contributors = self._blend.distance(each), ["query"]
        parts = total[None]
        if query.examples:
            parts = np.vstack([total, feedback_contributions(self._blend, embeddings, query.examples)])
            total = parts.sum(axis=0)
            contributors += [one.row.path for one in query.examples]
        order = np.lexsort((embeddings.ids, total))[:k]
        columns = [each[name][order].tolist() for name in self.names]
        found = zip(embeddings.ids[order].tolist(), total[order].tolist(), zip(*columns, strict=True), strict=True)
        near = {number: Nearness(distance, dict(zip(self.names, ds, strict=True))) for number, distance, ds in found}
        if query.examples:
            for one, column in zip(near.values(), parts[:, order].T.tolist(), strict=True):
                one.feedback_contributions.update(zip(contributors, column, strict=True))
        return near

    def _candidates(self, views: Sequence[_View], k: int, allowed: Allowed | None) -> list[tuple[Ids, Floats]]:
        """For each view, ids that are near it, or a good example, by one of the descriptors, and of a single one the
        distances that its index tells, nearest first."""
        names = _leading(self._blend)
        good = [one for one in views[0].query.examples if one.weight > 0]  # the same for all
        reach = k if len(self.names) == 1 and not good else max(FUSION_CANDIDATES, 10 * k)
        found = []
        for name in names:
            asked = [*(view.described[name].vectors for view in views), *(one.vectors[name] for one in good)]
            index = self._library.index.get(name)
            most = min(reach, max(len(index), 1)) if isinstance(index, FaissIndex) else reach
            found.append(index.search(np.concatenate(asked), most, **narrowing(allowed)))
        if len(found) == 1 and not good:
            return [_in_order(ids, distances) for ids, distances in zip(*found[0], strict=True)]
        return [
            (_united([ids[[place, *range(len(views), len(ids))]] for ids, _ in found]), np.empty(0, np.float32))
            for place in range(len(views))
        ]

    def _hits(
        self, views: Sequence[_View], best: Sequence[Near], same: Mapping[str, Collection[int]]
    ) -> list[list[Hit]]:
        described = [view.described for view in views]
        for name in self._scoring.descriptors:
            if name not in self.names:
                self._measure(name, views, best)
        # last: an image that is still there now had its distances
        rows = self._store.rows(list(dict.fromkeys(number for one in best for number in one)))
        backgrounds = self._backgrounds(described)
        return [
            [
                self._hit(rows[number], near, view, number in same[view.query.sha256], background)
                for number, near in one.items()
                if number in rows  # another process may have removed it since
            ]
            for view, one, background in zip(views, best, backgrounds, strict=True)
        ]

    def _hit(self, row: Row, near: Nearness, view: _View, same: bool, background: float) -> Hit:
        score = self._scoring.score(
            near.distances, same_bytes=same, background=background, queries=len(view.query.views)
        )
        parts = near.feedback_contributions
        return Hit(row.path, near.distance, score.probability, score.relation, feedback_contributions=parts)

    def _backgrounds(self, described: Sequence[Mapping[str, Described]]) -> list[float]:
        """Each query's similarity to background images, by the descriptor whose score is normalised."""
        held = described[0] if described else {}
        name = next((name for name in held if name in self._cards and is_normalised(self._cards[name])), None)
        if name is None:
            return [0.0] * len(described)
        found = background_similarity(np.concatenate([one[name].vectors for one in described]))
        return [float(one) for one in found]

    def _measure(self, name: str, views: Sequence[_View], best: Sequence[Near]) -> None:
        """Add one more distance to what is known of the best of each view, for their score."""
        telling = [
            (view, one)
            for view, one in zip(views, best, strict=True)
            if name in view.described and one and self._has_signal(view.described, [name])
        ]
        ids = np.unique(np.fromiter((number for _, one in telling for number in one), np.int64))
        if not len(ids):
            return
        every = Embeddings.read(self._store, self._cards, [name], ids)
        place = {number: place for place, number in enumerate(every.ids.tolist())}
        for view, one in telling:
            known = [number for number in one if number in place]
            part = every.keep(np.fromiter((place[number] for number in known), np.int64, len(known)))
            for number, distance in zip(known, part.from_query(view.vectors)[name].tolist(), strict=True):
                one[number].distances[name] = distance


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """One of the orientations in which a query is looked for."""

    query: VectorQuery
    described: Mapping[str, Described]

    @property
    def vectors(self) -> dict[str, NDArray[Any]]:
        """name -> (1, D)."""
        return {name: part.vectors for name, part in self.described.items()}


def _first(same: Collection[int], near: Near, k: int) -> Near:
    """The same bytes first, then the nearest: k in all."""
    if not same:
        return near
    best = {number: Nearness(0.0) for number in same} | {n: one for n, one in near.items() if n not in same}
    return dict(list(best.items())[:k])


def _along(card: DescriptorCard, views: Sequence[_View], parts: Sequence[NDArray[Any]]) -> Floats:
    """The distances of each view to each of its own images, one after the other."""
    asked = np.concatenate([view.described[card.name].vectors for view in views])
    return paired(card.metric, np.repeat(asked, [len(part) for part in parts], axis=0), np.concatenate(parts))


def _places(held: Ids, ids: Ids) -> Ids:
    """Where those of the ids that are held, which rise, stand among them."""
    places = np.searchsorted(held, ids)
    places = places[places < len(held)]
    return np.sort(places[np.isin(held[places], ids)])


def _in_order(ids: Ids, distances: Floats) -> tuple[Ids, Floats]:
    """Without what is none, and equal distances in the order of the ids."""
    order = np.lexsort((ids, distances))
    order = order[ids[order] >= 0]
    return ids[order], distances[order]


def _united(found: Sequence[Ids]) -> Ids:
    ids = np.unique(np.concatenate([part.ravel() for part in found]))
    return ids[ids >= 0]


def _leading(blend: Blend) -> list[str]:
    """The descriptors whose nearest are looked at: one alone if it has half of the weight, otherwise all."""
    lead = [name for name, weight in blend.weights.items() if weight >= 0.5]
    return lead[:1] or list(blend.names)


def _orientations(image: Image) -> list[Image]:
    """The image as it is, and in the seven other ways to lie."""
    return [replace(image, pixels=np.ascontiguousarray(one.apply(image.pixels))) for one in ORIENTATIONS.values()]


def _nearest_of_views(found: Sequence[Sequence[Hit]], k: int) -> list[Hit]:
    """Of the hits of several views the k nearest, each image once."""
    best: dict[str, Hit] = {}
    for hit in sorted((hit for hits in found for hit in hits), key=lambda hit: (hit.distance, hit.path)):
        best.setdefault(hit.path, hit)
    return list(best.values())[:k]
