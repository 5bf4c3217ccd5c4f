"""Damage of a JPEG that decodes all the same, found without false alarms."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest

from images import encode
from lookalike.imaging import load
from lookalike.imaging.jpeg_damage import ENDS_EARLY, MISSING_SCANS, ZEROS
from samples import photograph

EOI, SOS = b"\xff\xd9", b"\xff\xda"
CODED = [{}, {"optimize": True}, {"subsampling": 2}, {"restart_marker_rows": 1}]


def photo() -> PIL.Image.Image:
    return PIL.Image.fromarray(photograph("coffee.png")).resize((300, 200))


def cut(data: bytes, share: float) -> bytes:
    return data[: int(len(data) * share)].rstrip(b"\xff")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("options", CODED, ids=str)
@pytest.mark.parametrize("min_side", [None, 64])
def test_what_a_rescue_tool_ended(options: dict, share: float, min_side: int | None) -> None:
    """The first part, an end marker, and zeros up to the next block: at any scale its data ends early."""
    data = encode(photo(), "JPEG", **options)
    for behind in (b"", bytes(4096)):
        assert load(cut(data, share) + EOI + behind, min_side=min_side).damage == ENDS_EARLY


def test_what_ends_in_zeros() -> None:
    """Where the zeros themselves can be decoded, they are told; a whole image without an end marker is none such."""
    data = encode(photo(), "JPEG", quality=90)
    found = [_damage(cut(data, share) + bytes(len(data))) for share in (0.5, 0.6, 0.7, 0.8, 0.9)]
    assert ZEROS in found
    assert set(found) <= {ZEROS, "refused"}
    assert load(data[:-2] + bytes(5000)).damage is None


def test_missing_scans() -> None:
    """A progressive image whose last scans never came, and one whose colours came in scans of their own."""
    data = encode(photo(), "JPEG", progressive=True)
    scans = [at for at in range(len(data)) if data.startswith(SOS, at)]
    for end in scans[1:]:
        assert load(data[:end] + EOI).damage == MISSING_SCANS
    assert load(data).damage is None


def test_a_cut_in_the_last_scan_of_a_progressive_image() -> None:
    """It leaves no grey, but further data changes the image."""
    data = encode(photo(), "JPEG", progressive=True)
    assert load(cut(data, 0.9) + EOI + bytes(4096)).damage == ENDS_EARLY


@pytest.mark.parametrize("options", [*CODED, {"progressive": True}], ids=str)
@pytest.mark.parametrize("quality", [30, 92])
def test_grey_that_was_drawn_is_no_damage(options: dict, quality: int) -> None:
    """Images with a lower part of exactly the grey that libjpeg fills in, wholly grey ones, and photographs."""
    half = photo()
    PIL.ImageDraw.Draw(half).rectangle((0, 120, 300, 200), fill=(128, 128, 128))
    grey = PIL.Image.new("RGB", (64, 64), (128, 128, 128))
    for image in (photo(), half, half.convert("L"), grey):
        for behind in (b"", bytes(4096), b"a trailer"):
            data = encode(image, "JPEG", quality=quality, **options) + behind
            assert load(data).damage is None
            assert load(data, min_side=48).damage is None


def test_an_intact_image_is_as_it_was() -> None:
    """Looking for damage changes no pixel."""
    data = encode(photo(), "JPEG", progressive=True)
    with PIL.Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image), load(data).pixels)


def _damage(data: bytes) -> str | None:
    from lookalike.errors import DamagedImage

    try:
        return load(data).damage
    except DamagedImage:
        return "refused"
