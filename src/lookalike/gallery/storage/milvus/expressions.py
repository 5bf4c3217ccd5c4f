"""Values within Milvus' expressions: quoted here and nowhere else."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable

# Columns of images that filters speak of; of the same names as in filters.FIELDS.
TEXTS = ("path", "format", "camera", "taken", "damage", "codec")
NUMBERS = ("width", "height", "megapixels", "aspect", "bytes", "frames", "duration", "fps", "bitrate")
TEXT_NULL = "\x7fnull"  # in a column of texts, which knows no null; no file says it of itself
NUMBER_NULL = -1.0  # the same among numbers, of which none is below 0


def quoted(value: str | float) -> str:
    """A text in double quotes, everything in it escaped that means something there; a number as it is, or as near to it
    as a double can be."""
    if isinstance(value, str):
        return json.dumps(value.encode("utf-8", "replace").decode(), ensure_ascii=False)
    return repr(min(max(value, -sys.float_info.max), sys.float_info.max))


def members(field: str, values: Iterable[str | float]) -> str:
    """Whether a field is one of these."""
    return f"{field} in [{', '.join(map(quoted, values))}]"


def both(*conditions: str) -> str:
    """All of them; those that are empty say nothing."""
    return " and ".join(f"({one})" for one in conditions if one)
