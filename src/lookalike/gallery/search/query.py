"""The image that is looked for, and the part of it; what every search asks with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lookalike.descriptors import get, min_side
from lookalike.errors import UserError
from lookalike.imaging import ImageSource, as_image, crop
from lookalike.types import Box, Image

Region = Box | tuple[float, float, float, float]


def query_image(image: ImageSource, names: Sequence[str], region: Region | None, least: int = 1) -> Image:
    """The query for these descriptors, or the part ``region`` of it; its shorter side at least ``least`` pixels where
    the file has them. Raises LoadError, or UserError for a region that is not within."""
    side = max(least, min_side(names)) if region is None else None
    whole = as_image(image, min_side=side)
    return whole if region is None else crop(whole, box_of(region))


def box_of(region: Region) -> Box:
    """A region as people write it. Raises UserError if it is not four numbers."""
    if isinstance(region, Box):
        return region
    try:
        x, y, width, height = map(float, region)
    except (TypeError, ValueError):
        raise UserError(f"a region is four numbers x, y, width, height, not {region!r}") from None
    return Box(x, y, width, height)


def is_blank(image: Image, names: Iterable[str]) -> bool:
    """Whether one of the descriptors sees nothing in it: it would be like every other blank image."""
    found = [get(name) for name in names]
    return any(float(one.describe([image]).contrast[0]) < one.card.min_contrast for one in found)
