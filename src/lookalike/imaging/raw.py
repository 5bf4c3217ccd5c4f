"""Raw files of cameras -> the largest preview that they hold, or the sensor's numbers developed; by LibRaw (rawpy)."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from lookalike.errors import DamagedImage, FileUnreadable, LoadError
from lookalike.imaging.decode import Decoded, as_load_error, check_size, decode

MIN_PREVIEW = 640  # pixels of its longer side: what is smaller is a thumbnail
PREVIEW_SHARE = 0.8  # of the sensor's side, from which on a preview shows all that there is
ASPECT_TOLERANCE = 0.03  # a thumbnail has black bars, a preview the sensor's shape
_TURNS = {3: Image.Transpose.ROTATE_180, 5: Image.Transpose.ROTATE_90, 6: Image.Transpose.ROTATE_270}  # LibRaw's flips
_TIFF_ORDERS = {b"II": b"II*\0", b"MM": b"MM\0*"}  # ORF and RW2 are TIFF with another third byte

Size = tuple[int, int]


def decode_raw(data: bytes, min_side: int | None, max_pixels: int) -> Decoded:
    """A raw file, upright, in sRGB. ``size``: the sensor's visible area. Raises LoadError."""
    try:
        import rawpy
    except ImportError as error:
        raise FileUnreadable("raw file: install lookalike[raw] to read it") from error
    with as_load_error():
        try:
            with rawpy.imread(io.BytesIO(data)) as raw:
                return _decoded(raw, data, min_side, max_pixels)
        except rawpy.LibRawError as error:
            raise DamagedImage(f"raw file: LibRaw cannot read it ({_reason(error)})") from error


def _decoded(raw: Any, data: bytes, min_side: int | None, max_pixels: int) -> Decoded:
    size = raw.sizes.width, raw.sizes.height
    check_size(size, max_pixels)
    preview = _preview(raw)
    exif = _exif_block(data) or (preview.info.get("exif") if preview is not None else None) or b""
    turn = _TURNS.get(raw.sizes.flip)
    upright = size[::-1] if turn in {Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270} else size
    if preview is not None and _is_enough(preview.size, size, min_side):
        image = preview.convert("RGB")
        image = image if turn is None else image.transpose(turn)
    else:
        is_half = min_side is not None and min(size) >= 2 * min_side
        pixels = raw.postprocess(half_size=is_half, use_camera_wb=True, no_auto_bright=True, output_bps=8)
        image = Image.fromarray(np.ascontiguousarray(pixels))
    return Decoded(image, upright, "RAW", exif=exif, is_upright=True, is_deep=True)


def _preview(raw: Any) -> Image.Image | None:
    """The largest that LibRaw finds, as it is stored; None if there is none that can be decoded."""
    import rawpy

    try:
        thumb = raw.extract_thumb()
        if thumb.format == rawpy.ThumbFormat.JPEG:
            return decode(bytes(thumb.data), None, max_pixels=2**31).image
        return Image.fromarray(np.ascontiguousarray(thumb.data, np.uint8))
    except (rawpy.LibRawError, LoadError, TypeError, ValueError):
        return None


def _is_enough(preview: Size, sensor: Size, min_side: int | None) -> bool:
    """Whether a preview shows the sensor's image, and at the size that is asked for."""
    aspects = (max(size) / min(size) for size in (preview, sensor))
    if max(preview) < MIN_PREVIEW or abs(next(aspects) / next(aspects) - 1) > ASPECT_TOLERANCE:
        return False
    wanted = PREVIEW_SHARE * min(sensor)
    return min(preview) >= (wanted if min_side is None else min(wanted, min_side))


def _exif_block(data: bytes) -> bytes:
    """What tells of camera and time: the file itself where it is a TIFF or nearly one, of CR3 the box of its own."""
    if data[:2] in _TIFF_ORDERS and not data.startswith(b"II\x1a"):
        return _TIFF_ORDERS[data[:2]] + data[4:]
    box = data.find(b"CMT1") if data[4:8] == b"ftyp" else -1
    return data[box + 4 : box + 4 + (1 << 16)] if box >= 0 else b""


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return (reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)).lower() or "unknown"
