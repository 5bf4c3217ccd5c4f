"""Intervals of shares and of paired differences, against tables and by drawing many samples."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.evaluation.intervals import MIN_COUNT, paired_interval, share_interval


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (150, 200, 0.6857, 0.8050)],
)
def test_a_share(successes: int, count: int, low: float, high: float) -> None:
    """Wilson's bounds as published tables have them, and never beyond 0 and 1."""
    found = share_interval(successes, count)
    assert (found.value, found.low, found.high) == pytest.approx((successes / count, low, high), abs=2e-4)


def test_paired_by_hand() -> None:
    """Student's own data, "The probable error of a mean", 1908: ten patients, 1.58 hours more sleep, t = 4.06."""
    more_sleep = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]) / 10
    found = paired_interval(np.zeros(10), more_sleep)
    half = 0.158 / 4.062 * 2.262  # t of 9 degrees of freedom at 95 %
    assert (found.value, found.low, found.high) == pytest.approx((0.158, 0.158 - half, 0.158 + half), abs=1e-4)
    assert (found.verdict, paired_interval(more_sleep, np.zeros(10)).verdict) == ("better", "worse")


def test_few_images_show_nothing() -> None:
    """Below MIN_COUNT anything is possible, however large the difference."""
    few = MIN_COUNT - 1
    assert paired_interval(np.zeros(few), np.ones(few)).verdict == "open"
    assert paired_interval(np.zeros(few + 1), np.ones(few + 1)).verdict == "better"


@pytest.mark.parametrize("count", [8, 15, 60])
def test_chance_alone_is_called_a_difference_once_in_twenty(count: int) -> None:
    """Of skewed scores without any true difference, at most one sample in fifteen is given a verdict."""
    random = np.random.default_rng(0)
    drawn = [paired_interval(*random.beta(0.3, 3, (2, count))).verdict for _ in range(2000)]
    assert np.mean([one != "open" for one in drawn]) < 1 / 15
