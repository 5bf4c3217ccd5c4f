"""The one way of a search: query -> candidates -> second chance -> re-ranking -> hits. For whole images and regions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from lookalike.descriptors import get
from lookalike.descriptors.fusion import BLEND
from lookalike.descriptors.neural.region_model import RegionDescriptor
from lookalike.errors import UserError
from lookalike.gallery.calibration.scoring import Scoring
from lookalike.gallery.library import Library
from lookalike.gallery.search.allowed import Allowed
from lookalike.gallery.search.candidates import CandidateSource, Q, Query
from lookalike.gallery.search.options import SearchOptions, parse_region
from lookalike.gallery.search.query import QuerySource, QueryVectors, is_blank, query_image
from lookalike.gallery.search.region_search import RegionSource
from lookalike.gallery.search.reranking import GeometricVerifier, comparison_input, ranked
from lookalike.gallery.search.second_chance import second_chance
from lookalike.gallery.search.vector_search import VectorSource
from lookalike.gallery.storage.row import Row
from lookalike.types import Box, Hit, Image

AT_ONCE = 128  # queries that share a call of the index, and of the store


class SearchPipeline:
    """Searches in one gallery, as it is now."""

    def __init__(self, library: Library) -> None:
        self._library, self._store = library, library.store
        with self._store.reading():
            self._scoring = Scoring.of(library.store, library.cards)

    def search(self, image: QuerySource | QueryVectors, options: SearchOptions) -> list[Hit]:
        """At most ``options.k`` hits, best first; copies that were verified come first. See ``Gallery.search``."""
        return next(self.search_many([image], options))

    def search_many(self, images: Sequence[QuerySource | QueryVectors], options: SearchOptions) -> Iterator[list[Hit]]:
        """The same of each of these images, in their order. What needs vectors alone is asked for many at once."""
        with self._store.reading():
            source, allowed = self.source(options), Allowed.by(self._library, options.where)
        depth = options.depth(source.reranks)
        at_once = 1 if depth and not all(isinstance(one, QueryVectors) for one in images) else AT_ONCE
        for start in range(0, len(images), at_once):
            some = images[start : start + at_once]
            depths = [self._depth(image, depth) for image in some]
            queries = [source.query(image, options, deep) for image, deep in zip(some, depths, strict=True)]
            with self._store.reading():
                found = source.candidates_of_all(queries, max(options.k, *depths), allowed, options.exact)
            for query, deep, hits in zip(queries, depths, found, strict=True):
                yield self._finished(source, query, hits, deep, allowed, options)

    def _depth(self, image: QuerySource | QueryVectors, depth: int) -> int:
        """How many candidates of this query are re-ranked: none of one that comes without an image."""
        if isinstance(image, QueryVectors) or (isinstance(image, Row) and self._store.privacy.opaque):
            return 0
        return depth

    def _finished(
        self,
        source: CandidateSource[Q],
        query: Q,
        hits: list[Hit],
        depth: int,
        allowed: Allowed | None,
        options: SearchOptions,
    ) -> list[Hit]:
        """Re-ranked as deep as wanted; the first k that are sure enough."""
        if query.image is not None and any(hit.relation != "identical" for hit in hits[:depth]):
            every = options.rerank is not None
            more = partial(self._second_chance, source, query, hits, depth, allowed)
            hits = [*self._reranked(query, query.image, hits[:depth], more, every), *hits[depth:]]
        least = options.precision or 0.0
        return [hit for hit in _in_the_original(hits, options)[: options.k] if hit.probability >= least]

    def source(self, options: SearchOptions) -> CandidateSource[Any]:
        """Where the candidates come from. Raises UserError for a descriptor that is not held."""
        by = options.by or self._scoring.default or next(iter(self._library.region_cards))
        if isinstance(by, str) and _goes_by_regions(self._library, by):
            return RegionSource(self._library, by)
        return VectorSource(self._library, self._scoring, by)

    def is_blank(self, image: QuerySource, options: SearchOptions) -> bool:
        """Whether nothing is found because the query shows nothing."""
        names = self.source(options).names
        return is_blank(query_image(image, names, options.region), names)

    def _second_chance(
        self, source: CandidateSource[Q], query: Q, hits: Sequence[Hit], count: int, allowed: Allowed | None
    ) -> list[Hit]:
        """Images that hold the query as a part, or lie within it, and are not among the hits."""
        if source.second_chance is None or query.image is None:
            return []
        found = second_chance(self._library, source.second_chance, source.names[0], query.image, count, allowed)
        known = {hit.path for hit in hits}
        rows = [self._store.row_of(path) for path in found if path not in known]
        ids = np.array([row.id for row in rows if row is not None], np.int64)
        return source.candidates(query, len(ids), Allowed(self._library, ids), exact=True) if len(ids) else []

    def _reranked(
        self, query: Query, image: Image, hits: Sequence[Hit], more: Callable[[], list[Hit]], every: bool
    ) -> list[Hit]:
        """By geometric verification: same bytes first, then copies, the surest first, then the others. ``more``: the
        second chance, where no copy is proved. ``every``: verify them all, whatever is proved."""
        verifier = GeometricVerifier.of(self._library, self._scoring)
        subject = comparison_input(image, query.described)
        checked = verifier.check(subject, hits, every)
        if every or not any(one.proves for one in checked):
            checked += verifier.check(subject, more(), every)
        return ranked(checked)


def _goes_by_regions(library: Library, by: str) -> bool:
    """Whether a search ``by`` this goes by regions. Raises UserError for those that are not held."""
    if by in library.region_cards:
        return True
    if by == BLEND or by in library.cards or "=" in by or not isinstance(get(by), RegionDescriptor):
        return False
    raise UserError(
        f"this gallery holds no {by!r}; add them, and nothing else is read again: "
        f"lookalike index --gallery {library.place} --with {by}"
    )


def _in_the_original(hits: Sequence[Hit], options: SearchOptions) -> list[Hit]:
    """The hits with boxes of the query in pixels of the image that it was cut from."""
    if options.region is None:
        return list(hits)
    region = parse_region(options.region)
    return [
        replace(hit, box=_moved(hit.box, max(region.x, 0), max(region.y, 0)))
        if hit.box is not None and hit.box_in == "query"
        else hit
        for hit in hits
    ]


def _moved(box: Box, x: float, y: float) -> Box:
    return Box(box.x + x, box.y + y, box.width, box.height)
