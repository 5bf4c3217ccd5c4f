"""The frames of a video as bytes: 2 D + 4 of them a frame; 3.7 MB an hour of two frames a second with 256 numbers.

8 bytes of head (version, 0, numbers per vector, frames), then all times as 32-bit seconds and all vectors as 16-bit
numbers; little-endian.
"""

from __future__ import annotations

import struct

import numpy as np

from lookalike.descriptors.video import VideoDescription
from lookalike.errors import GalleryDamaged

VERSION = 1
_HEAD = struct.Struct("<BBHI")


def packed(description: VideoDescription) -> bytes:
    """A description -> bytes, nothing rounded."""
    count, dim = description.vectors.shape
    times, vectors = description.times.astype("<f4"), description.vectors.astype("<f2")
    return _HEAD.pack(VERSION, 0, dim, count) + times.tobytes() + vectors.tobytes()


def unpacked(data: bytes, what: str) -> VideoDescription:
    """Bytes -> description. Raises GalleryDamaged, naming ``what`` it is of."""
    version, _, dim, count = _HEAD.unpack_from(data) if len(data) >= _HEAD.size else (0, 0, 0, 0)
    if version != VERSION or len(data) != _HEAD.size + count * (4 + 2 * dim):
        raise GalleryDamaged(f"{what}: damaged; index the folders into a new gallery")
    times = np.frombuffer(data, "<f4", count, _HEAD.size).astype(np.float32)
    vectors = np.frombuffer(data, "<f2", count * dim, _HEAD.size + 4 * count).astype(np.float16)
    return VideoDescription(times, vectors.reshape(count, dim))
