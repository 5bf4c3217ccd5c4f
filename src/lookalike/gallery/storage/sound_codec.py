"""The soundtrack of a video as bytes: nine of them for each word, of which there are 21.5 a second; 0.7 MB an hour.

8 bytes of head (version, 1 where there is a soundtrack, bytes of the problem, words), the problem in UTF-8, then all
bits and all known bits as 32-bit numbers, then the loudness in bytes; little-endian.
"""

from __future__ import annotations

import struct

import numpy as np

from lookalike.descriptors.sound import SoundDescription
from lookalike.errors import GalleryDamaged

VERSION = 1
_HEAD = struct.Struct("<BBHI")
_MOST = 0xFFFF  # bytes of a problem


def packed(sound: SoundDescription | None) -> bytes:
    """A description -> bytes; of a video without sound as well."""
    if sound is None:
        return _HEAD.pack(VERSION, 0, 0, 0)
    problem = (sound.problem or "").encode()[:_MOST]
    words = (sound.bits.astype("<u4"), sound.known.astype("<u4"), sound.loudness.astype("<u1"))
    return b"".join([_HEAD.pack(VERSION, 1, len(problem), len(sound)), problem, *(one.tobytes() for one in words)])


def unpacked(data: bytes, what: str) -> SoundDescription | None:
    """Bytes -> description, None of a video without sound. Raises GalleryDamaged, naming ``what`` it is of."""
    version, there, problem, count = _HEAD.unpack_from(data) if len(data) >= _HEAD.size else (0, 0, 0, 0)
    if version != VERSION or len(data) != _HEAD.size + problem + 9 * count:
        raise GalleryDamaged(f"{what}: damaged; index the folders into a new gallery")
    if not there:
        return None
    at = _HEAD.size + problem
    bits, known = (np.frombuffer(data, "<u4", count, at + place * 4 * count).astype(np.uint32) for place in (0, 1))
    loudness = np.frombuffer(data, "<u1", count, at + 8 * count).astype(np.uint8)
    return SoundDescription(bits, known, loudness, data[_HEAD.size : at].decode(errors="replace") or None)
