"""Search by regions: what the query shows is a part of a picture, or a part of the query is a whole picture.

The query at a few small sizes is held against every region of the library, and each region of the query against the
whole pictures: the two ways in which the one is in the other. Everything against everything finds less, for among so
many pairs some are near by chance (in a first trial: 0.714 of the hard edits against 0.764).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from lookalike.describe import region_network
from lookalike.describe.base import DescriptorCard
from lookalike.describe.regions import Regions, in_pixels
from lookalike.distance import METRICS
from lookalike.gallery.exact import Ids
from lookalike.gallery.packing import MOST
from lookalike.gallery.regioncopies import RegionCopies
from lookalike.gallery.store import Row, Store
from lookalike.gallery.where import Condition
from lookalike.types import Box, Floats, Hit, Image

REACH = 1_000  # regions that the index tells of, at least
NEAR_PARTS = 8  # whole pictures that are looked at for each region of the query
AT_ONCE = 500  # pictures whose regions are compared at a time: bounds the memory
FEW = 2_000  # pictures that a filter leaves: from here down they are compared one by one
WHOLE = 0.999  # share of both sides from which a box is the whole picture


@dataclass(frozen=True, slots=True)
class RegionQuery:
    """``looks``: (L, D), the query as a part of something. ``parts``: its own regions, each perhaps a whole picture.
    ``width``, ``height``: of the query, pixels. ``sha256``: of its file, "" if it is a part of one."""

    looks: Floats
    parts: Regions
    width: int
    height: int
    sha256: str = ""

    @classmethod
    def of(cls, name: str, image: Image, sha256: str) -> RegionQuery:
        """By this network. A query without any contrast has no looks: it would be like every blank region."""
        network = region_network(name)
        quality = network.describe([image]).quality[0]
        looks = network.looks(image)
        telling = looks if quality >= network.card.min_quality else looks[:0]
        return cls(telling, network.regions([image])[0], image.width, image.height, sha256)


@dataclass(frozen=True, slots=True)
class Place:
    """How near a picture is, and which box tells: one of the picture's, or one of the query's."""

    distance: float
    box: Floats
    box_in: str


class RegionSearcher:
    """Search by regions over one gallery."""

    def __init__(self, store: Store, copies: RegionCopies, cards: Mapping[str, DescriptorCard]) -> None:
        self._store, self._copies, self._cards = store, copies, cards

    def search(self, name: str, query: RegionQuery, k: int, where: Condition | None, exact: bool) -> list[Hit]:
        """The k nearest pictures, best first; byte-identical ones come before. Nothing for a blank query."""
        allowed = None if where is None else self._store.allowed(where.sql, where.values)
        same = [row.id for row in self._store.same_content(query.sha256)] if query.sha256 else []
        same = same if allowed is None else np.intersect1d(same, allowed).tolist()
        places = self._places(name, query, k, allowed, exact) if len(query.looks) else {}
        order = sorted(places, key=lambda number: (number not in same, places[number].distance, number))
        ids = list(dict.fromkeys([*same, *order]))[:k]
        rows = self._store.rows(ids)
        return [_hit(rows[one], places.get(one), query, one in same) for one in ids if one in rows]

    def _places(self, name: str, query: RegionQuery, k: int, allowed: Ids | None, exact: bool) -> dict[int, Place]:
        """Picture id -> how near it is: of every picture that is allowed, or of those that the index tells of."""
        if exact or (allowed is not None and len(allowed) <= FEW):
            ids = self._store.allowed("1", ()) if allowed is None else allowed
        else:
            ids = self._candidates(name, query, k, allowed)
        found = self._store.regions.of_pictures(name, ids.tolist())
        return nearest(query, found, self._cards[name])

    def _candidates(self, name: str, query: RegionQuery, k: int, allowed: Ids | None) -> Ids:
        index = self._copies.get(name)
        if not len(index):
            return np.empty(0, np.int64)
        parts = index.search(query.looks, min(max(REACH, MOST * k), len(index)), allowed)
        firsts = [_first_pictures(row, max(4 * k, 100)) for row in parts]
        if len(query.parts):
            reach = min(NEAR_PARTS, self._store.count())
            firsts.append(index.search(query.parts.vectors, reach, allowed, wholes=True).ravel() // MOST)
        ids = np.unique(np.concatenate(firsts))
        return ids[ids >= 0]


def nearest(query: RegionQuery, pictures: Iterable[tuple[int, Regions]], card: DescriptorCard) -> dict[int, Place]:
    """Each picture's least distance, by comparing with everything."""
    found: dict[int, Place] = {}
    some = ((number, regions) for number, regions in pictures if len(regions))
    while block := dict(islice(some, AT_ONCE)):
        found |= _nearest(query, block, card)
    return found


def _nearest(query: RegionQuery, pictures: Mapping[int, Regions], card: DescriptorCard) -> dict[int, Place]:
    measure = METRICS[card.metric]
    lengths = [len(one) for one in pictures.values()]
    starts = np.cumsum([0, *lengths[:-1]])
    to_parts = measure(query.looks, np.concatenate([one.vectors for one in pictures.values()])).min(0)
    best = [start + int(to_parts[start : start + count].argmin()) for start, count in zip(starts, lengths, strict=True)]
    found = {
        number: Place(float(to_parts[at]), regions.boxes[at - start], "picture")
        for (number, regions), at, start in zip(pictures.items(), best, starts, strict=True)
    }
    if len(query.parts):
        wholes = np.stack([one.vectors[0] for one in pictures.values()])
        to_whole = measure(query.parts.vectors, wholes)
        for (number, regions), part, column in zip(pictures.items(), to_whole.argmin(0), to_whole.T, strict=True):
            if _is_whole(regions.boxes[0]) and column[part] < found[number].distance:
                found[number] = Place(float(column[part]), query.parts.boxes[part], "query")
    return found


def placed(hits: Sequence[Hit], region: Box | None) -> list[Hit]:
    """The hits with boxes of the query in pixels of the picture that it was cut from."""
    if region is None:
        return list(hits)
    x, y = max(region.x, 0), max(region.y, 0)
    return [
        replace(hit, box=Box(hit.box.x + x, hit.box.y + y, hit.box.width, hit.box.height))
        if hit.box is not None and hit.box_in == "query"
        else hit
        for hit in hits
    ]


def _first_pictures(numbers: Ids, count: int) -> Ids:
    """The pictures of regions in their order, each once."""
    return np.fromiter(list(dict.fromkeys((numbers[numbers >= 0] // MOST).tolist()))[:count], np.int64)


def _is_whole(box: Floats) -> bool:
    return bool(box[2] >= WHOLE and box[3] >= WHOLE)


def _hit(row: Row, place: Place | None, query: RegionQuery, same: bool) -> Hit:
    """A distance between regions says nothing of copies; laying the one on the other does."""
    if same:
        return Hit(row.path, 0.0, 1.0, "identical")
    if place is None or _is_whole(place.box):
        return Hit(row.path, place.distance if place else 0.0, 0.0, "similar")
    width, height = (row.width, row.height) if place.box_in == "picture" else (query.width, query.height)
    box = in_pixels(place.box, width, height)
    return Hit(row.path, place.distance, 0.0, "similar", box=box, box_in=place.box_in)
