"""Colour against the definition, written as loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage import data
from skimage.color import rgb2lab

from lookalike.descriptors.hashes.colour import COEFFICIENTS, MEAN_WEIGHT, Colour, _zigzag
from lookalike.types import Image

ZIGZAG = [(0, 0), (0, 1), (1, 0), (2, 0), (1, 1), (0, 2), (0, 3), (1, 2), (2, 1), (3, 0), (4, 0)]


def image(pixels: np.ndarray) -> Image:
    return Image(pixels=pixels, width=pixels.shape[1], height=pixels.shape[0])


def coefficient(tiles: np.ndarray, u: int, v: int) -> float:
    """One number of the two-dimensional DCT-II, as its definition says."""
    total = sum(
        float(tiles[i, j]) * math.cos(math.pi * u * (i + 0.5) / 8) * math.cos(math.pi * v * (j + 0.5) / 8)
        for i in range(8)
        for j in range(8)
    )
    return total * math.sqrt((1 if u == 0 else 2) / 8) * math.sqrt((1 if v == 0 else 2) / 8)


def test_the_numbers_are_a_cosine_transform_in_lab():
    """Eight by eight flat tiles: the first ten numbers of each channel, by loops and scikit-image's L*a*b*."""
    colours = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    vector = Colour().describe([image(colours.repeat(8, 0).repeat(8, 1))]).vectors[0]
    lab, start = rgb2lab(colours), 0
    for channel, count in enumerate(COEFFICIENTS):
        expected = [coefficient(lab[..., channel], u, v) for u, v in ZIGZAG[:10]]
        expected[0] *= MEAN_WEIGHT[channel]
        np.testing.assert_allclose(vector[start : start + 10], expected, atol=1.0)
        start += count


def test_the_zigzag_is_the_standards():
    """The first places by hand, and every place once."""
    assert [8 * i + j for i, j in ZIGZAG] == _zigzag()[: len(ZIGZAG)]
    assert list(range(64)) == sorted(_zigzag())


def test_the_same_colours_elsewhere_are_another_layout():
    """Red left of blue and blue left of red have the same histogram, and are far apart."""
    halves = np.zeros((80, 80, 3), np.uint8)
    halves[:, :40], halves[:, 40:] = (255, 0, 0), (0, 0, 255)
    a, b = Colour().describe([image(halves), image(np.ascontiguousarray(halves[:, ::-1]))]).vectors
    assert np.linalg.norm(a - b) > Colour().card.median_negative_distance


def test_a_tint_counts_and_grain_does_not():
    """A photograph with fine noise stays closer than the same photograph in other colours."""
    photo = data.astronaut()
    noisy = np.clip(photo + np.random.default_rng(0).normal(0, 15, photo.shape), 0, 255).astype(np.uint8)
    swapped = np.ascontiguousarray(photo[..., ::-1])
    here, grain, tint = Colour().describe([image(photo), image(noisy), image(swapped)]).vectors
    assert np.linalg.norm(here - grain) * 5 < np.linalg.norm(here - tint)


def test_one_colour_has_a_vector_but_no_quality():
    """Red and blue paper differ in their vectors, yet neither may match anything."""
    paper = [image(np.full((50, 70, 3), colour, np.uint8)) for colour in ((220, 20, 30), (20, 30, 220))]
    described = Colour().describe(paper)
    assert described.contrast.max() < Colour().card.min_contrast
    assert np.linalg.norm(described.vectors[0] - described.vectors[1]) > 100


def test_quality_is_the_spread_of_the_tiles():
    """Two greys, half and half, 4 L* apart: an RMS of 2, a fifth of the full scale."""
    halves = np.full((64, 64, 3), 119, np.uint8)  # L* 50.0
    halves[:, 32:] = 109  # L* 46.1
    assert Colour().describe([image(halves)]).contrast[0] == pytest.approx(0.195, abs=0.01)
