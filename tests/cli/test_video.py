"""lookalike video compare: what it prints and writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from click.testing import CliRunner, Result

from lookalike.cli import cli
from lookalike.errors import DamagedVideo, UserError
from videos import SOUND_RATE, break_sound, pan, tune, write_video


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["video", "compare", *map(str, arguments)])


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A video, and its seconds 2 to 7 as a folder of numbered frames."""
    folder = tmp_path_factory.mktemp("videos")
    frames = [*pan("coffee.png", 4), *pan("astronaut.png", 4, start=7)]
    numbered = folder / "frames"
    numbered.mkdir()
    for number, pixels in enumerate(frames[20:70], 1):
        PIL.Image.fromarray(pixels).save(numbered / f"frame_{number:03}.jpg", quality=90)
    return write_video(folder / "a.mp4", frames), numbered


def test_segments_are_printed_and_drawn(videos: tuple[Path, Path], tmp_path: Path) -> None:
    """A line says where the segment is in both; the timeline has both filmstrips."""
    result = run(*videos, "--fps", 10, "--report", tmp_path / "timeline.png")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].endswith("a.mp4, 0:08.0, 240 x 176, mpeg4")
    assert lines[2].startswith("A 0:02.")
    assert " is B 0:00." in lines[2]
    timeline = np.asarray(PIL.Image.open(tmp_path / "timeline.png"))
    assert timeline.shape[1] == 1400
    assert timeline[60:130].std() > 20


def test_json_and_page(videos: tuple[Path, Path], tmp_path: Path) -> None:
    """One object with the library's names; a page that carries its timeline in itself."""
    result = run(*videos, "--fps", 10, "--json", "--report", tmp_path / "page.html")
    found = json.loads(result.stdout)
    assert (found["a"]["codec"], found["b"]["fps"]) == ("mpeg4", 10)
    (segment,) = found["segments"]
    assert segment["a_start"] == pytest.approx(2, abs=0.6)
    assert segment["b_end"] == pytest.approx(5, abs=0.6)
    page = (tmp_path / "page.html").read_text()
    assert "data:image/webp;base64," in page
    assert "0:02." in page


def test_sound_is_printed_and_drawn(tmp_path: Path) -> None:
    """A line for each segment of sound, the statement, two waveforms below the filmstrips; and the same as JSON."""
    film, paths = pan("coffee.png", 6), [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    write_video(paths[0], film, sound=tune(1, 6.0))
    write_video(paths[1], film[20:], sound=tune(1, 6.0)[:, 2 * SOUND_RATE :])
    result = run(*paths, "--report", tmp_path / "timeline.png")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "same images, same sound"
    assert "sound of A 0:02." in result.stdout
    quiet = run(paths[0], write_video(tmp_path / "c.mp4", film), "--json", "--report", tmp_path / "page.html")
    found = json.loads(quiet.stdout)
    assert (found["statement"], found["sound"]) == ("same images, no sound in B", [])
    assert "same images, no sound in B" in (tmp_path / "page.html").read_text()
    timeline = np.asarray(PIL.Image.open(tmp_path / "timeline.png")).astype(int)
    assert timeline.shape[0] > 600
    assert (np.ptp(timeline[440:690], axis=2) > 60).any()


def test_sound_that_is_broken_is_told_and_the_images_are_compared(tmp_path: Path) -> None:
    """The reason, and the segments of the images all the same."""
    film, paths = pan("coffee.png", 4), [tmp_path / "a.mkv", tmp_path / "b.mkv"]
    write_video(paths[0], film, sound=tune(1, 4.0))
    break_sound(write_video(paths[1], film, sound=tune(1, 4.0)))
    result = run(*paths)
    assert result.exit_code == 0, result.output
    assert result.stdout.count(" is B 0:00.") == 1
    assert "the sound of B could not be read to its end: its sound is corrupt" in result.stdout


def test_what_makes_no_sense_is_refused_before_there_is_work(videos: tuple[Path, Path], tmp_path: Path) -> None:
    """A rate for a file, a report over a video, an ending that no image has."""
    video = videos[0]
    with pytest.raises(UserError, match="--fps is for folders"):
        CliRunner().invoke(cli, ["video", "compare", str(video), str(video), "--fps", "3"], catch_exceptions=False)
    assert isinstance(run(video, video, "--report", video).exception, UserError)
    assert isinstance(run(video, video, "--report", tmp_path / "a.xyz").exception, UserError)


def test_a_damaged_video_is_an_error(videos: tuple[Path, Path], tmp_path: Path) -> None:
    """It names the file; its exit code is that of files that failed."""
    half = tmp_path / "half.mkv"
    write_video(half, pan("coffee.png", 6.0))
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    error = run(videos[0], half).exception
    assert isinstance(error, DamagedVideo)
    assert "half.mkv" in str(error)
    assert error.exit_code == 1
