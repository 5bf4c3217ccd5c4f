"""Encoded bytes -> a Pillow image, within limits, with every failure as a LoadError.

This does what ``PIL.Image.open`` does, without its bomb check: that one looks at the size in the header,
and refuses the 200-megapixel JPEG of a telephone although its draft mode decodes it at an eighth. Ours
looks at the pixels that must really be held in memory.
"""

from __future__ import annotations

import importlib
import io
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from PIL import Image, ImageFile, JpegImagePlugin

from lookalike.errors import DamagedImage, FileUnreadable, ImageTooLarge, LoadError, NotAnImage
from lookalike.imaging.colour_signal import ColourSignal, colour_signal
from lookalike.imaging.formats import ImageFormat, name_other, sniff
from lookalike.imaging.frames import STILL, Frames, frame_numbers, look_through
from lookalike.imaging.jpeg_damage import jpeg_damage

MAX_PIXELS = 150_000_000
"""Decoded pixels that are allowed: 600 MB in Pillow's memory."""
MAX_SIDE = 4 * 65_535
"""A longer side in a header is a lie."""

TRUNCATED = "truncated: the file ends before the image does"
_JPEG_MARKERS = 10_000
_JPEG_JUNK = 65_536
_JPEG_SCANS = 500
# Pillow turns TIFF, and libheif turns HEIF, while decoding.
UPRIGHT_WHEN_DECODED = {"TIFF", "HEIF"}
_BITS_PER_SAMPLE = 258
# These plugins never warn, so they need not be hushed.
_SILENT = {"JPEG", "PNG", "WEBP", "BMP"}


@dataclass(frozen=True, slots=True)
class Decoded:
    """One frame of a file, and what else decoding finds out.

    ``size``: (width, height) at full size, as stored. ``exif``: the block that tells of time and camera, None for the
    image's own. ``is_upright``: whether it is turned already. ``is_deep``: whether it holds colours of more than 8 bits
    each. ``damage``: as in ``types.Image``."""

    image: Image.Image
    size: tuple[int, int]
    name: str
    frames: Frames = STILL
    signal: ColourSignal | None = None
    exif: bytes | None = None
    is_upright: bool = False
    is_deep: bool = False
    damage: str | None = None


class _Jpeg(JpegImagePlugin.JpegImageFile):
    """Without the search for a resolution in EXIF, which costs time and warns when EXIF is broken."""

    def _read_dpi_from_exif(self) -> None:
        pass


def decode(data: bytes, min_side: int | None, max_pixels: int) -> Decoded:
    """The frame of encoded bytes that stands for all, most often the first.

    With ``min_side``, a JPEG comes at the smallest of the scales 1, 1/2, 1/4, 1/8 at which both sides are
    at least so many pixels long. Raises a LoadError, without a path, and nothing else.
    """
    fmt = sniff(data)
    if fmt is None:
        raise NotAnImage(name_other(data))
    with as_load_error(), nullcontext() if fmt.name in _SILENT else _NO_WARNINGS.hold():
        return _decode_as(fmt, data, min_side, max_pixels)


@contextmanager
def opened_frames(data: bytes, max_pixels: int) -> Iterator[tuple[ImageFile.ImageFile, list[int]]]:
    """Encoded bytes as Pillow's image, to be sought from frame to frame, and the numbers of the frames that belong
    together. Whatever goes wrong meanwhile is a LoadError, without a path."""
    fmt = sniff(data)
    if fmt is None:
        raise NotAnImage(name_other(data))
    with as_load_error(), _NO_WARNINGS.hold():
        image = _open(fmt, data, max_pixels)
        check_size(image.size, max_pixels)
        yield image, frame_numbers(fmt.name, image) or [0]


def _decode_as(fmt: ImageFormat, data: bytes, min_side: int | None, max_pixels: int) -> Decoded:
    if fmt.name == "JPEG":
        return _decode_jpeg(data, min_side, max_pixels)
    image = _open(fmt, data, max_pixels)
    check_size(image.size, max_pixels)
    frames = look_through(fmt.name, image, lambda: _open(fmt, data, max_pixels), max_pixels)
    if frames is not STILL and frames.chosen != image.tell():
        image.seek(frames.chosen)
        check_size(image.size, max_pixels)
    image.load()
    return Decoded(
        image,
        image.size,
        fmt.name,
        frames,
        colour_signal(fmt.name, data),
        exif=data if fmt.name == "TIFF" else None,
        is_upright=fmt.name in UPRIGHT_WHEN_DECODED,
        is_deep=_is_deep(fmt.name, image, data),
        damage=frames.damage,
    )


def _decode_jpeg(data: bytes, min_side: int | None, max_pixels: int) -> Decoded:
    scan = _first_scan_offset(data)

    def at_scale(data: bytes) -> tuple[Image.Image, tuple[int, int]]:
        image = _Jpeg(io.BytesIO(data))
        size = image.size
        check_size(size, max_pixels=None)
        _prepare_jpeg(image, data, min_side, max_pixels)
        check_size(image.size, max_pixels)
        if _is_truncated(size, data, max_pixels):
            raise DamagedImage(TRUNCATED)
        drafted = image.size != size
        image.load()
        return image, size if drafted else image.size

    image, size = at_scale(data)
    return Decoded(image, size, "JPEG", damage=jpeg_damage(image, data, scan, lambda data: at_scale(data)[0]))


def _is_deep(name: str, image: Image.Image, data: bytes) -> bool:
    """Whether Pillow cut colours of 16 bits down to 8."""
    if name == "PNG":
        return data[24] > 8 and image.mode != "I" and not image.mode.startswith("I;")
    bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, 8) if name == "TIFF" else 8
    return len(image.getbands()) > 1 and max(bits if isinstance(bits, tuple) else (bits,)) > 8


def check_size(size: tuple[int, int], max_pixels: int | None) -> None:
    """Raise ImageTooLarge if a side, or the pixels if there is a limit to them, are too many."""
    width, height = size
    if max(size) > MAX_SIDE:
        raise ImageTooLarge(f"{width} x {height} pixels, but no side may be longer than {MAX_SIDE}")
    if max_pixels is not None and width * height > max_pixels:
        million, limit = width * height / 1e6, max_pixels / 1e6
        raise ImageTooLarge(f"{width} x {height} pixels are {million:.4g} million, over the limit of {limit:.4g}")


def _open(fmt: ImageFormat, data: bytes, max_pixels: int) -> ImageFile.ImageFile:
    if fmt.name == "WEBP":
        check_size(_webp_size(data), max_pixels)
    opened = _plugin(fmt.name, fmt.plugin)(io.BytesIO(data))
    if not isinstance(opened, ImageFile.ImageFile):
        raise DamagedImage(f"{fmt.name} cannot be decoded")
    return opened


def _plugin(fmt: str, plugin: tuple[str, str] | None) -> type:
    if plugin is None:
        raise FileUnreadable(f"{fmt} is not decoded here")
    module, name = plugin
    try:
        found: type = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise FileUnreadable(f"{fmt} cannot be decoded here: {error}; install pi-heif") from error
    return found


def _webp_size(data: bytes) -> tuple[int, int]:
    """(width, height) of the canvas: the decoder claims memory for it as soon as it is made."""
    kind = data[12:16]
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _prepare_jpeg(image: ImageFile.ImageFile, data: bytes, min_side: int | None, max_pixels: int) -> None:
    """Choose the scale, and refuse what must not be decoded at any scale."""
    if "progressive" in image.info or not _is_one_scan(data, getattr(image, "layers", 0)):
        _check_coefficients(image, data, max_pixels)
    if min_side is not None and min(image.size) >= 2 * min_side:
        image.draft(None, (min_side, min_side))


def _is_one_scan(data: bytes, layers: int) -> bool:
    """Whether the first scan of a JPEG holds all its colours."""
    start = _first_scan_offset(data)
    return data[start + 2 : start + 5] == bytes((0, 6 + 2 * layers, layers))


def _check_coefficients(image: ImageFile.ImageFile, data: bytes, max_pixels: int) -> None:
    """A JPEG of many scans is held as coefficients of full size at any scale, and each scan walks over all."""
    check_size(image.size, max_pixels)
    if data.count(b"\xff\xda") > _JPEG_SCANS:
        raise DamagedImage(f"corrupt: more than {_JPEG_SCANS} scans in one JPEG")


def _is_truncated(size: tuple[int, int], data: bytes, max_pixels: int) -> bool:
    """Whether an enormous JPEG has fewer bytes than it needs: two Huffman codes for each 8 x 8 pixels."""
    pixels = size[0] * size[1]
    return pixels > max_pixels and len(data) < pixels // 64 * 2 // 8


def _first_scan_offset(data: bytes) -> int:
    """The offset of a JPEG's first scan, found by hopping from marker to marker.

    Pillow walks through what lies between segments byte by byte, in Python: a file that a rescue tool
    filled up with zeros would take minutes, so it is refused here.
    """
    at, junk = 2, 0
    for _ in range(_JPEG_MARKERS):
        marker = data.find(b"\xff", at)
        junk += marker - at
        if marker < 0 or marker + 4 > len(data):
            raise DamagedImage(TRUNCATED)
        if junk > _JPEG_JUNK:
            break
        if data[marker + 1] == 0xDA:
            return marker
        at = _after_marker(data, marker)
    raise DamagedImage("corrupt: there is no image behind the JPEG header")


def _after_marker(data: bytes, marker: int) -> int:
    code = data[marker + 1]
    if code == 0xFF:
        return marker + 1
    if code in (0x00, 0x01) or 0xD0 <= code <= 0xD9:
        return marker + 2
    return marker + 2 + int.from_bytes(data[marker + 2 : marker + 4], "big")


class _WarningFilter:
    """Keeps Pillow's warnings from the user while at least one thread holds it.

    Python's warning filters belong to the process, and ``catch_warnings`` in two threads at once may leave
    the wrong ones behind; so the first thread to come changes them, and the last to go puts them back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._saved: AbstractContextManager[object] = nullcontext()

    @contextmanager
    def hold(self) -> Iterator[None]:
        with self._lock:
            self._holders += 1
            if self._holders == 1:
                self._saved = warnings.catch_warnings()
                self._saved.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.|pi_heif\.")
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if self._holders == 0:
                    self._saved.__exit__(None, None, None)


_NO_WARNINGS = _WarningFilter()


@contextmanager
def as_load_error() -> Iterator[None]:
    """Whatever a decoder raises becomes the LoadError that says it best."""
    try:
        yield
    except LoadError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageTooLarge(_one_line(error)) from error
    except MemoryError as error:
        raise ImageTooLarge("there is not enough memory to decode it") from error
    except Exception as error:
        raise DamagedImage(_damage(error)) from error


_ENDINGS = ("truncated", "end of file", "eof", "unexpected end", "not enough", "insufficient")


def _damage(error: Exception) -> str:
    text = _one_line(error)
    # Pillow's plugins wrap what they meet at the end of the bytes in a SyntaxError
    ends_early = any(isinstance(e, (EOFError, IndexError, struct.error)) for e in (error, error.__cause__))
    if ends_early or any(ending in text.lower() for ending in _ENDINGS):
        return TRUNCATED
    return f"corrupt: {text}" if text else "corrupt"


def _one_line(error: Exception) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in str(error)).split())[:120]
