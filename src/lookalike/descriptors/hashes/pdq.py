"""PDQ, the industry's exchange hash: 256 bits that compare with every list of PDQ hashes.

Facebook, The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm, 2019. Written from that
description; the tests hold it against Meta's own code (`pdqhash`).

Every step up to the bits is linear and acts on rows and columns apart, so a whole side becomes one matrix:
the blur and the sampling of H rows to 64 is a (64, H) matrix, and so is it for the columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.base import Described, DescriptorCard, cosine_basis
from lookalike.errors import UserError
from lookalike.types import Floats, Image

SIDE = 64  # the image is sampled down to 64 x 64 luma values
FREQUENCIES = range(1, 17)  # 16 x 16 of them, without the constant one
SMALLEST = 5  # pixels: below this PDQ gives up
GRADIENT_SCALE = 90.0  # 90 of these per cents are one point of quality out of 100

CARD = DescriptorCard(
    name="pdq",
    version=1,
    metric="hamming",
    dim=256,
    bits=256,
    min_side=256,
    min_contrast=0.3,  # the authors advise 0.5 for automatic action; a calm photograph may have a little less
    median_negative_distance=128.0,
    source="Facebook, PDQ image hashing, 2019 (ThreatExchange)",
)


class Pdq:
    """A perceptual hash for exchange with others."""

    card = CARD

    def describe(self, images: Sequence[Image]) -> Described:
        """N images -> (N, 32) packed uint8, in the order of the hex form, and PDQ's quality / 100."""
        vectors = np.zeros((len(images), CARD.bits // 8), np.uint8)
        quality = np.zeros(len(images), np.float32)
        for row, image in enumerate(images):
            if min(image.width, image.height) >= SMALLEST:
                vectors[row], quality[row] = _hash(image)
        return Described(vectors, quality)


def to_hex(vectors: NDArray[np.uint8]) -> list[str]:
    """(N, 32) packed uint8 -> N strings of 64 hex digits, as in lists of PDQ hashes."""
    packed = np.asarray(vectors)
    if packed.dtype != np.uint8 or packed.ndim != 2 or packed.shape[1] != CARD.bits // 8:
        raise UserError(f"PDQ vectors are (N, 32) uint8, not {packed.shape} {packed.dtype}")
    return [row.tobytes().hex() for row in packed]


def from_hex(hashes: Sequence[str]) -> NDArray[np.uint8]:
    """N strings of 64 hex digits -> (N, 32) packed uint8. Raises UserError for any other string."""
    return np.array([_from_hex(text) for text in hashes], np.uint8).reshape(len(hashes), CARD.bits // 8)


def _from_hex(text: str) -> list[int]:
    digits = text.strip().lower()
    if len(digits) != CARD.bits // 4 or not set(digits) <= set("0123456789abcdef"):
        raise UserError(f"a PDQ hash is 64 hex digits, not {text!r}")
    return list(bytes.fromhex(digits))


def _hash(image: Image) -> tuple[NDArray[np.uint8], float]:
    luma = _luma64(image)
    basis = cosine_basis(SIDE, FREQUENCIES)
    spectrum = (basis @ luma @ basis.T).ravel()
    median = np.partition(spectrum, 127)[127]  # the lower one of the two in the middle
    return np.packbits((spectrum > median)[::-1]), _quality(luma)


def _luma64(image: Image) -> Floats:
    """Image -> (64, 64) float32 luma, 0..255."""
    import cv2

    luma = np.asarray(cv2.cvtColor(image.pixels.astype(np.float32), cv2.COLOR_RGB2GRAY), np.float32)
    if (image.height, image.width) == luma.shape == (SIDE, SIDE):
        return luma
    rows = _sampler(luma.shape[0], max(image.height, luma.shape[0]))
    columns = _sampler(luma.shape[1], max(image.width, luma.shape[1]))
    return np.asarray(rows @ luma @ columns.T, np.float32)


def _quality(luma: Floats) -> float:
    """Sum of the gradients that can be seen (whole per cents of the range), scaled to 0..1."""
    steps = (np.diff(luma, axis=0).ravel(), np.diff(luma, axis=1).ravel())
    total = sum(float(np.abs(np.trunc(step * np.float32(100) / np.float32(255))).sum()) for step in steps)
    return min(int(total / GRADIENT_SCALE), 100) / 100


@lru_cache(maxsize=256)  # about 100 kB each
def _sampler(length: int, original: int) -> Floats:
    """(64, length) float32: blur a line of pixels with a tent (Jarosz, 2001) and take 64 of them.

    Blur and places are those of the ``original`` length: PDQ of an image that the loader has shrunk would be
    another hash. Each pixel then stands for the original ones that it is the mean of.
    """
    centres = ((np.arange(SIDE) + 0.5) * original / SIDE).astype(int)
    tents = np.array([_tent(int(centre), original) for centre in centres])
    sampler: Floats = np.add.reduceat(tents, _starts(length, original), axis=1).astype(np.float32)
    sampler.setflags(write=False)
    return sampler


def _starts(length: int, original: int) -> NDArray[np.intp]:
    """(length,) the first original pixel that each pixel of a shrunk line stands for."""
    factor = round(original / length)
    whole = -(-original // factor) == length  # loaders shrink by whole factors; the last block may be cut
    scale = factor if whole else original / length
    return np.asarray(np.ceil(np.arange(length) * scale - 0.5), np.intp)


def _tent(centre: int, length: int) -> NDArray[np.float64]:
    """(length,) weights of two box blurs in turn, at one place: the mean of the boxes in a box."""
    weights = np.zeros(length)
    box = _box(centre, length)
    for place in box:
        inner = _box(place, length)
        weights[inner.start : inner.stop] += 1 / (len(box) * len(inner))
    return weights


def _box(centre: int, length: int) -> range:
    """The pixels that a box blur averages: 1 / 128 of the line, rounded up, the longer half ahead."""
    window = -(-length // (2 * SIDE))
    ahead = window // 2
    return range(max(centre - (window - 1 - ahead), 0), min(centre + ahead, length - 1) + 1)
