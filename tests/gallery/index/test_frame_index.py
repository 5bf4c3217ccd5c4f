"""The index of key frames: which frames it holds, which are near, and what is forgotten."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lookalike.descriptors.video import VideoDescription
from lookalike.gallery.index.frame_index import MAX_FRAMES, FrameIndex, key_frames


def units(count: int, dim: int = 64, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_still_shot_has_one_key_frame() -> None:
    """Of each shot the first frame; a shot that comes again counts again."""
    shots = units(3)
    rows = [0] * 5 + [1] + [2] * 9 + [0] * 2
    times = np.arange(len(rows), dtype=np.float32)
    assert key_frames(VideoDescription(times, shots[rows].astype(np.float16))).tolist() == [0, 5, 6, 15]
    assert not len(key_frames(VideoDescription(times[:0], shots[:0].astype(np.float16))))


def test_nearest_and_forgotten(tmp_path: Path) -> None:
    """Videos, places and cosines of the nearest; a forgotten video is told no more; a saved copy is the same."""
    first, second = units(40, seed=1), units(60, seed=2)
    index = FrameIndex(64)
    index.add(3 * MAX_FRAMES + np.arange(40), first)
    index.add(70_000 * MAX_FRAMES + np.arange(60), second)
    videos, places, cosines = index.nearest(second[[7, 9]], 5)
    assert (videos[:, 0].tolist(), places[:, 0].tolist()) == ([70_000] * 2, [7, 9])
    assert np.allclose(cosines[:, 0], 1, atol=0.02)
    index.save(tmp_path / "frames.faiss")
    again = FrameIndex.load(tmp_path / "frames.faiss", 64)
    assert np.array_equal(again.nearest(second[[7, 9]], 5)[1], places)
    index.remove(np.array([70_000, 5]))
    assert len(index) == 40
    assert set(index.nearest(second[[7]], 5)[0].ravel().tolist()) == {3}
    index.remove(np.array([3]))
    assert set(index.nearest(first[[1]], 5)[0].ravel().tolist()) <= {-1}
