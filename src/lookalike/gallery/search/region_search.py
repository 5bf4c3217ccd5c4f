"""Candidates by regions: what the query shows is a part of an image, or a part of the query is a whole image.

The index tells which images may be near, and the store how near they are (region_matching.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lookalike.comparison.alignment.align import LOAD_MIN_SIDE
from lookalike.comparison.pair import COMPARISON_DESCRIPTORS
from lookalike.descriptors import region_network
from lookalike.descriptors.neural.region_model import FINE_SCALE, Regions, no_regions
from lookalike.distance import normalise
from lookalike.errors import UserError
from lookalike.gallery.library import Library
from lookalike.gallery.search.allowed import Allowed
from lookalike.gallery.search.options import SearchOptions
from lookalike.gallery.search.query import QuerySource, QueryVectors, query_image
from lookalike.gallery.search.region_matching import RegionMatch, RegionQuery, match_box, match_distance, nearest
from lookalike.gallery.storage.region_codec import MAX_REGIONS
from lookalike.gallery.storage.row import Row
from lookalike.types import Hit, Ids, Image

REGIONS_PER_SCALE = 1_000  # regions that the index tells of for each scale of the query, at least
WHOLES_PER_PART = 20  # images that it tells of for each part of the query, at least
EXACT_CANDIDATES = 200  # images that are compared exactly, at least
EXACT_SEARCH_LIMIT = 2_000  # images that a filter leaves: from here down they are compared one by one


class RegionSource:
    """A search by the regions of one network."""

    def __init__(self, library: Library, name: str) -> None:
        self._store, self._index, self._name = library.store, library.region_index, name

    @property
    def names(self) -> tuple[str, ...]:
        return (self._name,)

    @property
    def reranks(self) -> bool:
        return region_network(self._name).proposes_parts

    @property
    def second_chance(self) -> str | None:
        return None

    def query(self, source: QuerySource | QueryVectors, options: SearchOptions, depth: int) -> RegionQuery:
        if isinstance(source, QueryVectors):
            raise UserError("a search by regions needs the image: vectors of whole images have none")
        if options.views or options.feedback:
            raise UserError("views, good and bad are for whole images: leave them out in a search by regions")
        least = max(LOAD_MIN_SIDE if depth else 1, FINE_SCALE * region_network(self._name).card.min_side)
        needed = (self._name, *(COMPARISON_DESCRIPTORS if depth else ()))
        image = query_image(source, needed, options.region, least)
        return RegionQuery.of(self._name, image, image.sha256 if options.region is None else "")

    def stored_query(self, row: Row) -> RegionQuery:
        """By the regions that are stored of an image of the gallery, the first of which is all of it: no file is
        read."""
        held = dict(self._store.regions.of_images(self._name, [row.id])).get(row.id)
        parts = no_regions(region_network(self._name).card.dim) if held is None else held
        return RegionQuery(normalise(parts.vectors[:1]), parts, row.width, row.height)

    def nearest_images(self, query: RegionQuery, k: int, allowed: Ids) -> Ids:
        """Ids of those of the allowed images that are nearest by the index, at least k of them if it knows so many."""
        return self._candidates(query, k, allowed) if len(query.scales) else allowed[:0]

    def distances(self, query: RegionQuery, images: Ids) -> dict[int, float]:
        """Image id -> how near it is by its regions, or by those of the query; of a blank query, of none."""
        if not len(query.scales):
            return {}
        return {number: match.distance for number, match in self._compared(query, images).items()}

    def part(self, image: Image) -> RegionQuery:
        """A query that is looked for as a part of others alone."""
        return RegionQuery.of(self._name, image, "", with_parts=False)

    def candidates(self, query: RegionQuery, k: int, allowed: Allowed | None, exact: bool) -> list[Hit]:
        """As in the contract; nothing but the same bytes for a blank query."""
        left = None if allowed is None else allowed.ids
        same = [row.id for row in self._store.same_bytes(query.sha256)] if query.sha256 else []
        same = same if left is None else np.intersect1d(same, left).tolist()
        matches = self._matches(query, k, left, exact) if len(query.scales) else {}
        order = sorted(matches.keys() - set(same), key=lambda number: (matches[number].distance, number))
        rows = self._store.rows([*same, *order][:k])
        identical = [Hit(rows[one].path, 0.0, 1.0, "identical") for one in same[:k] if one in rows]
        return identical + self._hits(query, rows, {one: matches[one] for one in order if one in rows})

    def candidates_of_all(
        self, queries: Sequence[RegionQuery], k: int, allowed: Allowed | None, exact: bool
    ) -> list[list[Hit]]:
        return [self.candidates(query, k, allowed, exact) for query in queries]

    def _hits(self, query: RegionQuery, rows: Mapping[int, Row], matches: Mapping[int, RegionMatch]) -> list[Hit]:
        """A distance between regions says nothing of copies; geometric verification does."""
        kept = dict(self._store.regions.of_images(self._name, list(matches)))
        hits = [_hit(rows[one], match, kept[one], query) for one, match in matches.items() if one in kept]
        return sorted(hits, key=lambda hit: hit.distance)

    def _matches(self, query: RegionQuery, k: int, allowed: Ids | None, exact: bool) -> dict[int, RegionMatch]:
        """Image id -> how near it is: of every image that is allowed, or of those that the index tells of."""
        if exact or (allowed is not None and len(allowed) <= EXACT_SEARCH_LIMIT):
            ids = self._store.select() if allowed is None else allowed
        else:
            ids = self._candidates(query, k, allowed)
        return self._compared(query, ids)

    def _compared(self, query: RegionQuery, ids: Ids) -> dict[int, RegionMatch]:
        found: dict[int, RegionMatch] = {}
        for block in self._store.regions.vectors_of(self._name, ids.tolist()):
            found |= nearest(query, block)
        return found

    def _candidates(self, query: RegionQuery, k: int, allowed: Ids | None) -> Ids:
        """The images that are most alike by the index, whichever way the one is in the other."""
        index = self._index.get(self._name)
        if not len(index):
            return np.empty(0, np.int64)
        found = [index.search(query.scales, min(max(REGIONS_PER_SCALE, MAX_REGIONS * k), len(index)), allowed)]
        if len(query.parts):
            reach = min(max(WHOLES_PER_PART, k), self._store.count())
            found.append(index.search_wholes(query.parts.vectors, reach, allowed))
        numbers, similarities = (np.concatenate([part[n].ravel() for part in found]) for n in (0, 1))
        return _first_images(numbers[np.argsort(-similarities, kind="stable")], max(EXACT_CANDIDATES, 4 * k))


def _first_images(numbers: Ids, count: int) -> Ids:
    """The images of regions in their order, each once."""
    return np.fromiter(list(dict.fromkeys((numbers[numbers >= 0] // MAX_REGIONS).tolist()))[:count], np.int64)


def _hit(row: Row, match: RegionMatch, image: Regions, query: RegionQuery) -> Hit:
    box = match_box(match, image, query, row.width, row.height)
    distance = match_distance(match, image, query)
    return Hit(row.path, distance, 0.0, "similar", box=box, box_in=match.box_in if box else None)
