"""Score normalisation: a query similar to many images proves less by being similar to one."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources

import numpy as np

from lookalike.comparison.calibration import curve
from lookalike.comparison.score_normalization import NEAREST, background_similarity, is_normalised
from lookalike.comparison.scoring import classify_from_distances
from lookalike.descriptors import get


def stored() -> dict[str, np.ndarray]:
    with resources.files("lookalike.comparison").joinpath("score_normalization.npz").open("rb") as file:
        return dict(np.load(file).items())


def test_the_background_was_made_by_the_shipped_network() -> None:
    """The background vectors belong to the `copy` that ships: unit length, and of its fingerprint."""
    background = stored()
    assert get("copy").card.fingerprint == str(background["made_by"])
    assert np.allclose(1, np.linalg.norm(background["vectors"].astype(float), axis=1), atol=2e-3)


def test_against_explicit_loops() -> None:
    """The mean of the largest similarities, number by number."""
    background = stored()
    vectors = background["vectors"][:3].astype(np.float32)
    vectors += np.random.default_rng(1).normal(scale=0.02, size=vectors.shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for vector, found in zip(vectors, background_similarity(vectors), strict=True):
        rows = background["vectors"]
        similar = sorted(sum(float(a) * float(b) for a, b in zip(vector, one, strict=True)) for one in rows)
        assert abs(max(sum(similar[-NEAREST:]) / NEAREST - float(background["usual"]), 0) - found) < 1e-3


def test_a_background_image_is_similar_to_the_background() -> None:
    """One of the background images is more similar to them than the opposite of it."""
    member = stored()["vectors"][:1].astype(np.float32)
    assert background_similarity(member)[0] > background_similarity(-member)[0]


def test_a_query_like_many_needs_more() -> None:
    """At one and the same distance, the query more similar to the background is the less probable copy; hashes do not
    care."""
    assert curve("copy").background_weight > 0
    near = {"copy": curve("copy").distance(0.5)}
    assert classify_from_distances(near, background=0.1).odds < classify_from_distances(near, background=0.0).odds
    assert classify_from_distances({"structure": 20.0}, background=0.1) == classify_from_distances({"structure": 20.0})


def test_only_the_network_of_the_background_is_normalised() -> None:
    """The card's flag alone is not enough: vectors of any other descriptor cannot be compared with the background's."""
    card = get("copy").card
    assert is_normalised(card)
    assert not is_normalised(replace(card, score_normalization=False))
    assert not is_normalised(replace(card, version=card.version + 1))
    assert not any(is_normalised(get(name).card) for name in ("content", "structure"))
