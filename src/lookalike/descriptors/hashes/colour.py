"""Colour: which colours lie where, in a grid of 8 x 8.

The Colour Layout Descriptor of MPEG-7 (ISO/IEC 15938-3; Kasutani & Yamada, 2001): the mean colour of 8 x 8
tiles, a cosine transform of each channel, the first coefficients in zig-zag order. Differences from the
standard, each because it measured better: CIE L*a*b* instead of YCbCr (equal distances look equally large),
36 + 21 + 21 coefficients instead of 6 + 3 + 3, no quantisation. The mean colour counts less than the layout,
because it is what brightness and white balance change.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookalike.descriptors.base import THUMBNAIL, Described, DescriptorCard, cosine_basis, thumbnails
from lookalike.types import Floats, Image

GRID = 8  # tiles per side
COEFFICIENTS = (36, 21, 21)  # of L*, a*, b*
MEAN_WEIGHT = (0.2, 0.4, 0.4)  # of the first coefficient of each, the mean; the others weigh 1
FULL_VARIATION = 10.0  # CIE delta E, RMS over the tiles, that counts as contrast 1; photographs have 2 to 40

CARD = DescriptorCard(
    name="colour",
    version=1,
    metric="euclidean",
    dim=sum(COEFFICIENTS),
    bits=32 * sum(COEFFICIENTS),
    min_side=THUMBNAIL,
    min_contrast=0.1,  # delta E of 1: one colour to the eye (2.3 is just noticeable)
    median_negative_distance=226.0,
    source="ISO/IEC 15938-3 (MPEG-7 Colour Layout); Kasutani & Yamada, 2001",
    thumbnail_input=True,
)


class Colour:
    """The descriptor that finds images with the same colours in the same places."""

    card = CARD

    def describe(self, images: Sequence[Image]) -> Described:
        """N images -> (N, 78) float32 and the variation of their colour 0..1.

        An image of one colour has a sound vector, but contrast 0: red paper is not a copy of all red paper.
        """
        basis = cosine_basis(GRID, range(GRID))
        spectra: Floats = np.asarray(basis @ _tiles(images) @ basis.T, np.float32)
        vectors = spectra.reshape(len(images), 3 * GRID * GRID)[:, _PLACES] * _WEIGHTS
        return Described(vectors, _contrast(spectra))


def tiles_of(vectors: Floats) -> Floats:
    """(N, 78) float32 vectors of this descriptor -> (N, 3, 8, 8) float32: L*, a*, b* of each tile, without the details
    that the descriptor leaves out."""
    spectra = np.zeros((len(vectors), 3 * GRID * GRID), np.float32)
    spectra[:, _PLACES] = vectors / _WEIGHTS
    basis = cosine_basis(GRID, range(GRID))
    return np.asarray(basis.T @ spectra.reshape(-1, 3, GRID, GRID) @ basis, np.float32)


def _tiles(images: Sequence[Image]) -> Floats:
    """N images -> (N, 3, 8, 8) float32: the mean L* 0..100, a*, b* of each tile."""
    import cv2

    tiles = np.empty((len(images), GRID, GRID, 3), np.uint8)
    for row, small in enumerate(thumbnails(images)):
        tiles[row] = cv2.resize(small, (GRID, GRID), interpolation=cv2.INTER_AREA)
    strip = tiles.reshape(-1, GRID, 3).astype(np.float32) / np.float32(255)
    lab = cv2.cvtColor(strip, cv2.COLOR_RGB2LAB) if len(strip) else strip
    return np.ascontiguousarray(lab.reshape(-1, GRID, GRID, 3).transpose(0, 3, 1, 2))


def _contrast(spectra: Floats) -> Floats:
    """RMS difference of the tiles from their mean colour (Parseval), as a share of ``FULL_VARIATION``."""
    varying = spectra.reshape(len(spectra), 3, GRID * GRID)[:, :, 1:]
    delta_e = np.sqrt((varying**2).sum(axis=(1, 2))) / GRID
    return np.asarray(np.minimum(delta_e / FULL_VARIATION, 1), np.float32)


def _zigzag() -> list[int]:
    """The 64 places of an 8 x 8 spectrum, diagonal by diagonal from the lowest, every other one upwards."""
    places = [(i, j) for i in range(GRID) for j in range(GRID)]
    places.sort(key=lambda p: (p[0] + p[1], p[0] if (p[0] + p[1]) % 2 else p[1]))
    return [i * GRID + j for i, j in places]


_PLACES = np.concatenate([np.array(_zigzag()[:n]) + c * GRID * GRID for c, n in enumerate(COEFFICIENTS)])
_WEIGHTS = np.ones(sum(COEFFICIENTS), np.float32)
_WEIGHTS[np.cumsum((0, *COEFFICIENTS[:-1]))] = MEAN_WEIGHT
