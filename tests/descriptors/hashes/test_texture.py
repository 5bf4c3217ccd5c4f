"""Texture against a loop over every pixel, and against scikit-image."""

from __future__ import annotations

import numpy as np
from skimage import data
from skimage.feature import local_binary_pattern

from lookalike.descriptors.hashes import texture
from lookalike.descriptors.hashes.texture import Texture, patterns
from lookalike.types import Image

CLOCKWISE = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]


def image(pixels: np.ndarray) -> Image:
    return Image(pixels=pixels, width=pixels.shape[1], height=pixels.shape[0])


def brighter(grey: np.ndarray, i: int, j: int, step: int) -> list[bool]:
    return [int(grey[i + di, j + dj]) >= int(grey[i, j]) + step for di, dj in CLOCKWISE]


def test_patterns_are_eight_comparisons_per_pixel():
    """Every pixel of a random image, black and white ones among them, compared one neighbour at a time."""
    grey = np.random.default_rng(0).integers(0, 16, (9, 12)).astype(np.uint8)
    grey[grey > 12] = 255
    for i in range(1, 8):
        for j in range(1, 11):
            expected = sum(bit << k for k, bit in enumerate(brighter(grey, i, j, texture.STEP)))
            assert expected == patterns(grey)[i - 1, j - 1]


def test_white_has_no_brighter_neighbour():
    """At 255 the sum of centre and step cannot rise: white next to white must not count as brighter."""
    assert patterns(np.full((5, 5), 255, np.uint8)).max() == 0


def test_labels_number_the_uniform_patterns():
    """58 patterns change at most twice around the ring and have a label each; all others share the last."""
    uniform = []
    for code in range(256):
        ring = [code >> k & 1 for k in range(8)]
        if sum(ring[k] != ring[k - 1] for k in range(8)) <= 2:
            uniform.append(code)
    expected = [uniform.index(code) if code in uniform else 58 for code in range(256)]
    assert expected == texture._UNIFORM.tolist()


def test_patterns_are_scikit_images(monkeypatch):
    """With a step of 1, the bits of the four straight neighbours, where the ring needs no interpolation: brighter
    is what is not at least as bright in the negative."""
    monkeypatch.setattr(texture, "STEP", 1)
    grey = data.camera()[100:160, 100:160]
    peer = local_binary_pattern(255 - grey, 4, 1, "default").astype(int)[1:-1, 1:-1]
    right, up, left, down = (peer >> k & 1 for k in range(4))
    ours = patterns(grey)
    for k, expected in ((3, right), (1, up), (7, left), (5, down)):
        np.testing.assert_array_equal(1 - expected, ours >> k & 1)


def test_the_vector_counts_labels_per_quarter_and_scale():
    """A 64 x 64 photograph: counts of the first scale, by loops over the four quarters."""
    import cv2

    grey = np.ascontiguousarray(data.camera()[::8, ::8])
    vector = Texture().describe([image(np.dstack([grey] * 3))]).vectors[0]
    labels = texture._UNIFORM[patterns(cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA))]
    counts = np.zeros((2, 2, 59))
    for i in range(46):
        for j in range(46):
            counts[i // 23, j // 23, labels[i, j]] += 1
    np.testing.assert_allclose(vector[: 4 * 59], np.sqrt(counts.ravel() / 46**2 / 2), atol=1e-6)


def test_colour_and_brightness_do_not_count():
    """A photograph in other colours of the same grey, or darker, stays much closer than another photograph."""
    photo = data.coffee()
    darker = (photo * 0.8).astype(np.uint8)
    grey = np.repeat(np.rint(photo @ [0.299, 0.587, 0.114]).astype(np.uint8)[..., None], 3, axis=2)
    here, *others = Texture().describe([image(p) for p in (photo, darker, grey, data.rocket())]).vectors
    dark, without, distractors = (1 - here @ other for other in others)
    assert max(dark, without) * 5 < distractors


def test_stripes_are_not_checks():
    """Stripes along, stripes across and a chessboard of the same two greys are three textures."""
    i, j = np.mgrid[0:64, 0:64] // 4 % 2
    images = [np.repeat((80 + 90 * p)[..., None], 3, 2).astype(np.uint8) for p in (i, j, i ^ j)]
    vectors = Texture().describe([image(p) for p in images]).vectors
    assert (1 - vectors @ vectors.T)[np.triu_indices(3, 1)].min() > Texture().card.median_negative_distance
