"""The one table of image formats: how their files are named, and how their bytes begin.

A fixed list, whatever else Pillow could open: formats that run scripts, or that are decoded in slow
Python, stay outside.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from lookalike.imaging.tiff_tags import holds_sensor

HEAD = 32
"""So many first bytes of a file are enough for ``looks_like_image``."""

# The ftyp box of an ISO media file names its brands; mif1 and msf1 say "an image", not how it is coded.
_AVIF = {b"avif", b"avis"}
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_EITHER = {b"mif1", b"msf1", b"miaf", b"MiHB", b"MiHE"}
_TIFF_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BMP_HEADER_SIZES = {12, 16, 40, 52, 56, 64, 108, 124}


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """``name`` is Pillow's; ``plugin`` is the module and the class that decode it, None
    where it is not Pillow's to decode: raw.py, jpeg_xl.py."""

    name: str
    plugin: tuple[str, str] | None
    suffixes: frozenset[str]
    begins: Callable[[bytes], bool]


def _brands(head: bytes) -> set[bytes]:
    """The brands in the ftyp box that these bytes begin with; empty if they begin with something else."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head), 256)
    return {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}


def _is_avif(head: bytes) -> bool:
    brands = _brands(head)
    return head[8:12] in _AVIF or (head[8:12] in _EITHER and bool(brands & _AVIF) and not brands & _HEIF)


def _is_heif(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] in _HEIF | _EITHER and not _is_avif(head)


def _is_bmp(head: bytes) -> bool:
    # "BM" alone also begins many a text
    return head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES


def _is_webp(head: bytes) -> bool:
    return head.startswith(b"RIFF") and head[8:12] == b"WEBP"


_RAW_MAGICS = (
    b"IIRO",  # Olympus
    b"IIRS",
    b"MMOR",
    b"IIU\0",  # Panasonic
    b"FUJIFILMCCD-RAW",
    b"II\x1a\0\0\0HEAPCCDR",  # Canon, CRW
    b"\0MRM",  # Minolta
    b"FOVb",  # Sigma
)
_RAW_SUFFIXES = (
    ".dng .nef .nrw .cr2 .cr3 .crw .arw .sr2 .srf .orf .raf .rw2 .pef .srw .3fr .fff .iiq .erf .kdc .dcr .mrw .x3f .rwl"
)


def _is_raw(data: bytes) -> bool:
    """Of many cameras only the whole file shows it: they write TIFF with the sensor's numbers beside a preview."""
    if data.startswith(_TIFF_MAGICS):
        return data[8:10] == b"CR" or holds_sensor(data)
    return data.startswith(_RAW_MAGICS) or data[4:12] == b"ftypcrx "


def _starts(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magics)


_JP2_SUFFIXES = ".jp2 .j2k .j2c .jpc .jpf .jpx"
_JP2_MAGICS = (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")


def _format(name: str, module: str, cls: str, suffixes: str, begins: Callable[[bytes], bool]) -> ImageFormat:
    return ImageFormat(name, (module, cls) if module else None, frozenset(suffixes.split()), begins)


FORMATS: tuple[ImageFormat, ...] = (
    _format("JPEG", "PIL.JpegImagePlugin", "JpegImageFile", ".jpg .jpeg .jpe .jfif .mpo", _starts(b"\xff\xd8\xff")),
    _format("PNG", "PIL.PngImagePlugin", "PngImageFile", ".png .apng", _starts(b"\x89PNG\r\n\x1a\n")),
    _format("WEBP", "PIL.WebPImagePlugin", "WebPImageFile", ".webp", _is_webp),
    _format("AVIF", "PIL.AvifImagePlugin", "AvifImageFile", ".avif .avifs", _is_avif),
    _format("HEIF", "pi_heif", "HeifImageFile", ".heic .heif .hif .heics .heifs", _is_heif),
    _format("GIF", "PIL.GifImagePlugin", "GifImageFile", ".gif", _starts(b"GIF87a", b"GIF89a")),
    _format("BMP", "PIL.BmpImagePlugin", "BmpImageFile", ".bmp", _is_bmp),
    _format("JPEG2000", "PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile", _JP2_SUFFIXES, _starts(*_JP2_MAGICS)),
    _format("JXL", "", "", ".jxl", _starts(b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")),
    _format("PSD", "PIL.PsdImagePlugin", "PsdImageFile", ".psd .psb", _starts(b"8BPS\0\1", b"8BPS\0\2")),
    _format("RAW", "", "", _RAW_SUFFIXES, _is_raw),
    _format("TIFF", "PIL.TiffImagePlugin", "TiffImageFile", ".tif .tiff", _starts(*_TIFF_MAGICS)),
)

_SUFFIXES = frozenset[str]().union(*(fmt.suffixes for fmt in FORMATS))


def is_image_name(path: str | os.PathLike[str]) -> bool:
    """Whether the file's name ends like an image's (".jpg", ".HEIC", ...). Does not touch the file."""
    return PurePath(path).suffix.lower() in _SUFFIXES


def looks_like_image(head: bytes) -> bool:
    """Whether these first bytes of a file (32 are enough) begin one of our formats. Never raises."""
    return sniff(head) is not None


def sniff(data: bytes) -> ImageFormat | None:
    """The format that these bytes begin like, or None."""
    return next((fmt for fmt in FORMATS if fmt.begins(data)), None)


_OTHERS = (
    (re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE), "a web page"),
    (re.compile(rb"(\s*<\?xml.{0,300}?)?\s*<svg", re.IGNORECASE | re.DOTALL), "an SVG drawing"),
    (re.compile(rb"%PDF"), "a PDF document"),
    (re.compile(rb"PK\x03\x04"), "a ZIP archive"),
    (re.compile(rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI ", re.DOTALL), "a video"),
)


def name_other(data: bytes) -> str:
    """What bytes that are no image seem to be, in a few words for a message."""
    if not data:
        return "empty file (0 bytes)"
    head = data[:512].removeprefix(b"\xef\xbb\xbf")
    for pattern, what in _OTHERS:
        if pattern.match(head):
            return f"{what}, not an image"
    return "text, not an image" if _is_text(head) else "of no image format that we know"


def _is_text(head: bytes) -> bool:
    """No control characters but white space, as in ASCII, UTF-8 and the 8-bit code pages."""
    return not any(byte < 32 and byte not in b"\t\n\v\f\r\x1b" for byte in head)
