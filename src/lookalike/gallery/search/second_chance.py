"""Which images a search verifies besides the nearest: a crop or a pasted image is far from its original as a whole.

The query may be a part of an image: then it is near one of the regions that are kept of it. Or an image may be a part
of the query: then the query's proposals are described by themselves, as images, and one of them is near it (R-CNN:
Girshick et al., arXiv 1311.2524). So described, a part is told from thousands of images far better than by the vectors
of regions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookalike.descriptors import describe_all, region_network
from lookalike.descriptors.neural.region_model import in_pixels
from lookalike.gallery.library import Library
from lookalike.gallery.search.allowed import Allowed, narrowing
from lookalike.gallery.search.region_search import RegionSource
from lookalike.imaging.crop import crop
from lookalike.types import Box, Floats, Image

PROPOSALS = 16  # the surest of the query's, that are described
MIN_SIDE = 16  # pixels of a proposal that is worth it
WITHIN = 8  # images near one of them


def second_chance(
    library: Library, regions: str, by: str, image: Image, count: int, allowed: Allowed | None
) -> tuple[str, ...]:
    """Paths of images that may hold the query as a part, at most ``count``, and of at most WITHIN that may lie within
    it. ``regions``: the descriptor of regions to go by; ``by``: of whole images."""
    source = RegionSource(library, regions)
    holding = [hit.path for hit in source.candidates(source.part(image), count, allowed, exact=False)]
    numbers = _within(library, regions, by, image, allowed)
    rows = library.store.rows(numbers)
    return tuple(dict.fromkeys([*(rows[one].path for one in numbers if one in rows), *holding]))


def _within(library: Library, regions: str, by: str, image: Image, allowed: Allowed | None) -> list[int]:
    """Ids of the images that are nearest to one of the query's proposals, nearest first."""
    parts = [crop(image, box) for box in _proposals(regions, image)]
    vectors = _telling_vectors(library, by, parts)
    if not len(vectors):
        return []
    ids, distances = library.index.get(by).search(vectors, WITHIN, **narrowing(allowed))
    order = ids.ravel()[np.argsort(distances, axis=None, kind="stable")]
    return list(dict.fromkeys(order[order >= 0].tolist()))[:WITHIN]


def _proposals(regions: str, image: Image) -> list[Box]:
    """The surest, in pixels of the image; the whole and the cells are not among them."""
    (found,) = region_network(regions).regions([image])
    sure = np.argsort(-found.scores, kind="stable")[:PROPOSALS]
    boxes = [in_pixels(found.boxes[one], image.width, image.height) for one in sure if found.scores[one] > 0]
    return [box for box in boxes if min(box.width, box.height) >= MIN_SIDE]


def _telling_vectors(library: Library, by: str, parts: Sequence[Image]) -> Floats:
    """(P, D), of those that are not blank."""
    if not parts:
        return np.empty((0, 1), np.float32)
    described = describe_all(parts, [by])[by]
    return described.vectors[described.contrast >= library.cards[by].min_contrast]
