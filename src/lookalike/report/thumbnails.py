"""Small images that travel inside the page."""

from __future__ import annotations

import base64

from lookalike.gallery.storage.thumbnails import webp
from lookalike.types import Pixels

QUALITY = 72


def thumbnail(pixels: Pixels, side: int = 320) -> str:
    """The (h, w, 3) uint8 sRGB ``pixels`` as a WebP data URI, its longer side at most ``side`` pixels.

    A photograph at 320 pixels takes about 13 kB of text, at 200 pixels about 6 kB. Smaller images keep their size.
    """
    return "data:image/webp;base64," + base64.b64encode(webp(pixels, side, QUALITY)).decode("ascii")
