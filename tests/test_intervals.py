"""Intervals of shares and of paired differences, against tables and by drawing many samples."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.intervals import (
    MIN_COUNT,
    Interval,
    auc_gain_interval,
    outcome,
    paired_interval,
    paired_share_interval,
    share_interval,
)


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


def test_an_outcome_goes_by_what_is_beyond_doubt() -> None:
    """One gain that is sure is help, unless another one is lost for sure; gains that may be none are open."""
    sure, doubtful, lost = Interval(0.1, 0.05, 0.15, 9), Interval(0.1, -0.05, 0.25, 9), Interval(-0.1, -0.2, -0.05, 9)
    assert [outcome(sure, doubtful), outcome(doubtful, sure), outcome(doubtful, doubtful)] == [
        "helped",
        "helped",
        "open",
    ]
    assert [outcome(sure, lost), outcome(lost, doubtful)] == ["harmed", "harmed"]


def test_a_paired_share_by_hand() -> None:
    """Of 1,600 people in Agresti's "Categorical data analysis" 944 approved before and 880 after, 150 and 86 of them
    only then: .04 less, .06 to .02. Five of 32 that all became right are too many for chance, four are not."""
    before = np.repeat([True, True, False, False], [794, 150, 86, 570])
    after = np.repeat([True, False, True, False], [794, 150, 86, 570])
    found = paired_share_interval(before, after)
    assert (found.value, found.low, found.high) == pytest.approx((-0.040, -0.0587, -0.0212), abs=5e-4)
    better = [paired_share_interval(np.zeros(32, bool), np.arange(32) < count).verdict for count in (0, 4, 5)]
    assert better == ["open", "open", "better"]


def test_no_share_is_sure_without_a_change() -> None:
    """Where nothing changed there may still be a difference, the less so the more pairs there are."""
    widths = [paired_share_interval(np.ones(count, bool), np.ones(count, bool)).high for count in (20, 200)]
    assert widths[0] > 5 * widths[1] > 0


def samples(random: np.random.Generator, positive: np.ndarray, gap: float) -> np.ndarray:
    return np.asarray(random.normal(0, 1, len(positive)) + gap * positive)


def test_the_gain_of_auc_by_loops() -> None:
    """The share of pairs of a positive and another in which the positive is ahead, ties half, after less before."""
    random, positive = np.random.default_rng(1), np.arange(40) % 3 == 0
    before, after = (random.integers(0, 7, 40).astype(float) + gap * positive for gap in (0, 3))

    def area(scores: np.ndarray) -> float:
        wins = [(a > b) + (a == b) / 2 for a in scores[positive] for b in scores[~positive]]
        return float(np.mean(wins))

    found = auc_gain_interval(before, after, positive)
    assert (found.value, found.count) == (pytest.approx(area(after) - area(before)), 40)
    assert found.low < found.value < found.high
    assert auc_gain_interval(after, before, positive).value == pytest.approx(-found.value)
    few = np.arange(40) < MIN_COUNT - 1
    assert auc_gain_interval(before, after, few).verdict == auc_gain_interval(before, after, ~few).verdict == "open"


@pytest.mark.parametrize("count", [24, 100])
def test_the_gain_of_auc_is_seldom_chance(count: int) -> None:
    """Of two measures that are as good, at most one sample in fifteen calls one better; of a far better one, two in
    five or more do."""
    random, positive = np.random.default_rng(0), np.arange(count) % 2 == 0

    def verdicts(gap: float) -> list[str]:
        both = [(samples(random, positive, 1.0), samples(random, positive, gap)) for _ in range(1000)]
        return [auc_gain_interval(*one, positive).verdict for one in both]

    assert np.mean([one != "open" for one in verdicts(1.0)]) < 1 / 15
    assert np.mean([one == "better" for one in verdicts(4.0)]) > 0.4
