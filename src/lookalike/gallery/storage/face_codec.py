"""Landmarks of a face as bytes: five points x, y, each number a 16-bit share of the image, little-endian."""

from __future__ import annotations

import numpy as np

from lookalike.types import Floats

POINTS = 5
NOWHERE = bytes(4 * POINTS)  # of a face that is forgotten


def packed_landmarks(landmarks: Floats) -> bytes:
    """(5, 2) shares -> 20 bytes; a point outside of the image goes to its edge."""
    return np.rint(np.clip(landmarks, 0, 1) * 65535).astype("<u2").tobytes()


def unpacked_landmarks(data: bytes) -> Floats:
    """20 bytes -> (5, 2) float32, shares of the image."""
    return (np.frombuffer(data, "<u2").reshape(POINTS, 2) / 65535).astype(np.float32)
