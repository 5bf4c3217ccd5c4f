"""Loading: what is read, how it becomes upright sRGB, and what is said about what cannot be read."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import socket
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from images import (
    BLUE,
    CORNERS,
    FORMATS,
    GREEN,
    RED,
    bombs,
    corners,
    encode,
    exif,
    heic,
    icc,
    jpeg_claiming,
    linear_grey_profile,
    near,
    png,
    quadrants,
    red_cyan_profile,
    srgb_profile,
    stored_as,
    swapped_profile,
)
from lookalike.errors import (
    DamagedImage,
    FileMissing,
    FileUnreadable,
    ImageTooLarge,
    LoadError,
    NotAnImage,
    UserError,
)
from lookalike.imaging import MAX_PIXELS, from_array, is_image_name, load, looks_like_image
from lookalike.imaging.colour_profile import plain, to_srgb
from lookalike.imaging.exif import read_exif

LOSSY = {"JPEG": 12, "AVIF": 12, "WEBP": 12}


def samples() -> dict[str, bytes]:
    """One small file of each format."""
    return {fmt: encode(quadrants(), fmt) for fmt in FORMATS} | {"HEIF": heic()}


class TestSources:
    @pytest.mark.parametrize("fmt", FORMATS)
    def test_every_format_shows_its_colours_and_says_its_name(self, fmt):
        """Each format is decoded to the drawn colours, with its size and its name."""
        image = load(encode(quadrants(), fmt))

        assert near(CORNERS, corners(image.pixels), LOSSY.get(fmt, 0))
        assert (fmt, 64, 48) == (image.format, image.width, image.height)

    def test_heic_is_decoded(self):
        """HEIC is read through pi_heif: a grey gradient that grows downwards."""
        image = load(heic())

        assert (image.format, image.width, image.height) == ("HEIF", 29, 100)
        assert (np.diff(image.pixels[::10, 14, 0].astype(int)) > 15).all()

    def test_path_bytes_and_file_give_the_same_image(self, tmp_path):
        """The kind of source changes nothing but the path."""
        path = tmp_path / "a.png"
        data = encode(quadrants())
        path.write_bytes(data)
        with path.open("rb") as file:
            images = [load(str(path)), load(path), load(data), load(bytearray(data)), load(file)]

        assert [str(path), str(path), None, None, str(path)] == [image.path for image in images]
        assert {hashlib.sha256(data).hexdigest()} == {image.sha256 for image in images}
        assert {len(data)} == {image.bytes for image in images}
        assert all(np.array_equal(quadrants(), image.pixels) for image in images)

    def test_pixels_are_contiguous_uint8(self):
        """The promise about memory holds for all formats, turned ones and grey ones too."""
        files = [*samples().values(), encode(PIL.Image.new("L", (9, 5))), _turned("JPEG", 6)]

        for pixels in (load(data).pixels for data in files):
            assert (np.uint8, 3, 3) == (pixels.dtype, pixels.ndim, pixels.shape[2])
            assert pixels.flags.c_contiguous

    @pytest.mark.parametrize("name", ["new\nline.png", "🐈 cat.png", "..png", "-rf.png", " .png", "a" * 251 + ".png"])
    def test_odd_names_are_only_names(self, tmp_path, name):
        """Newlines, emoji, dashes and long names are read like any other."""
        path = tmp_path / name
        path.write_bytes(encode(quadrants()))

        assert str(path) == load(path).path

    def test_a_name_that_is_not_utf8(self, tmp_path):
        """A name of other bytes travels as surrogates and can be opened again by what is returned."""
        path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")
        try:
            with open(path, "wb") as file:
                file.write(encode(quadrants()))
        except OSError:
            pytest.skip("this file system refuses names that are not UTF-8")

        assert load(load(path).path).path == path

    def test_the_file_is_read_once(self):
        """Hash and pixels come from the same bytes, because a file object is read to its end just once."""
        file = io.BytesIO(encode(quadrants()))
        image = load(file)

        assert file.read() == b""
        assert hashlib.sha256(file.getvalue()).hexdigest() == image.sha256

    @pytest.mark.parametrize("source", [None, 3, 4.5, ["a.jpg"]])
    def test_a_source_of_the_wrong_kind_is_the_users_mistake(self, source):
        """What is neither path, bytes nor file is named in the message."""
        with pytest.raises(UserError, match=type(source).__name__):
            load(source)


class TestRefusals:
    def _refusal(self, error: type[LoadError], path: Path) -> LoadError:
        with pytest.raises(error) as caught:
            load(path)
        assert str(path) == caught.value.path
        assert str(path) in str(caught.value)
        return caught.value

    def test_missing(self, tmp_path):
        """A file that vanished, a dangling link, and a path through a file are all missing."""
        (tmp_path / "file").write_bytes(b"")
        (tmp_path / "link").symlink_to(tmp_path / "nowhere")

        for name in ("gone.jpg", "link", "file/a.jpg"):
            assert self._refusal(FileMissing, tmp_path / name).reason == "no such file"

    def test_folder(self, tmp_path):
        """A folder is no file."""
        assert self._refusal(FileUnreadable, tmp_path).reason == "a folder, not a file"

    def test_pipe_does_not_block(self, tmp_path):
        """A pipe that nobody writes to is refused at once."""
        os.mkfifo(tmp_path / "pipe.jpg")

        assert self._refusal(FileUnreadable, tmp_path / "pipe.jpg").reason == "a pipe, not a file"

    def test_socket_and_device(self, tmp_path, monkeypatch):
        """A socket and an endless device are refused without reading."""
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("s")
            assert self._refusal(FileUnreadable, Path("s")).reason == "a socket, not a file"
        assert self._refusal(FileUnreadable, Path("/dev/zero")).reason == "a device, not a file"

    def test_link_in_a_circle_and_impossible_names(self, tmp_path):
        """What even root cannot open is unreadable, not a crash."""
        (tmp_path / "loop").symlink_to(tmp_path / "loop")

        for name in ("loop", "nul\0byte", "x" * 300):
            assert self._refusal(FileUnreadable, tmp_path / name).reason.startswith("cannot be read: ")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
    def test_no_permission(self, tmp_path):
        """A file without read permission is unreadable."""
        (tmp_path / "a.png").write_bytes(encode(quadrants()))
        (tmp_path / "a.png").chmod(0)

        assert "permission denied" in self._refusal(FileUnreadable, tmp_path / "a.png").reason

    def test_errors_while_reading(self):
        """A file object that fails, or that gives text, is unreadable."""

        class Failing(io.RawIOBase):
            def read(self, _size=-1):
                raise OSError("the stick was pulled out")

        with pytest.raises(FileUnreadable, match="the stick was pulled out"):
            load(Failing())
        with pytest.raises(FileUnreadable, match="binary mode"):
            load(io.StringIO("text"))

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"", "empty file (0 bytes)"),
            (b"Dear diary", "text, not an image"),
            ("Grüße".encode(), "text, not an image"),
            (b"\n<!DOCTYPE html><html>", "a web page, not an image"),
            (b'<?xml version="1.0"?><svg/>', "an SVG drawing, not an image"),
            (b"%PDF-1.7\n", "a PDF document, not an image"),
            (b"PK\x03\x04" + bytes(20), "a ZIP archive, not an image"),
            (b"\0\0\0\x20ftypisom" + bytes(20), "a video, not an image"),
            (bytes(100), "of no image format that we know"),
            (b"%!PS-Adobe-3.0 EPSF-3.0\n", "text, not an image"),
            (b"BM is how this text begins, and it is no bitmap", "text, not an image"),
        ],
    )
    def test_what_is_no_image_is_named(self, data, reason):
        """Each kind of stranger gets its own short reason."""
        with pytest.raises(NotAnImage) as caught:
            load(data)

        assert reason == caught.value.reason

    def test_too_many_bytes(self, tmp_path):
        """The limit on bytes holds for paths, bytes and endless file objects."""
        (tmp_path / "a.bin").write_bytes(bytes(101))

        class Endless(io.RawIOBase):
            def read(self, size=-1):
                return bytes(size)

        for source in (tmp_path / "a.bin", bytes(101), Endless()):
            with pytest.raises(ImageTooLarge, match="bytes, over the limit of 100"):
                load(source, max_bytes=100)

    @pytest.mark.parametrize("side", [0, -1])
    def test_min_side_below_one(self, side):
        """A size that makes no sense is the user's mistake."""
        with pytest.raises(UserError, match="min_side"):
            load(encode(quadrants()), min_side=side)


class TestDamage:
    @pytest.mark.parametrize("fmt", [*FORMATS, "HEIF"])
    def test_truncated_files_are_named(self, fmt):
        """A file cut at any of many lengths is damaged, unless all its pixels were already there."""
        data = samples()[fmt]
        whole = load(data).pixels

        for length in sorted({16, 20, 24, *(int(len(data) * part) for part in np.linspace(0.02, 0.9, 40))}):
            if looks_like_image(data[:length]):
                image = _load_or_refuse(data[:length], error=DamagedImage)
                assert image is None or np.array_equal(whole, image.pixels)
                assert image is None or length > 0.7 * len(data)

    @pytest.mark.parametrize("fmt", ["JPEG", "PNG", "GIF", "BMP"])
    def test_the_reason_says_truncated(self, fmt):
        """Half a file is called truncated, in the same words for all formats that can tell."""
        data = encode(quadrants(200, 200), fmt)

        with pytest.raises(DamagedImage) as caught:
            load(data[: len(data) // 2])

        assert caught.value.reason == "truncated: the file ends before the image does"

    @pytest.mark.parametrize("fmt", [*FORMATS, "HEIF"])
    def test_only_load_errors_escape_from_mutated_bytes(self, fmt):
        """Random damage in any place gives an image or a LoadError, and nothing else."""
        rng = np.random.default_rng(7)
        original = np.frombuffer(samples()[fmt], np.uint8)

        for trial in range(150):
            data = original.copy()
            places = rng.integers(0, min(len(data), 64 if trial % 2 else 1 << 30), rng.integers(1, 9))
            data[places] = rng.integers(0, 256, len(places))
            _load_or_refuse(data.tobytes(), min_side=(None, 8)[trial % 3 == 0])

    @pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP"])
    def test_broken_exif_costs_nothing_but_itself(self, fmt):
        """Garbage in EXIF neither warns nor hides the image."""
        for block in (b"Exif\0\0II*\0\xff\xff\xff\xff", exif()[:-7], exif(9), exif(1, make=b"x" * 99)[:30]):
            assert near(CORNERS, corners(load(encode(quadrants(), fmt, exif=block)).pixels), 12)

    @pytest.mark.parametrize("damage", [b"II*\0\xff\xff\xff\xff", b"II*\0\x18\0\0\0"])
    def test_broken_exif_in_avif(self, damage):
        """The same for AVIF, where Pillow itself reads EXIF to find which way is up."""
        data = encode(quadrants(), "AVIF", exif=exif(1, make=b"somebody"))
        broken = data.replace(b"II*\0\x08\0\0\0", damage)

        assert broken != data
        assert near(CORNERS, corners(load(broken).pixels), 12)

    def test_a_photo_filled_up_with_zeros_is_refused_at_once(self):
        """What rescue tools leave behind, a header and then zeros, does not take minutes."""
        head = encode(quadrants(), "JPEG")[:20]

        with pytest.raises(DamagedImage):
            load(head + bytes(50_000_000))
        with pytest.raises(DamagedImage, match="no image behind"):
            load(head + bytes(5_000_000) + b"\xff\xda\0\0\0\0")
        with pytest.raises(DamagedImage, match="no image behind"):
            load(head + b"\xff" * 5_000_000)

    def test_a_jpeg_of_endless_scans_is_refused(self):
        """Thousands of scans over one progressive image are refused before any is decoded."""
        data = encode(quadrants(), "JPEG", progressive=True)
        scan = data[data.index(b"\xff\xda") : -2]

        with pytest.raises(DamagedImage, match="scans"):
            load(data[:-2] + scan * 600 + b"\xff\xd9")

    def test_any_exception_of_a_decoder_is_damage(self, monkeypatch):
        """Whatever class a decoder raises, the caller sees a LoadError with the path."""
        raised = [SyntaxError, ValueError, OSError, EOFError, IndexError, KeyError, RecursionError, UserWarning]

        data = encode(quadrants())
        for error in raised:
            monkeypatch.setattr(PIL.Image.Image, "load", _raiser(error("odd")))
            with pytest.raises(DamagedImage):
                load(data)
        monkeypatch.setattr(PIL.Image.Image, "load", _raiser(MemoryError()))
        with pytest.raises(ImageTooLarge, match="memory"):
            load(data)

    def test_interruption_is_not_swallowed(self, monkeypatch):
        """Ctrl-C during decoding stays Ctrl-C."""
        data = encode(quadrants())
        monkeypatch.setattr(PIL.Image.Image, "load", _raiser(KeyboardInterrupt()))

        with pytest.raises(KeyboardInterrupt):
            load(data)


class TestLimits:
    @pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
    @pytest.mark.parametrize("name", bombs())
    def test_bombs_fail_at_once_in_little_memory(self, name):
        """A header that claims enormous sides is refused by a process that has little memory to give."""
        script = (
            "import sys; from pathlib import Path\n"
            "from lookalike.imaging import load; from lookalike.errors import LoadError\n"
            "data = sys.stdin.buffer.read()\n"
            "for side in (None, 8):\n"
            "    try: load(data, min_side=side)\n"
            "    except LoadError as e: print(type(e).__name__)\n"
            "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
        )
        done = subprocess.run([sys.executable, "-c", script], input=bombs()[name], capture_output=True, timeout=20)
        first, second, kilobytes = done.stdout.decode().split()

        assert ("ImageTooLarge", "DamagedImage" if name == "JPEG" else first) == (first, second)
        assert int(kilobytes) < 250_000

    def test_the_limit_counts_pixels_after_shrinking(self):
        """A JPEG over the limit at full size loads where its draft is under it; a PNG cannot."""
        limit = 64 * 48 - 1

        with pytest.raises(ImageTooLarge, match="64 x 48"):
            load(encode(quadrants(), "JPEG"), max_pixels=limit)
        assert _size(load(encode(quadrants(), "JPEG"), max_pixels=limit, min_side=24)) == (64, 48)
        with pytest.raises(ImageTooLarge):
            load(encode(quadrants(), "PNG"), max_pixels=limit, min_side=24)

    def test_what_libjpeg_holds_whole_counts_whole(self):
        """A progressive JPEG is held at full size whatever its scale, so the limit counts it so."""
        data = encode(quadrants(), "JPEG", progressive=True)

        with pytest.raises(ImageTooLarge):
            load(data, max_pixels=64 * 48 - 1, min_side=24)

    def test_the_limit_itself_is_allowed(self):
        """Exactly so many pixels are allowed."""
        assert _size(load(encode(quadrants()), max_pixels=64 * 48)) == (64, 48)

    def test_a_photo_of_200_megapixels_loads_small(self):
        """Pillow's own bomb limit does not stand in the way of a telephone's 200 MP JPEG, nor warn."""
        data = encode(PIL.Image.new("L", (16_320, 12_240), 99), "JPEG")
        image = load(data, min_side=128)

        assert _size(image) == (16_320, 12_240)
        assert image.width * image.height > MAX_PIXELS
        assert near((99, 99, 99), image.pixels[60, 60], 1)

    def test_pillows_global_switches_stay_as_they_were(self):
        """No process-wide setting of Pillow or of the warnings module is changed by loading."""
        before = (PIL.Image.MAX_IMAGE_PIXELS, list(warnings.filters), set(PIL.Image.OPEN) & {"HEIF"})
        for data in samples().values():
            load(data)

        assert before == (PIL.Image.MAX_IMAGE_PIXELS, list(warnings.filters), set(PIL.Image.OPEN) & {"HEIF"})

    def test_large_sizes_at_the_edge_of_a_lie(self):
        """A side that no camera makes is refused for its length alone."""
        with pytest.raises(ImageTooLarge, match="no side may be longer"):
            load(png(300_000, 2))
        with pytest.raises(DamagedImage):
            load(png(0, 5))
        with pytest.raises(DamagedImage):
            load(jpeg_claiming(0, 0))


class TestShrinking:
    @pytest.mark.parametrize("fmt", FORMATS)
    @pytest.mark.parametrize("size", [(640, 480), (333, 1000)])
    @pytest.mark.parametrize("min_side", [1, 7, 32, 100])
    def test_the_short_side_lies_between_once_and_twice(self, fmt, size, min_side):
        """Where the original is larger, the result is as small as a whole factor allows."""
        image = load(encode(quadrants(*size), fmt), min_side=min_side)
        short = min(image.pixels.shape[:2])

        assert size == _size(image)
        assert min_side <= short <= 2 * min_side
        if short > 12:
            assert near(CORNERS, corners(image.pixels), LOSSY.get(fmt, 0))

    @pytest.mark.parametrize("fmt", FORMATS)
    def test_never_enlarged(self, fmt):
        """An image smaller than asked for comes as it is."""
        assert load(encode(quadrants(), fmt), min_side=49).pixels.shape == (48, 64, 3)

    @pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "I;16"])
    def test_every_mode_shrinks(self, mode):
        """Modes whose pixels cannot be averaged are changed first."""
        if mode == "I;16":
            image = PIL.Image.fromarray(np.full((200, 300), 0x8000, np.uint16))
        else:
            image = PIL.Image.new("RGB", (300, 200), "white").convert(mode)
        image = load(encode(image), min_side=40)

        assert image.pixels.shape == (40, 60, 3)
        assert {0x80 if mode == "I;16" else 255} == set(image.pixels.ravel().tolist())

    def test_box_average(self):
        """Shrinking averages: a fine chequerboard becomes an even grey."""
        board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
        image = load(encode(board), min_side=16)

        assert near(127.5, image.pixels, 1)

    @pytest.mark.parametrize("mode", ["CMYK", "L"])
    def test_jpeg_drafts_keep_their_colours(self, mode):
        """DCT scaling works in CMYK and in grey."""
        full = PIL.Image.fromarray(quadrants(640, 480)).convert(mode)
        expected = corners(np.asarray(full.convert("RGB")))
        image = load(encode(full, "JPEG"), min_side=50)

        assert near(expected, corners(image.pixels), 12)
        assert _size(image) == (640, 480)


class TestUpright:
    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
    @pytest.mark.parametrize("min_side", [None, 12])
    def test_all_orientations(self, fmt, orientation, min_side):
        """However it was stored, the image stands upright, once, with the size of the upright original."""
        image = load(_turned(fmt, orientation), min_side=min_side)

        assert near(CORNERS, corners(image.pixels), 25)
        assert _size(image) == (64, 48)
        assert (image.pixels.shape[1] > image.pixels.shape[0]) is True

    def test_compressed_tiff(self):
        """Pillow's other way of decoding TIFF, through libtiff, turns just once too."""
        data = _turned("TIFF", 6, compression="tiff_lzw")

        assert corners(load(data).pixels) == CORNERS

    def test_heif_is_turned_once(self):
        """A HEIC that asks for a quarter turn anticlockwise gets exactly that."""
        plain, turned = load(heic()), load(heic(turned=True))

        assert np.array_equal(np.rot90(plain.pixels), turned.pixels)
        assert _size(turned) == (100, 29)

    def test_exif_hidden_by_imagemagick(self):
        """A PNG's EXIF is also found in the text where ImageMagick puts it."""
        from PIL.PngImagePlugin import PngInfo

        block, info = exif(6), PngInfo()
        info.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n")
        data = encode(stored_as(quadrants(), 6), pnginfo=info)

        assert corners(load(data).pixels) == CORNERS


class TestColour:
    def test_swapped_profile(self):
        """A profile with red and blue exchanged exchanges them in sRGB."""
        image = load(encode(quadrants(), icc_profile=swapped_profile()))

        assert near((BLUE, GREEN, RED), corners(image.pixels)[:3], 3)

    @pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
    def test_profiles_are_found_in_every_format(self, fmt):
        """The profile is read wherever a format can hold one."""
        image = load(encode(quadrants(), fmt, icc_profile=swapped_profile()))

        assert near(BLUE, corners(image.pixels)[0], 15)

    def test_srgb_profile_changes_nothing(self):
        """Pixels in sRGB stay what they are, to the last bit."""
        noise = np.random.default_rng(1).integers(0, 256, (50, 50, 3), np.uint8)

        assert np.array_equal(noise, load(encode(noise, icc_profile=srgb_profile())).pixels)

    def test_grey_profile(self):
        """Grey of gamma 1 becomes grey of sRGB: 128 of linear light is 188."""
        grey = PIL.Image.new("L", (20, 20), 128)

        assert near(188, load(encode(grey, icc_profile=linear_grey_profile())).pixels, 1)
        assert near(188, load(encode(grey.convert("LA"), icc_profile=linear_grey_profile())).pixels, 1)

    @pytest.mark.parametrize("fmt", ["JPEG", "TIFF"])
    def test_cmyk_profile(self, fmt):
        """A CMYK profile decides: in this one, cyan ink looks red."""
        cyan = PIL.Image.new("CMYK", (20, 20), (255, 0, 0, 0))

        assert near(RED, load(encode(cyan, fmt, icc_profile=red_cyan_profile())).pixels, 8)

    @pytest.mark.parametrize("fmt", ["JPEG", "TIFF"])
    def test_cmyk_without_profile(self, fmt):
        """Ink is taken as ink, Adobe's inverted JPEG included: cyan is cyan, no ink is white."""
        for ink, colour in (((255, 0, 0, 0), (0, 255, 255)), ((0, 0, 0, 0), (255, 255, 255)), ((0, 0, 0, 255), 0)):
            assert near(colour, load(encode(PIL.Image.new("CMYK", (20, 20), ink), fmt)).pixels, 4)

    @pytest.mark.parametrize(
        "profile",
        [
            b"no profile at all",
            swapped_profile()[:200],
            bytes(3000),
            icc(b"RGB ", b"XYZ ", {}),
            linear_grey_profile(),
            red_cyan_profile(),
        ],
        ids=["text", "truncated", "zeros", "empty", "for grey", "for CMYK"],
    )
    def test_a_profile_that_does_not_fit_is_ignored(self, profile):
        """A broken profile, or one for other colours, leaves the image as it is."""
        assert corners(load(encode(quadrants(), icc_profile=profile)).pixels) == CORNERS

    def test_rgb_profile_on_a_grey_image(self):
        """Grey pixels with a colour profile are common, and stay grey."""
        grey = PIL.Image.new("L", (20, 20), 77)

        assert near(77, load(encode(grey, icc_profile=srgb_profile())).pixels, 1)

    def test_threads_share_profiles(self):
        """Many threads that convert by the same profiles all get the right colours."""
        files = [encode(quadrants(), icc_profile=swapped_profile() + bytes([i % 2])) for i in range(4)]
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(load, files * 20))

        assert all(near(BLUE, corners(image.pixels)[0], 3) for image in results)

    @pytest.mark.parametrize("fmt", ["PNG", "TIFF"])
    def test_16_bit_grey(self, fmt):
        """16-bit grey keeps its black, its white and its order."""
        ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
        image = load(encode(ramp, fmt))

        assert np.array_equal(np.repeat(np.arange(256), 256).reshape(256, 256), image.pixels[..., 0])

    def test_16_bit_big_endian(self):
        """The other byte order gives the same grey."""
        ramp = PIL.Image.frombytes("I;16B", (256, 1), b"".join(bytes((i, 7)) for i in range(256)))

        assert np.array_equal(np.arange(256), load(encode(ramp, "TIFF")).pixels[0, :, 0])

    @pytest.mark.parametrize(
        ("numbers", "levels"),
        [
            ([0.0, 0.5, 1.0], [0, 128, 255]),
            ([0.0, 100.0, 255.0], [0, 100, 255]),
            ([0.0, 32767.5, 65535.0], [0, 128, 255]),
            ([-5.0, 0.0, 5.0], [0, 128, 255]),
            ([np.nan, 0.5, np.inf], [0, 128, 0]),
            ([np.nan, np.nan, np.nan], [0, 0, 0]),
            ([-3e38, 0.0, 3e38], [0, 128, 255]),
        ],
    )
    def test_float_tiff(self, numbers, levels):
        """Float grey is scaled by the range that it uses; what is not a number is black."""
        image = PIL.Image.fromarray(np.array([numbers], np.float32))

        assert near(levels, load(encode(image, "TIFF")).pixels[0, :, 0], 1)

    def test_32_bit_grey(self):
        """Whole numbers of 32 bits that fit in 16 are scaled as 16 bits are."""
        image = PIL.Image.fromarray(np.array([[0, 32768, 65535]], np.int32))

        assert near([0, 128, 255], load(encode(image, "TIFF")).pixels[0, :, 0], 1)

    @pytest.mark.parametrize("fmt", ["PNG", "BMP", "TIFF"])
    def test_1_bit(self, fmt):
        """One bit is black or white."""
        image = PIL.Image.fromarray(np.array([[True, False] * 8] * 4))

        assert load(encode(image, fmt)).pixels[1, :4, 1].tolist() == [255, 0, 255, 0]

    @pytest.mark.parametrize("fmt", ["PNG", "WEBP", "TIFF"])
    def test_transparency_lies_over_white(self, fmt):
        """Transparent is white, half of red is pink, opaque stays."""
        pixels = np.array([[[255, 0, 0, 0], [255, 0, 0, 128], [255, 0, 0, 255]]], np.uint8).repeat(8, 1).repeat(8, 0)
        image = load(encode(pixels, fmt, **({"lossless": True} if fmt == "WEBP" else {})))

        assert near([(255, 255, 255), (255, 127, 127), RED], image.pixels[4, [4, 12, 20]], 1)

    def test_hidden_colours_do_not_bleed(self):
        """Shrinking does not mix in the colour that lies hidden under full transparency."""
        pixels = np.zeros((64, 64, 4), np.uint8)
        pixels[:, ::2] = (0, 255, 0, 255)
        image = load(encode(pixels), min_side=16)

        assert near((127.5, 255, 127.5), image.pixels[8, 8], 2)

    @pytest.mark.parametrize("mode", ["LA", "P", "L", "RGB", "1"])
    def test_transparency_of_other_modes(self, mode):
        """Grey, palette and keyed transparency all show white where they are transparent."""
        image = PIL.Image.new(mode, (9, 9), (90, 0) if mode == "LA" else 0)
        key = {} if mode == "LA" else {"transparency": (0, 0, 0) if mode == "RGB" else 0}

        assert set(load(encode(image, **key)).pixels.ravel().tolist()) == {255}

    @pytest.mark.parametrize("mode", ["PA", "La", "RGBa", "RGBX", "HSV", "I;16L", "I;16N"])
    def test_modes_that_no_writer_makes(self, mode):
        """Modes that only decoders give, or nobody, become RGB too."""
        assert to_srgb(plain(PIL.Image.new(mode, (9, 5))), None).mode == "RGB"

    def test_palette_with_alpha_for_each_colour(self):
        """A palette whose colours have their own transparency neither warns nor loses it."""
        image = PIL.Image.new("P", (2, 1))
        image.putpalette([255, 0, 0, 0, 0, 255])
        image.putdata([0, 1])

        assert near([[255, 255, 255], BLUE], load(encode(image, transparency=b"\0\xff")).pixels[0], 0)

    @pytest.mark.parametrize("mode", ["YCbCr", "LAB"])
    def test_other_colour_spaces(self, mode):
        """YCbCr and LAB files show the colours that were drawn."""
        image = PIL.Image.fromarray(quadrants())
        if mode == "LAB":
            from PIL import ImageCms

            profiles = (ImageCms.createProfile(name) for name in ("sRGB", "LAB"))
            image = ImageCms.profileToProfile(image, *profiles, outputMode="LAB")
        else:
            image = image.convert(mode)

        assert near(CORNERS, corners(load(encode(image, "TIFF")).pixels), 25)

    @pytest.mark.parametrize("fmt", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
    def test_first_frame(self, fmt):
        """Of an animation or of many pages, the first counts."""
        frames = [PIL.Image.new("RGB", (32, 32), colour) for colour in ("red", "green", "blue")]
        image = load(encode(frames[0], fmt, save_all=True, append_images=frames[1:]))

        assert near(RED, image.pixels[16, 16], 8)


class TestExif:
    @pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "AVIF"])
    def test_time_and_camera(self, fmt):
        """Time and camera are read wherever a format can hold EXIF, in both byte orders."""
        for order in "<>":
            block = exif(make=b"Canon\0", model=b"EOS R5\0", original=b"2021:07:04 12:30:59\0", order=order)
            image = load(encode(quadrants(), fmt, exif=block))

            assert (image.taken, image.camera) == ("2021-07-04 12:30:59", "Canon EOS R5")

    def test_tiff(self):
        """A TIFF's own fields are its EXIF."""
        tags = PIL.Image.Exif()
        tags[0x10F], tags[0x110], tags[0x132] = "Nikon", "Z 6", "2020:01:02 03:04:05"
        image = load(encode(quadrants(), "TIFF", exif=tags))

        assert (image.taken, image.camera) == ("2020-01-02 03:04:05", "Nikon Z 6")

    def test_absent(self):
        """Without EXIF both are None."""
        image = load(encode(quadrants(), "JPEG"))

        assert (image.taken, image.camera) == (None, None)

    @pytest.mark.parametrize(
        ("original", "time", "taken"),
        [
            (b"", b"2001:02:03 04:05:06\0", "2001-02-03 04:05:06"),
            (b"0000:00:00 00:00:00\0", b"2001:02:03 04:05:06\0", "2001-02-03 04:05:06"),
            (b"2001-02-03T04:05:06Z", b"", "2001-02-03 04:05:06"),
            (b"    :  :     :  :  \0", b"", None),
            (b"2001:13:03 04:05:06\0", b"yesterday\0", None),
            (b"2001:02:03 24:05:06\0", b"", None),
            ("٢٠٠١:02:03 04:05:06\0".encode(), b"", None),
        ],
    )
    def test_times(self, original, time, taken):
        """The first well-formed of the two times counts; others are None."""
        assert taken == read_exif(exif(original=original, time=time)).taken

    @pytest.mark.parametrize(
        ("make", "model", "camera"),
        [
            (b"Canon", b"Canon EOS 5D\0", "Canon EOS 5D"),
            (b"NIKON\0junk", b"D90\0\0", "NIKON D90"),
            (b"Apple\0", b"", "Apple"),
            (b"", b"iPhone\n 8\x1b\0", "iPhone 8"),
            (b"    \0", b"\0\0\0\0\0", None),
            ("Fülle".encode("latin-1"), b"X\0", "Fülle X"),
        ],
    )
    def test_cameras(self, make, model, camera):
        """Make and model are cleaned of padding and control characters and joined without repetition."""
        assert camera == read_exif(exif(make=make, model=model)).camera

    def test_any_bytes_can_be_read(self):
        """No block of bytes makes the reader raise, and no orientation but 1 to 8 comes out of it."""
        rng = np.random.default_rng(3)
        block = np.frombuffer(exif(3, make=b"Somebody", original=b"2021:07:04 12:30:59\0"), np.uint8)

        for length in range(len(block)):
            read_exif(block[:length].tobytes())
        for _ in range(3000):
            data = block.copy()
            data[rng.integers(0, len(data), 6)] = rng.integers(0, 256, 6)
            assert 1 <= read_exif(data.tobytes()).orientation <= 8


class TestThreads:
    def test_many_formats_at_once(self):
        """Threads that load all formats at the same time get what one thread gets, and no warning escapes."""
        files = list(samples().values()) * 6
        alone = [load(data, min_side=16).pixels for data in files]
        with ThreadPoolExecutor(8) as pool:
            together = [image.pixels for image in pool.map(lambda data: load(data, min_side=16), files)]

        assert all(map(np.array_equal, alone, together))

    def test_filters_are_put_back_after_the_last_thread(self):
        """Hushing Pillow in overlapping threads leaves the process's warning filters as they were."""
        before, tiff = list(warnings.filters), encode(quadrants(), "TIFF")
        threads = [threading.Thread(target=lambda: [load(tiff) for _ in range(50)]) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert before == list(warnings.filters)


class TestNames:
    @pytest.mark.parametrize("name", ["a.jpg", "A.JPEG", "b.c.Png", "x.HEIC", Path("d/e.webp"), "f.tif", "g.avif"])
    def test_image_names(self, name):
        """Names of our formats, in any case, are images' names."""
        assert is_image_name(name)

    @pytest.mark.parametrize("name", ["a.txt", "jpg", ".jpg", "a.jpg.part", "b.eps", "c.xcf", "d.svg", "e.pdf", ""])
    def test_other_names(self, name):
        """Everything else is not."""
        assert not is_image_name(name)

    def test_heads(self):
        """The first 32 bytes of each format are recognised, of text and videos not; every format has a name."""
        assert all(looks_like_image(data[:32]) for data in samples().values())
        assert not any(map(looks_like_image, (b"", b"BM", b"RIFF", b"\0\0\0\x18ftypmp42" + bytes(16), b"hello")))
        assert all(is_image_name(f"a.{fmt.lower()}") for fmt in samples())


class TestArrays:
    def test_colour_and_grey(self):
        """Arrays become images of the same pixels; grey gets three channels."""
        grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
        image = from_array(grey)

        assert (image.width, image.height, image.sha256, image.path) == (4, 3, "", None)
        assert np.array_equal(np.dstack([grey] * 3), image.pixels)
        assert np.array_equal(quadrants(), from_array(quadrants()).pixels)

    def test_contiguous(self):
        """A view with gaps becomes contiguous."""
        assert from_array(quadrants()[::2, ::-1]).pixels.flags.c_contiguous

    @pytest.mark.parametrize(
        "array",
        [
            np.zeros((3, 4, 4), np.uint8),
            np.zeros((3, 4), np.float32),
            np.zeros((3,), np.uint8),
            np.zeros((0, 4, 3), np.uint8),
            np.zeros((2, 3, 4, 3), np.uint8),
        ],
    )
    def test_other_arrays(self, array):
        """Other shapes and types are the user's mistake."""
        with pytest.raises(UserError, match="pixels must"):
            from_array(array)

    def test_frozen(self):
        """An image cannot be changed after it is made."""
        with pytest.raises(dataclasses.FrozenInstanceError):
            from_array(quadrants()).width = 3


def _turned(fmt: str, orientation: int, **options) -> bytes:
    stored = PIL.Image.fromarray(stored_as(quadrants(), orientation))
    if fmt == "TIFF":
        return encode(stored, fmt, tiffinfo={0x112: orientation}, **options)
    return encode(stored, fmt, exif=exif(orientation), **options)


def _size(image) -> tuple[int, int]:
    return image.width, image.height


def _raiser(error: BaseException):
    def load(_self):
        raise error

    return load


def _load_or_refuse(data: bytes, min_side: int | None = None, error: type[LoadError] = LoadError):
    try:
        return load(data, min_side=min_side, max_pixels=4_000_000)
    except error:
        return None
