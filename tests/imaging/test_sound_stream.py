"""The soundtrack of a video: one channel, in step with its images, and what is broken says so."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from lookalike.errors import DamagedVideo
from lookalike.imaging.sound_stream import SAMPLE_RATE, sound_samples
from videos import SOUND_RATE, break_sound, pan, tune, write_video

FRAMES = pan("coffee.png", 3.0)


def samples(path: Path) -> np.ndarray:
    return np.concatenate(list(sound_samples(str(path))))


def beep(at: float, seconds: float = 3.0, frequency: float = 700.0) -> np.ndarray:
    """(N,) silence, and a tone of 0.2 seconds."""
    time = np.arange(int(seconds * SOUND_RATE)) / SOUND_RATE
    return np.where((time >= at) & (time < at + 0.2), 0.5 * np.sin(2 * np.pi * frequency * time), 0).astype(np.float32)


def loud(sound: np.ndarray) -> tuple[float, float]:
    """Seconds at which it begins and ends to be heard."""
    places = np.flatnonzero(np.abs(sound) > 0.05)
    return places[0] / SAMPLE_RATE, places[-1] / SAMPLE_RATE


def test_sound_is_in_step_with_the_images(tmp_path: Path) -> None:
    """A beep comes at its time, whether the soundtrack begins with the images or later."""
    for start in (0.0, 0.7):
        sound = samples(write_video(tmp_path / "a.mp4", FRAMES, sound=beep(1.0)[None], sound_start=start))
        assert pytest.approx((1.0 + start, 1.2 + start), abs=0.03) == loud(sound)


def test_channels_are_mixed(tmp_path: Path) -> None:
    """What is on the left alone and what is on the right alone are both heard."""
    sound = samples(write_video(tmp_path / "a.mp4", FRAMES, sound=np.stack([beep(0.5), beep(2.0)])))
    assert pytest.approx((0.5, 2.2), abs=0.03) == loud(sound)
    assert 0.2 < np.abs(sound).max() < 0.6


def test_corrupt_sound_is_damaged(tmp_path: Path) -> None:
    """The pieces of sound are overwritten: an error about the sound, after what could be read."""
    path = break_sound(write_video(tmp_path / "a.mkv", FRAMES, sound=tune(1, 3.0)))
    found: list[np.ndarray] = []
    with pytest.raises(DamagedVideo, match="its sound is corrupt"):
        found.extend(sound_samples(str(path)))
    assert sum(map(len, found)) > 0.3 * SAMPLE_RATE


def test_a_soundtrack_that_changes_its_channels(tmp_path: Path) -> None:
    """A broadcast that goes on in stereo: nothing is lost before the change or after it."""
    parts = []
    for name, sound in (("a", beep(1.0)[None]), ("b", np.stack([beep(2.0), beep(2.0)]))):
        path = write_video(tmp_path / f"{name}.ts", FRAMES, codec="mpeg2video", sound=sound)
        parts.append(path.read_bytes())
    (tmp_path / "c.ts").write_bytes(b"".join(parts))
    sound = samples(tmp_path / "c.ts")
    assert pytest.approx((1.0, 5.2), abs=0.2) == loud(sound)


def test_samples_that_are_no_numbers(tmp_path: Path) -> None:
    """Floats of a broken file may be infinite or none at all: what comes out is neither."""
    sound = beep(1.0)
    sound[50_000:50_100], sound[60_000:60_100] = np.nan, np.inf
    path = tmp_path / "a.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=SOUND_RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(sound[None], format="flt", layout="mono")
        frame.sample_rate = SOUND_RATE
        container.mux(stream.encode(frame))
    found = samples(path)
    assert np.isfinite(found).all()
    assert len(found) == pytest.approx(3 * SAMPLE_RATE, abs=30)
