"""Palettes: colours counted, wherever they lie."""

import numpy as np
import pytest

from images import encode
from lookalike import Gallery
from lookalike.descriptors import get
from lookalike.gallery.recommend.palette import BINS, palette_distances, palettes
from lookalike.imaging import from_array

LEFT, RIGHT = (slice(None), slice(0, 32)), (slice(None), slice(32, 64))


def halves(first, second, turned=False):
    """One colour beside another."""
    pixels = np.empty((64, 64, 3), np.uint8)
    pixels[RIGHT if turned else LEFT], pixels[LEFT if turned else RIGHT] = first, second
    return pixels


def palette_of(*images):
    return palettes(get("colour").describe([from_array(one) for one in images]).vectors)


def test_the_shares_of_all_colours_are_one_whole():
    random = np.random.default_rng(3).integers(0, 256, (3, 64, 64, 3)).astype(np.uint8)
    found = palette_of(*random)
    assert found.shape == (3, BINS)
    assert found.sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-4)
    assert palettes(np.empty((0, 78), np.float16)).shape == (0, BINS)


def test_the_same_colours_in_other_places_are_the_same_palette():
    red, blue, green = (200, 30, 30), (30, 30, 200), (30, 160, 60)
    one, turned, other = palette_of(halves(red, blue), halves(red, blue, turned=True), halves(green, (250, 250, 250)))
    near, far = palette_distances(one[None], np.stack([turned, other]))[0]
    assert near < 0.1 < 0.85 < far
    # whichever way round it is asked, by explicit loops
    assert far == pytest.approx(1 - sum(min(a, b) for a, b in zip(one.tolist(), other.tolist(), strict=True)), abs=1e-6)


def test_a_shop_recommends_by_palette_what_the_layout_of_colours_calls_another(tmp_path):
    shirts = {
        "asked": halves((200, 30, 30), (240, 240, 240)),
        "turned": halves((200, 30, 30), (240, 240, 240), turned=True),
        "other": halves((30, 30, 200), (240, 240, 240)),
    }
    for name, pixels in shirts.items():
        (tmp_path / f"{name}.png").write_bytes(encode(pixels))
    (tmp_path / "items.csv").write_text("id,file\n" + "".join(f"{name},{name}.png\n" for name in shirts))
    with Gallery.create(tmp_path / "g.gallery", ["colour"]) as shop:
        shop.add_catalogue(tmp_path / "items.csv")
        by_palette = {one.id: one for one in shop.recommend(item="asked", by="palette", diversity=0)}
        by_layout = {one.id: one for one in shop.recommend(item="asked", by="colour", diversity=0)}
    assert by_palette["turned"].score > 0.8 > 0.5 > by_palette["other"].score
    assert by_layout["turned"].score < 0.2
    assert by_palette["turned"].parts == {"palette": pytest.approx(by_palette["turned"].score)}
