"""Drawn overlays and backgrounds."""

from __future__ import annotations

import numpy as np

from lookalike.training.data.synthetic_overlays import backgrounds, overlays


def test_the_same_seed_draws_the_same() -> None:
    """Drawings depend on their seed alone, and differ from each other."""
    for draw, channels in ((overlays, 4), (backgrounds, 3)):
        first = draw(12, 48, 3)
        assert (first.shape, first.dtype) == ((12, 48, 48, channels), np.uint8)
        assert np.array_equal(first, draw(12, 48, 3))
        assert not np.array_equal(first, draw(12, 48, 4))
        assert len({one.tobytes() for one in first}) > 8


def test_overlays_are_clear_in_places_and_seen_in_others() -> None:
    """Of each kind's overlays some part is opaque enough to be seen; most leave a part of the image alone."""
    alpha = overlays(60, 48, 1)[..., 3].reshape(60, -1)
    assert (alpha.max(1) >= 60).mean() > 0.9
    assert (alpha.min(1) == 0).mean() > 0.7
