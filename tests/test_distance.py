"""Distances against explicit loops, on random arrays."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.distance import METRICS, cosine, euclidean, hamming, normalise, normalise_weights, paired, weighted_sum
from lookalike.errors import UserError

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 40))


def floats(seed: int, sizes: tuple[int, int, int], scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    random, (n, m, dim) = np.random.default_rng(seed), sizes
    return tuple((random.normal(size=(rows, dim)) * scale).astype(np.float32) for rows in (n, m))


@given(SEEDS, SIZES)
@settings(max_examples=60, deadline=None)
def test_hamming_counts_bits_one_by_one(seed, sizes):
    """Every entry is the number of bits that differ, counted in their binary digits."""
    random, (n, m, dim) = np.random.default_rng(seed), sizes
    a, b = (random.integers(0, 256, (rows, dim), dtype=np.uint8) for rows in (n, m))
    expected = [[sum(f"{int(x) ^ int(y):b}".count("1") for x, y in zip(p, q, strict=True)) for q in b] for p in a]
    np.testing.assert_array_equal(np.array(expected, np.float32).reshape(n, m), hamming(a, b))


def test_hamming_reaches_every_bit():
    """All bits differ between zeros and ones, also for 32 bytes, which are counted as whole words."""
    assert hamming(np.zeros((1, 32), np.uint8), np.full((1, 32), 255, np.uint8)) == [[256]]


@given(SEEDS, SIZES, st.sampled_from([1e-3, 1.0, 1e3]))
@settings(max_examples=60, deadline=None)
def test_euclidean_sums_squares_one_by_one(seed, sizes, scale):
    """Every entry is the root of the sum of squared differences."""
    a, b = floats(seed, sizes, scale)
    expected = [[math.dist(map(float, p), map(float, q)) for q in b] for p in a]
    np.testing.assert_allclose(euclidean(a, b), np.reshape(expected, (len(a), len(b))), rtol=1e-5, atol=1e-6 * scale)


@given(SEEDS, SIZES)
@settings(max_examples=60, deadline=None)
def test_cosine_is_one_minus_the_cosine(seed, sizes):
    """Every entry is 1 - a.b / (|a| |b|), computed in a loop."""
    a, b = floats(seed, sizes)
    expected = [[1 - float(sum(map(float, p * q))) / (math.hypot(*p) * math.hypot(*q)) for q in b] for p in a]
    np.testing.assert_allclose(cosine(a, b), np.reshape(expected, (len(a), len(b))), atol=1e-5)


def test_cosine_at_known_angles():
    """Vectors at 0, 60, 90 and 180 degrees are at 0, 0.5, 1 and 2; a zero vector is at 1."""
    angles = np.radians([0, 60, 90, 180])
    others = np.vstack([np.column_stack([np.cos(angles), np.sin(angles)]), [[0, 0]]])
    np.testing.assert_allclose(cosine(np.array([[3.0, 0.0]]), others), [[0, 0.5, 1, 2, 1]], atol=1e-7)


@pytest.mark.parametrize("metric", [euclidean, cosine])
def test_the_same_vector_is_at_exactly_zero(metric):
    """Rounding leaves no distance between a vector and itself, however long it is."""
    a = (np.random.default_rng(1).normal(size=(20, 300)) * 1000).astype(np.float32)
    np.testing.assert_array_equal(np.zeros(20, np.float32), np.diag(metric(a, a)))


def test_a_small_difference_is_not_rounded_away():
    """Vectors that differ by a millionth in one number are not the same."""
    a = np.full((1, 4), 1000, np.float32)
    b = a.copy()
    b[0, 0] += 0.001
    assert euclidean(a, b)[0, 0] == pytest.approx(0.001, rel=0.05)


@pytest.mark.parametrize("name", METRICS)
def test_distances_are_symmetric_float32(name):
    """d(a, b) is d(b, a), in float32, for every metric."""
    random = np.random.default_rng(2)
    a, b = (random.integers(0, 256, (n, 8), dtype=np.uint8) for n in (3, 4))
    if name != "hamming":
        a, b = a.astype(np.float32), b.astype(np.float32)
    np.testing.assert_array_equal(METRICS[name](a, b), METRICS[name](b, a).T)
    assert METRICS[name](a, b).dtype == np.float32


@pytest.mark.parametrize("name", METRICS)
def test_wrong_shapes_are_named(name):
    """Vectors of different lengths, or a single vector that is no table, are the user's mistake."""
    with pytest.raises(UserError, match=r"\(2, 8\) and \(2, 9\)"):
        METRICS[name](np.zeros((2, 8), np.uint8), np.zeros((2, 9), np.uint8))
    with pytest.raises(UserError):
        METRICS[name](np.zeros(8, np.uint8), np.zeros((2, 8), np.uint8))


def test_hamming_refuses_floats():
    """Bits must come packed."""
    with pytest.raises(UserError, match="packed"):
        hamming(np.zeros((1, 8)), np.zeros((1, 8)))


@given(SEEDS, st.lists(st.floats(0, 10), min_size=1, max_size=4).filter(lambda w: sum(w) > 0.01))
@settings(max_examples=60, deadline=None)
def test_weighted_sum_adds_one_by_one(seed, values):
    """Every entry is the sum over names of weight / sum of weights * distance."""
    names = [f"d{i}" for i in range(len(values))]
    random = np.random.default_rng(seed)
    distances = {name: random.random((2, 3)).astype(np.float32) for name in names}
    total = sum(values)
    expected = np.zeros((2, 3))
    for name, value in zip(names, values, strict=True):
        for i in range(2):
            for j in range(3):
                expected[i, j] += value / total * float(distances[name][i, j])
    np.testing.assert_allclose(weighted_sum(distances, dict(zip(names, values, strict=True))), expected, atol=1e-5)


def test_weighted_sum_refuses_what_does_not_fit():
    """A missing distance and arrays of different shapes are errors, not a silent broadcast."""
    with pytest.raises(UserError, match="b"):
        weighted_sum({"a": np.zeros(2)}, {"a": 1, "b": 1})
    with pytest.raises(UserError, match="one shape"):
        weighted_sum({"a": np.zeros((2, 1)), "b": np.zeros((2, 2))}, {"a": 1, "b": 1})


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": -1, "b": 2}, {"a": math.nan}, {"a": math.inf}])
def test_weights_that_mean_nothing_are_refused(weights):
    """No weight, only zeros, a negative one, and what is not finite."""
    with pytest.raises(UserError):
        normalise_weights(weights)


def test_weights_add_up_to_one():
    """2 and 6 are a quarter and three quarters."""
    assert normalise_weights({"a": 2, "b": 6}) == {"a": 0.25, "b": 0.75}


def test_normalise_keeps_zero_rows():
    """Rows become unit length; a zero row stays zero instead of NaN."""
    np.testing.assert_allclose(normalise(np.array([[3.0, 4.0], [0.0, 0.0]])), [[0.6, 0.8], [0.0, 0.0]])


@pytest.mark.parametrize("name", METRICS)
def test_paired_is_the_diagonal(name):
    """Row by row gives what the whole table has on its diagonal, and exactly 0 for equal rows."""
    random = np.random.default_rng(3)
    a, b = (random.integers(1, 256, (9, 16), dtype=np.uint8) for _ in range(2))
    if name != "hamming":
        a, b = a.astype(np.float32), b.astype(np.float32)
    np.testing.assert_allclose(paired(name, a, b), np.diag(METRICS[name](a, b)), rtol=1e-5)
    np.testing.assert_array_equal(np.zeros(9, np.float32), paired(name, a, a))


def test_paired_needs_as_many_rows():
    """Two rows and three rows are no pairs."""
    with pytest.raises(UserError, match="2 and 3"):
        paired("euclidean", np.zeros((2, 4)), np.zeros((3, 4)))
