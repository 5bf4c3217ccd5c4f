"""Pillow images and arrays are taken wherever a path is, and are then what the file would have been."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import lookalike as la
from images import FORMATS, encode, heic
from lookalike.errors import DamagedImage, FileMissing, UserError
from lookalike.gallery import Gallery
from lookalike.imaging import as_image, from_array, load
from samples import drawn, folder_of, save

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F")


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_pillow_image_is_what_its_file_is(fmt: str) -> None:
    """Of every format: the same pixels, size and format; a path or bytes are read, an Image is itself."""
    data = encode(drawn(3, 64, 48), fmt)
    expected = load(data)
    with PIL.Image.open(io.BytesIO(data)) as opened:
        found = as_image(opened)
    assert np.array_equal(expected.pixels, found.pixels)
    assert (expected.width, expected.height, expected.format) == (found.width, found.height, found.format)
    assert (found.path, found.sha256, found.bytes) == (None, "", 0)
    assert as_image(expected) is expected
    assert np.array_equal(as_image(data).pixels, expected.pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_it_stands_upright(fmt: str, orientation: int) -> None:
    """By its EXIF, as its file would; so does a copy that Pillow has converted."""
    exif = PIL.Image.Exif()
    exif[0x112] = orientation
    memory = io.BytesIO()
    PIL.Image.fromarray(drawn(5, 64, 48)).save(memory, fmt, exif=exif, **({"lossless": True} if fmt == "WEBP" else {}))
    expected = load(memory.getvalue())
    with PIL.Image.open(io.BytesIO(memory.getvalue())) as opened:
        for image in (opened, opened.convert("RGB")):
            found = as_image(image)
            assert (found.width, found.height) == (expected.width, expected.height)
            assert np.array_equal(found.pixels, expected.pixels)


def test_heif_is_turned_once() -> None:
    """What pi-heif has opened is what the file is."""
    from pi_heif import HeifImageFile

    for turned in (False, True):
        expected, found = load(heic(turned=turned)), as_image(HeifImageFile(io.BytesIO(heic(turned=turned))))
        assert np.array_equal(expected.pixels, found.pixels)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode(mode: str) -> None:
    """Grey, palette, transparent over white, 16-bit, float: as a TIFF or PNG of that mode is read."""
    grey = PIL.Image.fromarray(drawn(7, 64, 48)).convert("L")
    if mode == "I;16":
        image = PIL.Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    else:
        image = (grey if mode in ("1", "F") else PIL.Image.fromarray(drawn(7, 64, 48))).convert(mode)
    if mode in ("LA", "RGBA"):
        image.putalpha(PIL.Image.linear_gradient("L").resize(image.size))
    memory = io.BytesIO()
    image.save(memory, "TIFF" if mode in ("CMYK", "F") else "PNG")
    assert np.array_equal(load(memory.getvalue()).pixels, as_image(image).pixels)


def test_what_is_no_image() -> None:
    """A file that is gone, an array of another shape, a Pillow image cut short, a number: each says what is wrong."""
    data = encode(drawn(3, 640, 480), "JPEG")
    for source, error in (
        ("nowhere.jpg", FileMissing),
        (np.zeros((4, 4, 2), np.uint8), UserError),
        (np.zeros((4, 4, 3), np.float32), UserError),
        (PIL.Image.open(io.BytesIO(data[:2000])), DamagedImage),
        (7, UserError),
    ):
        with pytest.raises(error):
            as_image(source)  # type: ignore[arg-type]  a number is none on purpose


def test_wherever_a_path_is_taken(tmp_path: Path) -> None:
    """compare, describe, explain, search and is_blank answer alike for a file, its Pillow image and its array."""
    from lookalike.comparison.explain.attribution import explain

    folder = folder_of(tmp_path / "photos", 6)
    path = save(tmp_path / "query.png", drawn(2)[10:100, 20:150])
    kinds = (path, PIL.Image.open(path), np.asarray(PIL.Image.open(path)), from_array(np.asarray(PIL.Image.open(path))))
    with Gallery.create(tmp_path / "g") as gallery:
        gallery.add(folder)
        searched = [gallery.search(one, 3, rerank=2) for one in kinds]
        colours = [gallery.search(one, 3, by="colour", region=(0, 0, 60, 60)) for one in kinds]
        blank = [gallery.is_blank(one) for one in (*kinds, np.full((90, 90, 3), 200, np.uint8))]
    compared = [la.compare(one, folder / "0002.jpg") for one in kinds]
    assert blank == [False] * 4 + [True]
    assert (searched[0][0].relation, len(searched[0]), len(colours[0])) == ("crop", 3, 3)
    for one in range(1, 4):
        assert (searched[one], colours[one]) == (searched[0], colours[0])
        assert compared[one].distances == compared[0].distances
        assert (compared[one].relation, compared[one].probability) == (compared[0].relation, compared[0].probability)
    vectors = la.describe(kinds, "structure")
    assert all(np.array_equal(vector, vectors[0]) for vector in vectors)
    assert explain(kinds[1], kinds[2]).comparison.relation == "re-encoded"
