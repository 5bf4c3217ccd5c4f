"""Videos that are broken, huge, odd or still being written: read as far as that is right, or a reason names them."""

from __future__ import annotations

import random
import socket
import tracemalloc
from pathlib import Path

import av
import numpy as np
import pytest

from lookalike.comparison.video_pair import compare_videos
from lookalike.descriptors.sound import describe_soundtrack
from lookalike.errors import DamagedVideo, ImageTooLarge, LoadError, NotAVideo
from lookalike.imaging.video import Video, open_video
from videos import pan, tune, write_video

FILM = pan("coffee.png", 3.0)
TEN_HOURS = 36_000
LISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}\n#EXT-X-ENDLIST\n",
    "list.ffconcat": "ffconcat version 1.0\nfile {address}\n",
    "list.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet>'
    '<Representation mimeType="video/mp4"><BaseURL>{address}</BaseURL></Representation></AdaptationSet></Period></MPD>',
    "list.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 33\n",
    "list.mp4": "{address}",
}


def read(path: Path) -> Video:
    """From the first frame to the last."""
    video = open_video(path)
    for _ in video.frames():
        pass
    return video


@pytest.mark.parametrize("ending", ["mp4", "mkv", "avi"])
def test_a_video_without_frames(tmp_path: Path, ending: str) -> None:
    """A header and nothing behind it, as a recording that failed at once leaves."""
    path = tmp_path / f"a.{ending}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    with pytest.raises(LoadError, match=r"a\.\w+: (no moving images|not one frame|it ends before its first image)"):
        read(path)


def test_a_video_of_one_frame(tmp_path: Path) -> None:
    """It is read, and compared, though it shares nothing that could be called a segment."""
    path = write_video(tmp_path / "a.mp4", FILM[:1])
    (frame,) = open_video(path).frames()
    assert (frame.time, frame.image.width) == (0.0, 240)
    assert compare_videos(path, path).segments == ()


@pytest.mark.parametrize("ending", ["mp4", "mkv", "avi", "ts"])
def test_a_truncated_video_is_never_a_shorter_one(tmp_path: Path, ending: str) -> None:
    """A third of a file: an error, whatever the format; but a transport stream says nowhere how long it should be."""
    codec = "mpeg2video" if ending == "ts" else "mpeg4"
    path = write_video(tmp_path / f"a.{ending}", FILM, codec=codec)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 4 // 10])
    if ending == "ts":
        assert read(path).info.duration < 2.0
        return
    with pytest.raises(LoadError, match=r"cut off before|truncated: it ends after"):
        read(path)


def test_flipped_bytes_of_images_and_sound(tmp_path: Path) -> None:
    """Of forty files with flipped bytes each is read, sound and all, or is a LoadError that names it."""
    path, broken = write_video(tmp_path / "a.mp4", FILM[:15], sound=tune(1, 1.5)), tmp_path / "b.mp4"
    data, draw, named = path.read_bytes(), random.Random(3), []
    for _ in range(40):
        flipped = bytearray(data)
        for _ in range(20):
            flipped[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        broken.write_bytes(flipped)
        try:
            describe_soundtrack(read(broken).info)
        except LoadError as error:
            named.append(str(broken) in str(error))
    assert all(named)
    assert 0 < len(named) < 40


def test_a_very_large_video_is_read_small(tmp_path: Path) -> None:
    """8,192 x 8,192 pixels, at the scale that is asked for; beyond the limit of pixels it is refused."""
    half = np.full((8192, 8192, 3), 60, np.uint8)
    half[:, 4096:] = 200
    path = write_video(tmp_path / "a.avi", [half], codec="ffvhuff")
    (frame,) = open_video(path).frames(min_side=64)
    assert (frame.image.width, frame.image.height) == (8192, 8192)
    assert frame.image.pixels.shape == (64, 64, 3)
    assert frame.image.pixels[:, 40:].mean() - frame.image.pixels[:, :24].mean() == pytest.approx(140, abs=10)
    with pytest.raises(ImageTooLarge):
        open_video(path, max_pixels=60_000_000)


def test_frames_that_change_their_size(tmp_path: Path) -> None:
    """A broadcast that goes on at half the resolution: frames after the change show the same as before it."""
    halves = []
    for name, frames in (("a", FILM), ("b", [frame[::2, ::2] for frame in FILM])):
        halves.append(write_video(tmp_path / f"{name}.ts", frames, codec="mpeg2video").read_bytes())
    path = tmp_path / "c.ts"
    path.write_bytes(b"".join(halves))
    frames = list(open_video(path).frames(rate=5.0))
    assert {frame.image.pixels.shape for frame in frames} == {(176, 240, 3)}
    assert {(frame.image.width, frame.image.height) for frame in frames} == {(240, 176)}
    first, last = frames[0].image.pixels.astype(int), frames[-1].image.pixels.astype(int)
    assert np.abs(last - FILM[-1]).mean() < 20 < np.abs(last - first).mean()


def test_a_file_that_grows_while_it_is_read(tmp_path: Path) -> None:
    """As a recording does: it comes to an end, with no error, and no time goes back."""
    whole = write_video(tmp_path / "a.ts", pan("coffee.png", 8.0), codec="mpeg2video").read_bytes()
    path = tmp_path / "b.ts"
    path.write_bytes(whole[: len(whole) // 2])
    frames = open_video(path).frames()
    times = [next(frames).time]
    with path.open("ab") as file:
        file.write(whole[len(whole) // 2 :])
    times += [frame.time for frame in frames]
    assert 3.0 < times[-1] <= 8.0
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("ending", "here", "there", "name"),
    [("mkv", b"V_MPEG4/ISO/ASP", b"V_AVS2".ljust(15, b"\0"), "avs2"), ("avi", b"FMP4", b"QQQQ", "QQQQ")],
)
def test_a_codec_without_a_decoder_is_named(tmp_path: Path, ending: str, here: bytes, there: bytes, name: str) -> None:
    """One that FFmpeg knows and cannot decode, and four letters that nobody knows."""
    path = write_video(tmp_path / f"a.{ending}", FILM[:5])
    path.write_bytes(path.read_bytes().replace(here, there))
    with pytest.raises(NotAVideo, match=rf"a\.{ending}: there is no decoder for its codec, {name}"):
        open_video(path)


def test_ten_hours_take_no_more_memory(tmp_path: Path) -> None:
    """A frame every twenty seconds, for ten hours: each is given once, at its time, and none is held."""
    tiny = [np.full((32, 32, 3), 20 + 60 * (n % 3), np.uint8) for n in range(3)]
    frames = (tiny[n % 3] for n in range(TEN_HOURS // 20))
    path = write_video(tmp_path / "a.mkv", frames, times=range(0, TEN_HOURS, 20))
    video, count, last = open_video(path), 0, -1.0
    tracemalloc.start()
    for frame in video.frames():
        count, last = count + 1, frame.time
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (count, last) == (TEN_HOURS // 20, TEN_HOURS - 20)
    assert video.info.duration == pytest.approx(TEN_HOURS, abs=40)
    assert peak < 2e6


@pytest.mark.parametrize("name", LISTS)
def test_a_list_asks_nobody(tmp_path: Path, name: str) -> None:
    """Playlists, manifests and session descriptions that name an address of this machine: nobody connects to it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        path = tmp_path / name
        path.write_text(LISTS[name].format(address=f"http://127.0.0.1:{port}/a.ts", port=port))
        with pytest.raises(NotAVideo):
            open_video(path)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_cover_is_no_video(tmp_path: Path) -> None:
    """A song with a cover has sound, and an image that does not move."""
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=44_100, layout="mono")
        frame = av.AudioFrame.from_ndarray(tune(1, 0.5), format="fltp", layout="mono")
        frame.sample_rate = 44_100
        container.mux(sound.encode(frame))
        container.mux(sound.encode())
    with pytest.raises(NotAVideo, match="sound and no moving images"):
        open_video(path)


def test_a_file_that_vanishes_while_it_is_read(tmp_path: Path) -> None:
    """Opened once, and gone when its frames are asked for: the reason names it."""
    path = write_video(tmp_path / "a.mp4", FILM)
    video = open_video(path)
    path.unlink()
    with pytest.raises(LoadError, match=r"a\.mp4"):
        list(video.frames())


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    """Overwritten by half of itself after it was opened: an error, not half of a video."""
    path = write_video(tmp_path / "a.mkv", FILM)
    video = open_video(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with pytest.raises(DamagedVideo, match="truncated"):
        list(video.frames())
