"""Calibration: from distance to probability and back, Bayes' rule by hand, and where the figures come from."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lookalike.comparison.calibration import Calibration, curve, library_prior, shipped
from lookalike.descriptors import HASHES, get
from lookalike.descriptors.fusion import DEFAULT_WEIGHTS
from lookalike.errors import UserError

MEASURES = ("blend", *HASHES)


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_has_a_curve(name: str) -> None:
    """Every descriptor and the blend have a curve that falls, with its origin; equal is sure, the median negative
    distance is not."""
    fitted = curve(name)
    assert fitted.slope > 0
    assert len(fitted.origin) > 20
    assert "photographs" in fitted.origin
    assert fitted.probability(0.0) > 0.99
    assert fitted.probability(1.0 if name == "blend" else get(name).card.median_negative_distance) < 0.01


def test_nothing_else_has_a_curve() -> None:
    """The file holds just these curves; another name is the user's mistake."""
    assert {*MEASURES, "copy", "content"} == set(shipped().curves)
    assert {"intercept", *DEFAULT_WEIGHTS} == set(shipped().edited)
    assert {"blend", "content"} == set(shipped().similar)
    assert all(0 < distance < 1 for distance in shipped().similar.values())
    with pytest.raises(UserError, match="blend"):
        curve("nonsense")


def test_a_curve_by_hand() -> None:
    """At prior 0.5 the probability is the logistic function of intercept - slope x distance."""
    fitted = Calibration(2.0, 3.0, "by hand")
    for distance in (0.0, 0.7, 1.5, 4.0):
        assert 1 / (1 + math.exp(2 * distance - 3)) == pytest.approx(float(fitted.probability(distance)))
    assert fitted.probability(np.zeros((2, 3))).shape == (2, 3)
    assert fitted.probability(1.5) == 0.5


@pytest.mark.parametrize("name", MEASURES)
def test_probability_falls(name: str) -> None:
    """More distance never makes a copy more probable, and neither ends of the range overflow."""
    distances = np.concatenate([np.linspace(0, 2 * get("structure").card.dim, 2000), [1e6, 1e12]])
    probabilities = curve(name).probability(distances)
    assert (np.diff(probabilities) <= 0).all()
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("prior", [0.5, 0.01, 1e-6])
def test_there_and_back(name: str, prior: float) -> None:
    """The distance that has a probability is the inverse of the probability that has a distance."""
    fitted = curve(name)
    for probability in (0.5, 0.9, 0.99, 0.9999):
        assert probability == pytest.approx(float(fitted.probability(fitted.distance(probability, prior), prior)))


@pytest.mark.parametrize("prior", [0.3, 0.05, 1e-4])
def test_the_prior_by_bayes(prior: float) -> None:
    """p(copy | distance) = prior x likelihood of copies / (the same + (1 - prior) x likelihood of negatives)."""
    fitted = curve("blend")
    for distance in np.linspace(0.4, 0.9, 11):
        even = float(fitted.probability(distance))
        expected = prior * even / (prior * even + (1 - prior) * (1 - even))
        assert expected == pytest.approx(float(fitted.probability(distance, prior)), rel=1e-9)


def test_odds_still_tell_what_rounds_to_one() -> None:
    """Where probabilities are all 1.0, the odds still fall; they are the logarithm of p / (1 - p)."""
    fitted = Calibration(100.0, 100.0, "by hand")
    assert fitted.probability(0.0) == fitted.probability(0.1) == 1.0
    assert fitted.odds(0.0) > fitted.odds(0.1)
    assert math.log(0.2 / 0.8) == pytest.approx(float(Calibration(1.0, 0.0, "").odds(math.log(4.0))))


def test_distance_for_what_cannot_be() -> None:
    """A probability that not even equal vectors have needs a distance below zero, which nothing has."""
    assert Calibration(1.0, 2.0, "by hand").distance(0.99, 0.01) < 0


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.1, math.nan])
def test_a_share_that_means_nothing(share: float) -> None:
    """Probabilities and priors of 0, 1 and beyond are the user's mistake."""
    with pytest.raises(UserError):
        curve("blend").distance(share)
    with pytest.raises(UserError):
        curve("blend").probability(0.5, share)


def test_the_prior_of_a_library() -> None:
    """One copy is expected at most: among N images and the new one, 1 / (N + 1)."""
    assert [pytest.approx(library_prior(n)) for n in (0, 1, 2, 999_999)] == [0.5, 0.5, 1 / 3, 1e-6]
