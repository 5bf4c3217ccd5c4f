"""Frames as bytes: nothing is rounded, and what is not whole is refused."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.descriptors.video import VideoDescription
from lookalike.errors import GalleryDamaged
from lookalike.gallery.storage.frame_codec import packed, unpacked


def description(count: int, dim: int = 8) -> VideoDescription:
    random = np.random.default_rng(count)
    return VideoDescription(np.arange(count, dtype=np.float32) / 3, random.normal(size=(count, dim)).astype(np.float16))


@pytest.mark.parametrize("count", [0, 1, 500])
def test_there_and_back(count: int) -> None:
    """The same times and vectors; 2 D + 4 bytes a frame."""
    before = description(count)
    data = packed(before)
    after = unpacked(data, "it")
    assert np.array_equal(before.times, after.times)
    assert np.array_equal(before.vectors, after.vectors)
    assert len(data) == 8 + count * 20


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"x", lambda data: b"\7" + data[1:]])
def test_what_is_not_whole(change) -> None:
    """The message names what it is of."""
    with pytest.raises(GalleryDamaged, match="the frames of it: damaged"):
        unpacked(change(packed(description(5))), "the frames of it")
    with pytest.raises(GalleryDamaged):
        unpacked(b"", "it")
