"""Tight groups over random distances, held against their definition."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lookalike.gallery.dedup.complete_linkage import complete_linkage

LIMIT = 10


@st.composite
def matrices(draw: st.DrawFn) -> np.ndarray:
    """(N, N) symmetric distances 0..20 with a zero diagonal, about half of them within the limit."""
    count = draw(st.integers(0, 9))
    matrix = np.zeros((count, count), int)
    for a, b in combinations(range(count), 2):
        matrix[a, b] = matrix[b, a] = draw(st.integers(0, 20))
    return matrix


def grouped(matrix: np.ndarray) -> list[list[int]]:
    """The groups of all pairs within the limit, closest first."""
    pairs = [pair for pair in combinations(range(len(matrix)), 2) if matrix[pair] <= LIMIT]
    pairs.sort(key=lambda pair: matrix[pair])
    return complete_linkage(pairs, lambda left, right: all(matrix[a, b] <= LIMIT for a in left for b in right))


@settings(max_examples=300, deadline=None)
@given(matrices())
def test_every_two_members_are_close(matrix: np.ndarray) -> None:
    """A group is a clique within the limit, and has two members at least."""
    for group in grouped(matrix):
        assert len(group) >= 2
        assert all(matrix[a, b] <= LIMIT for a, b in combinations(group, 2))


@settings(max_examples=300, deadline=None)
@given(matrices())
def test_groups_share_nothing(matrix: np.ndarray) -> None:
    """No item is in two groups, nor twice in one."""
    members = [item for group in grouped(matrix) for item in group]
    assert sorted(set(members)) == sorted(members)


@settings(max_examples=300, deadline=None)
@given(matrices())
def test_no_two_groups_could_be_one(matrix: np.ndarray) -> None:
    """Of any two groups, and of a group and an item left over, some members are too far apart to join."""
    groups = grouped(matrix)
    alone = [[item] for item in range(len(matrix)) if not any(item in group for group in groups)]
    for left, right in combinations(groups + alone, 2):
        assert any(matrix[a, b] > LIMIT for a in left for b in right)


@settings(max_examples=300, deadline=None)
@given(matrices())
def test_the_closest_pair_is_together(matrix: np.ndarray) -> None:
    """If one pair is closer than every other and within the limit, its two are in one group."""
    pairs = sorted(combinations(range(len(matrix)), 2), key=lambda pair: matrix[pair])
    if pairs and matrix[pairs[0]] <= LIMIT and (len(pairs) == 1 or matrix[pairs[0]] < matrix[pairs[1]]):
        assert any(set(pairs[0]) <= set(group) for group in grouped(matrix))


def test_a_chain_does_not_hold() -> None:
    """A is close to B and B to C, but A not to C: the closer pair is a group, the third is left over."""
    assert complete_linkage([(1, 2), (0, 1)], lambda left, right: {*left, *right} != {0, 1, 2}) == [[1, 2]]


def test_nothing_to_group() -> None:
    """No pair, no group; pairs that are refused make none either."""
    assert complete_linkage([], lambda left, right: True) == []  # noqa: ARG005  the signature of a Close
    assert complete_linkage([(0, 1)], lambda left, right: False) == []  # noqa: ARG005  the same
