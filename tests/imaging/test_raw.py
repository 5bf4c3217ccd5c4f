"""Raw files: written here as cameras lay them out, read by LibRaw."""

from __future__ import annotations

import struct
import sys

import numpy as np
import PIL.Image
import pytest

from images import encode
from lookalike.errors import DamagedImage, FileUnreadable
from lookalike.imaging import is_image_name, load, looks_like_image
from lookalike.imaging.formats import sniff
from samples import photograph

SENSOR = (960, 640)
Entry = tuple[int, int, object]


def scene(size: tuple[int, int] = SENSOR) -> PIL.Image.Image:
    return PIL.Image.fromarray(photograph("coffee.png")).resize(size)


def _directory(entries: list[Entry], at: int) -> bytes:
    heap, rows = b"", b""
    heap_at = at + 2 + 12 * len(entries) + 4
    for tag, kind, values in sorted(entries, key=lambda entry: entry[0]):
        data = values if isinstance(values, bytes) else struct.pack(f"<{len(values)}{'BHI'[kind // 2]}", *values)
        rows += struct.pack("<HHI", tag, kind, len(values))
        rows += data.ljust(4, b"\0") if len(data) <= 4 else struct.pack("<I", heap_at + len(heap))
        heap += data + b"\0" * (len(data) % 2) if len(data) > 4 else b""
    return struct.pack("<H", len(entries)) + rows + struct.pack("<I", 0) + heap


def dng(image: PIL.Image.Image, preview: bytes = b"", orientation: int = 1, size: tuple[int, int] = SENSOR) -> bytes:
    """A thumbnail of 160 pixels in front, the sensor's numbers in a sub-directory, a JPEG ``preview`` in another."""
    thumb, pixels = np.asarray(image.resize((160, 107))), np.asarray(image.resize(size))
    light = np.where(pixels <= 10, pixels / 3295, ((pixels / 255 + 0.055) / 1.055) ** 2.4)
    sensor = np.round(light[:, :, 1] * 65_535).astype("<u2")
    sensor[0::2, 0::2], sensor[1::2, 1::2] = (
        np.round(light[at::2, at::2, 2 * at] * 65_535).astype("<u2") for at in (0, 1)
    )
    blocks, starts, at = [thumb.tobytes(), sensor.tobytes(), preview], [], 8
    for block in blocks:
        starts.append(at)
        at += len(block) + len(block) % 2
    data = b"".join(block + b"\0" * (len(block) % 2) for block in blocks)
    raw: list[Entry] = [
        (254, 4, [0]), (256, 4, [size[0]]), (257, 4, [size[1]]), (258, 3, [16]), (259, 3, [1]), (262, 3, [32803]),
        (273, 4, [starts[1]]), (277, 3, [1]), (278, 4, [size[1]]), (279, 4, [len(blocks[1])]), (33421, 3, [2, 2]),
        (33422, 1, [0, 1, 1, 2]), (50717, 4, [65_535]),
    ]  # fmt: skip
    small: list[Entry] = [
        (254, 4, [1]), (256, 4, [720]), (257, 4, [480]), (258, 3, [8, 8, 8]), (259, 3, [7]), (262, 3, [6]),
        (273, 4, [starts[2]]), (277, 3, [3]), (278, 4, [480]), (279, 4, [len(preview)]),
    ]  # fmt: skip
    first, second = _directory(raw, at), _directory(small, at + len(_directory(raw, at)))
    subs = [at, at + len(first)] if preview else [at]
    below = first + (second if preview else b"")
    head: list[Entry] = [
        (254, 4, [1]), (256, 4, [160]), (257, 4, [107]), (258, 3, [8, 8, 8]), (259, 3, [1]), (262, 3, [2]),
        (271, 2, b"Acme\0"), (272, 2, b"Acme One\0"), (273, 4, [8]), (274, 3, [orientation]), (277, 3, [3]),
        (278, 4, [107]), (279, 4, [len(blocks[0])]), (306, 2, b"2023:05:06 07:08:09\0"), (330, 4, subs),
        (50706, 1, [1, 4, 0, 0]), (50721, 5, b""),
    ][:-1]  # fmt: skip
    start = at + len(below)
    return struct.pack("<2sHI", b"II", 42, start) + data + below + _directory(head, start)


def agreement(pixels: np.ndarray, image: PIL.Image.Image) -> float:
    """The correlation of two images' grey, at 60 x 40 pixels."""
    grey = [np.asarray(one.convert("L").resize((60, 40)), float) for one in (PIL.Image.fromarray(pixels), image)]
    return float(np.corrcoef(grey[0].ravel(), grey[1].ravel())[0, 1])


def test_the_sensor_is_developed() -> None:
    """Without a large preview: in the sensor's size, with camera and time, and it shows what was photographed."""
    image = load(dng(scene()))
    assert (image.format, image.width, image.height) == ("RAW", *SENSOR)
    assert image.pixels.shape == (640, 960, 3)
    assert (image.camera, image.taken) == ("Acme One", "2023-05-06 07:08:09")
    assert image.frames == 1
    assert agreement(image.pixels, scene()) > 0.95
    assert load(dng(scene()), min_side=128).pixels.shape[0] in range(128, 256)


def test_a_large_preview_is_shown() -> None:
    """It is what the camera made of it; its size is not the image's. A thumbnail is never shown."""
    other = scene().transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)  # so that one can be told from the other
    data = dng(scene(), encode(other.resize((720, 480)), "JPEG"))
    image = load(data, min_side=300)
    assert (image.width, image.height) == SENSOR
    assert agreement(image.pixels, other) > 0.99
    assert agreement(load(data).pixels, scene()) > 0.95
    thumb = dng(scene(), encode(other.resize((160, 107)), "JPEG"))
    assert agreement(load(thumb, min_side=64).pixels, scene()) > 0.95


@pytest.mark.parametrize(("orientation", "turn"), [(3, "ROTATE_180"), (6, "ROTATE_270"), (8, "ROTATE_90")])
def test_it_is_upright(orientation: int, turn: str) -> None:
    """A camera held upright: the preview and what is developed are turned alike, and width and height change places."""
    upright = scene().transpose(PIL.Image.Transpose[turn])
    for data in (
        dng(scene(), orientation=orientation),
        dng(scene(), encode(scene((720, 480)), "JPEG"), orientation=orientation),
    ):
        image = load(data, min_side=300)
        assert (image.width, image.height) == upright.size
        assert agreement(image.pixels, upright) > 0.95


def test_what_it_shows_is_no_proof() -> None:
    """Eight bits of a raw file never prove that it is equal to another file."""
    image = load(dng(scene()))
    assert image.hidden == image.sha256


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without rawpy a raw file is refused with what to install, and a TIFF is read as ever."""
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(FileUnreadable, match=r"install lookalike\[raw\]"):
        load(dng(scene()))
    assert load(encode(scene((60, 40)), "TIFF")).format == "TIFF"


def test_what_libraw_cannot_read() -> None:
    """A raw file of nonsense is damaged, with LibRaw's reason."""
    with pytest.raises(DamagedImage, match="LibRaw"):
        load(b"FUJIFILMCCD-RAW" + bytes(5000))
    data = dng(scene())
    with pytest.raises(DamagedImage):
        load(data[: len(data) // 3] + bytes(9))


@pytest.mark.parametrize(
    "head",
    [
        b"IIRO\x08\0\0\0",
        b"IIU\0\x08\0\0\0",
        b"II*\0\x10\0\0\0CR\x02\0",
        b"\0\0\0\x18ftypcrx \0\0\0\1",
        b"FUJIFILMCCD-RAW 0201",
    ],
)
def test_how_others_begin(head: bytes) -> None:
    """Raw files that are no plain TIFF are known by their first bytes."""
    found = sniff(head.ljust(32, b"\0"))
    assert found is not None
    assert found.name == "RAW"
    assert looks_like_image(head.ljust(32, b"\0"))


def test_names() -> None:
    """The names of raw files are images' names."""
    assert all(map(is_image_name, ("a.DNG", "b.nef", "c.cr3", "d.arw", "e.orf", "f.raf", "g.rw2", "h.cr2")))
