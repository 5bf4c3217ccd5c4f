"""A second look at large images that seem to be re-encoded: at the size of a comparison, a digit on a scanned page is a
speck, and a proof must have seen it."""

from __future__ import annotations

from dataclasses import replace

from lookalike.comparison.alignment.align import Alignment
from lookalike.comparison.alignment.orientations import orientation_matrix
from lookalike.comparison.alignment.unexplained import SIDES, unexplained
from lookalike.errors import LoadError
from lookalike.imaging import as_image
from lookalike.imaging.read import Source
from lookalike.types import Image

FINE_SIDES = (SIDES[0], 2000)  # pixels of the longer side, least and most: body text of a page at 300 dpi can be read
LOAD_MIN_SIDE = 1000  # pixels of the shorter side that a large image is read with for it


def is_too_coarse(a: Image, b: Image) -> bool:
    """Whether both show more than was looked at."""
    return min(max(a.width, a.height), max(b.width, b.height)) > SIDES[1]


def can_be_finer(image: Image, source: Source | None) -> bool:
    """Whether there is more to be had of an image: what came as bytes that nobody keeps is taken as it was seen."""
    return source is not None or _is_full(image)


def fine_look(a: Image, b: Image, sources: tuple[Source | None, Source | None], alignment: Alignment) -> Alignment:
    """The alignment with what is unexplained at up to FINE_SIDES, or with nothing known of it where a file cannot be
    read again as it was."""
    first, second = (_in_full(image, source) for image, source in zip((a, b), sources, strict=True))
    if first is None or second is None:
        return replace(alignment, unexplained=None)
    # What was only saved again lies on the other as a whole, exactly; matches of a coarser look are a pixel off here.
    whole = orientation_matrix("upright", (a.width, a.height), (b.width, b.height))
    changed = alignment.difference.mask
    found = unexplained(first, second, whole, changed, sides=FINE_SIDES)
    if found is None or found.mask.any():
        matched = unexplained(first, second, alignment.match.matrix, changed, sides=FINE_SIDES)
        seen = [one for one in (found, matched) if one is not None]
        found = min(seen, key=lambda one: one.worst_spot, default=None)
    return replace(alignment, unexplained=found)


def _in_full(image: Image, source: Source | None) -> Image | None:
    if source is None or _is_full(image):
        return image
    try:
        loaded = as_image(source, min_side=LOAD_MIN_SIDE)
    except LoadError:
        return None
    return loaded if loaded.sha256 == image.sha256 else None


def _is_full(image: Image) -> bool:
    return image.pixels.shape[:2] == (image.height, image.width)
