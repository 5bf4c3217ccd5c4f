"""LOAD: path, bytes or file -> Image, upright, sRGB, uint8."""

from lookalike.load.decode import MAX_PIXELS
from lookalike.load.formats import is_picture_name, looks_like_picture
from lookalike.load.reading import MAX_BYTES, from_array, load
from lookalike.load.region import crop

__all__ = ["MAX_BYTES", "MAX_PIXELS", "crop", "from_array", "is_picture_name", "load", "looks_like_picture"]
