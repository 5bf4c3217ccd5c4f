"""Mosaics: where objects are after everything that is done to them, and what was pasted along its outline."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.training.data import mosaic
from lookalike.training.data.mosaic import NOTHING, Boxes, Cutout, MosaicSource, draw_mosaic

SIDE = 120
GREEN, RED = (0, 200, 0), (220, 0, 0)


@pytest.fixture(autouse=True)
def colours_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects are found again by their colour."""
    monkeypatch.setattr(mosaic, "_recoloured", lambda _, pixels: pixels)


def disc(size: int = 60) -> Cutout:
    """Red, round, on a ground of any colour."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    alpha = np.where(np.hypot(x, y) <= size / 2, 255, 0).astype(np.uint8)
    pixels = np.where(alpha[..., None] > 0, RED, (0, 0, 255)).astype(np.uint8)
    return Cutout(pixels, alpha)


def plain(count: int = 3, cutouts: tuple[Cutout, ...] = ()) -> MosaicSource:
    """Grey images with a green object each, from a quarter to three quarters."""
    pixels = np.full((count, 64, 64, 3), 90, np.uint8)
    pixels[:, 16:48, 16:48] = GREEN
    one = Boxes(np.array([[0.25, 0.25, 0.5, 0.5]], np.float32), np.zeros(1, np.int64))
    return MosaicSource(pixels, [one] * count, np.arange(count), cutouts=cutouts)


def test_what_is_pasted_lies_in_its_box(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every red pixel lies in the box of what was pasted, which is full of red but for its corners; nothing of the
    cutout's own ground is seen."""
    monkeypatch.setattr(mosaic, "CUTOUT_COUNTS", (1,))
    for seed in range(20):
        made = draw_mosaic(np.random.default_rng(seed), plain(cutouts=(disc(),)), SIDE)
        red = (made.pixels[..., 0] > 150) & (made.pixels[..., 1] < 60)
        ((_, box),) = made.pasted
        x, y, w, h = box.astype(int)
        assert red[y : y + h, x : x + w].mean() == pytest.approx(np.pi / 4, abs=0.12)
        assert red[y : y + h, x : x + w].sum() == red.sum()
        assert not (made.pixels[..., 2] > 150).any()
        assert any(np.array_equal(box, one) for one in made.boxes.xywh)


def test_what_is_hidden_counts_no_more() -> None:
    """An object under something pasted, by more than MAX_COVERED, is no object any more, whichever it was."""
    for seed in range(40):
        made = draw_mosaic(np.random.default_rng(seed), plain(cutouts=(disc(),)), SIDE)
        for place, (_, at) in enumerate(made.pasted):
            for _, later in made.pasted[place + 1 :]:
                assert mosaic._hidden(at[None], later)[0] < mosaic.MAX_COVERED


def test_without_boxes_and_without_cutouts_there_is_nothing() -> None:
    """Photographs whose boxes nobody knows have none."""
    source = MosaicSource(plain().pixels, (), np.arange(3))
    made = draw_mosaic(np.random.default_rng(0), source, SIDE)
    assert (len(made.boxes), len(made.pasted), made.pixels.shape) == (0, 0, (SIDE, SIDE, 3))
    assert source.boxes_of(1) is NOTHING
