"""Reads the file of an image that a gallery holds, if it still is the one that was indexed."""

from __future__ import annotations

from lookalike.errors import FileMissing, LoadError
from lookalike.gallery.elsewhere.read import load_row
from lookalike.gallery.storage.row import Row
from lookalike.imaging import MAX_PIXELS
from lookalike.types import Failure, Image

CHANGED = "changed since it was indexed; index its folder again"


def load_verified(row: Row, *, min_side: int, max_pixels: int = MAX_PIXELS) -> Image:
    """The image. Raises LoadError for a file that is gone, cannot be read, or holds other bytes than were indexed."""
    image = load_row(row, min_side=min_side, max_pixels=max_pixels)
    if image.sha256 != row.sha256:
        raise LoadError(CHANGED, row.path)
    return image


def load_or_failure(row: Row, *, min_side: int, max_pixels: int = MAX_PIXELS) -> Image | Failure:
    """The same, with a Failure instead of the error, for work on many images."""
    try:
        return load_verified(row, min_side=min_side, max_pixels=max_pixels)
    except FileMissing:
        return Failure(row.path, "vanished: it was indexed, and then gone")
    except LoadError as error:
        return Failure(row.path, error.reason)
