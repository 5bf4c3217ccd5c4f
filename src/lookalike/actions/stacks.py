"""Images that belong together and are no copies of one another: a raw file with its JPEG, the shots of a burst.

Neither is ever cleared in favour of the other, however alike they look.
"""

from __future__ import annotations

import os
import re
from datetime import datetime, timedelta

from lookalike.gallery.storage.row import Row

RAW = (
    *(".3fr", ".ari", ".arw", ".bay", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".kdc"),
    *(".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw"),
    ".x3f",
)
BURST_GAP = timedelta(seconds=1)  # at most so long after one another: EXIF times are whole seconds
_NUMBERED = re.compile(r"(.*?)(\d+)")


def is_raw(path: str) -> bool:
    """Whether the file's name ends like that of a raw file."""
    return os.path.splitext(path)[1].lower() in RAW


def stack_of(a: Row, b: Row) -> str | None:
    """What two images are together, "raw and JPEG" or "burst"; None if they are no stack."""
    if a.sha256 == b.sha256:
        return None
    if _stem(a.path) == _stem(b.path) and is_raw(a.path) != is_raw(b.path):
        return "raw and JPEG"
    return "burst" if _is_burst(a, b) else None


def _is_burst(a: Row, b: Row) -> bool:
    """One camera took both within a second, and named them by a counter: an edited copy keeps the number or the name,
    or has another size."""
    if not a.camera or a.camera != b.camera or (a.format, a.width, a.height) != (b.format, b.width, b.height):
        return False
    return _close_in_time(a.taken, b.taken) and _differ_in_number(a.path, b.path)


def _close_in_time(a: str | None, b: str | None) -> bool:
    try:
        times = [datetime.strptime(time or "", "%Y-%m-%d %H:%M:%S") for time in (a, b)]
    except ValueError:
        return False
    return abs(times[0] - times[1]) <= BURST_GAP


def _differ_in_number(a: str, b: str) -> bool:
    first, second = (_NUMBERED.fullmatch(os.path.basename(_stem(path))) for path in (a, b))
    if first is None or second is None:
        return False
    return first[1] == second[1] and len(first[2]) == len(second[2]) and first[2] != second[2]


def _stem(path: str) -> str:
    return os.path.splitext(path)[0].casefold()
