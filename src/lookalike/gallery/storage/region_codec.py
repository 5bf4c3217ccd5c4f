"""Regions of an image as bytes: D + 11 of them a region, so that 32 regions of 256 numbers take 8,548.

4 bytes of head (version, count, numbers per vector), then all boxes as 16-bit shares, all scores as 8-bit shares, all
classes as 16-bit numbers, and all vectors as 8-bit numbers, each divided by its largest; little-endian. No scale is
kept: a vector has unit length, and gets it back.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lookalike.descriptors.neural.region_model import NO_CLASS, OBJECT_THRESHOLD, Regions
from lookalike.errors import GalleryDamaged
from lookalike.types import Floats

VERSION = 1
MAX_REGIONS = 64  # regions of an image: what a number in an index has room for
ALL = ""  # the name that stands for objects of every class
_HEAD = struct.Struct("<BBH")


def packed(regions: Regions) -> bytes:
    """At most MAX_REGIONS regions -> bytes. Rounded: boxes to 1/65535 of the image, scores to 1/255, vectors to 1/127
    of their largest number."""
    count, dim = regions.vectors.shape
    if count > MAX_REGIONS:
        raise ValueError(f"{count} regions; at most {MAX_REGIONS} can be kept")
    largest = np.maximum(np.abs(regions.vectors).max(1, initial=1e-12, keepdims=True), 1e-12)
    parts = (
        np.rint(np.clip(regions.boxes, 0, 1) * 65535).astype("<u2"),
        np.rint(np.clip(regions.scores, 0, 1) * 255).astype(np.uint8),
        regions.classes.astype("<i2"),
        np.rint(regions.vectors / largest * 127).astype(np.int8),
    )
    return _HEAD.pack(VERSION, count, dim) + b"".join(part.tobytes() for part in parts)


def unpacked(data: bytes, what: str) -> Regions:
    """Bytes -> regions. Raises GalleryDamaged, naming ``what`` they are of."""
    count, _ = _shape(data, what)
    ends = np.cumsum([_HEAD.size, 8 * count, count]).tolist()
    boxes = (np.frombuffer(data, "<u2", 4 * count, ends[0]).reshape(count, 4) / 65535).astype(np.float32)
    scores = (np.frombuffer(data, np.uint8, count, ends[1]) / 255).astype(np.float32)
    classes = np.frombuffer(data, "<i2", count, ends[2]).astype(np.int64)
    return Regions(boxes, scores, classes, of_unit_length(packed_vectors(data, what)))


def packed_vectors(data: bytes, what: str) -> NDArray[np.int8]:
    """The vectors alone, as they are kept, (R, D). Raises GalleryDamaged, naming ``what`` they are of."""
    count, dim = _shape(data, what)
    return np.frombuffer(data, np.int8, dim * count, _HEAD.size + 11 * count).reshape(count, dim)


def without_vectors(data: bytes, places: Sequence[int]) -> bytes:
    """The same regions, those at these places with a vector of zeros, which is like no other."""
    _, count, dim = _HEAD.unpack_from(data)
    changed = bytearray(data)
    for place in places:
        start = _HEAD.size + 11 * count + dim * place
        changed[start : start + dim] = bytes(dim)
    return bytes(changed)


def of_unit_length(kept: NDArray[np.int8]) -> Floats:
    """(R, D) as they are kept -> (R, D) float32."""
    vectors = kept.astype(np.float32)
    length = np.sqrt(np.einsum("rd,rd->r", vectors, vectors))[:, None]
    vectors /= np.maximum(length, np.float32(1e-12))
    return vectors


def _shape(data: bytes, what: str) -> tuple[int, int]:
    """How many regions, of how many numbers."""
    version, count, dim = _HEAD.unpack_from(data) if len(data) >= _HEAD.size else (0, 0, 0)
    if version != VERSION or len(data) != _HEAD.size + count * (11 + dim):
        raise GalleryDamaged(f"{what}: damaged; index the folders into a new gallery")
    return count, dim


def objects(regions: Regions, names: Sequence[str]) -> dict[str, int]:
    """Name of a class -> how many regions are surely enough such an object; ALL -> of all classes and of none."""
    found = regions.classes[regions.scores >= OBJECT_THRESHOLD].tolist()
    named = Counter(names[number] for number in found if number != NO_CLASS and number < len(names))
    return {ALL: len(found), **named}
