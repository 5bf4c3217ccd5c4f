"""LOAD: path, bytes or file -> Image, upright, sRGB, uint8."""

from lookalike.imaging.crop import crop
from lookalike.imaging.decode import MAX_PIXELS
from lookalike.imaging.formats import is_image_name, looks_like_image
from lookalike.imaging.read import MAX_BYTES, from_array, load

__all__ = ["MAX_BYTES", "MAX_PIXELS", "crop", "from_array", "is_image_name", "load", "looks_like_image"]
