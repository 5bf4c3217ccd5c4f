"""Distances between vectors. Smaller is closer; 0 is the same.

=========== ===================== ============ ==========================================
metric      vectors               range        unit
=========== ===================== ============ ==========================================
hamming     (N, B) uint8, packed  0 .. 8 B     differing bits
euclidean   (N, D) float          0 .. inf     the vectors' own; not squared
cosine      (N, D) float          0 .. 2       1 - cos(angle); 1 is a right angle
=========== ===================== ============ ==========================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import UserError
from lookalike.types import Floats

Metric = Literal["hamming", "euclidean", "cosine"]
Array = NDArray[Any]

ROUNDING = 1e-14  # what float64 sums leave between equal vectors; below it the distance is 0, the same


def _check(a: Array, b: Array) -> None:
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise UserError(f"distances need two arrays (N, D) and (M, D), not {a.shape} and {b.shape}")


def hamming(a: Array, b: Array) -> Floats:
    """Differing bits of packed bit strings: (N, B) uint8 and (M, B) uint8 -> (N, M) float32."""
    _check(a, b)
    if a.dtype != np.uint8 or b.dtype != np.uint8:
        raise UserError(f"hamming needs packed bits as uint8, not {a.dtype} and {b.dtype}")
    words = np.uint64 if a.shape[1] % 8 == 0 else np.uint8
    wide_a: NDArray[np.unsignedinteger[Any]] = np.ascontiguousarray(a).view(words)
    wide_b: NDArray[np.unsignedinteger[Any]] = np.ascontiguousarray(b).view(words)
    total = np.zeros((len(a), len(b)), np.uint16)
    for word in range(wide_a.shape[1]):
        total += np.bitwise_count(wide_a[:, word, None] ^ wide_b[None, :, word])
    return total.astype(np.float32)


def euclidean(a: Array, b: Array) -> Floats:
    """Straight-line distance: (N, D) and (M, D) -> (N, M) float32."""
    _check(a, b)
    a64, b64 = a.astype(np.float64), b.astype(np.float64)
    size = (a64**2).sum(1)[:, None] + (b64**2).sum(1)[None, :]
    squared = size - 2.0 * (a64 @ b64.T)
    squared[squared < ROUNDING * size] = 0.0
    return np.asarray(np.sqrt(squared), np.float32)


def cosine(a: Array, b: Array) -> Floats:
    """1 - cosine of the angle: (N, D) and (M, D) -> (N, M) float32. A zero vector is at 1 from every other."""
    _check(a, b)
    unit_a, unit_b = normalise(a.astype(np.float64)), normalise(b.astype(np.float64))
    distance = np.clip(1.0 - unit_a @ unit_b.T, 0.0, 2.0)
    distance[distance < ROUNDING] = 0.0
    return np.asarray(distance, np.float32)


METRICS: Mapping[Metric, Callable[[Array, Array], Floats]] = {
    "hamming": hamming,
    "euclidean": euclidean,
    "cosine": cosine,
}


def weighted_sum(distances: Mapping[str, Array], weights: Mapping[str, float]) -> Floats:
    """Sum of same-shaped distance arrays, each times its weight; the weights are normalised to add up to 1."""
    normalised = normalise_weights(weights)
    missing = set(normalised) - set(distances)
    if missing:
        raise UserError(f"no distance given for {', '.join(sorted(missing))}")
    shapes = {np.shape(distances[name]) for name in normalised}
    if len(shapes) > 1:
        raise UserError(f"a sum needs distances of one shape, not {', '.join(map(str, sorted(shapes)))}")
    parts = [np.float32(weight) * distances[name].astype(np.float32) for name, weight in normalised.items()]
    return np.asarray(np.sum(parts, axis=0, dtype=np.float32), np.float32)


def normalise_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """The same weights, divided by their sum. None may be negative, one must be above zero."""
    values = [float(value) for value in weights.values()]
    if not values or not all(np.isfinite(values)) or min(values) < 0 or sum(values) <= 0:
        raise UserError(f"weights must be finite, not negative, and not all zero: {dict(weights)}")
    return {name: float(value) / sum(values) for name, value in weights.items()}


def normalise(vectors: Array) -> Array:
    """(N, D) float -> (N, D), each row of unit length; zero rows stay zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0))


def paired(metric: Metric, a: Array, b: Array) -> Floats:
    """Row by row: (N, D) and (N, D) -> (N,) float32."""
    _check(a, b)
    if len(a) != len(b):
        raise UserError(f"paired distances need as many rows on both sides, not {len(a)} and {len(b)}")
    if metric == "hamming":
        return np.asarray(np.bitwise_count(a ^ b).sum(1), np.float32)
    a64, b64 = a.astype(np.float64), b.astype(np.float64)
    if metric == "euclidean":
        return np.asarray(np.linalg.norm(a64 - b64, axis=1), np.float32)
    distance = np.clip(1.0 - np.einsum("nd,nd->n", normalise(a64), normalise(b64)), 0.0, 2.0)
    distance[distance < ROUNDING] = 0.0
    return np.asarray(distance, np.float32)
