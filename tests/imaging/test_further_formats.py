"""JPEG 2000 and PSD through Pillow, JPEG XL through imagecodecs."""

from __future__ import annotations

import struct
import sys

import imagecodecs
import numpy as np
import pytest

from images import CORNERS, corners, encode, near, quadrants
from lookalike.errors import DamagedImage, FileUnreadable, ImageTooLarge, LoadError
from lookalike.imaging import is_image_name, load, looks_like_image


def psd(pixels: np.ndarray) -> bytes:
    """The flattened image of a PSD, uncompressed."""
    height, width = pixels.shape[:2]
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, height, width, 8, 3)
    return header + struct.pack(">IIIH", 0, 0, 0, 0) + pixels.transpose(2, 0, 1).tobytes()


@pytest.mark.parametrize("fmt", ["JPEG2000", "JXL", "PSD"])
def test_colours_and_name(fmt: str) -> None:
    """Each shows what was drawn, is known by its first bytes, has one frame, and half of it is damaged."""
    pixels = quadrants(64, 48)
    data = {
        "JPEG2000": lambda: encode(pixels, "JPEG2000"),
        "JXL": lambda: imagecodecs.jpegxl_encode(pixels, lossless=True),
        "PSD": lambda: psd(pixels),
    }[fmt]()
    image = load(data)
    assert (image.format, image.width, image.height, image.frames) == (fmt, 64, 48, 1)
    assert near(CORNERS, corners(image.pixels), 0)
    assert looks_like_image(data[:32])
    assert load(data, min_side=12).pixels.shape[0] < 48
    with pytest.raises(LoadError):
        load(data[: len(data) // 2])


@pytest.mark.parametrize("size", [(64, 48), (256, 256), (1000, 30), (37, 301), (1920, 1080), (8, 8), (4000, 3)])
@pytest.mark.parametrize("container", [False, True])
def test_the_size_is_known_before_decoding(size: tuple[int, int], container: bool) -> None:
    """The limit of pixels is held against the header's size, in a container too."""
    data = imagecodecs.jpegxl_encode(np.zeros((size[1], size[0], 3), np.uint8), usecontainer=container)
    assert load(data, max_pixels=size[0] * size[1]).width == size[0]
    with pytest.raises(ImageTooLarge, match=f"{size[0]} x {size[1]}"):
        load(data, max_pixels=size[0] * size[1] - 1)


def test_deep_and_grey_jpeg_xl() -> None:
    """16 bits are shown by 8 and known to be more; grey is grey."""
    ramp = np.arange(256, dtype=np.uint16).reshape(16, 16)
    image = load(imagecodecs.jpegxl_encode(ramp << 8, lossless=True))
    assert np.array_equal(image.pixels[..., 2], ramp)
    assert image.hidden == image.sha256


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without imagecodecs it is refused with what to install; nonsense is damaged."""
    with pytest.raises(DamagedImage):
        load(b"\xff\x0a" + bytes(100))
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(FileUnreadable, match=r"install lookalike\[jxl\]"):
        load(b"\xff\x0a" + bytes(100))


def test_names() -> None:
    """Their names are images' names."""
    assert all(map(is_image_name, ("a.jp2", "b.j2k", "c.JXL", "d.psd")))
