"""Distillation: a known network's features of the training images, kept on disk (Hinton et al., arXiv 1503.02531).

The teacher is an ONNX file with the input ``image``, (N, 3, H, W) float32 RGB in -1..1, and the outputs
``features`` and ``logits``; ``recipes/teacher.py`` makes one. It is used in training and not shipped.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import UserError
from lookalike.training.data.image_cache import ImageCache
from lookalike.types import Floats, Pixels

TEACHER_BATCH = 64


def cached_teacher_features(images: ImageCache, teacher: Path, side: int, cache_folder: Path) -> NDArray[np.float16]:
    """(N, T) float16: the teacher's features of every image, seen at ``side`` x ``side`` pixels.

    Kept below ``cache_folder`` by what the teacher's file and the images hold, and computed anew when either changes.
    Raises UserError for a teacher that is not there."""
    if not teacher.is_file():
        raise UserError(f"{teacher}: no such file; recipes/teacher.py makes one")
    kept = cache_folder / f"teacher-{images.root.name}-{_key(images.pixels, teacher, side)}.npy"
    if not kept.exists():
        part = kept.with_suffix(".part.npy")
        np.save(part, np.concatenate(list(_features(images.pixels, teacher, side))).astype(np.float16))
        os.replace(part, kept)
    return np.asarray(np.load(kept))


def _key(pixels: Pixels, teacher: Path, side: int) -> str:
    """12 hex digits of the teacher's bytes, the images' pixels and the side at which they are seen."""
    digest = hashlib.sha256(f"{side}\0{pixels.shape}\0".encode())
    digest.update(hashlib.sha256(teacher.read_bytes()).digest())
    for block in _blocks(pixels):
        digest.update(np.ascontiguousarray(block).data)
    return digest.hexdigest()[:12]


def _features(pixels: Pixels, teacher: Path, side: int) -> Iterator[Floats]:
    import onnxruntime

    session = onnxruntime.InferenceSession(teacher)
    for block in _blocks(pixels):
        yield session.run(["features"], {"image": _input(block, side)})[0]


def _blocks(pixels: Pixels) -> Iterator[Pixels]:
    for start in range(0, len(pixels), TEACHER_BATCH):
        yield pixels[start : start + TEACHER_BATCH]


def _input(pixels: Pixels, side: int) -> Floats:
    """(N, s, s, 3) uint8 -> (N, 3, side, side) in -1..1."""
    import cv2

    resized = [cv2.resize(one, (side, side), interpolation=cv2.INTER_LINEAR) for one in pixels]
    return np.stack(resized).transpose(0, 3, 1, 2).astype(np.float32) / np.float32(127.5) - np.float32(1)
