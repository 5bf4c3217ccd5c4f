"""A sum of small trees, made by hand, kept in a file, and the one that comes with the package."""

from __future__ import annotations

import io

import pytest

import lookalike as la
from filled_in import receipts
from lookalike.comparison.boosted_trees import BoostedTrees, Node
from lookalike.comparison.edit_classifier import same_content
from lookalike.imaging import from_array
from lookalike.imaging.manipulations import apply
from samples import photograph

LEAVES = Node("", 0, 0, 0, 1.5), Node("", 0, 0, 0, -0.5), Node("", 0, 0, 0, 4.0)
TREES = BoostedTrees(
    0.25,
    (0, 3),
    (Node("x", 0.5, 1, 2, 0), *LEAVES[:2], Node("y", 1.0, 4, 5, 0), LEAVES[2], Node("x", 2.0, 1, 2, 0)),
)


@pytest.mark.parametrize(
    ("evidence", "odds"),
    [
        ({"x": 0.5, "y": 1.0}, 0.25 + 1.5 + 4.0),  # up to the threshold is left
        ({"x": 0.6, "y": 1.0}, 0.25 - 0.5 + 4.0),
        ({"x": 0.6, "y": 1.1}, 0.25 - 0.5 + 1.5),
        ({"x": 2.1, "y": 1.1}, 0.25 - 0.5 - 0.5),
    ],
)
def test_a_sum_of_leaves(evidence: dict[str, float], odds: float) -> None:
    """Each tree adds the leaf that the evidence leads to."""
    assert TREES.odds(evidence) == odds


def test_kept_in_a_file() -> None:
    """What is loaded answers as what was saved, without a pickle."""
    stream = io.BytesIO()
    TREES.save(stream)
    stream.seek(0)
    loaded = BoostedTrees.load(stream)
    assert [loaded.odds({"x": x, "y": y}) for x in (0, 1, 3) for y in (0, 2)] == [
        TREES.odds({"x": x, "y": y}) for x in (0, 1, 3) for y in (0, 2)
    ]


def test_evidence_that_is_missing() -> None:
    """It is asked for by name."""
    with pytest.raises(KeyError, match="y"):
        TREES.odds({"x": 0.0})


MONOTONE = {
    "inliers": 1, "keypoint_coverage": 1, "local_ncc": 1, "unexplained": -1, "changed_balance": -1, "changed_places": -1
}  # fmt: skip


@pytest.mark.parametrize("name", MONOTONE)
def test_no_evidence_speaks_the_other_way(name: str) -> None:
    """In the shipped trees more inliers never speak against a copy, and more that is unexplained never for one."""
    for pair in (receipts()[:2], [photograph("chelsea.png"), apply("covered", photograph("chelsea.png"))]):
        evidence = la.compare(*map(from_array, pair)).evidence
        odds = [same_content().odds({**evidence, name: value}) for value in (0, 0.1, 0.3, 0.5, 0.8, 1.0, 2.0, 4.0, 6.0)]
        assert odds == sorted(odds, reverse=MONOTONE[name] < 0)


def test_what_is_unexplained_counts() -> None:
    """The same evidence with nothing unexplained is a copy after all."""
    evidence = la.compare(*map(from_array, receipts()[:2])).evidence
    none = dict.fromkeys((name for name in evidence if name.startswith(("unexplained", "changed"))), 0.0)
    assert same_content().odds(evidence) < 0 < same_content().odds({**evidence, **none})
