"""Probabilities for one library: fitted on edits of its own images and on the strangers that lie nearest to these.

The shipped curves come from photographs; a library of product shots, scans or drawings has other strangers. So that
``precision`` means the same there, a sample of the library is edited, each edited image is held against its original
and against other images, and a curve per measure is fitted as in comparison/calibration.py: ``blend``, ``copy``, and
``verified``, whose distance is minus the log-odds of comparison/edit_classifier.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from lookalike.comparison.calibration import Calibration, curve
from lookalike.comparison.pair import COMPARISON_DESCRIPTORS, ComparisonInput, compare_features, extract_features
from lookalike.comparison.score_normalization import background_similarity
from lookalike.comparison.scoring import combined_distance
from lookalike.descriptors.base import DescriptorCard
from lookalike.descriptors.fusion import BLEND, DEFAULT_WEIGHTS
from lookalike.distance import METRICS
from lookalike.errors import LookalikeError, UserError
from lookalike.gallery.storage.embeddings import Evidence
from lookalike.gallery.storage.store import Store
from lookalike.imaging import from_array
from lookalike.imaging.manipulations import apply
from lookalike.logistic import fit

SAMPLE = 80  # images that are edited
FEWEST = 20  # of them below which no curve is fitted
POPULATION = 5_000  # images that strangers are taken from
NEAREST, OTHERS = 3, 2  # strangers to each edited image
SUSPECTS = 3  # nearest neighbours of an original that may be copies of it: those that are no strangers
LEAST = 16  # pixels of the shorter side: smaller images are not edited
DONE = (
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
EACH = 3  # of these to each image
VERIFIED = "verified"
SAME = 40.0  # log-odds of what is the same to the last pixel
SEED = 2026


@dataclass(frozen=True, slots=True)
class Seen:
    """One pair: whether it is a copy, how many it stands for, and its distance by each measure."""

    same: bool
    weight: float
    distances: Mapping[str, float]


def calibrated(
    store: Store, cards: Mapping[str, DescriptorCard], progress: Callable[[int, int], None] | None = None
) -> dict[str, Calibration]:
    """measure -> curve. Raises UserError for a library with fewer than FEWEST images that can be read."""
    names = [name for name in COMPARISON_DESCRIPTORS if name in cards]
    if not names:
        raise UserError(
            f"a calibration needs one of {', '.join(COMPARISON_DESCRIPTORS)}; this gallery holds {', '.join(cards)}"
        )
    population = _population(store, cards, names)
    sampler = _Sampler(store, population, names)
    chosen = np.random.default_rng(SEED).permutation(len(population))[:SAMPLE].tolist()
    seen: list[Seen] = []
    used = 0
    with ThreadPoolExecutor(2) as pool:
        for done, found in enumerate(pool.map(sampler.seen, chosen), 1):
            seen += found
            used += bool(found)
            if progress:
                progress(done, len(chosen))
    if used < FEWEST:
        raise UserError(f"a calibration of its own needs {FEWEST} images that can be read and told apart, not {used}")
    origin = f"{used} images of this library, {EACH} edits each, seed {SEED}"
    measures = set.intersection(*(set(one.distances) for one in seen))
    return {name: _curve(name, seen, origin) for name in sorted(measures)}


def own_curves(store: Store, *, tuned: bool = True) -> dict[str, Calibration]:
    """The curves that were fitted on this library, by measure; none before ``calibrated``. Those that were ``tuned`` on
    a person's pairs go first."""
    kept = store.calibrations() | ({n: one.curve for n, one in store.tunings().items()} if tuned else {})
    return {
        n: replace(c, background_weight=c.slope * background_weight()) if n == "copy" else c for n, c in kept.items()
    }


def own_weights(store: Store) -> Mapping[str, float] | None:
    """The shares of the blend that a person's pairs taught; None before."""
    tuning = store.tunings().get(BLEND)
    return tuning.weights if tuning else None


def _population(store: Store, cards: Mapping[str, DescriptorCard], names: Sequence[str]) -> Evidence:
    ids = np.array([row.id for row in store.every_row()], np.int64)
    if len(ids) > POPULATION:
        ids = np.sort(np.random.default_rng(SEED).choice(ids, POPULATION, replace=False))
    return Evidence.read(store, cards, names, ids)


class _Sampler:
    """Edits images of the population and holds them against it."""

    def __init__(self, store: Store, population: Evidence, names: Sequence[str]) -> None:
        self._population, self._names = population, names
        rows = store.rows(population.ids.tolist())
        self._paths = [rows[int(number)].path if int(number) in rows else "" for number in population.ids]

    def seen(self, place: int) -> list[Seen]:
        """All pairs that one image gives; none if it cannot be read."""
        looked = cache(self._looked)  # an original and its edits have the same neighbours
        original = looked(place)
        if original is None or min(original.image.pixels.shape[:2]) < LEAST:
            return []
        pixels = original.image.pixels
        rng = np.random.default_rng([SEED, place])
        near = [n for n in np.argsort(self._far(original)).tolist() if n != place]
        copies = {
            n for n in near[:SUSPECTS] if (other := looked(n)) and compare_features(original, other).probability > 0.5
        }
        seen = []
        for edit in rng.choice(DONE, EACH, replace=False):
            query = extract_features(from_array(apply(str(edit), pixels, place)))
            seen.append(Seen(True, 1.0, self._measures(query, place, original)))
            seen += self._strangers(query, [place, *copies], looked, rng)
        return seen

    def _strangers(
        self,
        query: ComparisonInput,
        known: Sequence[int],
        looked: Callable[[int], ComparisonInput | None],
        rng: np.random.Generator,
    ) -> Iterator[Seen]:
        """The nearest of those that are no copies, and some of the others in the place of all."""
        order = [n for n in np.argsort(self._far(query)).tolist() if n not in known]
        near, rest = order[:NEAREST], order[NEAREST:]
        others = rng.choice(rest, min(OTHERS, len(rest)), replace=False).tolist() if rest else []
        for n, weight in (*((n, 1.0) for n in near), *((n, len(rest) / len(others)) for n in others)):
            if (other := looked(n)) is not None:
                yield Seen(False, weight, self._measures(query, n, other))

    def _looked(self, place: int) -> ComparisonInput | None:
        try:
            return extract_features(self._paths[place])
        except LookalikeError:
            return None

    def _far(self, query: ComparisonInput) -> NDArray[np.float32]:
        """(N,) by the descriptor that finds most copies."""
        name = next(name for name in ("copy", "structure", *self._names) if name in self._names)
        vectors = self._population.vectors[name]
        return np.asarray(METRICS[self._population.cards[name].metric](query.described[name].vectors, vectors)[0])

    def _measures(self, query: ComparisonInput, place: int, other: ComparisonInput) -> dict[str, float]:
        told = {}
        for name in self._names:
            vector = self._population.vectors[name][place : place + 1]
            told[name] = float(
                METRICS[self._population.cards[name].metric](query.described[name].vectors, vector)[0, 0]
            )
        found = {}
        if set(DEFAULT_WEIGHTS) <= set(told):
            found[BLEND] = combined_distance(told)
        if "copy" in told:
            found["copy"] = told["copy"] + background_weight() * float(
                background_similarity(query.described["copy"].vectors)[0]
            )
        comparison = compare_features(query, other, prior=0.5)
        return found | {VERIFIED: -(SAME if comparison.odds is None else comparison.odds)}


def background_weight() -> float:
    """Distance that a query loses per unit of background similarity: as in the shipped curve."""
    shipped = curve("copy")
    return shipped.background_weight / shipped.slope


def _curve(name: str, seen: Sequence[Seen], origin: str) -> Calibration:
    distance = np.array([[one.distances[name]] for one in seen])
    same, weight = np.array([one.same for one in seen]), np.array([one.weight for one in seen])
    model = fit(-distance, same, l2=0.01, nonnegative=True, weights=weight)
    slope = max(model.coefficients[0], 1e-6)
    even = model.intercept + float(np.log(weight[~same].sum() / weight[same].sum()))
    return Calibration(slope, even, origin, slope * background_weight() if name == "copy" else 0.0)
