"""Keypoints as bytes."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.descriptors.keypoints import Keypoints, keypoints
from lookalike.errors import GalleryDamaged
from lookalike.gallery.storage.keypoint_codec import KEPT, packed, unpacked
from lookalike.imaging import from_array
from samples import photograph


def test_there_and_back() -> None:
    """The clearest KEPT come back as they were; none stay none."""
    found = keypoints(from_array(photograph("astronaut.png")))
    back = unpacked(packed(found))
    assert len(back) == KEPT < len(found)
    assert np.array_equal(back.points, found.points[:KEPT])
    assert np.array_equal(back.vectors, found.vectors[:KEPT])
    assert back.pixel_scale == pytest.approx(found.pixel_scale)
    none = Keypoints(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8), 1.0)
    assert len(unpacked(packed(none))) == 0


def test_damaged() -> None:
    """Bytes that are cut short, too long or of another version are refused."""
    data = packed(keypoints(from_array(photograph("coffee.png"))))
    for bad in (b"", data[:5], data[:-1], data + b"x", b"\x09" + data[1:]):
        with pytest.raises(GalleryDamaged):
            unpacked(bad)
