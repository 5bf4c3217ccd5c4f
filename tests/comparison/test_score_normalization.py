"""Score normalisation: who is like everybody proves less by being like somebody."""

from __future__ import annotations

from importlib import resources

import numpy as np

from lookalike.comparison.calibration import curve
from lookalike.comparison.score_normalization import NEAREST, background_similarity
from lookalike.comparison.scoring import classify_from_distances
from lookalike.descriptors import get


def kept() -> dict[str, np.ndarray]:
    with resources.files("lookalike.comparison").joinpath("score_normalization.npz").open("rb") as file:
        return dict(np.load(file).items())


def test_the_crowd_was_made_by_the_shipped_network() -> None:
    """The background vectors belong to the `copy` that ships: unit length, and of its fingerprint."""
    told = kept()
    assert get("copy").card.fingerprint == str(told["made_by"])
    assert np.allclose(1, np.linalg.norm(told["vectors"].astype(float), axis=1), atol=2e-3)


def test_against_explicit_loops() -> None:
    """The mean of the largest similarities, number by number."""
    told = kept()
    vectors = told["vectors"][:3].astype(np.float32)
    vectors += np.random.default_rng(1).normal(scale=0.02, size=vectors.shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for vector, found in zip(vectors, background_similarity(vectors), strict=True):
        similar = sorted(sum(float(a) * float(b) for a, b in zip(vector, one, strict=True)) for one in told["vectors"])
        assert abs(max(sum(similar[-NEAREST:]) / NEAREST - float(told["usual"]), 0) - found) < 1e-3


def test_a_member_of_the_crowd_is_crowded() -> None:
    """One of the crowd itself is more crowded than the opposite of it."""
    member = kept()["vectors"][:1].astype(np.float32)
    assert background_similarity(member)[0] > background_similarity(-member)[0]


def test_a_crowded_query_needs_more() -> None:
    """At one and the same distance, the more crowded query is the less probable copy; hashes do not care."""
    assert curve("copy").crowding > 0
    near = {"copy": curve("copy").distance(0.5)}
    assert classify_from_distances(near, crowd=0.1).odds < classify_from_distances(near, crowd=0.0).odds
    assert classify_from_distances({"structure": 20.0}, crowd=0.1) == classify_from_distances({"structure": 20.0})
