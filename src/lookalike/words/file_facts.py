"""Words that a file itself answers: when it was taken, which format and proportions it has. Each becomes a filter in
the language of ``where``."""

from __future__ import annotations

import re

YEAR = re.compile(r"(?:19|20)\d\d")
MONTHS = {
    name: number
    for number, name in enumerate(
        [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ],
        1,
    )
}
# Sides of screens in pixels that many devices have, the longer one first: whoever takes a screenshot saves all of it.
SCREENS = (
    *((1366, 768), (1440, 900), (1920, 1080), (1920, 1200), (2560, 1440), (2560, 1600), (2880, 1800), (3840, 2160)),
    *((1334, 750), (1792, 828), (2340, 1080), (2400, 1080), (2436, 1125), (2532, 1170), (2556, 1179), (2688, 1242)),
    *((2778, 1284), (2796, 1290), (2048, 1536), (2160, 1620), (2360, 1640), (2388, 1668), (2732, 2048)),
)
FORMATS = {name: name.upper() for name in ("jpeg", "png", "gif", "webp", "tiff", "bmp", "avif", "heif")} | {
    "jpg": "JPEG",
    "heic": "HEIF",
}
FACTS = {
    "portrait": "aspect < 1",
    "landscape": "aspect > 1",
    "square": "aspect >= 0.98 and aspect <= 1.02",
    "panorama": "aspect >= 2",
    "animation": "frames > 1",
    "animated": "frames > 1",
    "damaged": "damage is not null",
}


def file_fact(word: str) -> str | None:
    """The filter that a word in lower case stands for; None for one that no file answers."""
    if YEAR.fullmatch(word):
        return f"taken like '{word}-%'"
    if word in MONTHS:
        return f"taken like '____-{MONTHS[word]:02}-%'"
    if word in FORMATS:
        return f"format = '{FORMATS[word]}'"
    if word in ("screenshot", "screen shot", "screenshots"):
        return _screenshot()
    return FACTS.get(word)


def _screenshot() -> str:
    """As large as a screen, and no camera."""
    sides = ", ".join(str(side) for side in sorted({side for screen in SCREENS for side in screen}))
    return f"camera is null and width in ({sides}) and height in ({sides})"
