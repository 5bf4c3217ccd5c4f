"""Looks at the images themselves: what vectors call near is laid on one another, and told again.

A file that is gone, cannot be read, or holds other bytes than were indexed is not looked at; what the vectors say of it
stands, and is marked as not verified.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from threading import Lock

from lookalike.comparison.alignment.align import LOAD_MIN_SIDE, KeypointImage, with_keypoints
from lookalike.comparison.calibration import Calibration
from lookalike.comparison.pair import COMPARISON_DESCRIPTORS, ComparisonInput, compare_features
from lookalike.descriptors import describe_all, min_side
from lookalike.descriptors.keypoints import Keypoints
from lookalike.errors import LoadError
from lookalike.gallery.storage.row import Row
from lookalike.imaging import load
from lookalike.parallel import in_order, once
from lookalike.types import Comparison, Group, Hit, Pair, Progress

RERANK_TOP_K = 20  # candidates of a search that are looked at
SIDES = {"a": "query", "b": "image"}


@dataclass(frozen=True, slots=True)
class GeometricVerifier:
    """``row_of``: the gallery's row for a path. ``kept``: the keypoints that it holds of an image, if any; both are
    asked by one thread at a time. ``prior``, ``own``: as for ``classify_relation``."""

    row_of: Callable[[str], Row | None]
    kept: Callable[[Row], Keypoints | None]
    prior: float
    own: Calibration | None = None
    _asking: Lock = field(default_factory=Lock)

    def looked(self, path: str) -> ComparisonInput | None:
        """The image as it lies there, if it can be read and is the one that was indexed."""
        with self._asking:
            row = self.row_of(path)
            points = self.kept(row) if row else None
        try:
            image = load(path, min_side=max(LOAD_MIN_SIDE, min_side(COMPARISON_DESCRIPTORS)))
        except LoadError:
            return None
        if row is None or image.sha256 != row.sha256:
            return None
        seen = with_keypoints(image) if points is None else KeypointImage(image, points)
        return ComparisonInput(seen, describe_all([image], COMPARISON_DESCRIPTORS))

    def told(self, a: ComparisonInput, b: ComparisonInput) -> Comparison:
        return compare_features(a, b, self.prior, self.own)

    def hits(self, query: ComparisonInput, hits: Sequence[Hit]) -> list[Hit]:
        """The hits with what looking tells: same bytes first, then copies, the surest first, then the others."""
        told = list(in_order(partial(self._hit, query, hit) for hit in hits))
        return [hit for hit, _ in sorted(told, key=lambda one: _rank(*one))]

    def _hit(self, query: ComparisonInput, hit: Hit) -> tuple[Hit, float | None]:
        """The hit, and the log-odds if it was looked at."""
        found = None if hit.relation == "identical" else self.looked(hit.path)
        if found is None:
            return hit, None
        told = self.told(query, found)
        better = replace(
            hit,
            relation=told.relation,
            probability=told.probability,
            box=hit.box if told.box is None else told.box,
            box_in=SIDES[told.box_in] if told.box_in else hit.box_in,
            inliers=told.inliers,
            edits=told.edits,
            verified=True,
        )
        return better, math.inf if told.odds is None else told.odds

    def groups(self, groups: Sequence[Group], precision: float, progress: Progress | None = None) -> list[Group]:
        """The groups without the pairs that are no copies with this probability once they are looked at, and without
        those that have no other member left."""
        told = in_order(task for group in groups for task in self._tasks(group, precision))
        counted = _counted(told, sum(len(group.pairs) for group in groups), progress)
        kept = []
        for group in groups:
            pairs = [pair for pair in islice(counted, len(group.pairs)) if pair is not None]
            if pairs:
                kept.append(Group(group.keep, tuple(pair.b for pair in pairs), tuple(pairs)))
        return kept

    def _tasks(self, group: Group, precision: float) -> Iterator[Callable[[], Pair | None]]:
        keep = once(partial(self.looked, group.keep))
        return (partial(self._pair, keep, precision, pair) for pair in group.pairs)

    def _pair(self, keep: Callable[[], ComparisonInput | None], precision: float, pair: Pair) -> Pair | None:
        """The pair as it looks, or None if it is no copy after all, or not surely enough."""
        a = None if pair.relation == "identical" else keep()
        b = None if a is None else self.looked(pair.b)
        if a is None or b is None:
            return pair
        told = self.told(a, b)
        if told.probability < precision:
            return None
        return replace(
            pair,
            relation=told.relation,
            probability=told.probability,
            box=told.box,
            box_in=told.box_in,
            edits=told.edits,
            verified=True,
        )


def _counted(told: Iterable[Pair | None], total: int, progress: Progress | None) -> Iterator[Pair | None]:
    for done, pair in enumerate(told, 1):
        if progress:
            progress(done, total)
        yield pair


def _rank(hit: Hit, odds: float | None) -> tuple[int, float]:
    if hit.relation == "identical":
        return 0, 0.0
    return (1, -odds) if odds is not None and odds >= 0 else (2, 0.0)
