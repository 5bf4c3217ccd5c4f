"""Probabilities for one library: fitted on edits of its own images and on the negatives that lie nearest to these.

The shipped curves come from photographs; a library of product shots, scans or drawings has other negatives. So that
``precision`` means the same there, a sample of the library is edited, each edited image is held against its original
and against other images, and a curve per measure is fitted as in comparison/calibration.py: ``blend``, ``copy``, and
``verified``, whose distance is minus the log-odds of comparison/edit_classifier.py. Where the curve that comes with the
package is as good on images that the fit did not see, it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.calibration import Calibration, curve
from lookalike.comparison.pair import COMPARISON_DESCRIPTORS, ComparisonInput, compare_features, extract_features
from lookalike.comparison.score_normalization import background_similarity, is_normalised
from lookalike.comparison.scoring import combined_distance
from lookalike.descriptors.base import DescriptorCard
from lookalike.descriptors.fusion import BLEND, DEFAULT_WEIGHTS
from lookalike.distance import METRICS
from lookalike.errors import LookalikeError, UserError
from lookalike.gallery.calibration.scoring import VERIFIED, background_weight
from lookalike.gallery.storage.base import GalleryStorage
from lookalike.gallery.storage.embeddings import Embeddings
from lookalike.imaging import from_array
from lookalike.imaging.manipulations import apply
from lookalike.logistic import fit

SAMPLE_IMAGES = 40  # images that are edited
MIN_IMAGES = 20  # of them below which no curve is fitted
MAX_NEGATIVES = 5_000  # images that negatives are taken from
HARD_NEGATIVES, RANDOM_NEGATIVES = 2, 1  # negatives to each edited image
POSSIBLE_COPIES = 3  # nearest neighbours of an original that may be copies of it: those that are no negatives
SHORTEST_SIDE = 16  # pixels of the shorter side: smaller images are not edited
EDITS = (
    "jpeg-30",
    "resize-50",
    "crop-80",
    "crop-50",
    "brightness+",
    "grey",
    "caption",
    "sticker",
    "mirror",
    "screenshot",
)
EDITS_PER_IMAGE = 3  # of these to each image
REMEMBERED = 64  # images that are kept in memory: near ones are neighbours of several
SAME_ODDS = 40.0  # log-odds of what is the same to the last pixel
SEED = 2026


@dataclass(frozen=True, slots=True)
class CalibrationPair:
    """One pair: whether it is a copy, how many it stands for, and its distance by each measure. ``image``: which one
    was edited."""

    image: int
    same: bool
    weight: float
    distances: Mapping[str, float]


def fit_calibrations(
    store: GalleryStorage, cards: Mapping[str, DescriptorCard], progress: Callable[[int, int], None] | None = None
) -> dict[str, Calibration]:
    """measure -> curve. Raises UserError for a library with fewer than MIN_IMAGES images that can be read."""
    names = [name for name in COMPARISON_DESCRIPTORS if name in cards]
    if not names:
        raise UserError(
            f"a calibration needs one of {', '.join(COMPARISON_DESCRIPTORS)}; this gallery holds {', '.join(cards)}"
        )
    digests = len({row.sha256 for row in store.every_row()})
    if digests < MIN_IMAGES:
        raise _too_few(digests)
    population = _population(store, cards, names)
    sampler = _Sampler(store, population, names)
    chosen = np.random.default_rng(SEED).permutation(len(population))[:SAMPLE_IMAGES].tolist()
    seen: list[CalibrationPair] = []
    used = 0
    with ThreadPoolExecutor(2) as pool:
        for done, found in enumerate(pool.map(sampler.seen, chosen), 1):
            seen += found
            used += bool(found)
            if progress:
                progress(done, len(chosen))
    if used < MIN_IMAGES:
        raise _too_few(used)
    origin = f"{used} images of this library, {EDITS_PER_IMAGE} edits each, seed {SEED}"
    measures = set.intersection(*(set(one.distances) for one in seen))
    return {name: _better_curve(name, seen, origin) for name in sorted(measures)}


def _too_few(images: int) -> UserError:
    return UserError(
        f"a calibration of its own needs {MIN_IMAGES} images that can be read and told apart, not {images}"
    )


def _population(store: GalleryStorage, cards: Mapping[str, DescriptorCard], names: Sequence[str]) -> Embeddings:
    ids = np.array([row.id for row in store.every_row()], np.int64)
    if len(ids) > MAX_NEGATIVES:
        ids = np.sort(np.random.default_rng(SEED).choice(ids, MAX_NEGATIVES, replace=False))
    return Embeddings.read(store, cards, names, ids)


class _Sampler:
    """Edits images of the population and holds them against it."""

    def __init__(self, store: GalleryStorage, population: Embeddings, names: Sequence[str]) -> None:
        self._population, self._names = population, names
        rows = store.rows(population.ids.tolist())
        self._paths = [rows[int(number)].path if int(number) in rows else "" for number in population.ids]
        self._remembered = lru_cache(REMEMBERED)(self._load)

    def seen(self, number: int) -> list[CalibrationPair]:
        """All pairs that one image gives; none if it cannot be read."""
        loaded = cache(self._remembered)  # an original and its edits have the same neighbours
        original = loaded(number)
        if original is None or min(original.image.pixels.shape[:2]) < SHORTEST_SIDE:
            return []
        pixels = original.image.pixels
        rng = np.random.default_rng([SEED, number])
        near = [n for n in np.argsort(self._far(original)).tolist() if n != number]
        nearest = [(n, loaded(n)) for n in near[:POSSIBLE_COPIES]]
        copies = {n for n, other in nearest if other and compare_features(original, other).probability > 0.5}
        seen = []
        for edit in rng.choice(EDITS, EDITS_PER_IMAGE, replace=False):
            query = extract_features(from_array(apply(str(edit), pixels, number)))
            seen.append(CalibrationPair(number, True, 1.0, self._measures(query, number, original)))
            seen += self._negatives(query, number, [number, *copies], loaded, rng)
        return seen

    def _negatives(
        self,
        query: ComparisonInput,
        image: int,
        known: Sequence[int],
        loaded: Callable[[int], ComparisonInput | None],
        rng: np.random.Generator,
    ) -> Iterator[CalibrationPair]:
        """The nearest of those that are no copies, and some of the others in the place of all."""
        order = [n for n in np.argsort(self._far(query)).tolist() if n not in known]
        near, rest = order[:HARD_NEGATIVES], order[HARD_NEGATIVES:]
        others = rng.choice(rest, min(RANDOM_NEGATIVES, len(rest)), replace=False).tolist() if rest else []
        for n, weight in (*((n, 1.0) for n in near), *((n, len(rest) / len(others)) for n in others)):
            if (other := loaded(n)) is not None:
                yield CalibrationPair(image, False, weight, self._measures(query, n, other))

    def _load(self, number: int) -> ComparisonInput | None:
        try:
            return extract_features(self._paths[number])
        except LookalikeError:
            return None

    def _far(self, query: ComparisonInput) -> NDArray[np.float32]:
        """(N,) by the descriptor that finds most copies."""
        cards = self._population.cards
        order = sorted(self._names, key=lambda name: (not cards[name].rerank, cards[name].metric != "hamming"))
        vectors = self._population.vectors[order[0]]
        return np.asarray(METRICS[cards[order[0]].metric](query.described[order[0]].vectors, vectors)[0])

    def _measures(self, query: ComparisonInput, number: int, other: ComparisonInput) -> dict[str, float]:
        """measure -> distance, as a search takes it."""
        distances = {name: self._distance(query, name, number) for name in self._names}
        found = {BLEND: combined_distance(distances)} if set(DEFAULT_WEIGHTS) <= set(distances) else {}
        for name in (name for name in self._names if is_normalised(self._population.cards[name])):
            background = float(background_similarity(query.described[name].vectors)[0])
            found[name] = distances[name] + background_weight(name) * background
        comparison = compare_features(query, other, prior=0.5)
        return found | {VERIFIED: -(SAME_ODDS if comparison.odds is None else comparison.odds)}

    def _distance(self, query: ComparisonInput, name: str, number: int) -> float:
        vector = self._population.vectors[name][number : number + 1]
        return float(METRICS[self._population.cards[name].metric](query.described[name].vectors, vector)[0, 0])


def _better_curve(name: str, seen: Sequence[CalibrationPair], origin: str) -> Calibration:
    """This library's curve; or the shipped one, if a curve from one half of the images is no better on the other."""
    shipped = Calibration(1.0, 0.0, "") if name == VERIFIED else curve(name)
    images = sorted({one.image for one in seen})
    half = set(images[::2])
    parts = [[one for one in seen if (one.image in half) == side] for side in (True, False)]
    ways = list(zip(parts, reversed(parts), strict=True))
    own_loss = sum(_loss(_curve(name, fitted, ""), name, held_out) for fitted, held_out in ways)
    if own_loss < sum(_loss(shipped, name, held_out) for _, held_out in ways):
        return _curve(name, seen, origin)
    return replace(shipped, origin=f"the shipped curve, no worse on pairs held out of {origin}")


def _loss(chosen: Calibration, name: str, pairs: Sequence[CalibrationPair]) -> float:
    """Mean log loss at even odds: copies and negatives weigh the same."""
    distance = np.array([one.distances[name] for one in pairs])
    same, weight = np.array([one.same for one in pairs]), np.array([one.weight for one in pairs])
    odds = (chosen.intercept - chosen.slope * distance) * np.where(same, 1, -1)
    losses = np.logaddexp(0, -odds)
    return float(sum(np.average(losses[side], weights=weight[side]) for side in (same, ~same) if side.any()))


def _curve(name: str, seen: Sequence[CalibrationPair], origin: str) -> Calibration:
    distance = np.array([[one.distances[name]] for one in seen])
    same, weight = np.array([one.same for one in seen]), np.array([one.weight for one in seen])
    model = fit(-distance, same, l2=0.01, nonnegative=True, weights=weight)
    slope = max(model.coefficients[0], 1e-6)
    even = model.intercept + float(np.log(weight[~same].sum() / weight[same].sum()))
    return Calibration(slope, even, origin, slope * background_weight(name))
