"""How far apart two photographs were taken, as their cameras say."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

from PIL import ExifTags
from PIL import Image as Pillow

APART = 50.0  # metres: about half of what an aerial photograph of seneca shows across
METRES_OF_A_DEGREE = 111_200


def metres(a: Path, b: Path) -> float:
    """Between where two photographs were taken, by their GPS; 0 if they do not say."""
    here, there = _degrees(a), _degrees(b)
    if here is None or there is None:
        return 0.0
    north, east = there[0] - here[0], (there[1] - here[1]) * math.cos(math.radians(here[0]))
    return math.hypot(north, east) * METRES_OF_A_DEGREE


@cache
def _degrees(file: Path) -> tuple[float, float] | None:
    """Latitude and longitude of one half of the globe."""
    with Pillow.open(file) as image:
        position = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    if not {ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLongitude} <= set(position):
        return None
    north, east = (
        sum(float(part) / 60**place for place, part in enumerate(position[tag]))
        for tag in (ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLongitude)
    )
    return north, east
