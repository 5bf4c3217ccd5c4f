"""The likeliest classes of an image as bytes."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import GalleryDamaged
from lookalike.gallery.storage.class_codec import KEPT, packed, unpacked


def test_the_likeliest_come_back_in_order() -> None:
    """The largest of a thousand, to three digits, in 64 bytes."""
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.full(1000, 0.02)).astype(np.float32)
    data = packed(probabilities)
    places, shares = unpacked(data)
    expected = sorted(range(1000), key=lambda place: -probabilities[place])[:KEPT]
    assert (len(data), places.tolist()) == (64, expected)
    np.testing.assert_allclose(shares, probabilities[expected], rtol=1e-3, atol=1e-7)


def test_fewer_classes_than_are_kept() -> None:
    """All of them."""
    places, shares = unpacked(packed(np.array([0.25, 0.5, 0.25], np.float32)))
    assert (places.tolist(), shares.tolist()) == ([1, 0, 2], [0.5, 0.25, 0.25])


@pytest.mark.parametrize("data", [b"", b"abc", bytes(63)])
def test_what_is_cut_short_is_told(data: bytes) -> None:
    """By the image that it belongs to."""
    with pytest.raises(GalleryDamaged, match="classes of image 7: cut short"):
        unpacked(data, "classes of image 7")
