"""How much of an image, and of its parts, has which colour, by the tiles of the descriptor `colour`.

The descriptor keeps the lower frequencies of 8 x 8 tiles in CIE L*a*b*; taken back, they say which colour each tile has
on average. The eleven colours are the basic colour terms of Berlin & Kay (Basic Color Terms, 1969), bounded in
lightness, chroma and hue, for the mean of a tile is paler than what it shows. What lies between, such as skin, has
none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.hashes.colour import GRID, tiles_of
from lookalike.types import Floats

COLOURS = ("black", "white", "grey", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")
SPELLINGS = {"gray": "grey", "violet": "purple", "colourless": "grey"}
NONE = len(COLOURS)
ANYWHERE = "anywhere"
AREAS = {  # rows and columns of tiles
    ANYWHERE: (slice(0, 8), slice(0, 8)),
    "top": (slice(0, 3), slice(0, 8)),
    "bottom": (slice(5, 8), slice(0, 8)),
    "left": (slice(0, 8), slice(0, 3)),
    "right": (slice(0, 8), slice(5, 8)),
    "centre": (slice(2, 6), slice(2, 6)),
}
GREY_CHROMA = 10.0  # CIE units; below it a tile has no hue
EVEN_SHARE = 0.08  # of an area, which makes it as likely as not that a person calls it by the colour: five tiles of 64
Shares = NDArray[np.uint8]


def colour_shares(vectors: Floats) -> Shares:
    """(N, 78) float32 vectors of `colour` -> (N, len(AREAS), len(COLOURS)) uint8: the share of each area that has each
    colour, in units of 1 / 255."""
    named = _named(tiles_of(vectors))
    shares = np.empty((len(vectors), len(AREAS), len(COLOURS)), np.uint8)
    for row, (rows, columns) in enumerate(AREAS.values()):
        part = named[:, rows, columns]
        for colour in range(len(COLOURS)):
            shares[:, row, colour] = np.round(255 * (part == colour).mean(axis=(1, 2)))
    return shares


def colour_probability(shares: Shares, colour: str, area: str = ANYWHERE) -> Floats:
    """(N, areas, colours) -> (N,) float32, 0..1: share / (share + EVEN_SHARE), of which no labelled set says how well
    it is calibrated."""
    share = shares[:, list(AREAS).index(area), COLOURS.index(colour)].astype(np.float32) / 255
    return np.asarray(share / (share + EVEN_SHARE), np.float32)


def tiles_of_colour(vectors: Floats, colour: str, area: str = ANYWHERE) -> NDArray[np.bool_]:
    """(N, 78) float32 vectors of `colour` -> (N, 8, 8): which tiles, within an area, have the colour."""
    found = np.zeros((len(vectors), GRID, GRID), bool)
    rows, columns = AREAS[area]
    found[:, rows, columns] = (_named(tiles_of(vectors)) == COLOURS.index(colour))[:, rows, columns]
    return found


def _named(tiles: Floats) -> NDArray[np.int64]:
    """(N, 3, 8, 8) L*a*b* -> (N, 8, 8): number of the colour of each tile, NONE where it has none."""
    light, a, b = tiles[:, 0], tiles[:, 1], tiles[:, 2]
    chroma, hue = np.hypot(a, b), np.degrees(np.arctan2(b, a)) % 360
    plain, vivid = chroma < GREY_CHROMA, chroma >= 25
    reddish = (hue < 45) | (hue >= 345)
    tests = {
        "black": (light < 22) & (chroma < 15),
        "white": plain & (light > 82),
        "grey": plain,
        "pink": ((hue < 30) | (hue >= 325)) & (light > 58),
        "red": reddish & vivid,
        "brown": ((hue < 85) | (hue >= 345)) & (light < 52) & (chroma < 45),
        "orange": (hue >= 45) & (hue < 75) & (chroma >= 40),
        "yellow": (hue >= 75) & (hue < 112) & (light > 52) & vivid,
        "green": (hue >= 100) & (hue < 195),
        "blue": (hue >= 195) & (hue < 305),
        "purple": (hue >= 305) & (hue < 345),
    }
    kinds = [COLOURS.index(name) for name in tests]
    return np.select(list(tests.values()), kinds, NONE).reshape(-1, GRID, GRID)
