"""The likeliest classes of an image as bytes in a gallery: KEPT of them, 64 bytes, instead of a number for each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import GalleryDamaged
from lookalike.types import Floats

KEPT = 16


def packed(probabilities: Floats) -> bytes:
    """(C,) -> the places of the KEPT largest, uint16, the largest first, then their values, float16; little-endian."""
    best = np.argsort(-probabilities, kind="stable")[:KEPT]
    return best.astype("<u2").tobytes() + probabilities[best].astype("<f2").tobytes()


def unpacked(data: bytes, what: str = "classes") -> tuple[NDArray[np.int64], Floats]:
    """Places (K,) and their probabilities (K,), the likeliest first. Raises GalleryDamaged, which names them as
    ``what``, for bytes that ``packed`` did not write."""
    count, rest = divmod(len(data), 4)
    if rest or not count:
        raise GalleryDamaged(f"{what}: cut short; index the folders into a new gallery")
    return np.frombuffer(data, "<u2", count).astype(np.int64), np.frombuffer(data, "<f2", count, 2 * count).astype(
        np.float32
    )
