"""Videos, animations and folders of frames: which frames come, when, and upright; what is broken says so."""

from __future__ import annotations

import random
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image as Pillow

from images import BLUE, GREEN, RED, YELLOW, corners, near, quadrants
from lookalike.errors import DamagedVideo, FileMissing, ImageTooLarge, LoadError, NotAVideo, UserError
from lookalike.imaging.video import open_video
from videos import FPS, SOUND_RATE, pan, tune, write_sound, write_video

CONCAT = "ffconcat version 1.0\nfile {path}\n"
PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{path}\n#EXT-X-ENDLIST\n"
ENCODED = 40.0  # levels by which lossy compression may change a colour


def times(path: Path, **options: float) -> list[float]:
    return [frame.time for frame in open_video(path).frames(**options)]


def test_a_video_says_what_it_is(tmp_path: Path) -> None:
    """Size, duration, rate and codec are those that it was written with."""
    info = open_video(write_video(tmp_path / "a.mp4", pan("coffee.png", 3.0))).info
    assert (info.width, info.height, info.fps, info.codec, info.has_sound) == (240, 176, 10.0, "mpeg4", False)
    assert info.duration == pytest.approx(3.0, abs=0.05)
    assert info.bytes == (tmp_path / "a.mp4").stat().st_size


def test_frames_come_at_the_rate_that_is_asked_for(tmp_path: Path) -> None:
    """Two a second by default, one if that is asked for, and each at its own time."""
    path = write_video(tmp_path / "a.mp4", pan("coffee.png", 4.0))
    assert pytest.approx([0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5], abs=0.051) == times(path)
    assert pytest.approx([0, 1, 2, 3], abs=0.051) == times(path, rate=1.0)


def test_a_frame_shows_what_was_shown_at_its_time(tmp_path: Path) -> None:
    """Frame n is grey by 10 n levels: sampled or sought, each has the level of its time."""
    grey = [np.full((64, 64, 3), 40 + 10 * n, np.uint8) for n in range(20)]
    video = open_video(write_video(tmp_path / "a.mp4", grey))
    for frame in [*video.frames(rate=5.0), *video.frames_at([0.3, 0.4, 1.7])]:
        assert frame.image.pixels.mean() == pytest.approx(40 + 100 * frame.time, abs=6)
    assert pytest.approx([0.3, 0.4, 1.7], abs=0.02) == [frame.time for frame in video.frames_at([0.3, 0.4, 1.7])]


def test_a_short_shot_is_seen(tmp_path: Path) -> None:
    """A cut brings a frame of its own: a shot of 0.3 s between two others is not missed at one frame a second."""
    red, blue = (np.full((64, 64, 3), colour, np.uint8) for colour in (RED, BLUE))
    path = write_video(tmp_path / "a.mp4", [red] * 14 + [blue] * 3 + [red] * 13)
    shown = [tuple(frame.image.pixels.mean(axis=(0, 1))) for frame in open_video(path).frames(rate=1.0)]
    assert any(near(BLUE, colour, ENCODED) for colour in shown)


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    """A variable frame rate: frames come with the times of their stamps."""
    stamps = [0.0, 0.1, 0.2, 1.3, 1.4, 3.0, 3.5]
    path = write_video(tmp_path / "a.mp4", pan("coffee.png", 0.7), times=stamps)
    assert pytest.approx([0, 1.3, 3.0, 3.5], abs=0.02) == times(path)


def test_a_turned_video_comes_upright(tmp_path: Path) -> None:
    """A telephone held upright stores its images lying, and a matrix that turns them by a quarter."""
    path = write_video(tmp_path / "a.mp4", [quadrants(96, 64)] * 10)
    data = bytearray(path.read_bytes())
    at = data.find(b"tkhd") + 44
    quarter = (0, 0x10000, 0, -0x10000, 0, 0, 64 << 16, 0, 0x40000000)  # ISO 14496-12: rows of (a, b, u)
    data[at : at + 36] = struct.pack(">9i", *quarter)
    path.write_bytes(data)
    video = open_video(path)
    frame = next(video.frames())
    assert (64, 96) == (video.info.width, video.info.height) == (frame.image.width, frame.image.height)
    assert near((BLUE, RED, YELLOW, GREEN), corners(frame.image.pixels), ENCODED)


def test_pixels_are_made_square(tmp_path: Path) -> None:
    """A pixel that is twice as wide as high makes the image twice as wide."""
    path = write_video(tmp_path / "a.mp4", [quadrants(64, 64)] * 10, aspect=Fraction(2))
    assert (open_video(path).info.width, open_video(path).info.height) == (128, 64)


def test_bars_are_left_out(tmp_path: Path) -> None:
    """Bars that stay are no part of the images; what is black for a while is."""
    frames = []
    for view in pan("coffee.png", 3.0, size=(160, 90)):
        frames.append(np.zeros((150, 160, 3), np.uint8))
        frames[-1][30:120] = view
    frames[:5] = [np.zeros((150, 160, 3), np.uint8)] * 5
    video = open_video(write_video(tmp_path / "a.mp4", frames))
    content = video.info.content
    assert (content.x, content.width) == (0, 160)
    assert pytest.approx((30, 120), abs=3) == (content.y, content.y + content.height)
    assert next(video.frames(min_side=45)).image.pixels.shape[0] == pytest.approx(45, abs=1)


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_an_animation_is_read_as_a_video(tmp_path: Path, ending: str) -> None:
    """Durations of its frames make the times; one that stays for long comes as often as it is due."""
    views = [Pillow.fromarray(np.full((40, 60, 3), level, np.uint8)) for level in (50, 120, 190, 240)]
    path = tmp_path / f"a.{ending}"
    views[0].save(path, save_all=True, append_images=views[1:], duration=[500, 500, 1500, 500], lossless=True)
    video = open_video(path)
    frames = list(video.frames())
    assert (video.info.duration, video.info.width, video.info.height) == (3.0, 60, 40)
    assert pytest.approx([0, 0.5, 1, 1.5, 2, 2.5]) == [frame.time for frame in frames]
    assert pytest.approx([50, 120, 190, 190, 190, 240], abs=3) == [frame.image.pixels.mean() for frame in frames]
    assert pytest.approx([50, 190], abs=3) == [frame.image.pixels.mean() for frame in video.frames_at([0.2, 2.4])]


def test_numbered_frames_are_a_video(tmp_path: Path) -> None:
    """By their numbers, not by their names as text; other files of the folder do not matter."""
    for number in range(1, 13):
        Pillow.fromarray(np.full((40, 60, 3), 10 * number, np.uint8)).save(tmp_path / f"frame_{number}.png")
    (tmp_path / "notes.txt").write_text("1")
    frames = list(open_video(tmp_path, fps=4.0).frames())
    assert [frame.time for frame in frames] == [0, 0.5, 1, 1.5, 2, 2.5]
    assert [frame.image.pixels.mean() for frame in frames] == [10, 30, 50, 70, 90, 110]


@pytest.mark.parametrize("kind", [CONCAT, PLAYLIST])
def test_no_other_file_is_opened(tmp_path: Path, kind: str) -> None:
    """A list that names another file is no video, whatever it is called, though the file that it names is one."""
    inner = write_video(tmp_path / "inner.mp4", pan("coffee.png", 1.0))
    for name in ("list.mp4", "list.m3u8", "list.txt"):
        (tmp_path / name).write_text(kind.format(path=inner))
        with pytest.raises(NotAVideo):
            open_video(tmp_path / name)


def test_a_file_that_ends_early_is_damaged(tmp_path: Path) -> None:
    """Its header speaks of more seconds than there are: said with both numbers, not taken for a shorter video."""
    path = write_video(tmp_path / "a.mkv", pan("coffee.png", 6.0))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DamagedVideo, match=r"truncated: it ends after [23]\.\d of 6\.0 seconds"):
        times(path)


def test_flipped_bits_never_raise_anything_else(tmp_path: Path) -> None:
    """Of sixty files with flipped bits each can be read or is a LoadError that names it."""
    data = write_video(tmp_path / "a.mkv", pan("coffee.png", 1.0)).read_bytes()
    draw, path = random.Random(7), tmp_path / "b.mkv"
    named = []
    for _ in range(60):
        flipped = bytearray(data)
        for _ in range(30):
            flipped[draw.randrange(2000 if draw.random() < 0.5 else len(data))] ^= 1 << draw.randrange(8)
        path.write_bytes(flipped)
        try:
            times(path)
        except LoadError as error:
            named.append(str(path) in str(error))
    assert all(named)
    assert 0 < len(named) < 60


def test_what_is_no_video_says_what_it_is(tmp_path: Path) -> None:
    """Nothing there, empty, text, sound alone, a still, pages, a folder without frames: each has its reason."""
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video at all" * 99)
    (tmp_path / "folder").mkdir()
    still, pages = Pillow.fromarray(quadrants()), tmp_path / "pages.tif"
    still.save(tmp_path / "still.gif")
    still.save(pages, save_all=True, append_images=[still, still])
    write_sound(tmp_path / "sound.m4a")
    reasons = {
        "empty.mp4": "empty file", "text.mp4": "no video format", "still.gif": "still image", "pages.tif": "pages",
        "sound.m4a": "sound and no moving images", "folder": "numbered frames",
    }  # fmt: skip
    for name, reason in reasons.items():
        with pytest.raises(NotAVideo, match=reason):
            open_video(tmp_path / name)
    with pytest.raises(FileMissing):
        open_video(tmp_path / "nothing.mp4")
    with pytest.raises(UserError, match="only a folder"):
        open_video(tmp_path / "text.mp4", fps=3)
    with pytest.raises(UserError, match="more than 0"):
        open_video(tmp_path / "folder", fps=0)


def _sparse_gif(width: int, height: int, frames: int) -> bytes:
    """A GIF on a large canvas: each of its frames changes one pixel, and is as large as the canvas when decoded."""
    canvas = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes([0, 0, 0, 255, 255, 255])
    pixel = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return canvas + (b"!\xf9\x04\x00\x0a\x00\x00\x00" + pixel) * frames + b";"


def test_too_many_pixels_are_refused(tmp_path: Path) -> None:
    """A limit of pixels holds for videos, and for all frames of an animation together."""
    path = write_video(tmp_path / "a.mp4", pan("coffee.png", 0.5))
    with pytest.raises(ImageTooLarge):
        open_video(path, max_pixels=1000)
    (tmp_path / "bomb.gif").write_bytes(_sparse_gif(8000, 8000, 70))
    with pytest.raises(ImageTooLarge, match="million pixels"):
        open_video(tmp_path / "bomb.gif")


def test_the_last_frame_is_there_wherever_the_images_are_kept(tmp_path: Path) -> None:
    """With the sound before the images in the file, and frames that are shown in another order than they are kept."""
    frames = pan("coffee.png", 2.0)
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        stream.codec_context.max_b_frames = 2
        frame = av.AudioFrame.from_ndarray(tune(1, 2.0), format="fltp", layout="mono")
        frame.sample_rate = SOUND_RATE
        container.mux([*sound.encode(frame), *sound.encode()])
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    video = open_video(path)
    (last,) = video.frames_at([10.0])
    assert last.time == pytest.approx(1.9)
    assert np.abs(last.image.pixels.astype(int) - frames[-1]).mean() < 8
    assert max(one.time for one in video.frames(rate=10)) > 1.7
