"""Two videos compared: which segments they share, at which speed, what was done, and what is no copy."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from lookalike.comparison.video_pair import compare_videos
from lookalike.types import Segment
from videos import FPS, pan, write_video

Frames = list[np.ndarray]


@cache
def film() -> Frames:
    """Twelve seconds: a shot of each of three photographs."""
    return [*pan("coffee.png", 4), *pan("astronaut.png", 4, start=7), *pan("chelsea.png", 4, start=3)]


@cache
def host() -> Frames:
    return [*pan("rocket.jpg", 6), *pan("motorcycle_left.png", 6, start=5)]


def shared(folder: Path, a: Frames, b: Frames, fps: float = FPS) -> tuple[Segment, ...]:
    return compare_videos(write_video(folder / "a.mp4", a), write_video(folder / "b.mp4", b, fps)).segments


def spans(segments: tuple[Segment, ...]) -> list[tuple[float, ...]]:
    return [(one.a_start, one.a_end, one.b_start, one.b_end) for one in segments]


def test_a_mirrored_copy_at_another_speed(tmp_path: Path) -> None:
    """One segment over the whole length, with its speed and its mirror image."""
    (one,) = shared(tmp_path, film(), [frame[:, ::-1] for frame in film()], FPS * 1.25)
    assert pytest.approx((0, 12, 0, 9.6), abs=0.6) == spans((one,))[0]
    assert (one.speed, one.relation) == (1.25, "mirrored")
    assert one.probability > 0.9


def test_a_crop_says_where_it_was_cut_out(tmp_path: Path) -> None:
    """The box is that of the part in the original, in its pixels."""
    cropped = [np.asarray(PIL.Image.fromarray(frame[20:160, 30:210]).resize((240, 186))) for frame in film()]
    (one,) = shared(tmp_path, film(), cropped)
    assert (one.relation, one.box_in) == ("crop", "a")
    assert one.box is not None
    assert pytest.approx((30, 20, 180, 140), abs=6) == (one.box.x, one.box.y, one.box.width, one.box.height)


def test_either_may_be_called_a(tmp_path: Path) -> None:
    """A cropped part at another speed, whose camera moves all the time: the same is found in both directions."""
    cropped = [np.asarray(PIL.Image.fromarray(frame[20:160, 30:210]).resize((240, 186))) for frame in film()[13:103]]
    a, b = write_video(tmp_path / "a.mp4", film()), write_video(tmp_path / "b.mp4", cropped, FPS * 1.25)
    (one,), (other,) = compare_videos(a, b).segments, compare_videos(b, a).segments
    assert pytest.approx((1.3, 10.3, 0, 7.2), abs=0.15) == spans((one,))[0]
    assert (one.speed, one.box_in) == (1.25, "a")
    assert one.probability > 0.9
    assert other == replace(
        one,
        a_start=one.b_start,
        a_end=one.b_end,
        b_start=one.a_start,
        b_end=one.a_end,
        speed=0.8,
        box_in="b",
    )


def test_an_insert_is_found_in_its_host(tmp_path: Path) -> None:
    """Five seconds of the one within the other, and nothing else."""
    (one,) = shared(tmp_path, film(), [*host()[:60], *film()[20:70], *host()[60:]])
    assert pytest.approx((2, 7, 6, 11), abs=0.6) == spans((one,))[0]


def test_halves_that_changed_places_are_two_segments(tmp_path: Path) -> None:
    """In the order of the first video."""
    segments = shared(tmp_path, film(), [*film()[40:], *film()[:40]])
    assert pytest.approx(np.array([(0, 4, 8, 12), (4, 12, 0, 8)]), abs=0.6) == np.array(spans(segments))


def test_a_picture_in_the_picture_is_found(tmp_path: Path) -> None:
    """Two fifths of the side, in a corner of another video: the box says where."""
    frames = []
    for own, other in zip(film()[:60], host()[:60], strict=True):
        large = np.array(PIL.Image.fromarray(other).resize((480, 352)))
        large[200:341, 270:462] = np.asarray(PIL.Image.fromarray(own).resize((192, 141)))
        frames.append(large)
    (one,) = shared(tmp_path, film()[:60], frames)
    assert pytest.approx((0, 6, 0, 6), abs=0.6) == spans((one,))[0]
    assert one.box is not None
    assert one.box_in == "b"
    assert pytest.approx((270, 200, 192, 141), abs=8) == (one.box.x, one.box.y, one.box.width, one.box.height)


@pytest.mark.parametrize("seconds", [3, 20])
def test_a_still_proves_nothing(tmp_path: Path, seconds: int) -> None:
    """The same room in both, and nothing moves: that may be another night, however long it lasts."""
    room = pan("coffee.png", 0.1)
    a, b = (write_video(tmp_path / name, room * (seconds * FPS)) for name in ("a.mp4", "b.mp4"))
    result = compare_videos(a, b)
    assert result.segments == ()
    assert result.probability < 0.3


def test_unrelated_videos_share_nothing(tmp_path: Path) -> None:
    """Photographs of other things under the same camera."""
    assert shared(tmp_path, film()[20:80], host()[:60]) == ()


def test_a_fixed_camera_at_another_time_is_no_copy(tmp_path: Path) -> None:
    """The room is the same in every frame, and who walks about in it goes other ways."""
    room = np.asarray(PIL.Image.fromarray(pan("coffee.png", 0.1)[0]))
    who = np.asarray(PIL.Image.fromarray(pan("astronaut.png", 0.1)[0]).resize((60, 90)))

    def recorded(seed: int) -> Frames:
        rng = np.random.default_rng(seed)
        ways = [np.interp(np.arange(120), np.linspace(0, 120, 7), rng.integers(0, most, 7)) for most in (180, 86)]
        frames = []
        for left, top in zip(*(way.astype(int) for way in ways), strict=True):
            frames.append(room.copy())
            frames[-1][top : top + 90, left : left + 60] = who
        return frames

    assert shared(tmp_path, recorded(1), recorded(2)) == ()
    (one,) = shared(tmp_path, recorded(1), recorded(1)[20:])
    assert pytest.approx((2, 12, 0, 10), abs=0.6) == spans((one,))[0]
