"""Whether two galleries hold the same, and answer the same: counts, checksums, and sampled searches."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lookalike.errors import GalleriesDiffer, UserError
from lookalike.gallery.library import Library
from lookalike.gallery.migration.checksums import checksums
from lookalike.gallery.search.options import SearchOptions
from lookalike.gallery.search.pipeline import SearchPipeline
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.row import Row
from lookalike.types import Hit

SEARCHES = 20
HITS = 10  # of each search
MIN_RECALL = 0.9  # of the true nearest, that the target's own index finds
SAME = 1e-3  # of a distance: what engines round differently
SEED = 20260101


@dataclass(frozen=True, slots=True)
class Verified:
    """What was compared and found equal: kind of content -> how many, and how many ``searches`` of which the target's
    own index found the ``recall`` of the true nearest."""

    counts: dict[str, int]
    searches: int
    recall: float


def verify(source: Library, target: Library, advance: Callable[[int], None]) -> Verified:
    """Reads both. ``advance(n)`` is called for n more images of the source. Raises GalleriesDiffer."""
    wrong = list(_counts(source.store, target.store))
    ours = checksums(source, advance)
    wrong += [] if wrong else ours.differences(checksums(target, lambda _: None))
    if wrong:
        raise GalleriesDiffer(f"{target.place}: not what {source.place} holds; {'; '.join(wrong)}")
    searches, recall = _searches(source, target)
    if searches and recall < MIN_RECALL:
        raise GalleriesDiffer(
            f"{target.place}: holds what {source.place} holds, but of the {HITS} nearest of {searches} images its "
            f"index finds only {recall:.0%}; make the index anew"
        )
    return Verified(ours.counts, searches, recall)


def _counts(source: GalleryStorage, target: GalleryStorage) -> Iterator[str]:
    """As each engine counts by itself, without reading what it counts."""
    for what in ("images", "videos", "totals", "labels", "regions", "lacking"):
        here, there = (_COUNTS[what](store) for store in (source, target))
        if here != there:
            yield f"{what}: {here} and {there}"


_COUNTS: dict[str, Callable[[GalleryStorage], object]] = {
    "images": lambda store: store.count(),
    "videos": lambda store: store.frames.videos(),
    "totals": lambda store: store.totals(),
    "labels": lambda store: store.labels.counts(),
    "regions": lambda store: {name: store.regions.described(name) for name in store.regions.names()},
    "lacking": lambda store: {name: len(store.lacking(name)) for name in store.fingerprints()},
}


def _searches(source: Library, target: Library) -> tuple[int, float]:
    """How many images were searched for, and the mean share of the true nearest that the target finds."""
    if not source.cards:
        return 0, 1.0
    pipelines = SearchPipeline(source), SearchPipeline(target)
    shares = [share for row in _sample(source.store) for share in _share(*pipelines, target.store, row)]
    return len(shares), sum(shares) / len(shares) if shares else 1.0


def _sample(store: GalleryStorage) -> list[Row]:
    ids = store.select().tolist()
    chosen = random.Random(SEED).sample(ids, min(len(ids), SEARCHES))
    return [row for row in store.rows(sorted(chosen)).values() if not row.is_video]


def _share(source: SearchPipeline, target: SearchPipeline, store: GalleryStorage, row: Row) -> Iterator[float]:
    """Of the nearest of an image by the slow, exact search of the source how many the target's own way finds. Of an
    image that lacks the vectors, nothing."""
    there = store.row_of(row.path)
    try:
        nearest = source.search(row, SearchOptions(HITS, rerank=0, exact=True))
        found = target.search(there, SearchOptions(HITS, rerank=0)) if there is not None else []
    except UserError:
        return
    if nearest:
        yield _found(nearest, found)


def _found(nearest: list[Hit], found: list[Hit]) -> float:
    limit = nearest[-1].distance
    return min(1.0, sum(hit.distance <= limit + SAME * max(1.0, limit) for hit in found) / len(nearest))
