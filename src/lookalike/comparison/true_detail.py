"""How much there is to see in an image, whatever its pixel count: an enlarged or strongly compressed copy has less.

The image is cut into JPEG's blocks of 8 x 8 pixels, and the coefficients of their discrete cosine transform that stand
out are counted, those that do so less as a part of one. Compression and blur leave fewer. The amplitude that a
coefficient needs falls with its frequency, as amplitudes in photographs do (Field, 1987), so an enlarged image gains
little by its larger amplitudes. Where even the sharpest places have no high frequencies, and no compression took them,
the image is taken to be enlarged.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lookalike.types import Floats, Pixels

BLOCK = 8  # pixels
FULL_AMPLITUDE = 12.0  # grey levels, of the highest frequency: what counts as one
QUANTISED = 2.0  # grey levels: a coefficient below it may have been zero, but for rounding
WAS_JPEG, STRONGLY = 1.1, 1.4  # times as much is above it in blocks that lie across those of JPEG
SHARPEST = 0.05  # share of the blocks in which high frequencies are looked for
MIDDLE, HIGH = (3, 4), 6  # frequencies
HIGH_SHARE = 0.16  # of the amplitude at MIDDLE ones: what an enlarged image stays below
ENLARGED = 0.6  # what its count is worth then
PERIODS = range(2, 17)  # pixels: sides of the squares that a pixelated image consists of
MAX_BLOCK_ROWS = 512  # of a larger image every second, third, ... row of blocks is looked at


@dataclass(frozen=True, slots=True)
class TrueDetail:
    """``detail``: a count that grows with what is to be seen, comparable among copies of one image; 0 of a blank one.
    ``was_jpeg``: whether the pixels show that they were compressed as a JPEG once, whatever the file is now."""

    detail: float
    was_jpeg: bool


def true_detail(pixels: Pixels) -> TrueDetail:
    """What there is to see in (h, w, 3) uint8 sRGB ``pixels`` of the original's size."""
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    if min(luma.shape) < 2 * BLOCK:
        return TrueDetail(0.0, was_jpeg=False)
    blocks = np.abs(_spectra(luma))
    compression = _compression(luma, blocks)
    count = float((np.minimum(blocks / _full_amplitudes(), 1) ** 2).mean()) * luma.size * _evenness(luma)
    enlarged = compression < STRONGLY and _high_share(blocks) < HIGH_SHARE
    return TrueDetail(ENLARGED * count if enlarged else count, compression > WAS_JPEG)


def _spectra(luma: Floats) -> Floats:
    """(N, 8, 8): the orthonormal discrete cosine transform of each block."""
    rows, columns = luma.shape[0] // BLOCK, luma.shape[1] // BLOCK
    cut = luma[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    blocks = cut[:: -(-rows // MAX_BLOCK_ROWS)].transpose(0, 2, 1, 3).reshape(-1, BLOCK, BLOCK)
    basis = _cosines()
    return np.asarray(basis @ blocks @ basis.T, np.float32)


def _cosines() -> Floats:
    """(8, 8): frequency x place."""
    place, frequency = np.arange(BLOCK), np.arange(BLOCK)[:, None]
    waves = np.sqrt(2 / BLOCK) * np.cos(np.pi * (2 * place + 1) * frequency / (2 * BLOCK))
    waves[0] /= np.sqrt(2)
    return np.asarray(waves, np.float32)


def _full_amplitudes() -> Floats:
    """(8, 8): what a coefficient needs to count as one; the block's mean counts for nothing."""
    with np.errstate(divide="ignore"):
        return np.asarray(FULL_AMPLITUDE * (BLOCK - 1) / _frequencies(), np.float32)


def _frequencies() -> Floats:
    """(8, 8): the higher of the two frequencies of each coefficient, in half waves per block."""
    return np.maximum(np.arange(BLOCK)[:, None], np.arange(BLOCK)).astype(np.float32)


def _compression(luma: Floats, blocks: Floats) -> float:
    """Quantisation leaves zeros in JPEG's own blocks that blocks half a block away do not have: how many times as much
    there is in these, 1.0 where nothing was quantised."""
    here = float((blocks >= QUANTISED).mean())
    there = float((np.abs(_spectra(luma[BLOCK // 2 :, BLOCK // 2 :])) >= QUANTISED).mean())
    return there / here if here else 1.0


def _high_share(blocks: Floats) -> float:
    """The amplitude at high frequencies as a share of that at middle ones, in the sharpest blocks."""
    frequency = _frequencies()
    middle = blocks[:, (frequency >= MIDDLE[0]) & (frequency <= MIDDLE[1])].mean(axis=1)
    sharpest = middle >= np.quantile(middle, 1 - SHARPEST)
    high = blocks[sharpest][:, frequency >= HIGH].mean()
    return float(high / max(middle[sharpest].mean(), 1e-6))


def _evenness(luma: NDArray[np.float32]) -> float:
    """0..1: how evenly the steps between neighbouring pixels are spread over columns and rows. In an image enlarged by
    repeating pixels, every n-th step has all the contrast; 1 / n of the columns, and of the rows, say something."""
    return _even_columns(luma) * _even_columns(luma.T)


def _even_columns(luma: NDArray[np.float32]) -> float:
    steps = np.abs(np.diff(luma, axis=1)).mean(axis=0)
    folded = [steps[: len(steps) // n * n].reshape(-1, n).mean(axis=0) for n in PERIODS if len(steps) >= BLOCK * n]
    shares = [one.sum() ** 2 / (len(one) * (one**2).sum()) for one in folded if one.any()]
    return float(min(shares, default=1.0))
