"""What is said of the sound of two videos: the same, another one, shifted, partly, none."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lookalike.comparison.sound_pair import shared_sound, statement
from lookalike.comparison.video_pair import compare_videos
from lookalike.descriptors.sound import SoundDescription, describe_sound
from lookalike.types import Segment, SoundSegment
from videos import low_rate_tune, pan, tune, write_video

WHOLE = Segment(0, 20, 0, 20, 1.0, "edited", 0.9)
HEARD = SoundSegment(0, 20, 0, 20, 1.0, 0.9)


@cache
def audible(seed: int = 1) -> SoundDescription:
    return describe_sound([low_rate_tune(seed, 20.0)])


def test_the_same_sound_goes_to_the_very_ends() -> None:
    """From the first to the last moment, sure, and at the original speed."""
    (one,) = shared_sound(audible(), audible())
    assert pytest.approx((0, 20, 0, 20), abs=0.1) == (one.a_start, one.a_end, one.b_start, one.b_end)
    assert one.probability > 0.9
    assert one.speed == 1.0


def test_the_images_make_the_same_sound_likelier() -> None:
    """Sound that is not sure by itself is surer where the same images are shown with it, and not a second away."""
    noise = np.random.default_rng(1).normal(size=len(low_rate_tune(1, 20.0))) * low_rate_tune(1, 20.0).std() * 2
    drowned = describe_sound([(low_rate_tune(1, 20.0) + noise).astype(np.float32)])

    def sure(images: Segment) -> float:
        return max((one.probability for one in shared_sound(audible(), drowned, [images])), default=0.0)

    shifted = Segment(0, 19, 1, 20, 1.0, "edited", 0.9)
    assert sure(WHOLE) > 0.5
    assert sure(WHOLE) > sure(shifted)


@pytest.mark.parametrize(
    ("images", "sound", "expected"),
    [
        ([WHOLE], [HEARD], "same images, same sound"),
        ([WHOLE], [], "same images, other sound"),
        ([WHOLE], [SoundSegment(0, 8, 0, 8, 1.0, 0.9)], "same images, partly the same sound"),
        ([WHOLE], [SoundSegment(3, 20, 0, 17, 1.0, 0.9)], "same images, same sound, shifted"),
        ([], [HEARD], "other images, same sound"),
        ([], [], "other images, other sound"),
    ],
)
def test_statements(images: list[Segment], sound: list[SoundSegment], expected: str) -> None:
    """Which of both is the same, and whether the sound goes with the images."""
    assert statement(images, sound, audible(), audible(2)) == expected


def test_what_cannot_be_heard_is_told() -> None:
    """No soundtrack, a silent one, one that cannot be read, and one that is silent where the images are shared."""
    silent = describe_sound([np.zeros(60_000, np.float32)])
    broken = SoundDescription(silent.bits[:0], silent.known[:0], silent.loudness[:0], "its sound is corrupt")
    assert statement([WHOLE], [], audible(), None) == "same images, no sound in B"
    assert statement([], [], None, None) == "other images, no sound in A and B"
    assert statement([WHOLE], [], silent, audible()) == "same images, silence in A"
    assert statement([WHOLE], [], audible(), broken) == "same images, unreadable sound in B"
    late = describe_sound([np.zeros(110_240, np.float32), low_rate_tune(1, 10.0)])
    assert statement([Segment(0, 15, 0, 15, 1.0, "edited", 0.9)], [], late, late) == "same images, hardly any sound"


def test_videos_with_the_same_images_and_other_sound(tmp_path: Path) -> None:
    """From two files to the statement: the same film with its own sound and with another tune, another film with it."""
    film, other = pan("coffee.png", 8.0), pan("astronaut.png", 8.0)
    a = write_video(tmp_path / "a.mp4", film, sound=tune(1, 8.0))
    said = []
    for name, frames, sound in (("b", film, 1), ("c", film, 2), ("d", other, 1)):
        b = write_video(tmp_path / f"{name}.mp4", frames, sound=tune(sound, 8.0), quality=8)
        said.append(compare_videos(a, b).statement)
    assert said == ["same images, same sound", "same images, other sound", "other images, same sound"]
