"""What loading would throw away: the range of numbers, transparency, and what the file says of its colours."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest

from images import encode, near
from lookalike.imaging import load
from samples import photograph


def grey() -> np.ndarray:
    return np.asarray(PIL.Image.fromarray(photograph("coffee.png")).convert("L").resize((60, 40)))


class TestNumbers:
    @pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
    def test_the_width_of_a_sensor(self, bits: int) -> None:
        """Numbers of 8 to 16 bits show the same levels, as PNG and as TIFF; none of their bits is lost."""
        levels = grey() | 0x80 * (grey() == grey().max())
        for fmt in ("PNG", "TIFF"):
            image = load(encode(levels.astype(np.uint16) << (bits - 8), fmt))
            assert np.array_equal(image.pixels[..., 1], levels)
            assert image.hidden == ""

    def test_a_thermal_range_is_stretched(self) -> None:
        """Numbers far above zero that use little of the range fill all levels, and what they were is told."""
        numbers = (28_000 + 3 * grey().astype(int)).astype(np.uint16)
        png, tiff = (load(encode(numbers, fmt)) for fmt in ("PNG", "TIFF"))
        assert np.array_equal(png.pixels, tiff.pixels)
        assert (png.pixels.min(), png.pixels.max()) == (0, 255)
        assert png.hidden == tiff.hidden != ""
        warmer = load(encode((numbers + 500).astype(np.uint16)))
        assert np.array_equal(warmer.pixels, png.pixels)
        assert warmer.hidden != png.hidden

    def test_a_spot_within_one_step_of_the_upper_byte(self) -> None:
        """Two thermal images with a warm spot in different places are different."""
        places = []
        for x in (10, 40):
            numbers = np.full((40, 60), 28_160, np.uint16)
            numbers[10:20, x : x + 10] += 250
            places.append(int(load(encode(numbers)).pixels[15, :, 0].argmax()))
        assert places == [10, 40]

    def test_low_bits_that_are_cut_off_are_told(self) -> None:
        """Equal levels of 16-bit grey or colour with other low bits have other digests."""
        numbers = grey().astype(np.uint16) << 8
        numbers[0, 0] = 65_535
        plain, finer = load(encode(numbers)), load(encode(numbers | 1))
        assert np.array_equal(plain.pixels, finer.pixels)
        assert plain.hidden != finer.hidden

    def test_deep_colour_is_never_equal_to_another(self) -> None:
        """Pillow shows 8 of 16 bits of colour: the digest is the file's own."""
        image = load(_png16(np.full((4, 4, 3), 0x80FF, np.uint16)))
        assert image.hidden == image.sha256


class TestTransparency:
    def test_white_on_transparent_stands_out(self) -> None:
        """A white drawing lies over black, a dark or coloured one over white, whatever is under the transparency."""
        for colour, ground in (((255,) * 3, 0), ((250, 250, 240), 0), ((0, 0, 0), 255), ((200, 30, 30), 255)):
            drawn = _drawing(colour)
            image = load(encode(drawn))
            assert image.pixels[0, 0].tolist() == [ground] * 3
            assert image.pixels[50, 50].tolist() == list(colour)
            assert np.array_equal(load(encode(drawn, "WEBP", lossless=True)).pixels, image.pixels)

    def test_two_white_drawings(self) -> None:
        """They differ from one another, and one in half the size shows the same."""
        drawn = _drawing((255, 255, 255))
        other = PIL.Image.new("RGBA", (100, 100))
        PIL.ImageDraw.Draw(other).rectangle((5, 60, 95, 90), fill=(255, 255, 255, 255))
        small = load(encode(drawn.resize((50, 50))))
        image = load(encode(drawn))
        assert not np.array_equal(image.pixels, load(encode(other)).pixels)
        assert np.abs(image.pixels.astype(float).mean() - small.pixels.mean()) < 3

    def test_transparency_is_told(self) -> None:
        """The same pixels without transparency have no digest, with other transparency another."""
        image = load(encode(_drawing((255, 0, 0))))
        assert image.hidden
        assert load(encode(image.pixels)).hidden == ""
        assert load(encode(PIL.Image.new("RGBA", (9, 9), (9, 9, 9, 255)))).hidden == ""


class TestSignals:
    """The oracle: colours encoded here by the formulas of the standards, which must come back as sRGB."""

    COLOURS = np.array([[[0, 0, 0], [255, 255, 255], [200, 60, 30], [90, 170, 100], [90, 90, 220], [128, 128, 128]]])

    def _linear(self) -> np.ndarray:
        levels = self.COLOURS / 255
        return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)

    def _pq(self) -> np.ndarray:
        to_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
        light = (self._linear() @ to_2020.T) * 203 / 10_000
        m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
        return np.round(((c1 + c2 * light**m1) / (1 + c3 * light**m1)) ** m2 * 255).astype(np.uint8)

    def test_pq_in_png_and_avif(self) -> None:
        """PQ in BT.2020 comes back as it was, to the few levels that 8 bits of PQ leave."""
        pixels = self._pq().repeat(16, 0).repeat(16, 1)
        png = _with_chunk(encode(pixels), b"cICP", bytes((9, 16, 0, 1)))
        avif = bytearray(encode(pixels, "AVIF", quality=100, subsampling="4:4:4"))
        at = avif.find(b"nclx")
        avif[at + 4 : at + 8] = struct.pack(">HH", 9, 16)
        for data, tolerance in ((png, 8), (bytes(avif), 10)):
            assert near(self.COLOURS[0], load(data).pixels[8, 8::16], tolerance)

    def test_hlg(self) -> None:
        """Three quarters of HLG's signal are white, nothing is black, grey grows with the signal."""
        pixels = np.array([0, 64, 128, 191], np.uint8)[None, :, None].repeat(3, 2)
        levels = load(_with_chunk(encode(pixels), b"cICP", bytes((9, 18, 0, 1)))).pixels[0, :, 1].astype(int)
        assert levels[0] == 0
        assert levels[3] >= 250
        assert (np.diff(levels) > 20).all()

    def test_gamma(self) -> None:
        """Linear numbers are shown as they are meant; sRGB's own gamma changes nothing, nor does one beside sRGB."""
        linear = np.round(self._linear() * 255).astype(np.uint8)
        assert near(self.COLOURS[0], load(_with_chunk(encode(linear), b"gAMA", struct.pack(">I", 100_000))).pixels, 7)
        usual = _with_chunk(encode(linear), b"gAMA", struct.pack(">I", 45_455))
        beside = _with_chunk(_with_chunk(encode(linear), b"gAMA", struct.pack(">I", 100_000)), b"sRGB", b"\0")
        for data in (usual, beside):
            assert np.array_equal(load(data).pixels, linear)

    def test_display_p3(self) -> None:
        """A P3 red is beyond sRGB's, and its white is white."""
        pixels = np.array([[[200, 100, 100], [255, 255, 255]]], np.uint8)
        shown = load(_with_chunk(encode(pixels), b"cICP", bytes((12, 13, 0, 1)))).pixels[0]
        assert shown[1].tolist() == [255, 255, 255]
        assert shown[0, 0] > 205
        assert shown[0, 1] < 100


def _drawing(colour: tuple[int, ...]) -> PIL.Image.Image:
    image = PIL.Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    PIL.ImageDraw.Draw(image).ellipse((20, 20, 80, 80), fill=(*colour, 255))
    return image


def _with_chunk(png: bytes, name: bytes, body: bytes) -> bytes:
    """The PNG with one more chunk behind its header."""
    return png[:33] + struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) + png[33:]


def _png16(pixels: np.ndarray) -> bytes:
    """(h, w, 3) uint16 as a PNG, which Pillow does not write."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    stream = io.BytesIO(b"")
    stream.write(b"\x89PNG\r\n\x1a\n")
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    for name, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        stream.write(struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)))
    return stream.getvalue()
