"""The decision from distances to a relation, whatever figures were fitted."""

from __future__ import annotations

import math

import pytest

from lookalike.comparison.calibration import curve, shipped
from lookalike.comparison.scoring import classify_from_distances, combined_distance, select_measures
from lookalike.descriptors.fusion import DEFAULT_WEIGHTS

UNIT = {"colour": 226.0, "texture": 0.232, "structure": 128.0}


def at(blend: float) -> dict[str, float]:
    """Distances of which each by its unit, and so the blend, is this."""
    return {name: blend * unit for name, unit in UNIT.items()}


def test_the_same_bytes_are_identical() -> None:
    """Whatever the distances say, and at any prior, the same bytes are identical for sure."""
    for distances in ({}, at(0.0), at(2.0)):
        score = classify_from_distances(distances, same_bytes=True, prior=1e-9)
        assert (score.relation, score.probability) == ("identical", 1.0)


def test_the_blend_by_hand() -> None:
    """The blend is the weighted sum in units of the median negative distances."""
    found = {"colour": 113.0, "texture": 0.058, "structure": 96.0}
    weights = DEFAULT_WEIGHTS
    expected = weights["colour"] * 0.5 + weights["texture"] * 0.25 + weights["structure"] * 0.75
    assert expected == pytest.approx(combined_distance(found), rel=1e-6)
    assert {"blend": pytest.approx(expected)} == select_measures({**found, "pdq": 3.0})
    assert sum(weights.values()) == pytest.approx(1)


def test_from_near_to_far() -> None:
    """With growing distance a copy is re-encoded, then edited, then similar, then unrelated, and never goes back."""
    order = ["re-encoded", "edited", "similar", "unrelated"]
    relations = [classify_from_distances(at(step / 200)).relation for step in range(300)]
    assert set(order[:2]) | {"unrelated"} <= set(relations)
    assert sorted(relations, key=order.index) == relations


def test_half_is_the_border() -> None:
    """What is called a copy has a probability of one half or more, what is not has less."""
    border = curve("blend").distance(0.5)
    for blend in (border - 1e-3, border + 1e-3, 0.0, 3.0):
        score = classify_from_distances(at(blend))
        assert (score.probability >= 0.5) == (score.relation in ("re-encoded", "edited"))
        assert score.probability == pytest.approx(1 / (1 + math.exp(-score.odds)))


def test_a_smaller_prior_makes_fewer_copies() -> None:
    """The same distances are a copy at even odds, and none where a copy is one in a million."""
    near = at(curve("blend").distance(0.6))
    assert classify_from_distances(near).relation in ("edited", "re-encoded")
    rare = classify_from_distances(near, prior=1e-6)
    assert rare.relation in ("similar", "unrelated")
    assert rare.probability < classify_from_distances(near).probability


@pytest.mark.parametrize("name", [*UNIT, "pdq"])
def test_one_measure_alone(name: str) -> None:
    """A single distance decides by its own curve; no hash alone calls anything similar."""
    assert {name: 3.0} == select_measures({name: 3.0})
    border = curve(name).distance(0.5)
    assert classify_from_distances({name: 0.0}).relation == "re-encoded"
    assert classify_from_distances({name: border * 1.01}).relation == "unrelated"
    assert classify_from_distances({name: border * 0.99}).probability > 0.5


def test_the_surest_of_two_measures() -> None:
    """Where the blend is not complete, the measure decides that is surest of equal vectors; colour is the last."""
    for other in ("texture", "structure", "pdq"):
        assert list(select_measures({"colour": 1.0, other: 0.1})) == [other]
        assert list(select_measures({other: 0.1, "colour": 1.0})) == [other]


def test_similar_is_what_hardly_any_negatives_are() -> None:
    """Just under the fitted distance, and not a copy: similar; just above: unrelated. By the blend or by `content`."""
    border = shipped().similar["blend"]
    if curve("blend").distance(0.5) < border:
        assert classify_from_distances(at(border - 1e-4)).relation == "similar"
    assert classify_from_distances(at(border + 1e-3), prior=1e-9).relation == "unrelated"
    border = shipped().similar["content"]
    assert classify_from_distances({"content": border - 1e-4}, prior=1e-9).relation == "similar"
    assert classify_from_distances({"content": border + 1e-4}, prior=1e-9).relation == "unrelated"


def test_copy_complements_the_hashes() -> None:
    """Where the hashes see unrelated images, a small `copy` distance alone makes a copy that was edited; a large one
    changes nothing of what the hashes say, and as the second measure `copy` must be twice as sure."""
    for near in (at(0.0), at(0.5)):
        assert classify_from_distances({**near, "copy": 1.0}) == classify_from_distances(near)
    assert classify_from_distances({**at(2.0), "copy": 1.0}).relation == "unrelated"
    found = classify_from_distances({**at(2.0), "copy": 0.0})
    assert found.relation == "edited"
    assert found.odds == pytest.approx(curve("copy").odds(0.0) - math.log(2))
    assert classify_from_distances({"copy": 0.0}).odds == pytest.approx(curve("copy").odds(0.0))


def test_without_a_calibration_nothing_is_claimed() -> None:
    """The distance of a network that was never calibrated makes no copy, however small."""
    score = classify_from_distances({"mine": 0.0})
    assert (score.relation, score.probability) == ("unrelated", 0.0)
