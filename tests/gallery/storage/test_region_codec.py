"""Regions as bytes: how many, and what comes back."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.descriptors.neural.region_model import OBJECT_THRESHOLD, Regions
from lookalike.errors import GalleryDamaged
from lookalike.gallery.storage.region_codec import objects, packed, unpacked


def regions(count: int, dim: int = 256) -> Regions:
    rng = np.random.default_rng(count)
    vectors = rng.normal(size=(count, dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    boxes = rng.random((count, 4)).astype(np.float32) / 2
    return Regions(boxes, rng.random(count).astype(np.float32), rng.integers(-1, 300, count), vectors)


def test_thirty_two_regions_take_so_many_bytes() -> None:
    """4 bytes of head, and for each region 8 of a box, 1 of a score, 2 of a class, 256 of a vector: under 10 KB."""
    assert len(packed(regions(32))) == 4 + 32 * (8 + 1 + 2 + 256) == 8548


@pytest.mark.parametrize("count", [0, 1, 32, 64])
def test_they_come_back(count: int) -> None:
    """Boxes, scores, classes and vectors come back but for their rounding; vectors have unit length."""
    before = regions(count)
    after = unpacked(packed(before), "these")
    np.testing.assert_allclose(after.boxes, before.boxes, atol=0.5 / 65535 + 1e-7)
    np.testing.assert_allclose(after.scores, before.scores, atol=0.5 / 255 + 1e-7)
    np.testing.assert_array_equal(after.classes, before.classes)
    cosines = [float(a @ b) for a, b in zip(before.vectors, after.vectors, strict=True)]
    assert all(cosine > 0.9998 for cosine in cosines)
    np.testing.assert_allclose(np.linalg.norm(after.vectors, axis=1), 1, atol=1e-5)


def test_what_has_another_length_is_damaged() -> None:
    """Bytes that are cut short, or of nothing, are refused by name."""
    for data in (b"", packed(regions(3))[:-1], b"\x07" + packed(regions(3))[1:]):
        with pytest.raises(GalleryDamaged, match="image 7: damaged"):
            unpacked(data, "image 7")


def test_objects_are_counted_by_name() -> None:
    """Only surely enough ones count; those without a class count among all."""
    scores = np.array([0.9, OBJECT_THRESHOLD, OBJECT_THRESHOLD - 0.01, 0.8], np.float32)
    result = Regions(np.zeros((4, 4), np.float32), scores, np.array([0, 0, 1, -1]), np.eye(4, dtype=np.float32))
    assert objects(result, ["cat", "dog"]) == {"": 3, "cat": 2}
