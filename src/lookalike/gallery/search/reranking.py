"""Re-ranks candidates by geometric verification: they are aligned with the query and compared anew.

Best first and on all cores. Unrelated images are told at a glance; and once a copy is proved that shows the whole
query, only those are verified still that may be copies as well. A file that is gone, cannot be read, or holds other
bytes than were indexed is not verified. What the vectors say of the others stands, and is marked so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from threading import Lock

from lookalike.comparison.alignment.align import LOAD_MIN_SIDE
from lookalike.comparison.calibration import Calibration
from lookalike.comparison.glance import TwoScaleInput, at_a_glance
from lookalike.comparison.pair import COMPARISON_DESCRIPTORS, PRIOR, ComparisonInput, compare_features
from lookalike.descriptors import describe_all, min_side
from lookalike.descriptors.base import Described, DescriptorCard
from lookalike.descriptors.keypoints import Keypoints
from lookalike.errors import LoadError
from lookalike.gallery.calibration.scoring import VERIFIED, Scoring
from lookalike.gallery.library import Library
from lookalike.gallery.load_verified import load_verified
from lookalike.gallery.search.query import known_embeddings
from lookalike.gallery.storage import keypoint_codec
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.parallel import begun, in_order, once
from lookalike.types import Comparison, Group, Hit, Image, Pair, Progress

SIDES = {"a": "query", "b": "image"}
SURELY_NONE = 0.02  # probability of a copy, below which a variant is sure
LIKELY = 0.5  # probability by vectors, from which on a candidate is compared without a glance
PROVED = 0.99  # probability by verification, from which on a copy is proved
WHOLE = 0.8  # share of the query that a copy must show for nothing else to be looked for in it
PLAUSIBLE = 0.01  # probability by vectors, from which on there may be one more copy beside a proved one


def comparison_input(
    image: Image, known: Mapping[str, Described], path: str | None = None, points: Keypoints | None = None
) -> TwoScaleInput:
    """What verification needs of an image, of which some vectors may be known already, and its keypoints. ``path``:
    where it lies, if not at its own."""
    lacking = [name for name in COMPARISON_DESCRIPTORS if name not in known]
    described = {**known, **(describe_all([image], lacking) if lacking else {})}
    vectors = {name: described[name] for name in COMPARISON_DESCRIPTORS}
    return TwoScaleInput.of(image, vectors, path or image.path, points)


@dataclass(frozen=True, slots=True)
class Checked:
    """A candidate that was looked at. ``odds``: of a copy, their logarithm; None if it was not verified. ``proves``:
    whether it surely is a copy that shows the whole query."""

    hit: Hit
    odds: float | None = None
    proves: bool = False


@dataclass(frozen=True, slots=True)
class GeometricVerifier:
    """Over the images of one gallery. ``prior``, ``curve``: how sure it is of what the evidence says, as for
    ``classify_relation``. ``where``: what an error of a stored value begins with. ``cards``: of the descriptors whose
    vectors are held. The store is asked by one thread at a time."""

    store: GalleryStorage
    prior: float
    curve: Calibration | None = None
    where: str = ""
    cards: Mapping[str, DescriptorCard] = field(default_factory=dict)
    _asking: Lock = field(default_factory=Lock)

    @classmethod
    def of(cls, library: Library, scoring: Scoring) -> GeometricVerifier:
        """For a search in this gallery; even a small library has been chosen from among many images."""
        prior, curve = min(scoring.prior(), PRIOR), scoring.curves.get(VERIFIED)
        return cls(library.store, prior, curve, f"{library.place}: ", library.cards)

    def load(self, path: str) -> ComparisonInput | None:
        """The image as it lies there, if it can be read and is the one that was indexed; described anew, so that
        exactly what ``compare`` says of two images is said."""
        found = self.open(path, stored=False)
        return None if found is None else found.full()

    def open(self, path: str, stored: bool = True) -> TwoScaleInput | None:
        """The same, with its keypoints yet to be found, unless they are kept; ``stored``: and with the vectors that the
        gallery holds, which have half the precision."""
        with self._asking:
            row = self.store.row_of(path)
            kept = self.store.keypoints(row.id) if row else None
            known = known_embeddings(self.store, self.cards, COMPARISON_DESCRIPTORS, row) if row and stored else {}
        if row is None:
            return None
        points = None if kept is None else keypoint_codec.unpacked(kept, f"{self.where}keypoints of {path}")
        try:
            image = load_verified(row, min_side=max(LOAD_MIN_SIDE, min_side(COMPARISON_DESCRIPTORS)))
        except LoadError:
            return None
        return comparison_input(image, known, row.path, points)

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

    def check(self, query: TwoScaleInput, hits: Sequence[Hit], every: bool = False) -> list[Checked]:
        """The hits, given best first, with what verification tells. ``every``: also of those that nothing speaks for
        once a copy is proved. Which ones that are hangs on their order alone, however many cores there are."""
        first = _FirstProof()
        tasks = [partial(self._in_turn, query, place, hit, first, every) for place, hit in enumerate(hits)]
        likely = next((place for place, hit in enumerate(hits) if _is_likely(hit)), None)
        if likely is not None:  # by itself, so that nothing keeps the cores from it
            begun(query.full)
            found = next(in_order([tasks[likely]]))
            tasks[likely] = partial(_same, found)
        checked = list(in_order(tasks))
        return [
            one if every or not first.settles(place, hit) else Checked(hit)
            for place, (one, hit) in enumerate(zip(checked, hits, strict=True))
        ]

    def _in_turn(self, query: TwoScaleInput, place: int, hit: Hit, first: _FirstProof, every: bool) -> Checked:
        if hit.relation == "identical" or (not every and first.settles(place, hit)):
            return Checked(hit)
        found = self._checked(query, hit)
        if found.proves:
            first.note(place)
        return found

    def _checked(self, query: TwoScaleInput, hit: Hit) -> Checked:
        found = self.open(hit.path)
        if found is None:
            return Checked(hit)
        result = None if _is_likely(hit) else self._at_a_glance(query, found)
        if result is None:
            result = self.compare(query.full(), found.full())
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
        proves = result.probability >= PROVED and _shown(result, query.image) >= WHOLE
        return Checked(better, math.inf if result.odds is None else result.odds, proves)

    def _at_a_glance(self, query: TwoScaleInput, found: TwoScaleInput) -> Comparison | None:
        return at_a_glance(query.coarse(), found.coarse(), self.prior, self.curve)

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


@dataclass(slots=True)
class _FirstProof:
    """The first place, best first, that a copy was proved at; threads may tell it in any order."""

    place: float = math.inf
    _noting: Lock = field(default_factory=Lock)

    def note(self, place: int) -> None:
        """A copy is proved there."""
        with self._noting:
            self.place = min(self.place, place)

    def settles(self, place: int, hit: Hit) -> bool:
        """Whether the hit lies behind it, and its vectors do not speak for one more copy."""
        return self.place < place and hit.probability < PLAUSIBLE


def ranked(checked: Iterable[Checked]) -> list[Hit]:
    """Same bytes first, then copies, the surest first, then the others."""
    return [one.hit for one in sorted(checked, key=_rank)]


def _rank(one: Checked) -> tuple[int, float]:
    if one.hit.relation == "identical":
        return 0, 0.0
    return (1, -one.odds) if one.odds is not None and one.odds >= 0 else (2, 0.0)


def _is_likely(hit: Hit) -> bool:
    return hit.relation != "identical" and hit.probability >= LIKELY


def _same(found: Checked) -> Checked:
    return found


def _shown(found: Comparison, query: Image) -> float:
    """The share of the query, which is image a, that the other shows as well."""
    if found.box is None or found.box_in != "a":
        return 1.0
    return found.box.width * found.box.height / (query.width * query.height)
