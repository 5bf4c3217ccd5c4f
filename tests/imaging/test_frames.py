"""Frames and pages: how many there are, the one that stands for all, the views at equal steps of time."""

from __future__ import annotations

import io
import os

import numpy as np
import PIL.Image
import pytest

from images import encode, quadrants
from lookalike.imaging import frames, load

COLOURS = ("red", "lime", "blue")


def plain(*colours: str) -> list[PIL.Image.Image]:
    return [PIL.Image.new("RGB", (32, 24), colour) for colour in colours]


def saved(images: list[PIL.Image.Image], fmt: str, **options: object) -> bytes:
    return encode(images[0], fmt, save_all=True, append_images=images[1:], **options)


@pytest.mark.parametrize("fmt", ["GIF", "WEBP", "PNG", "AVIF"])
def test_an_animation_is_sampled_at_equal_steps(fmt: str) -> None:
    """Three frames, the last twice as long as the others: a quarter, a quarter and half of the views."""
    image = load(saved(plain(*COLOURS), fmt, duration=[100, 100, 200]))
    assert (image.frames, image.sequence, image.damage) == (3, "animation", None)
    assert image.samples is not None
    assert image.samples.shape == (frames.SAMPLES, frames.FRAME_SIDE, frames.FRAME_SIDE, 3)
    strongest = image.samples.mean(axis=(1, 2)).argmax(axis=1)
    assert strongest.tolist() == [0] * 4 + [1] * 4 + [2] * 8


def test_pages_are_sampled_each() -> None:
    """Every page of a TIFF has its view, those of 16 bits too, and smaller views of other pages are none."""
    grey = PIL.Image.fromarray(np.full((24, 32), 40_000, np.uint16))
    image = load(saved([*plain("red", "lime"), grey], "TIFF"))
    assert (image.frames, image.sequence) == (3, "pages")
    assert image.samples is not None
    assert image.samples[:, 9, 9].tolist() == [[255, 0, 0], [0, 255, 0], [156, 156, 156]]
    stream = io.BytesIO()
    pages = plain("red", "lime")
    pages[0].save(stream, "TIFF", save_all=True, append_images=pages[1:], tiffinfo={254: 1})
    assert load(stream.getvalue()).frames == 1


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP"])
def test_a_still_has_one_frame(fmt: str) -> None:
    """And no views, for its pixels show all."""
    image = load(encode(quadrants(), fmt))
    assert (image.frames, image.sequence, image.samples) == (1, "still", None)


@pytest.mark.parametrize("fmt", ["GIF", "WEBP", "PNG", "AVIF"])
def test_a_contrasted_frame_stands_for_a_blank_first_one(fmt: str) -> None:
    """Of what fades in from black the first that shows nearly as much as any; blank throughout, the first."""
    whole = PIL.Image.fromarray(quadrants(64, 48))
    black = PIL.Image.new("RGB", whole.size)
    fade = [PIL.Image.blend(black, whole, share) for share in (0, 0.3, 0.97, 1)]
    options = {"duration": 100, **({"lossless": True} if fmt == "WEBP" else {})}
    shown = load(saved(fade, fmt, **options)).pixels
    assert abs(int(shown[10, 10, 0]) - round(0.97 * 255)) <= 4
    assert load(saved(plain("black", "red"), fmt, duration=100)).pixels.max() <= 4


def test_a_frame_that_cannot_be_decoded_is_damage() -> None:
    """The first frame shows, and it is told which one is broken; nothing is sampled then."""
    noise = np.random.default_rng(3).integers(0, 255, (3, 48, 64, 3)).astype(np.uint8)
    data = saved([PIL.Image.fromarray(part) for part in noise], "PNG", duration=100)
    third = data.rindex(b"fdAT") + 60
    image = load(data[:third] + os.urandom(400) + data[third + 400 :])
    assert (image.frames, image.samples, image.damage) == (3, None, "frame 3 of 3 cannot be decoded")
    assert np.array_equal(image.pixels, noise[0])


def test_a_long_one_is_counted_but_not_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too long to be looked through has no views: nothing can be proved of it."""
    monkeypatch.setattr(frames, "MAX_FRAMES", 2)
    image = load(saved(plain(*COLOURS), "GIF"))
    assert (image.frames, image.samples) == (3, None)
