"""What is wrong with a JPEG that decodes all the same: its data ends early, or scans are missing.

libjpeg fills what it has no data for with middle grey, and only warns. A grey corner alone is no proof, for images have
grey lower parts; so it is decoded once more with further data put behind what is there: an image that was whole stays
as it is, and one whose data ended early takes it up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

ENDS_EARLY = "its data ends early: the lower part is missing"
ZEROS = "its data ends in zeros: the lower part is missing"
MISSING_SCANS = "scans are missing: it is blurred or lacks colour"
_GREY = {127, 128}  # of each colour, where libjpeg had no data
_FURTHER = np.random.default_rng(0).integers(1, 255, 4096).astype(np.uint8).tobytes()  # no 255: that begins a marker
_MANY_ZEROS = 64  # at the end of a file: so many are not coded data
_EOI, _SOS = b"\xff\xd9", b"\xff\xda"
_PROGRESSIVE = 0xC2

Scan = tuple[tuple[int, ...], int, int, int]
Decode = Callable[[bytes], Image.Image]


def jpeg_damage(image: Image.Image, data: bytes, scan: int, decode: Decode) -> str | None:
    """What is wrong with a decoded ``image``; None if nothing was found.

    ``scan``: the offset of the first scan's marker in ``data``. ``decode``: bytes -> the image at the same scale."""
    if data.rfind(_EOI, scan) < 0:
        coded = data.rstrip(b"\0")
        is_cut = len(data) - len(coded) >= _MANY_ZEROS and _is_changed_by(image, coded + _FURTHER + _EOI, decode)
        return ZEROS if is_cut else None
    kind, components = _frame(data, scan)
    is_one_scan = kind != _PROGRESSIVE and data[scan + 4] >= len(components)
    if is_one_scan and not _has_grey_corner(image):
        return None
    end = data.find(_EOI, scan)
    if not is_one_scan and not _is_complete(_scans(data, scan, end), kind, components):
        return MISSING_SCANS
    if not _has_grey_corner(image) and not (kind == _PROGRESSIVE and _may_be_cut(data, end)):
        return None
    return ENDS_EARLY if _is_changed_by(image, data[:end] + _FURTHER + data[end:], decode) else None


def _may_be_cut(data: bytes, end: int) -> bool:
    """Whether the last scan may have been cut off, which leaves no grey in a progressive image: a scan that is finished
    is filled up with ones, and what a rescue tool ended has zeros behind it."""
    return data[end - 1] % 2 == 0 or data.endswith(bytes(_MANY_ZEROS))


def _is_changed_by(image: Image.Image, data: bytes, decode: Decode) -> bool:
    """Whether further data changes the image; one that was whole ignores it."""
    try:
        return not np.array_equal(np.asarray(image), np.asarray(decode(data)))
    except Exception:  # whatever a decoder says of data that makes no sense, it read it
        return True


def _has_grey_corner(image: Image.Image) -> bool:
    """Whether the last block is what libjpeg draws without data."""
    corner = image.getpixel((image.width - 1, image.height - 1))
    values = corner if isinstance(corner, tuple) else (corner,)
    return set(values) <= _GREY


def _is_complete(found: Iterator[Scan], kind: int, components: set[int]) -> bool:
    """Whether the scans hold every colour, and of a progressive image every coefficient to its last bit."""
    scans = list(found)
    if kind != _PROGRESSIVE:
        return components <= {number for numbers, *_ in scans for number in numbers}
    seen = {(n, k) for numbers, first, last, low in scans if low == 0 for n in numbers for k in range(first, last + 1)}
    return all((number, k) in seen for number in components for k in range(64))


def _frame(data: bytes, scan: int) -> tuple[int, set[int]]:
    """The kind of the frame header before the first scan, and the numbers of its components."""
    at = 2
    while at < scan:
        at = data.find(b"\xff", at, scan)
        if at < 0:
            break
        code, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if code in {0xC0, 0xC1, _PROGRESSIVE}:
            return code, {data[at + 10 + 3 * n] for n in range(data[at + 9])}
        at += 1 if code == 0xFF else 2 if code in (0x00, 0x01) or 0xD0 <= code <= 0xD9 else 2 + length
    return 0, set()


def _scans(data: bytes, scan: int, end: int) -> Iterator[Scan]:
    """Of each scan: the numbers of its components, its first and last coefficient, and the lowest bit that it holds.

    Within coded data 255 is followed by a zero or a restart marker, so these two bytes begin a scan or end them."""
    while 0 <= scan < end:
        count = data[scan + 4]
        numbers = tuple(data[scan + 5 + 2 * n] for n in range(count))
        first, last, bits = data[scan + 5 + 2 * count : scan + 8 + 2 * count]
        yield numbers, first, last, bits & 15
        scan = data.find(_SOS, scan + 2, end)
