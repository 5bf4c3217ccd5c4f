"""Fits to annotated pairs, against explicit loops and drawn distances."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.comparison.weight_learning import check_pairs, cross_validated, fitted, pair_metrics, roc_auc
from lookalike.descriptors import get
from lookalike.descriptors.fusion import Blend
from lookalike.errors import UserError

RNG = np.random.default_rng(3)
COUNT = 200
SAME = np.arange(COUNT) % 2 == 0


def drawn(name: str, gap: float, rng: np.random.Generator) -> np.ndarray:
    """Distances of COUNT pairs in units of the descriptor: the same are nearer by ``gap`` median negative distances."""
    far = np.where(SAME, 0.6 - gap, 0.6) + rng.normal(0, 0.15, COUNT)
    return (np.maximum(far, 0) * get(name).card.median_negative_distance).astype(np.float32)


@pytest.fixture
def distances() -> dict[str, np.ndarray]:
    """`texture` separates the pairs, `colour` a little, `structure` not at all."""
    rng = np.random.default_rng(5)
    return {
        "colour": drawn("colour", 0.1, rng),
        "texture": drawn("texture", 0.45, rng),
        "structure": drawn("structure", 0, rng),
    }


def test_roc_auc_is_a_share_of_pairs() -> None:
    """Of all pairs of a same and a different one, the share in which the same has the higher score; ties half."""
    score, same = RNG.integers(0, 6, 60).astype(float), RNG.random(60) < 0.4
    wins = [1.0 if a > b else 0.5 if a == b else 0.0 for a in score[same] for b in score[~same]]
    assert roc_auc(score, same) == pytest.approx(sum(wins) / len(wins))


def test_the_weights_go_to_what_separates(distances: dict[str, np.ndarray]) -> None:
    """Weights are not negative and add up to 1; the descriptor that separates the pairs has most, the other least."""
    weights = fitted(distances, SAME).weights
    assert sum(weights.values()) == pytest.approx(1)
    assert min(weights.values()) >= 0
    assert weights["texture"] > weights["colour"] > weights.get("structure", 0)


def test_the_probability_is_what_it_says() -> None:
    """In bins of the probability, the share of same pairs is the probability, at even odds, whatever the share was."""
    rng = np.random.default_rng(8)
    same = rng.random(20_000) < 0.2
    far = (rng.normal(0, 0.2, len(same)) + np.where(same, 0.4, 0.8)) * get("texture").card.median_negative_distance
    learnt = fitted({"texture": far}, same)
    p = 1 / (1 + np.exp(-learnt.odds({"texture": far})))
    even = np.where(same, 0.5 / same.sum(), 0.5 / (~same).sum())
    for low in (0.1, 0.3, 0.5, 0.7):
        part = (p >= low) & (p < low + 0.2)
        predicted, actual = np.average(p[part], weights=even[part]), even[part & same].sum() / even[part].sum()
        assert actual == pytest.approx(predicted, abs=0.03)


def test_pairs_that_one_line_separates_give_no_certainty() -> None:
    """Platt's targets: of 10 and 10 separable pairs none is as sure as 1 in 100 of being wrong at the border."""
    far = (
        np.concatenate([np.linspace(0.1, 0.2, 10), np.linspace(0.8, 0.9, 10)])
        * get("colour").card.median_negative_distance
    )
    same = np.arange(20) < 10
    odds = fitted({"colour": far}, same).odds({"colour": far})
    assert (odds > 0).tolist() == same.tolist()
    assert np.abs(odds).max() < np.log(99)


def test_one_descriptor_keeps_its_unit(distances: dict[str, np.ndarray]) -> None:
    """Of one alone the distance is its own; of several it is in units of the median negative distance."""
    far = distances["structure"]
    np.testing.assert_array_equal(far, Blend({"structure": 1}).distance({"structure": far}))
    both = Blend({"structure": 3, "colour": 1}).distance(distances)
    units = {name: distances[name] / get(name).card.median_negative_distance for name in distances}
    np.testing.assert_allclose(0.75 * units["structure"] + 0.25 * units["colour"], both, rtol=1e-5)


def test_what_separates_by_little_counts() -> None:
    """A descriptor in which all pairs are near, the same a little nearer, has a weight as large as its use."""
    rng = np.random.default_rng(4)
    near = {"texture": 0.02 * drawn("texture", 0.5, rng), "colour": drawn("colour", 0.05, rng)}
    learnt = fitted(near, SAME)
    assert learnt.weights["texture"] > 0.95
    assert ((learnt.odds(near) > 0) == SAME).mean() > 0.9


def test_no_pair_is_scored_by_a_fit_that_saw_it() -> None:
    """Noise that a fit could learn by heart is classified no better than by chance, and always in the same way."""
    noise = {name: RNG.random(COUNT).astype(np.float32) for name in ("colour",)}
    odds = cross_validated(noise, SAME)
    assert pair_metrics(odds, SAME, 0.95).auc < 0.6
    assert np.array_equal(odds, cross_validated(noise, SAME))


def test_metrics_are_counts() -> None:
    """Accuracy, recall and precision of six pairs, counted by hand."""
    odds = np.array([4.0, 2.0, -1.0, 3.5, -2.0, -3.0])
    metrics = pair_metrics(odds, np.array([True, True, True, False, False, False]), 0.95)
    assert (metrics.accuracy, metrics.recall, metrics.precision) == (4 / 6, 1 / 3, 0.5)
    assert metrics.auc == pytest.approx(7 / 9)
    assert pair_metrics(odds - 9, np.arange(6) < 3, 0.95).precision is None


@pytest.mark.parametrize(("same", "different"), [(0, 0), (10, 9), (16, 4), (30, 0), (0, 30)])
def test_too_few(same: int, different: int) -> None:
    """Fewer than 20 pairs, or than 5 of either verdict, are refused with their numbers."""
    verdicts = np.arange(same + different) < same
    with pytest.raises(UserError, match=f"there are {same} same and {different} different"):
        check_pairs(verdicts)
    check_pairs(np.arange(20) < 5)


def test_distances_that_separate_nothing() -> None:
    """Where the same are farther apart than the different in everything, that is said."""
    rng = np.random.default_rng(1)
    wrong = {name: drawn(name, -0.4, rng) for name in ("colour", "texture")}
    with pytest.raises(UserError, match="no descriptor separates matching from non-matching pairs"):
        fitted(wrong, SAME)
