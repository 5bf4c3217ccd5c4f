"""Search by regions: what the query shows is a part of an image, or a part of the query is a whole image.

The index tells which images may be near, and the store how near they are (regionplaces.py).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lookalike.descriptors.neural.region_model import Regions
from lookalike.gallery.index.region_index_cache import RegionIndexCache
from lookalike.gallery.search.region_matching import Place, RegionQuery, box_of, measured, nearest
from lookalike.gallery.storage.filters import Condition
from lookalike.gallery.storage.region_codec import MAX_REGIONS
from lookalike.gallery.storage.row import Row
from lookalike.gallery.storage.store import Store
from lookalike.types import Hit, Ids

REACH = 1_000  # regions that the index tells of for each look at the query, at least
REACH_WHOLES = 20  # images that it tells of for each part of the query, at least
CANDIDATES = 200  # images that are compared exactly, at least
FEW = 2_000  # images that a filter leaves: from here down they are compared one by one


class RegionSearcher:
    """Search by regions over one gallery."""

    def __init__(self, store: Store, copies: RegionIndexCache) -> None:
        self._store, self._copies = store, copies

    def search(self, name: str, query: RegionQuery, k: int, where: Condition | None, exact: bool) -> list[Hit]:
        """The k nearest images, best first; byte-identical ones come before. Nothing else for a blank query."""
        allowed = None if where is None else self._store.allowed(where.sql, where.values)
        same = [row.id for row in self._store.same_content(query.sha256)] if query.sha256 else []
        same = same if allowed is None else np.intersect1d(same, allowed).tolist()
        places = self._places(name, query, k, allowed, exact) if len(query.looks) else {}
        order = sorted(places.keys() - set(same), key=lambda number: (places[number].distance, number))
        rows = self._store.rows([*same, *order][:k])
        identical = [Hit(rows[one].path, 0.0, 1.0, "identical") for one in same[:k] if one in rows]
        return identical + self._hits(name, query, rows, {one: places[one] for one in order if one in rows})

    def _hits(self, name: str, query: RegionQuery, rows: Mapping[int, Row], places: Mapping[int, Place]) -> list[Hit]:
        """A distance between regions says nothing of copies; laying the one on the other does."""
        kept = dict(self._store.regions.of_images(name, list(places)))
        hits = [_hit(rows[one], place, kept[one], query) for one, place in places.items() if one in kept]
        return sorted(hits, key=lambda hit: hit.distance)

    def _places(self, name: str, query: RegionQuery, k: int, allowed: Ids | None, exact: bool) -> dict[int, Place]:
        """Image id -> how near it is: of every image that is allowed, or of those that the index tells of."""
        if exact or (allowed is not None and len(allowed) <= FEW):
            ids = self._store.allowed("1", ()) if allowed is None else allowed
        else:
            ids = self._candidates(name, query, k, allowed)
        found: dict[int, Place] = {}
        for block in self._store.regions.vectors_of(name, ids.tolist()):
            found |= nearest(query, block)
        return found

    def _candidates(self, name: str, query: RegionQuery, k: int, allowed: Ids | None) -> Ids:
        """The images that are most alike by the index, whichever way the one is in the other."""
        index = self._copies.get(name)
        if not len(index):
            return np.empty(0, np.int64)
        found = [index.search(query.looks, min(max(REACH, MAX_REGIONS * k), len(index)), allowed)]
        if len(query.parts):
            reach = min(max(REACH_WHOLES, k), self._store.count())
            found.append(index.search_wholes(query.parts.vectors, reach, allowed))
        numbers, alike = (np.concatenate([part[n].ravel() for part in found]) for n in (0, 1))
        return _first_images(numbers[np.argsort(-alike, kind="stable")], max(CANDIDATES, 4 * k))


def _first_images(numbers: Ids, count: int) -> Ids:
    """The images of regions in their order, each once."""
    return np.fromiter(list(dict.fromkeys((numbers[numbers >= 0] // MAX_REGIONS).tolist()))[:count], np.int64)


def _hit(row: Row, place: Place, image: Regions, query: RegionQuery) -> Hit:
    box = box_of(place, image, query, row.width, row.height)
    distance = measured(place, image, query)
    return Hit(row.path, distance, 0.0, "similar", box=box, box_in=place.box_in if box else None)
