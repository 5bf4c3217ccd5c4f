"""Structure: a 256-bit DCT hash. What lies where, in grey; colour and fine detail do not count.

Zauner, Implementation and benchmarking of perceptual image hash functions, 2010 (pHash), after Venkatesan et
al., Robust image hashing, 2000: the low frequencies of a small grey image, above or below their median.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lookalike.descriptors.base import THUMBNAIL, Described, DescriptorCard, cosine_basis, thumbnails
from lookalike.types import Floats, Image

FREQUENCIES = range(16)  # 16 x 16 = 256 of them
FULL_CONTRAST = 16.0  # grey levels RMS in the low frequencies that count as contrast 1; photographs have 6 to 90

CARD = DescriptorCard(
    name="structure",
    version=1,
    metric="hamming",
    dim=256,
    bits=256,
    min_side=THUMBNAIL,
    min_contrast=0.15,  # 2.4 grey levels RMS
    median_negative_distance=128.0,
    source="Zauner, 2010 (pHash); Venkatesan et al., 2000",
    thumbnail_input=True,
)


class Structure:
    """The hash that survives recompression, resizing, recolouring and text on the image."""

    card = CARD

    def describe(self, images: Sequence[Image]) -> Described:
        """N images -> (N, 32) packed uint8, row by row from the lowest frequency, and contrast 0..1."""
        basis = cosine_basis(THUMBNAIL, FREQUENCIES)
        low: Floats = np.asarray(basis @ _grey(images) @ basis.T, np.float32)
        spectra = low.reshape(len(images), CARD.dim)
        bits = spectra > np.median(spectra, axis=1, keepdims=True)
        return Described(np.packbits(bits, axis=1), _contrast(spectra))


def _grey(images: Sequence[Image]) -> Floats:
    """N images -> (N, 64, 64) float32, 0..255."""
    import cv2

    strip = thumbnails(images).reshape(-1, THUMBNAIL, 3)
    grey = cv2.cvtColor(strip, cv2.COLOR_RGB2GRAY) if len(strip) else strip[..., 0]
    return grey.reshape(-1, THUMBNAIL, THUMBNAIL).astype(np.float32)


def _contrast(spectra: Floats) -> Floats:
    """RMS contrast of the low frequencies (Parseval: the mean square is the sum of squared coefficients)."""
    contrast = np.sqrt((spectra[:, 1:] ** 2).sum(1)) / THUMBNAIL
    return np.asarray(np.minimum(contrast / FULL_CONTRAST, 1), np.float32)
