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
from lookalike.descriptors.base import Described
from lookalike.descriptors.fusion import Blend
from lookalike.errors import UserError
from lookalike.gallery.calibration.scoring import Scoring
from lookalike.gallery.library import Library
from lookalike.gallery.search.options import SearchOptions
from lookalike.gallery.search.query import QuerySource, QueryVectors, query_image, stored_embeddings
from lookalike.gallery.search.relevance_feedback import Example, examples, feedback_contributions
from lookalike.gallery.storage.embeddings import Embeddings
from lookalike.gallery.storage.row import Row
from lookalike.types import Hit, Ids, Image

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

    def candidates(self, query: VectorQuery, k: int, allowed: Ids | None, exact: bool) -> list[Hit]:
        found = [self._of_view(query, view, k, allowed, exact) for view in query.views]
        return found[0] if len(found) == 1 else _nearest_of_views(found, k)

    def _examples(self, options: SearchOptions) -> tuple[Example, ...]:
        good, bad = ([self._library.row(path) for path in paths] for paths in (options.good, options.bad))
        return examples(self._store, self._cards, self.names, good, bad)

    def _of_view(
        self, query: VectorQuery, view: Mapping[str, Described], k: int, allowed: Ids | None, exact: bool
    ) -> list[Hit]:
        disliked = {one.row.id for one in query.examples if one.weight < 0}
        same = [number for number in self._same(query.sha256, allowed) if number not in disliked]
        near = self._nearest(query, view, k, allowed, exact) if self._has_signal(view, self.names) else {}
        best = {number: Nearness(0.0) for number in same} | {n: one for n, one in near.items() if n not in same}
        return self._hits(query, view, dict(list(best.items())[:k]), same)

    def _same(self, sha256: str, allowed: Ids | None) -> list[int]:
        ids = [row.id for row in self._store.same_bytes(sha256)] if sha256 else []
        return ids if allowed is None else np.intersect1d(ids, allowed).tolist()

    def _has_signal(self, view: Mapping[str, Described], names: Iterable[str]) -> bool:
        """Whether the query has any feature; a blank one would be like every other blank one."""
        return all(view[name].contrast[0] >= self._cards[name].min_contrast for name in names)

    def _nearest(
        self, query: VectorQuery, view: Mapping[str, Described], k: int, allowed: Ids | None, exact: bool
    ) -> dict[int, Nearness]:
        """Image id -> how near it is, nearest first."""
        one_by_one = exact or (allowed is not None and len(allowed) <= EXACT_SEARCH_LIMIT)
        ids = allowed if one_by_one else self._candidates(query, view, k, allowed)
        embeddings = Embeddings.read(self._store, self._cards, self.names, ids)
        each = embeddings.from_query(_vectors(view))
        parts = np.vstack([
            self._blend.distance(each),
            feedback_contributions(self._blend, embeddings, query.examples),
        ])  # fmt: skip
        total = parts.sum(axis=0)
        order = np.lexsort((embeddings.ids, total))[:k]
        columns = {name: each[name][order].tolist() for name in self.names}
        contributors = ["query", *(one.row.path for one in query.examples)] if query.examples else []
        nears = [
            Nearness(
                d, dict(zip(columns, ds, strict=True)), dict(zip(contributors, parts[:, n].tolist(), strict=False))
            )
            for n, d, *ds in zip(order.tolist(), total[order].tolist(), *columns.values(), strict=True)
        ]
        return dict(zip(embeddings.ids[order].tolist(), nears, strict=True))

    def _candidates(self, query: VectorQuery, view: Mapping[str, Described], k: int, allowed: Ids | None) -> Ids:
        """Ids that are near the query, or a good example, by one of the descriptors; the exact distances decide."""
        names = _leading(self._blend)
        reach = k if len(self.names) == 1 and not query.examples else max(FUSION_CANDIDATES, 10 * k)
        reach = min(reach, max(self._store.count(), 1))
        asked = [_vectors(view), *(one.vectors for one in query.examples if one.weight > 0)]
        index = self._library.index
        found = [index.get(name).search(one[name], reach, allowed)[0] for name in names for one in asked]
        ids = np.unique(np.concatenate([part.ravel() for part in found]))
        return ids[ids >= 0]

    def _hits(
        self, query: VectorQuery, view: Mapping[str, Described], best: Mapping[int, Nearness], same: Collection[int]
    ) -> list[Hit]:
        for name in (name for name in self._scoring.descriptors if name in view and name not in self.names):
            self._measure(view, name, best)
        rows = self._store.rows(list(best))  # last: an image that is still there now had its distances
        background = self._background(view)
        hits = []
        for number, near in best.items():
            if number in rows:  # another process may have removed it since
                score = self._scoring.score(
                    near.distances, same_bytes=number in same, background=background, queries=len(query.views)
                )
                row, parts = rows[number], near.feedback_contributions
                hits.append(
                    Hit(row.path, near.distance, score.probability, score.relation, feedback_contributions=parts)
                )
        return hits

    def _background(self, view: Mapping[str, Described]) -> float:
        """The query's similarity to background images, by the descriptor whose score is normalised."""
        name = next((name for name in view if name in self._cards and is_normalised(self._cards[name])), None)
        return 0.0 if name is None else float(background_similarity(view[name].vectors)[0])

    def _measure(self, view: Mapping[str, Described], name: str, best: Mapping[int, Nearness]) -> None:
        """Add one more distance to what is known of the best, for their score."""
        if self._has_signal(view, [name]):
            embeddings = Embeddings.read(self._store, self._cards, [name], np.fromiter(best, np.int64))
            distances = embeddings.from_query(_vectors(view))[name].tolist()
            for number, distance in zip(embeddings.ids.tolist(), distances, strict=True):
                best[number].distances[name] = distance


def _vectors(view: Mapping[str, Described]) -> dict[str, NDArray[Any]]:
    """name -> (1, D)."""
    return {name: part.vectors for name, part in view.items()}


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
