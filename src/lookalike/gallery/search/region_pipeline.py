"""A search by regions from the image to its verified hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lookalike.comparison.alignment.align import LOAD_MIN_SIDE, with_keypoints
from lookalike.comparison.pair import COMPARISON_DESCRIPTORS, ComparisonInput
from lookalike.descriptors import describe_all, region_network
from lookalike.descriptors.neural.region_model import FINE_SCALE
from lookalike.errors import UserError
from lookalike.gallery.search.query import Region, box_of, query_image
from lookalike.gallery.search.region_matching import RegionQuery
from lookalike.gallery.search.region_search import RegionSearcher
from lookalike.gallery.search.reranking import RERANK_TOP_K, GeometricVerifier
from lookalike.gallery.storage.filters import Condition
from lookalike.paths import PathLike
from lookalike.types import Box, Hit, Image


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a search by regions may be chosen, as for ``Gallery.search``."""

    by: str
    k: int
    where: Condition | None
    region: Region | None
    exact: bool
    verify: int | None

    @property
    def looked_at(self) -> int:
        """How many hits are laid on the query. Raises UserError for less than none."""
        if self.verify is not None and self.verify < 0:
            raise UserError(f"verify must be 0 or more, not {self.verify}")
        return RERANK_TOP_K if self.verify is None else self.verify


def search_regions(
    searcher: RegionSearcher, verifier: GeometricVerifier, image: PathLike | bytes | Image, asked: Asked
) -> list[Hit]:
    """At least ``k`` images that hold the query, or a part of it; copies that were looked at come first."""
    count = asked.looked_at
    least = max(LOAD_MIN_SIDE if count else 1, FINE_SCALE * region_network(asked.by).card.min_side)
    image = query_image(image, (asked.by, *(COMPARISON_DESCRIPTORS if count else ())), asked.region, least)
    query = RegionQuery.of(asked.by, image, image.sha256 if asked.region is None else "")
    hits = searcher.search(asked.by, query, max(asked.k, count), asked.where, asked.exact)
    if any(hit.relation != "identical" for hit in hits[:count]):
        seen = ComparisonInput(with_keypoints(image), describe_all([image], COMPARISON_DESCRIPTORS))
        hits = [*verifier.hits(seen, hits[:count]), *hits[count:]]
    return placed(hits, None if asked.region is None else box_of(asked.region))


def placed(hits: Sequence[Hit], region: Box | None) -> list[Hit]:
    """The hits with boxes of the query in pixels of the image that it was cut from."""
    if region is None:
        return list(hits)
    return [
        replace(hit, box=_moved(hit.box, max(region.x, 0), max(region.y, 0)))
        if hit.box is not None and hit.box_in == "query"
        else hit
        for hit in hits
    ]


def _moved(box: Box, x: float, y: float) -> Box:
    return Box(box.x + x, box.y + y, box.width, box.height)
