"""What we read from EXIF: which way is up, when, and with which camera.

A small reader of our own: Pillow's warns on broken EXIF through Python's global warning filters, which
threads share, and costs more than the decoding of a small JPEG. The layout is that of TIFF 6.0, section
2, and of the EXIF 2.3 standard, section 4.6.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from datetime import datetime

_ORIENTATION, _MAKE, _MODEL, _TIME, _EXIF_IFD, _TIME_ORIGINAL = 0x112, 0x10F, 0x110, 0x132, 0x8769, 0x9003
_TAGS = {_ORIENTATION, _MAKE, _MODEL, _TIME, _EXIF_IFD, _TIME_ORIGINAL}
_TEXT = 2
_INTEGERS = {1: "B", 3: "H", 4: "I"}
_MAX_TEXT_LENGTH = 256

_PREFIX = re.compile(rb"(?:Exif\0\0){0,2}")
_STAMP = re.compile(r"(\d{4})[:./-](\d\d)[:./-](\d\d)[ T](\d\d):(\d\d):(\d\d)", re.ASCII)

Fields = dict[int, int | str]


@dataclass(frozen=True, slots=True)
class Exif:
    """``orientation``: 1 to 8, EXIF's own numbers. ``taken``, ``camera``: as in ``Image``."""

    orientation: int = 1
    taken: str | None = None
    camera: str | None = None


def read_exif(block: bytes) -> Exif:
    """Read an EXIF block, with or without its "Exif" prefix. What is absent or broken stays at its default.

    A classic TIFF file is such a block too. Never raises.
    """
    block = _without_prefix(block)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) < 8:
        return Exif()
    fields = _fields(block, order, struct.unpack_from(order + "I", block, 4)[0])
    pointer = fields.get(_EXIF_IFD)
    nested = _fields(block, order, pointer) if isinstance(pointer, int) else {}
    return Exif(_orientation(fields), _taken(fields, nested), _camera(fields))


def _without_prefix(block: bytes) -> bytes:
    found = _PREFIX.match(block)
    return block[found.end() :] if found and found.end() else block


def _fields(block: bytes, order: str, offset: int) -> Fields:
    """The wanted fields of the directory at this offset; those that can be read."""
    count = int.from_bytes(block[offset : offset + 2], "little" if order == "<" else "big")
    rows = block[offset + 2 : offset + 2 + 12 * count]
    fields: Fields = {}
    for tag, kind, length, inline in struct.iter_unpack(order + "HHI4s", rows[: len(rows) // 12 * 12]):
        if tag in _TAGS:
            value = _value(block, order, kind, length, inline)
            if value is not None:
                fields.setdefault(tag, value)
    return fields


def _value(block: bytes, order: str, kind: int, length: int, inline: bytes) -> int | str | None:
    if kind in _INTEGERS and length == 1:
        return int(struct.unpack_from(order + _INTEGERS[kind], inline)[0])
    if kind != _TEXT:
        return None
    if length <= 4:
        return _clean(inline[:length])
    start = struct.unpack(order + "I", inline)[0]
    return _clean(block[start : start + min(length, _MAX_TEXT_LENGTH)])


def _clean(raw: bytes) -> str:
    """The text up to its first NUL, without control characters, single-spaced."""
    raw = raw.split(b"\0", 1)[0]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _orientation(fields: Fields) -> int:
    value = fields.get(_ORIENTATION)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _taken(fields: Fields, nested: Fields) -> str | None:
    times = (nested.get(_TIME_ORIGINAL), fields.get(_TIME_ORIGINAL), fields.get(_TIME))
    return next((stamp for stamp in map(_stamp, times) if stamp), None)


def _stamp(value: int | str | None) -> str | None:
    """ "2021:07:04 12:30:00" as "2021-07-04 12:30:00"; None if it is no time."""
    found = _STAMP.match(value) if isinstance(value, str) else None
    if not found:
        return None
    try:
        return str(datetime(*map(int, found.groups())))  # type: ignore[arg-type]  # six numbers, by the pattern
    except ValueError:
        return None


def _camera(fields: Fields) -> str | None:
    make, model = (value if isinstance(value, str) else "" for value in map(fields.get, (_MAKE, _MODEL)))
    if model.lower().startswith(make.lower()):
        return model or None
    return f"{make} {model}".strip()
