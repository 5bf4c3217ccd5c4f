"""What changed places are like: something laid on, or other content on both sides."""

from __future__ import annotations

import numpy as np
import pytest

from filled_in import camera, memes, receipts
from lookalike.comparison.alignment.changed_content import ChangedContent
from lookalike.comparison.alignment.unexplained import unexplained
from lookalike.imaging import from_array
from lookalike.imaging.manipulations import apply
from samples import photograph

CAT = photograph("chelsea.png")


def of(a: np.ndarray, b: np.ndarray, changed: np.ndarray | None = None) -> ChangedContent:
    found = unexplained(from_array(a), from_array(b), np.eye(3), changed)
    assert found is not None
    return found.content


def test_a_rectangle_over_it() -> None:
    """One place, full, of one colour."""
    covered = apply("covered", CAT)
    found = of(CAT, covered, (covered != CAT).any(2))
    assert found.places == 1
    assert found.largest_fill > 0.9
    assert found.flatness > 0.9
    assert found.other_flatness < 0.4
    assert found.share == pytest.approx(0.2, abs=0.08)


def test_other_lines_on_a_page() -> None:
    """Many places, and both pages have structure there."""
    first, _, third = receipts()
    found = of(first, third)
    assert found.places > 3
    assert found.largest_share < 0.8
    assert found.edge_balance > 0.5


def test_two_texts_on_one_photograph() -> None:
    """Both have structure there; beside the photograph itself the text has nearly all."""
    first, second = memes()
    bare = np.asarray(from_array(CAT).pixels)
    assert of(first, second).edge_balance > 0.6
    one_sided = of(bare, apply("sticker", bare))
    assert one_sided.edge_balance < of(first, second).edge_balance


def test_the_grain_agrees_in_a_copy_alone() -> None:
    """The noise of a sensor is another one in each frame, and the same in a copy of one."""
    frame = camera(1)
    assert of(frame, camera(2, "chelsea.png")).noise_correlation < 0.2
    assert of(frame, apply("covered", frame)).noise_correlation > 0.9
    assert of(frame, camera(2)).fine_noise_level > 1


def test_nothing_changed() -> None:
    """Then all says that it agrees."""
    found = of(CAT, CAT)
    assert (found.share, found.places) == (0, 0)
    assert (found.largest_fill, found.largest_share, found.edge_balance, found.kept_texture) == (1, 1, 1, 1)
    assert found.noise_correlation == pytest.approx(1)
