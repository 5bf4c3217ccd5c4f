"""A sum of small decision trees over named evidence: log-odds, where one weighted sum is not enough.

Whether what changed was laid on an image or is other content shows in how several numbers go together: much that
changed speaks for a copy where it is one flat colour, and against it where both images have structure of their own.
Fitted by gradient boosting (Friedman 2001) in recipes/fit_relation.py, with monotone constraints: no number speaks the
other way than it may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np

LEAF = -1


@dataclass(frozen=True, slots=True)
class Node:
    """``evidence``: the name that is asked for, "" in a leaf. Up to ``threshold`` it goes on at ``left``, else at
    ``right``: places in the forest. ``value``: what a leaf adds to the log-odds."""

    evidence: str
    threshold: float
    left: int
    right: int
    value: float


@dataclass(frozen=True, slots=True)
class BoostedTrees:
    """``roots``: places of the trees' first nodes in ``nodes``. ``intercept``: the log-odds before any tree."""

    intercept: float
    roots: Sequence[int]
    nodes: Sequence[Node]

    def odds(self, evidence: Mapping[str, float]) -> float:
        """The logarithm of the odds. Raises KeyError for evidence that is missing."""
        return self.intercept + sum(self._leaf(root, evidence).value for root in self.roots)

    def _leaf(self, place: int, evidence: Mapping[str, float]) -> Node:
        node = self.nodes[place]
        while node.evidence:
            node = self.nodes[node.left if evidence[node.evidence] <= node.threshold else node.right]
        return node

    def save(self, stream: IO[bytes]) -> None:
        """As an npz of plain arrays, without pickles."""
        names = sorted({node.evidence for node in self.nodes} - {""})
        np.savez_compressed(
            stream,
            names=np.array(names),
            intercept=np.float64(self.intercept),
            roots=np.array(self.roots, np.int32),
            evidence=np.array([names.index(node.evidence) if node.evidence else LEAF for node in self.nodes], np.int16),
            threshold=np.array([node.threshold for node in self.nodes], np.float64),
            left=np.array([node.left for node in self.nodes], np.int32),
            right=np.array([node.right for node in self.nodes], np.int32),
            value=np.array([node.value for node in self.nodes], np.float32),
        )

    @classmethod
    def load(cls, stream: IO[bytes]) -> BoostedTrees:
        """What ``save`` wrote."""
        with np.load(stream, allow_pickle=False) as kept:
            names = [str(name) for name in kept["names"]]
            fields = (kept[name].tolist() for name in ("evidence", "threshold", "left", "right", "value"))
            nodes = [Node("" if at == LEAF else names[at], *rest) for at, *rest in zip(*fields, strict=True)]
            return cls(float(kept["intercept"]), kept["roots"].tolist(), nodes)
