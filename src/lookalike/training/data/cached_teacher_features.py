"""Distillation: what a known network says of the training images, kept on disk (Hinton et al., arXiv 1503.02531).

The teacher is an ONNX file with the input ``image``, (N, 3, H, W) float32 RGB in -1..1, and the outputs
``features`` and ``logits``; ``recipes/teacher.py`` makes one. It teaches and is not shipped.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import UserError
from lookalike.training.data.image_cache import Pack
from lookalike.types import Floats, Pixels

BATCH = 64


def taught(pack: Pack, teacher: Path, side: int, cache: Path) -> NDArray[np.float16]:
    """(N, T) float16: the teacher's features of every image of the pack, seen at ``side`` x ``side`` pixels."""
    import onnxruntime

    if not teacher.is_file():
        raise UserError(f"{teacher}: no such file; recipes/teacher.py makes one")
    name = hashlib.sha256(os.fsencode(f"{pack.root}\0{pack.pixels.shape}\0{teacher}\0{side}")).hexdigest()[:12]
    kept = cache / f"taught-{pack.root.name}-{name}.npy"
    if not kept.exists():
        session = onnxruntime.InferenceSession(teacher)
        starts = range(0, len(pack.pixels), BATCH)
        parts = [session.run(["features"], {"image": _seen(pack.pixels[s : s + BATCH], side)})[0] for s in starts]
        np.save(kept.with_suffix(".part.npy"), np.concatenate(parts).astype(np.float16))
        os.replace(kept.with_suffix(".part.npy"), kept)
    return np.asarray(np.load(kept))


def _seen(pixels: Pixels, side: int) -> Floats:
    import cv2

    resized = [cv2.resize(one, (side, side), interpolation=cv2.INTER_LINEAR) for one in pixels]
    return np.stack(resized).transpose(0, 3, 1, 2).astype(np.float32) / np.float32(127.5) - np.float32(1)


def principal(features: Floats, dim: int) -> tuple[Floats, Floats]:
    """(N, T) -> mean (T,) and the ``dim`` directions of largest variance (T, dim), orthonormal (PCA)."""
    mean = features.mean(0)
    values, vectors = np.linalg.eigh(np.cov(features - mean, rowvar=False))
    return np.asarray(mean, np.float32), np.asarray(vectors[:, np.argsort(-values)[:dim]], np.float32)
