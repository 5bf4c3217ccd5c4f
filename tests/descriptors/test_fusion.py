"""Blends of hand-made distances."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from lookalike.descriptors import HASHES, get
from lookalike.descriptors.fusion import DEFAULT_WEIGHTS, Blend, learn_weights, parse_by
from lookalike.errors import UserError


def median(name: str) -> float:
    return get(name).card.median_negative_distance


def test_each_distance_is_divided_by_what_is_typical():
    """Structure at half and colour at twice its typical distance, 3 to 1: 0.75 * 0.5 + 0.25 * 2."""
    distances = {"structure": np.array([[0.5 * median("structure")]]), "colour": np.array([[2 * median("colour")]])}
    assert Blend({"structure": 3, "colour": 1}).combine(distances) == pytest.approx(np.array([[0.875]]))


def test_two_unrelated_photographs_are_at_one():
    """If every distance is the typical one, so is the blend, whatever the weights."""
    distances = {name: np.full((2, 3), median(name)) for name in HASHES}
    for weights in (DEFAULT_WEIGHTS, {"pdq": 7}, dict.fromkeys(HASHES, 0.3)):
        np.testing.assert_allclose(Blend(weights).combine(distances), np.ones((2, 3)), rtol=1e-6)


def test_weights_are_shares():
    """They add up to 1, zeros are dropped and need no distance, and equal shares make equal blends."""
    blend = Blend({"colour": 2, "texture": 0, "structure": 6})
    assert blend.weights == {"colour": 0.25, "structure": 0.75}
    assert blend.names == ("colour", "structure")
    assert Blend({"colour": 1, "structure": 3}) == blend == pickle.loads(pickle.dumps(blend))


def test_a_missing_distance_is_named():
    """A blend cannot answer without one of its parts."""
    with pytest.raises(UserError, match="texture"):
        Blend({"colour": 1, "texture": 1}).combine({"colour": np.zeros(1)})


@pytest.mark.parametrize("weights", [{}, {"colour": 0}, {"colour": -1}, {"colour": float("nan")}, {"smell": 1}])
def test_blends_that_mean_nothing_are_refused(weights):
    """No weight, zero, negative, not a number, and a descriptor that nobody knows."""
    with pytest.raises(UserError):
        Blend(weights)


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("blend", DEFAULT_WEIGHTS),
        ("structure", {"structure": 1}),
        (" pdq ", {"pdq": 1}),
        ("colour=2,texture=1", {"colour": 2, "texture": 1}),
        (" colour = .5 , structure=1e0", {"colour": 0.5, "structure": 1}),
        ("colour=1,texture=0", {"colour": 1}),
    ],
)
def test_by_is_a_name_or_a_list_of_weights(text, weights):
    """What `--by` takes, and the blend that it means."""
    assert Blend(weights) == parse_by(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("smell", "colour, texture, structure, pdq.* and blend"),
        ("", "there are colour"),
        ("smell=1", "there are colour"),
        ("blend=1", "there are colour"),
        ("colour=", "name=weight"),
        ("colour=much", "name=weight"),
        ("colour=1,texture", "name=weight"),
        ("colour=1,,texture=1", "there are colour"),
        ("colour=1,colour=2", "twice"),
        ("colour=-1", "not negative"),
        ("colour=nan", "finite"),
        ("colour=0", "not all zero"),
    ],
)
def test_by_that_does_not_parse_says_why(text, what):
    """Unknown names list the known ones; weights that are none are quoted."""
    with pytest.raises(UserError, match=what):
        parse_by(text)


def pairs(seed: int = 0, n: int = 200) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Structure tells the pairs apart, texture a little, colour not at all."""
    random = np.random.default_rng(seed)
    same = np.arange(n) % 2 == 0
    gaps = {"colour": 0.0, "texture": 0.3, "structure": 0.8}
    return {name: median(name) * (1 - gap * same + random.normal(0, 0.15, n)) for name, gap in gaps.items()}, same


def test_learning_prefers_what_tells_pairs_apart():
    """The more a descriptor separates the labelled pairs, the larger its share."""
    weights = learn_weights(*pairs())
    assert weights["structure"] > weights["texture"] > weights["colour"]
    assert weights["colour"] < 0.1
    assert sum(weights.values()) == pytest.approx(1)


def test_what_misleads_gets_nothing():
    """A distance that is larger for pairs that belong together gets weight 0, never a negative one."""
    distances, same = pairs()
    distances["colour"] = distances["structure"].max() - distances["structure"]
    assert learn_weights(distances, same)["colour"] == 0


def test_two_pairs_are_enough():
    """One pair that belongs together and one that does not: the descriptor that tells them apart leads."""
    distances = {"colour": np.array([226.0, 226.0]), "structure": np.array([10.0, 120.0])}
    assert learn_weights(distances, np.array([True, False])) == {"colour": 0, "structure": 1}


def test_learnt_weights_do_better_than_equal_ones():
    """On other pairs of the same kind, the learnt blend puts more of them in the right order."""
    weights, (distances, same) = learn_weights(*pairs(seed=1)), pairs(seed=2)

    def in_order(shares):
        d = Blend(shares).combine(distances)
        return np.mean(d[same][:, None] < d[~same][None, :])

    assert in_order(weights) > in_order(dict.fromkeys(distances, 1))


@pytest.mark.parametrize("same", [[True, True], [False, False]])
def test_one_label_teaches_nothing(same):
    """Pairs of one kind only are the user's mistake, and the message asks for the other kind."""
    with pytest.raises(UserError, match="both labels"):
        learn_weights({"colour": np.array([1.0, 2.0])}, np.array(same))


def test_pairs_that_no_distance_tells_apart_teach_nothing():
    """Neither do distances that point the wrong way, or none at all."""
    with pytest.raises(UserError, match="closer"):
        learn_weights({"colour": np.array([90.0, 10.0])}, np.array([True, False]))
    with pytest.raises(UserError, match="closer"):
        learn_weights({}, np.array([True, False]))
