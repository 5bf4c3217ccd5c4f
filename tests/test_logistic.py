"""Logistic regression against scikit-learn, a general optimiser, and hand-made data."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from lookalike.errors import UserError
from lookalike.logistic import Logistic, fit, logit, probability, sigmoid


def data(seed: int, n: int = 200, features: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, features))
    y = random.random(n) < 1 / (1 + np.exp(-(x @ np.array([2.0, -1.0, 0.5])[:features] + 0.3)))
    return x, y


def loss(beta: np.ndarray, x: np.ndarray, y: np.ndarray, l2: float) -> float:
    z = x @ beta[:-1] + beta[-1]
    likelihood = sum(
        math.log1p(math.exp(-abs(v))) + max(v, 0) - (v if label else 0) for v, label in zip(z, y, strict=True)
    )
    return likelihood + l2 / 2 * float(beta[:-1] @ beta[:-1])


@pytest.mark.parametrize("l2", [0.01, 1.0, 100.0])
def test_the_answer_is_scikit_learns(l2):
    """Same model, same penalty (C is its inverse), same coefficients."""
    linear = pytest.importorskip("sklearn.linear_model")
    x, y = data(0)
    peer = linear.LogisticRegression(C=1 / l2, tol=1e-10, max_iter=1000).fit(x, y)
    ours = fit(x, y, l2=l2)
    np.testing.assert_allclose(ours.coefficients, peer.coef_[0], atol=1e-4)
    assert ours.intercept == pytest.approx(peer.intercept_[0], abs=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_without_negatives_the_answer_is_a_bounded_optimisers(seed):
    """L-BFGS-B with bounds, on a loss written as a loop, finds no lower loss."""
    x, y = data(seed, n=60)
    ours = fit(x, y, l2=0.5, nonnegative=True)
    peer = minimize(loss, np.zeros(4), (x, y, 0.5), bounds=[(0, None)] * 3 + [(None, None)])
    assert min(ours.coefficients) >= 0
    assert ours.coefficients[1] == 0
    np.testing.assert_allclose([*ours.coefficients, ours.intercept], peer.x, atol=2e-3)


def test_separable_data_have_a_finite_answer():
    """Two points that a line separates: sensible with the penalty, where pure likelihood runs to infinity."""
    model = fit(np.array([[0.0], [1.0]]), np.array([True, False]), l2=0.1)
    assert -10 < model.coefficients[0] < 0
    assert probability(model, np.array([[0.0], [0.5], [1.0]])) == pytest.approx([0.8, 0.5, 0.2], abs=0.1)


def test_large_numbers_do_not_hurt():
    """Distances of hundreds, perfectly separated, a weak penalty: finite, and right about every example."""
    x, y = np.array([[10.0], [20.0], [400.0], [500.0]]), np.array([True, True, False, False])
    guess = probability(fit(x, y, l2=1e-6), x)
    assert np.isfinite(guess).all()
    np.testing.assert_array_equal(y, guess > 0.5)


def test_a_feature_that_says_nothing_gets_nothing():
    """A constant column takes no weight; the rest stays as without it."""
    x, y = data(3)
    alone, together = fit(x, y, l2=1.0), fit(np.column_stack([x, np.full(len(x), 7.0)]), y, l2=1.0)
    assert together.coefficients[3] == pytest.approx(0, abs=1e-5)
    np.testing.assert_allclose(together.coefficients[:3], alone.coefficients, atol=1e-4)


def test_sigmoid_is_safe_at_both_ends():
    """Neither overflow nor warning, and exact where it can be."""
    np.testing.assert_array_equal([0.0, 0.5, 1.0], sigmoid(np.array([-1e308, 0.0, 1e308])))
    assert sigmoid(np.array([1.0, -2.0])) == pytest.approx([1 / (1 + math.exp(-1)), 1 / (1 + math.exp(2))])


def test_probability_is_the_models_formula():
    """Coefficients times features plus intercept, through the sigmoid."""
    expected = 1 / (1 + math.exp(-(0.5 * 2 - 1.0 * 3 + 0.25)))
    assert probability(Logistic((0.5, -1.0), 0.25), np.array([[2.0, 3.0]])) == pytest.approx([expected])


@pytest.mark.parametrize(
    ("x", "y", "l2", "what"),
    [
        (np.zeros((2, 1)), [True, True], 1.0, "both labels"),
        (np.zeros((0, 1)), [], 1.0, "both labels"),
        (np.zeros((2, 1)), [True], 1.0, "2 labels"),
        (np.zeros(2), [True, False], 1.0, "N, F"),
        (np.array([[np.nan], [0.0]]), [True, False], 1.0, "finite"),
        (np.zeros((2, 1)), [True, False], 0.0, "l2"),
    ],
)
def test_mistakes_are_named(x, y, l2, what):
    """One label only, shapes that do not fit, NaN and no penalty each raise a UserError that says so."""
    with pytest.raises(UserError, match=what):
        fit(x, np.array(y, bool), l2=l2)


def test_another_number_of_features_is_refused():
    """A model of two features does not answer for three."""
    with pytest.raises(UserError, match="2"):
        probability(Logistic((1.0, 1.0), 0.0), np.zeros((1, 3)))


@pytest.mark.parametrize("p", [1e-9, 0.02, 0.5, 0.9, 1 - 1e-9])
def test_logit_is_the_inverse_of_sigmoid(p: float) -> None:
    """Of a number a number, as by its definition; and back to the same probability."""
    assert logit(p) == pytest.approx(math.log(p) - math.log1p(-p), abs=1e-12)
    assert isinstance(logit(p), float)
    assert sigmoid(logit(p)) == pytest.approx(p, rel=1e-6)


def test_logit_of_an_array() -> None:
    """Any shape stays; certainty is infinite, without a warning."""
    assert logit(np.array([[0.0, 0.5], [1.0, 0.25]])) == pytest.approx(
        np.array([[-np.inf, 0], [np.inf, math.log(1 / 3)]])
    )
