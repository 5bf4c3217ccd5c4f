"""PDQ against Meta's own code (`pdqhash`) and a written-out blur."""

from __future__ import annotations

import numpy as np
import pdqhash
import pytest
from skimage import data

from lookalike.descriptors.hashes import pdq
from lookalike.descriptors.hashes.pdq import Pdq, from_hex, to_hex
from lookalike.errors import UserError
from lookalike.types import Image

PHOTOS = ["astronaut", "chelsea", "coffee", "rocket", "retina", "immunohistochemistry", "hubble_deep_field"]
BOUND = 10  # bits of 256


def image(pixels: np.ndarray, width: int | None = None, height: int | None = None) -> Image:
    return Image(pixels=pixels, width=width or pixels.shape[1], height=height or pixels.shape[0])


def theirs(pixels: np.ndarray) -> tuple[np.ndarray, int]:
    bits, quality = pdqhash.compute(np.ascontiguousarray(pixels))
    return np.packbits(bits.astype(bool)), quality


def bits_apart(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.bitwise_count(a ^ b).sum())


@pytest.mark.parametrize("name", PHOTOS)
def test_whole_photographs_have_metas_hash(name):
    """At full size the hash and the quality are Meta's, up to two bits at the median."""
    photo = getattr(data, name)()
    expected, quality = theirs(photo)
    described = Pdq().describe([image(photo)])
    assert bits_apart(expected, described.vectors[0]) <= 2
    assert quality == round(float(described.contrast[0]) * 100)


@pytest.mark.parametrize("name", PHOTOS)
def test_shrunk_photographs_have_nearly_metas_hash(name):
    """Shrunk by a whole factor, as the loader does, the hash stays within 10 bits of the full image's."""
    photo = getattr(data, name)()
    height, width = photo.shape[:2]
    factor = max(min(height, width) // Pdq().card.min_side, 1)
    whole = photo[: height // factor * factor, : width // factor * factor]
    small = whole.reshape(height // factor, factor, width // factor, factor, 3).mean((1, 3))
    described = Pdq().describe([image(np.rint(small).astype(np.uint8), whole.shape[1], whole.shape[0])])
    assert bits_apart(theirs(whole)[0], described.vectors[0]) <= BOUND


@pytest.mark.parametrize("shape", [(5, 5), (5, 300), (64, 64), (65, 129), (128, 127), (700, 9)])
def test_odd_sizes_have_metas_hash(shape):
    """From the smallest size that PDQ takes, over its own 64 x 64, to strips."""
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    expected, quality = theirs(noise)
    described = Pdq().describe([image(noise)])
    assert bits_apart(expected, described.vectors[0]) <= 2
    assert quality == round(float(described.contrast[0]) * 100)


def test_too_small_is_no_hash():
    """Below five pixels PDQ gives a hash of zeros and quality 0."""
    described = Pdq().describe([image(np.full((4, 400, 3), 90, np.uint8))])
    assert described.vectors.sum() == 0
    assert described.contrast.tolist() == [0]


@pytest.mark.parametrize("length", [5, 128, 129, 500])
def test_the_sampler_is_two_box_blurs_and_a_choice(length):
    """Two moving means, written as loops with the window that PDQ names, then every 64th part's centre."""
    line = np.random.default_rng(1).random(length)
    window = (length + 127) // 128
    left, right = window - (window + 2) // 2, (window + 2) // 2
    blurred = line
    for _ in range(2):
        blurred = np.array([blurred[max(i - left, 0) : i + right].mean() for i in range(length)])
    expected = [blurred[int((k + 0.5) * length / 64)] for k in range(64)]
    np.testing.assert_allclose(pdq._sampler(length, length) @ line, expected, rtol=1e-5)


def test_a_shrunk_pixel_stands_for_the_ones_it_is_the_mean_of():
    """A line of pairs of equal pixels, and the same line at half the length, give the same 64 samples."""
    half = np.random.default_rng(2).random(300)
    whole = pdq._sampler(600, 600) @ half.repeat(2)
    np.testing.assert_allclose(pdq._sampler(300, 600) @ half, whole, rtol=1e-5)


def test_hex_goes_there_and_back():
    """The hex form of Meta's bits, read and written, in any case of letters and with spaces around."""
    packed, _ = theirs(data.astronaut())
    text = to_hex(packed[None])[0]
    assert f"{int(''.join(map(str, np.unpackbits(packed))), 2):064x}" == text
    np.testing.assert_array_equal([packed, packed], from_hex([text, f" {text.upper()}\n"]))


def test_no_hashes_are_a_table_too():
    """An empty list is (0, 32), and back."""
    assert from_hex([]).shape == (0, 32)
    assert to_hex(from_hex([])) == []


@pytest.mark.parametrize("text", ["", "abc", "g" * 64, "0" * 63, "0" * 65, "0x" + "0" * 62, "-" + "0" * 63])
def test_what_is_no_hash_is_refused(text):
    """Too short, too long, or other letters: the user's mistake, and the text is named."""
    with pytest.raises(UserError, match="64 hex digits"):
        from_hex([text])


def test_only_pdq_vectors_have_a_hex_form():
    """Another shape or type is refused."""
    with pytest.raises(UserError, match="32"):
        to_hex(np.zeros((1, 16), np.uint8))
