"""The edits: pure, seeded, honest about their geometry, at home at any size."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lookalike.errors import UserError
from lookalike.imaging.manipulations import EDITS, apply
from lookalike.types import Pixels

KINDS = {"re-encoded", "edited", "crop", "mirrored", "rotated"}
RANDOM = ("noise", "crop-50", "pasted", "collage", "screenshot", "sticker", "covered", "watermark")


def drawn(height: int, width: int) -> Pixels:
    """A colourful image with gradients, grain and edges."""
    y, x = np.mgrid[0:height, 0:width]
    bands = np.stack([x * 255 // max(1, width - 1), y * 255 // max(1, height - 1), (x * 3 + y * 5) % 200], axis=2)
    grain = np.random.default_rng(7).integers(-20, 20, bands.shape)
    return np.clip(bands + grain, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("size", [(8, 8), (8, 50), (61, 8), (96, 131)])
def test_every_edit_gives_an_image_at_any_size(name: str, size: tuple[int, int]) -> None:
    """Every edit answers (h, w, 3) uint8, contiguous and not empty, for tiny, flat, tall and odd images."""
    edited = apply(name, drawn(*size), seed=3)
    assert edited.dtype == np.uint8
    assert edited.shape[2:] == (3,)
    assert min(edited.shape[:2]) >= 1
    assert edited.flags.c_contiguous


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_is_pure_and_seeded(name: str) -> None:
    """The same seed gives the same pixels, the input stays as it was, and the answer is another image."""
    pixels = drawn(96, 131)
    before = pixels.copy()
    edited = apply(name, pixels, seed=5)
    assert np.array_equal(edited, apply(name, pixels, seed=5))
    assert np.array_equal(before, pixels)
    assert not np.shares_memory(edited, pixels)
    assert edited.shape != pixels.shape or not np.array_equal(edited, pixels)


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_takes_read_only_and_strided_input(name: str) -> None:
    """Pixels that are a read-only view with gaps give the same answer as a plain copy of them."""
    view = drawn(64, 96)[::2, ::2]
    view.flags.writeable = False
    assert np.array_equal(apply(name, np.ascontiguousarray(view)), apply(name, view))


@pytest.mark.parametrize("name", RANDOM)
def test_another_seed_gives_another_image(name: str) -> None:
    """An edit with a random place or grain differs between seeds."""
    pixels = drawn(96, 131)
    assert any(not np.array_equal(apply(name, pixels, seed=0), apply(name, pixels, seed=s)) for s in (1, 2, 3))


def test_every_kind_is_a_relation_and_has_an_edit() -> None:
    """The kinds in the table are the five relations of copies, each with at least two edits."""
    kinds = [str(edit.kind) for edit in EDITS.values()]
    assert set(kinds) == KINDS
    assert min(kinds.count(kind) for kind in KINDS) >= 2


@pytest.mark.parametrize(("name", "k"), [("rotate-90", 1), ("rotate-180", 2), ("rotate-270", 3)])
def test_a_turn_is_counter_clockwise(name: str, k: int) -> None:
    """rotate-90 is np.rot90: what was at the right edge is then at the top."""
    pixels = drawn(20, 30)
    turned = apply(name, pixels)
    assert np.array_equal(np.rot90(pixels, k), turned)
    if k == 1:
        assert np.array_equal(pixels[0, -1], turned[0, 0])


def test_mirror_and_flip_are_exact() -> None:
    """Mirror exchanges left and right, flip exchanges above and below, pixel by pixel."""
    pixels = drawn(20, 30)
    assert np.array_equal(pixels[:, ::-1], apply("mirror", pixels))
    assert np.array_equal(pixels[::-1], apply("flip", pixels))


def test_negative_and_grey_are_exact() -> None:
    """A negative is 255 minus each value; grey has three equal channels near Pillow's luma."""
    pixels = drawn(20, 30)
    assert np.array_equal(255 - pixels, apply("negative", pixels))
    grey = apply("grey", pixels)
    assert np.array_equal(grey[..., 0], grey[..., 2])
    luma = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    assert int(np.abs(grey[..., 1].astype(int) - luma).max()) <= 1


@pytest.mark.parametrize(("name", "share"), [("crop-95", 0.95), ("crop-80", 0.8), ("crop-50", 0.5), ("crop-25", 0.25)])
def test_a_crop_is_a_part_of_the_original(name: str, share: float) -> None:
    """A crop keeps its share of the area and the aspect, and lies pixel by pixel in the original."""
    pixels = drawn(120, 200)
    part = apply(name, pixels, seed=2)
    height, width = part.shape[:2]
    assert height * width / (120 * 200) == pytest.approx(share, abs=0.02)
    assert width / height == pytest.approx(200 / 120, abs=0.03)
    windows = np.lib.stride_tricks.sliding_window_view(pixels, part.shape)[:, :, 0]
    assert any(np.array_equal(part, window) for row in windows for window in row)


@pytest.mark.parametrize(
    ("name", "size"),
    [("resize-50", (48, 66)), ("resize-25", (24, 33)), ("upscale-200", (192, 264)), ("stretch", (96, 165))],
)
def test_a_scale_gives_the_size_in_its_name(name: str, size: tuple[int, int]) -> None:
    """Resizing multiplies both sides by the share; a stretch makes the width 1.25 times as large."""
    assert apply(name, drawn(96, 132)).shape[:2] == size


@pytest.mark.parametrize("name", ["pad", "screenshot", "border", "caption"])
def test_what_is_put_round_an_image_leaves_it_untouched(name: str) -> None:
    """The original lies pixel by pixel inside the padded, framed, captioned or screenshot image."""
    pixels = drawn(60, 80)
    edited = apply(name, pixels)
    windows = np.lib.stride_tricks.sliding_window_view(edited, pixels.shape)[:, :, 0]
    assert any(np.array_equal(pixels, window) for row in windows for window in row)


@pytest.mark.parametrize("name", ["pasted", "collage"])
def test_a_pasted_image_lies_there_at_half_its_size(name: str) -> None:
    """The half-size original lies pixel by pixel in the larger image."""
    pixels = drawn(60, 80)
    half = cv2.resize(pixels, (40, 30), interpolation=cv2.INTER_AREA)
    windows = np.lib.stride_tricks.sliding_window_view(apply(name, pixels), half.shape)[:, :, 0]
    assert any(np.array_equal(half, window) for row in windows for window in row)


def test_covering_hides_a_fifth() -> None:
    """The covered part is black and a fifth of the area; the rest is as it was."""
    pixels = np.maximum(drawn(100, 100), 1)
    covered = apply("covered", pixels)
    changed = np.any(covered != pixels, axis=2)
    assert changed.mean() == pytest.approx(0.2, abs=0.02)
    assert covered[changed].max() == 0


def test_a_stronger_jpeg_loses_more() -> None:
    """The error against the original grows as the JPEG quality falls."""
    pixels = drawn(96, 131).astype(int)
    errors = [np.abs(apply(f"jpeg-{q}", pixels.astype(np.uint8)) - pixels).mean() for q in (90, 50, 30, 10)]
    assert errors == sorted(errors)


def test_an_unknown_name_says_what_there_is() -> None:
    """An unknown edit is the user's mistake, and the message lists the names."""
    with pytest.raises(UserError, match=r"'jpeg-91'.*jpeg-90"):
        apply("jpeg-91", drawn(8, 8))


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3)),
        np.zeros((7, 9, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused(pixels: Pixels) -> None:
    """Grey, four-channel, floating-point and too small arrays are refused with what is needed."""
    with pytest.raises(UserError, match=r"\(h, w, 3\) uint8"):
        apply("blur", pixels)
