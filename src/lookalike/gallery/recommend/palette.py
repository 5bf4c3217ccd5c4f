"""Palette: which colours an image has, wherever they lie, out of the vectors of `colour`, which says where.

The descriptor `colour` keeps the mean colours of 8 x 8 tiles; here they are counted. Two views of one bag have the same
colours in other places, so that layouts differ and counts do not. Nothing is stored for it, and no image is read.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.hashes.colour import GRID, tiles_of
from lookalike.types import Floats

PALETTE, SOURCE = "palette", "colour"  # the measure, and the descriptor whose vectors tell it
LIGHTNESS = np.arange(0, 101, 20, dtype=np.float32)  # L* of the bins' centres
CHROMA = np.arange(-60, 61, 20, dtype=np.float32)  # a* and b* of the bins' centres
BINS = len(LIGHTNESS) * len(CHROMA) ** 2
MEDIAN_NEGATIVE_DISTANCE = 0.67  # of 44,850 pairs among 300 photographs of BSDS500


def palettes(vectors: NDArray[np.floating]) -> Floats:
    """(N, 78) vectors of `colour` -> (N, BINS) float32, each row adds up to 1: the share of the tiles that has each
    colour. A tile between the centres of bins counts in its neighbours, the more in the nearer ones."""
    tiles = tiles_of(np.asarray(vectors, np.float32)).reshape(len(vectors), 3, GRID * GRID)
    light = _shares(tiles[:, 0], LIGHTNESS)
    green_red, blue_yellow = _shares(tiles[:, 1], CHROMA), _shares(tiles[:, 2], CHROMA)
    hues = (green_red[..., :, None] * blue_yellow[..., None, :]).reshape(len(vectors), GRID * GRID, len(CHROMA) ** 2)
    counts = np.swapaxes(light, 1, 2) @ hues
    return np.asarray(counts.reshape(len(vectors), BINS) / GRID**2, np.float32)


def palette_distances(query: Floats, held: Floats) -> Floats:
    """(A, BINS), (N, BINS) -> (A, N) float32: 1 less what two palettes share, 0 for the same ones, 1 for ones without a
    common colour (histogram intersection; Swain & Ballard 1991)."""
    return np.array([1 - np.minimum(one, held).sum(axis=1) for one in query], np.float32).reshape(len(query), len(held))


def _shares(values: Floats, centres: Floats) -> Floats:
    """(N, T), (C,) even centres -> (N, T, C): how much each value belongs to each centre; of any value 1 in all."""
    step = centres[1] - centres[0]
    inside = np.clip(values, centres[0], centres[-1])
    return np.asarray(np.maximum(0, 1 - np.abs(inside[..., None] - centres) / step), np.float32)
