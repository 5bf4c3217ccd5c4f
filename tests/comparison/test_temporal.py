"""Temporal alignment of vectors whose truth is known: offsets, speeds, several stretches, stills, fixed cameras."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.comparison.temporal import centred_correlation, temporal_matches
from lookalike.descriptors.video import VideoDescription

RATE = 2.0
DIM = 64


def walk(seconds: float, seed: int, *, still: float = 0.0) -> np.ndarray:
    """(n, D) unit vectors, ten a second, that drift from one to the next; ``still``: how much all have in common."""
    rng = np.random.default_rng(seed)
    knots = rng.normal(size=(round(seconds) + 2, DIM))
    times = np.arange(0, seconds, 0.1)
    path = np.stack([np.interp(times, np.arange(len(knots)), knots[:, n]) for n in range(DIM)], axis=1)
    path += still * np.random.default_rng(99).normal(size=DIM)
    return path / np.linalg.norm(path, axis=1, keepdims=True)


def described(path: np.ndarray, speed: float = 1.0, *, noise: float = 0.02, seed: int = 5) -> VideoDescription:
    """Two frames of the path a second, played at ``speed``, with some noise."""
    times = np.arange(0, len(path) / 10 / speed, 1 / RATE)
    vectors = path[np.minimum((times * speed * 10).astype(int), len(path) - 1)]
    vectors = vectors + np.random.default_rng(seed).normal(0, noise, vectors.shape)
    return VideoDescription(
        times.astype(np.float32), (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    )


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.0, 1.25, 2.0])
def test_speed_and_length_are_found(speed: float) -> None:
    """The whole of the one at another speed: its speed to a hundredth, its ends to half a second."""
    path = walk(30, 1)
    match = temporal_matches(described(path), described(path, speed, seed=6))[0]
    assert 1 / match.slope == pytest.approx(speed, rel=0.01)
    assert pytest.approx((0, 30, 0, 30 / speed), abs=0.6) == (match.a_start, match.a_end, match.b_start, match.b_end)


def test_an_insert_is_found_where_it_is() -> None:
    """Eight seconds of the one in the middle of the other."""
    path, host = walk(30, 1), walk(40, 2)
    match = temporal_matches(described(path), described(np.concatenate([host[:170], path[90:170], host[170:]])))[0]
    found = (match.a_start, match.a_end, match.b_start, match.b_end)
    assert pytest.approx((9, 17, 17, 25), abs=0.6) == found


def test_stretches_that_changed_places_are_two() -> None:
    """The halves swapped are two stretches; a repeat is found at both its places."""
    path = walk(20, 1)
    swapped = temporal_matches(described(path), described(np.concatenate([path[100:], path[:100]])))
    starts = sorted((match.a_start, match.b_start) for match in swapped[:2])
    assert pytest.approx(np.array([(0, 10), (10, 0)]), abs=0.6) == np.array(starts)
    repeated = temporal_matches(described(path), described(np.concatenate([path, path])))
    assert pytest.approx([0, 20], abs=0.6) == sorted(match.b_start for match in repeated[:2])


def test_what_has_nothing_in_common_gives_nothing() -> None:
    """Unrelated vectors, and videos of too few frames."""
    assert temporal_matches(described(walk(30, 1)), described(walk(30, 2))) == []
    assert temporal_matches(described(walk(1, 1)), described(walk(30, 1))) == []


def test_a_fixed_camera_is_told_by_its_changes() -> None:
    """All frames are alike at any offset: the copy is found at its own, and another time has no centred correlation."""
    path, other = walk(40, 1, still=2.5), walk(40, 2, still=2.5)
    copy = temporal_matches(described(path), described(path[100:], seed=6))[0]
    another = temporal_matches(described(path), described(other, seed=6))[0]
    assert copy.similarity > 0.8
    assert another.similarity > 0.7
    assert (copy.slope, copy.offset) == (1.0, pytest.approx(-10, abs=0.4))
    assert copy.centred > 0.8 > 0.4 > another.centred


def test_how_well_frames_run_along_elsewhere_is_known() -> None:
    """A copy runs along at one offset alone; what comes again every six seconds does so at others as well."""
    path, again = walk(30, 1), walk(6, 2)
    copy = temporal_matches(described(path), described(path, seed=6))[0]
    loop = temporal_matches(described(np.tile(again, (5, 1))), described(np.tile(again, (5, 1)), seed=6))[0]
    assert copy.centred - copy.elsewhere > 0.6
    assert loop.centred - loop.elsewhere < 0.1


def test_centred_correlation_is_that_of_numpy() -> None:
    """The correlation of all numbers, each column about its mean; a still has none."""
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(2, 12, DIM))
    second = first + 0.5 * second
    expected = np.corrcoef((first - first.mean(0)).ravel(), (second - second.mean(0)).ravel())[0, 1]
    assert centred_correlation(first, second)[0] == pytest.approx(expected, abs=0.02)
    assert centred_correlation(np.ones((5, DIM)), second[:5]) == (0.0, 0.0)
