"""JPEG XL -> pixels, by libjxl (imagecodecs, BSD). The size is read from the header first (ISO/IEC 18181-1)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookalike.errors import DamagedImage, FileUnreadable
from lookalike.imaging.decode import TRUNCATED, Decoded, as_load_error, check_size
from lookalike.imaging.frames import Frames, frames_of
from lookalike.imaging.grey_levels import grey_levels

_CODESTREAM = b"\xff\x0a"
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_SIZE_BITS = (9, 13, 18, 30)


def decode_jpeg_xl(data: bytes, min_side: int | None, max_pixels: int) -> Decoded:
    """A JPEG XL file, upright as libjxl turns it. Raises LoadError."""
    try:
        from imagecodecs import jpegxl_decode
    except ImportError as error:
        raise FileUnreadable("JPEG XL: install lookalike[jxl] to read it") from error
    del min_side  # there is no smaller scale to decode at
    with as_load_error():
        check_size(_size(_codestream(data)), max_pixels)
        pixels = np.asarray(jpegxl_decode(data))
        images = [_image(frame) for frame in (pixels if pixels.ndim == 4 else pixels[None])]
        frames = frames_of(images) if len(images) > 1 else Frames()
        shown = images[frames.chosen]
        is_deep = pixels.dtype != np.uint8
        return Decoded(shown, shown.size, "JXL", frames, exif=b"", is_upright=True, is_deep=is_deep)


def _image(pixels: NDArray[Any]) -> Image.Image:
    """(h, w) or (h, w, 1..4) uint8, uint16 or float -> a Pillow image of 8 bits."""
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        pixels = grey_levels(pixels)
    return Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels))


def _codestream(data: bytes) -> bytes:
    """The beginning of the coded image, which may lie in a box of a container."""
    if data.startswith(_CODESTREAM):
        return data[2:32]
    at = 0
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        start = at + (16 if length == 1 else 8) + (4 if kind == b"jxlp" else 0)
        if kind in {b"jxlc", b"jxlp"}:
            return data[start + 2 : start + 32]
        at += int.from_bytes(data[at + 8 : at + 16], "big") if length == 1 else max(length, 8)
    raise DamagedImage(TRUNCATED)


def _size(header: bytes) -> tuple[int, int]:
    """(width, height) from the size header: bits, the lowest of a byte first."""
    bits, at = int.from_bytes(header, "little"), 0

    def take(count: int) -> int:
        nonlocal at
        at += count
        return bits >> (at - count) & ((1 << count) - 1)

    def side() -> int:
        return (take(5) + 1) * 8 if is_small else take(_SIZE_BITS[take(2)]) + 1

    is_small = take(1)
    height, ratio = side(), take(3)
    width = height * _RATIOS[ratio][0] // _RATIOS[ratio][1] if ratio else side()
    return width, height
