"""Tags of a TIFF file's first directory and of those below it: enough to know a raw file from an image."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_SUB_IFDS, _PHOTOMETRIC, _DNG_VERSION = 330, 262, 50706
_SENSOR = {32803, 34892}  # a colour filter array, or linear raw: numbers of a sensor
_WIDTHS = {1: "B", 3: "H", 4: "I", 13: "I"}
_MAX_VALUES = 16
_MAX_DIRECTORIES = 16

Tags = dict[int, tuple[int, ...]]


def holds_sensor(data: bytes) -> bool:
    """Whether a classic TIFF holds numbers of a sensor, as DNG, NEF, ARW, PEF and SRW do, beside smaller previews."""
    return any(_DNG_VERSION in tags or _SENSOR & set(tags.get(_PHOTOMETRIC, ())) for tags in _directories(data))


def _directories(data: bytes) -> Iterator[Tags]:
    """The first directory and those that it names as sub-directories. Never raises."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None or len(data) < 8:
        return
    first = _tags(data, order, struct.unpack_from(order + "I", data, 4)[0])
    yield first
    for offset in first.get(_SUB_IFDS, ())[:_MAX_DIRECTORIES]:
        yield _tags(data, order, offset)


def _tags(data: bytes, order: str, offset: int) -> Tags:
    count = int.from_bytes(data[offset : offset + 2], "little" if order == "<" else "big")
    rows = data[offset + 2 : offset + 2 + 12 * count]
    rows = rows[: len(rows) // 12 * 12]
    return {
        tag: _values(data, order, kind, length, inline)
        for tag, kind, length, inline in struct.iter_unpack(order + "HHI4s", rows)
        if kind in _WIDTHS
    }


def _values(data: bytes, order: str, kind: int, length: int, inline: bytes) -> tuple[int, ...]:
    layout = f"{order}{min(length, _MAX_VALUES)}{_WIDTHS[kind]}"
    size = struct.calcsize(layout)
    if length * struct.calcsize(_WIDTHS[kind]) <= 4:
        return struct.unpack_from(layout, inline)
    start = struct.unpack(order + "I", inline)[0]
    return struct.unpack_from(layout, data, start) if start + size <= len(data) else ()
