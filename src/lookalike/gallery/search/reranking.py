"""Re-ranks candidates by geometric verification: they are aligned with the query and compared anew.

A file that is gone, cannot be read, or holds other bytes than were indexed is not verified; what the vectors say of it
stands, and is marked so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from threading import Lock

from lookalike.comparison.alignment.align import LOAD_MIN_SIDE, KeypointImage, with_keypoints
from lookalike.comparison.calibration import Calibration
from lookalike.comparison.pair import COMPARISON_DESCRIPTORS, PRIOR, ComparisonInput, compare_features
from lookalike.descriptors import describe_all, min_side
from lookalike.descriptors.base import Described
from lookalike.errors import LoadError
from lookalike.gallery.calibration.scoring import VERIFIED, Scoring
from lookalike.gallery.library import FILE, Library
from lookalike.gallery.load_verified import load_verified
from lookalike.gallery.storage import keypoint_codec
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.parallel import in_order, once
from lookalike.types import Comparison, Group, Hit, Image, Pair, Progress

SIDES = {"a": "query", "b": "image"}
SURELY_NONE = 0.02  # probability of a copy, below which a variant is sure


def comparison_input(image: Image, known: Mapping[str, Described]) -> ComparisonInput:
    """What verification needs of an image, of which some vectors may be known already."""
    lacking = [name for name in COMPARISON_DESCRIPTORS if name not in known]
    described = {**known, **(describe_all([image], lacking) if lacking else {})}
    vectors = {name: described[name] for name in COMPARISON_DESCRIPTORS}
    return ComparisonInput(with_keypoints(image), vectors, image.path)


@dataclass(frozen=True, slots=True)
class GeometricVerifier:
    """Over the images of one gallery. ``prior``, ``curve``: how sure it is of what the evidence says, as for
    ``classify_relation``. ``where``: what an error of a stored value begins with. The store is asked by one thread at a
    time."""

    store: GalleryStorage
    prior: float
    curve: Calibration | None = None
    where: str = ""
    _asking: Lock = field(default_factory=Lock)

    @classmethod
    def of(cls, library: Library, scoring: Scoring) -> GeometricVerifier:
        """For a search in this gallery; even a small library has been chosen from among many images."""
        return cls(library.store, min(scoring.prior(), PRIOR), scoring.curves.get(VERIFIED), f"{library.path / FILE}: ")

    def load(self, path: str) -> ComparisonInput | None:
        """The image as it lies there, if it can be read and is the one that was indexed."""
        with self._asking:
            row = self.store.row_of(path)
            kept = self.store.keypoints(row.id) if row else None
        if row is None:
            return None
        points = None if kept is None else keypoint_codec.unpacked(kept, f"{self.where}keypoints of {path}")
        try:
            image = load_verified(row, min_side=max(LOAD_MIN_SIDE, min_side(COMPARISON_DESCRIPTORS)))
        except LoadError:
            return None
        seen = with_keypoints(image) if points is None else KeypointImage(image, points)
        return ComparisonInput(seen, describe_all([image], COMPARISON_DESCRIPTORS), row.path)

    def compare(self, a: ComparisonInput, b: ComparisonInput) -> Comparison:
        """What the two have to do with each other, as this gallery is."""
        return compare_features(a, b, self.prior, self.curve)

    def are_rivals(self, a: str, b: str) -> bool:
        """Whether two images surely are of one template, with other content in it; not if a file cannot be read."""
        first, second = self.load(a), self.load(b)
        if first is None or second is None:
            return False
        found = self.compare(first, second)
        return found.relation == "variant" and found.probability < SURELY_NONE

    def hits(self, query: ComparisonInput, hits: Sequence[Hit]) -> list[Hit]:
        """The hits with what verification tells: same bytes first, then copies, the surest first, then the others."""
        verified = list(in_order(partial(self._hit, query, hit) for hit in hits))
        return [hit for hit, _ in sorted(verified, key=lambda one: _rank(*one))]

    def _hit(self, query: ComparisonInput, hit: Hit) -> tuple[Hit, float | None]:
        """The hit, and the log-odds if it was verified."""
        found = None if hit.relation == "identical" else self.load(hit.path)
        if found is None:
            return hit, None
        result = self.compare(query, found)
        better = replace(
            hit,
            relation=result.relation,
            probability=result.probability,
            box=hit.box if result.box is None else result.box,
            box_in=SIDES[result.box_in] if result.box_in else hit.box_in,
            inliers=result.inliers,
            edits=result.edits,
            verified=True,
        )
        return better, math.inf if result.odds is None else result.odds

    def groups(self, groups: Sequence[Group], precision: float, progress: Progress | None = None) -> list[Group]:
        """The groups without the pairs that are no copies with this probability once they are verified, and without
        those that have no other member left."""
        results = in_order(task for group in groups for task in self._tasks(group, precision))
        counted = _counted(results, sum(len(group.pairs) for group in groups), progress)
        kept = []
        for group in groups:
            pairs = [pair for pair in islice(counted, len(group.pairs)) if pair is not None]
            if pairs:
                kept.append(replace(group, others=tuple(pair.b for pair in pairs), pairs=tuple(pairs)))
        return kept

    def _tasks(self, group: Group, precision: float) -> Iterator[Callable[[], Pair | None]]:
        keep = once(partial(self.load, group.keep))
        return (partial(self._pair, keep, precision, pair) for pair in group.pairs)

    def _pair(self, keep: Callable[[], ComparisonInput | None], precision: float, pair: Pair) -> Pair | None:
        """The pair as verified, or None if it is no copy after all, or not surely enough."""
        a = None if pair.relation == "identical" else keep()
        b = None if a is None else self.load(pair.b)
        if a is None or b is None:
            return pair if pair.relation == "identical" or self._is_known(pair, precision) else None
        result = self.compare(a, b)
        if result.probability < precision:
            return None
        return replace(
            pair,
            relation=result.relation,
            probability=result.probability,
            box=result.box,
            box_in=result.box_in,
            edits=result.edits,
            edited_in=result.edited_in,
            verified=True,
        )

    def _is_known(self, pair: Pair, precision: float) -> bool:
        """Whether the vectors, which know one frame of a file, say of the two that they are copies as surely."""
        with self._asking:
            rows = [self.store.row_of(path) for path in (pair.a, pair.b)]
        return pair.probability >= precision and all(row is None or (row.frames or 1) == 1 for row in rows)


def _counted(results: Iterable[Pair | None], total: int, progress: Progress | None) -> Iterator[Pair | None]:
    for done, pair in enumerate(results, 1):
        if progress:
            progress(done, total)
        yield pair


def _rank(hit: Hit, odds: float | None) -> tuple[int, float]:
    if hit.relation == "identical":
        return 0, 0.0
    return (1, -odds) if odds is not None and odds >= 0 else (2, 0.0)
