"""Animations compared over their time, pages as a set: what begins alike and goes on differently is no copy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageOps
import pytest

import lookalike as la
from images import encode
from lookalike.comparison.frames import same_frames
from lookalike.imaging import from_array, load
from samples import photograph

SIZE = (180, 120)
Frames = list[PIL.Image.Image]


@cache
def photo(name: str) -> PIL.Image.Image:
    return PIL.Image.fromarray(photograph(name)).resize(SIZE)


def blend(first: str, last: str, count: int = 8) -> Frames:
    """From one photograph to another."""
    return [PIL.Image.blend(photo(first), photo(last), n / (count - 1)) for n in range(count)]


def saved(frames: Sequence[PIL.Image.Image], fmt: str = "GIF", duration: int = 80, **options: object) -> bytes:
    return encode(frames[0], fmt, save_all=True, append_images=frames[1:], duration=duration, **options)


def spinning(kind: str) -> Frames:
    """A ball, or a square, that goes round on one and the same photograph."""
    frames = []
    for n in range(12):
        frame = photo("coffee.png").copy()
        x, y = 90 + 60 * np.cos(n * np.pi / 6), 60 + 40 * np.sin(n * np.pi / 6)
        turned = (180 - x, 120 - y) if kind == "turned" else (x, y)
        PIL.ImageDraw.Draw(frame).ellipse([side + far for far in (-8, 8) for side in turned], fill=(230, 40, 40))
        frames.append(frame)
    return frames


COPIES = {
    "in another format": lambda frames: saved(frames, "WEBP", quality=60),
    "without colours lost": lambda frames: saved(frames, "PNG"),
    "as AVIF": lambda frames: saved(frames, "AVIF", quality=60),
    "half as large": lambda frames: saved([one.resize((90, 60)) for one in frames]),
    "every second frame, twice as long": lambda frames: saved(frames[::2], "WEBP", 160, quality=70),
    "slower": lambda frames: saved(frames, "WEBP", 300, quality=70),
}


@pytest.mark.parametrize("change", COPIES)
def test_the_same_animation(change: str) -> None:
    """Another format, size, number of frames or tempo makes no other animation."""
    frames = blend("coffee.png", "rocket.jpg")
    assert same_frames(load(saved(frames)), load(COPIES[change](frames)), None)


def test_edits_of_the_whole_animation() -> None:
    """Mirrored, greyed or with a caption on every frame, it still is the same, by the transform of the shown frames."""
    frames = blend("coffee.png", "rocket.jpg", 12)
    a = load(saved(frames))
    mirror = np.array([[-1, 0, 179], [0, 1, 0], [0, 0, 1.0]])
    assert same_frames(a, load(saved([PIL.ImageOps.mirror(one) for one in frames], "WEBP")), mirror)
    assert same_frames(a, load(saved([one.convert("L") for one in frames])), None)
    captioned = []
    for one in frames:
        copy = one.copy()
        PIL.ImageDraw.Draw(copy).rectangle((0, 0, 180, 12), fill="white")
        captioned.append(copy)
    assert same_frames(a, load(saved(captioned, "WEBP")), None)


def test_what_goes_on_differently() -> None:
    """One that begins alike, one that stands still, one whose moving part is elsewhere: none is a copy of the other."""
    first = load(saved(blend("coffee.png", "rocket.jpg")))
    still = load(encode(photo("coffee.png"), "JPEG"))
    for other in (load(saved(blend("coffee.png", "retina.jpg"), "WEBP")), still, load(saved(spinning("ball")))):
        assert not same_frames(first, other, None)
        assert not same_frames(other, first, None)
    assert not same_frames(load(saved(spinning("ball"))), load(saved(spinning("turned"))), None)
    assert same_frames(load(saved(spinning("ball"))), load(saved(spinning("ball"), "WEBP", quality=80)), None)


def test_an_animation_that_does_not_move_is_a_still() -> None:
    """Frames that show one and the same, but for noise, are those of a still."""
    still = load(encode(photo("coffee.png"), "JPEG"))
    noisy = [PIL.Image.fromarray(np.asarray(photo("coffee.png")) ^ n) for n in (0, 1, 2)]
    animation = load(saved(noisy, "PNG"))
    assert animation.frames == 3
    assert same_frames(still, animation, None)


def test_pages_are_a_set() -> None:
    """The same pages in another order and compression are the same, one page more or another page are not."""
    pages = [photo(name) for name in ("coffee.png", "rocket.jpg", "retina.jpg")]
    scanned = load(encode(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    turned = load(encode(pages[2], "TIFF", save_all=True, append_images=pages[:2], compression="jpeg", quality=70))
    fewer = load(encode(pages[0], "TIFF", save_all=True, append_images=pages[1:2]))
    other = load(encode(pages[0], "TIFF", save_all=True, append_images=[pages[1], photo("motorcycle_left.png")]))
    assert same_frames(scanned, turned, None)
    for one in (fewer, other, load(encode(pages[0], "TIFF"))):
        assert not same_frames(scanned, one, None)


def test_what_was_not_looked_through_proves_nothing() -> None:
    """A file whose frames could not all be decoded, or are too many, is no copy of another by its first frame."""
    plain = from_array(np.asarray(photo("coffee.png")))
    from dataclasses import replace

    assert not same_frames(replace(plain, frames=900, sequence="animation"), plain, None)


def test_compare_says_so() -> None:
    """``compare`` calls them variants, with a note, and the same animation re-encoded."""
    first, other = saved(blend("coffee.png", "rocket.jpg")), saved(blend("coffee.png", "retina.jpg"))
    found = la.compare(first, other)
    assert (found.relation, found.edits) == ("variant", ("animated",))
    assert found.probability < 0.01
    poster = la.compare(encode(photo("coffee.png"), "JPEG"), first)
    assert (poster.relation, poster.edits) == ("variant", ("animated",))
    again = saved(blend("coffee.png", "rocket.jpg"), "WEBP", quality=80)
    assert la.compare(first, again).relation == "re-encoded"


def test_equal_pixels_prove_nothing_where_something_was_thrown_away() -> None:
    """The same pixels with other transparency are not said to be the same without looking."""
    pixels = np.asarray(photo("coffee.png").convert("RGBA")).copy()
    pixels[:60, :, :] = 255
    clear = pixels.copy()
    clear[:60, :, 3] = 0
    opaque, transparent = la.load(encode(pixels)), la.load(encode(clear))
    assert np.array_equal(opaque.pixels, transparent.pixels)
    assert la.compare(opaque, transparent).odds is not None
    assert la.compare(opaque, la.load(encode(pixels, "WEBP", lossless=True))).odds is None
