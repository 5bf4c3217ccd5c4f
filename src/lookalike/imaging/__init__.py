"""LOAD: path, bytes, file, Pillow image or array -> Image, upright, sRGB, uint8."""

from lookalike.imaging.crop import crop
from lookalike.imaging.decode import MAX_PIXELS
from lookalike.imaging.formats import is_image_name, looks_like_image
from lookalike.imaging.read import MAX_BYTES, ImageSource, as_image, from_array, from_pillow, load

__all__ = [
    "MAX_BYTES",
    "MAX_PIXELS",
    "ImageSource",
    "as_image",
    "crop",
    "from_array",
    "from_pillow",
    "is_image_name",
    "load",
    "looks_like_image",
]
