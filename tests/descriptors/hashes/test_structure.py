"""Structure against the definition written as loops, and against imagehash."""

from __future__ import annotations

import math

import imagehash
import numpy as np
import PIL.Image
import pytest
from skimage import data

from lookalike.descriptors.hashes.structure import Structure
from lookalike.types import Image


def image(pixels: np.ndarray) -> Image:
    return Image(pixels=pixels, width=pixels.shape[1], height=pixels.shape[0])


def bits(pixels: np.ndarray) -> np.ndarray:
    return np.unpackbits(Structure().describe([image(pixels)]).vectors[0]).reshape(16, 16)


def spectrum(grey: np.ndarray, count: int) -> np.ndarray:
    """The low frequencies of a DCT-II without any matrix: sums over all pixels."""
    n = len(grey)
    result = np.zeros((count, count))
    for u in range(count):
        for v in range(count):
            rows = [math.cos(math.pi * u * (i + 0.5) / n) for i in range(n)]
            columns = [math.cos(math.pi * v * (j + 0.5) / n) for j in range(n)]
            total = sum(rows[i] * sum(map(float.__mul__, map(float, grey[i]), columns)) for i in range(n))
            result[u, v] = total * math.sqrt((1 if u == 0 else 2) * (1 if v == 0 else 2)) / n
    return result


def test_bits_are_low_frequencies_above_their_median():
    """A random 64 x 64 grey image, transformed by loops: all 256 bits are the same."""
    grey = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    low = spectrum(grey, 16)
    np.testing.assert_array_equal(low > np.median(low), bits(np.dstack([grey] * 3)))


def test_a_wave_lights_the_bit_of_its_frequency():
    """A cosine of frequency (3, 5), upright and negated: the one bit that stands for it is on, then off."""
    i, j = np.mgrid[0:64, 0:64] + 0.5
    wave = np.cos(math.pi * 3 * i / 64) * np.cos(math.pi * 5 * j / 64)
    up, down = (np.dstack([np.rint(128 + sign * 100 * wave).astype(np.uint8)] * 3) for sign in (1, -1))
    assert bits(up)[3, 5]
    assert not bits(down)[3, 5]


def test_half_of_the_bits_are_on():
    """The median splits the bits of a photograph evenly."""
    assert bits(data.astronaut()).sum() == 128


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_it_agrees_with_imagehash(name):
    """imagehash.phash(hash_size=16), with another resize, gives nearly the same 256 bits."""
    photo = getattr(data, name)()
    peer = imagehash.phash(PIL.Image.fromarray(photo), hash_size=16).hash
    assert (peer != bits(photo)).sum() <= 16


def test_quality_is_the_contrast():
    """A wave of amplitude 8 has an RMS of 8 / 2 in two dimensions: a quarter of the full scale."""
    i, j = np.mgrid[0:64, 0:64] + 0.5
    wave = np.cos(math.pi * 3 * i / 64) * np.cos(math.pi * 5 * j / 64)
    pixels = np.dstack([np.rint(128 + 8 * wave).astype(np.uint8)] * 3)
    assert Structure().describe([image(pixels)]).contrast[0] == pytest.approx(0.25, abs=0.01)
