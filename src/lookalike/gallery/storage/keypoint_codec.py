"""Keypoints of an image as bytes in a gallery: at most KEPT of them, 68 kB."""

from __future__ import annotations

import struct

import numpy as np

from lookalike.descriptors.keypoints import DIM, Keypoints
from lookalike.errors import GalleryDamaged

KEPT = 500  # to be asked of ``keypoints``, which gives the clearest, but not the clearest of them first
_HEAD = struct.Struct("<BIf")  # version, how many, pixels of the original to one of the search
VERSION = 1


def packed(points: Keypoints) -> bytes:
    """Head, then (N, 2) float32 places, then (N, 128) uint8 vectors; little-endian."""
    count = min(len(points), KEPT)
    head = _HEAD.pack(VERSION, count, points.pixel_scale)
    return head + points.points[:count].astype("<f4").tobytes() + points.vectors[:count].tobytes()


def unpacked(data: bytes, what: str = "keypoints") -> Keypoints:
    """The keypoints again. Raises GalleryDamaged, which names them as ``what``, for bytes that ``packed`` did not
    write."""
    if len(data) < _HEAD.size:
        raise GalleryDamaged(f"{what}: cut short; index the folders into a new gallery")
    version, count, pixel_scale = _HEAD.unpack_from(data)
    if version != VERSION or len(data) != _HEAD.size + count * (8 + DIM):
        raise GalleryDamaged(f"{what}: cut short or of another version; index the folders into a new gallery")
    places = np.frombuffer(data, "<f4", 2 * count, _HEAD.size).reshape(count, 2)
    vectors = np.frombuffer(data, np.uint8, DIM * count, _HEAD.size + 8 * count).reshape(count, DIM)
    return Keypoints(places.astype(np.float32), vectors, pixel_scale)
