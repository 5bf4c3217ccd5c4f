"""Stretches moved to the exact times at which two videos show the same, and cut where they cease to."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lookalike.comparison.frame_timing import AlignedViews, end_times, near_line, read_views, watched_times
from lookalike.comparison.temporal import TemporalMatch
from lookalike.imaging.video import open_video
from videos import pan, write_video

Frames = list[np.ndarray]


@cache
def clip() -> Frames:
    return [*pan("coffee.png", 4), *pan("astronaut.png", 4, start=7)]


@cache
def host() -> Frames:
    return pan("rocket.jpg", 8)


def line(a: tuple[float, float], slope: float, offset: float) -> TemporalMatch:
    nothing = np.zeros(0, np.float32)
    return TemporalMatch(*a, slope, offset, nothing, nothing, 0.0, 0.0, 0.0, 0.0, 0.0)


def views(folder: Path, a: Frames, b: Frames, match: TemporalMatch, fps: float = 10) -> AlignedViews:
    first, second = (
        open_video(write_video(folder / name, frames, rate))
        for name, frames, rate in (("a.mp4", a, 10), ("b.mp4", b, fps))
    )
    times = np.r_[watched_times(match), end_times(match)]
    return AlignedViews(read_views(first, times), read_views(second, near_line(match, second)), None)


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.3), (1.0, -0.25), (0.94, 0.2), (1.06, -0.2)])
def test_a_line_is_moved_to_where_the_frames_agree(tmp_path: Path, slope: float, offset: float) -> None:
    """From a fraction of a second beside it, and from a slightly wrong speed, to the frame."""
    match = line((0.5, 7.5), slope, offset)
    found = views(tmp_path, clip(), clip(), match).on_its_line(match)
    assert pytest.approx((0.5, 7.5), abs=0.06) == (found.b_start, found.b_end)


def test_a_still_leaves_its_line_where_it_is(tmp_path: Path) -> None:
    """Nothing in it says where it belongs."""
    match = line((0.0, 5.0), 1.0, 0.3)
    room = pan("coffee.png", 0.1) * 60
    assert views(tmp_path, room, room, match).on_its_line(match) is match


def test_a_stretch_ends_where_the_videos_cease_to_be_alike(tmp_path: Path) -> None:
    """Two seconds to six of the one lie within another film; what runs on into it on either side is cut off."""
    inserted = [*host()[:30], *clip()[20:60], *host()[30:]]
    match = line((1.2, 7.0), 1.0, 1.0)
    found = views(tmp_path, clip(), inserted, match).within_its_ends(match)
    assert pytest.approx((2, 6, 3, 7), abs=0.15) == (found.a_start, found.a_end, found.b_start, found.b_end)


def test_a_stretch_that_ends_too_early_goes_on(tmp_path: Path) -> None:
    """To the ends of both videos, if they are alike so far."""
    match = line((1.5, 6.5), 1.0, 0.0)
    found = views(tmp_path, clip(), clip(), match).within_its_ends(match)
    assert pytest.approx((0, 8), abs=0.11) == (found.a_start, found.a_end)


def test_of_what_is_not_alike_the_ends_stay(tmp_path: Path) -> None:
    """Other photographs under the same camera."""
    match = line((1.0, 6.0), 1.0, 0.0)
    assert views(tmp_path, clip(), host(), match).within_its_ends(match) is match
