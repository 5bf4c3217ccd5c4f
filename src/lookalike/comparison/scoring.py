"""From distances to the relation of two images: one small decision, used by search and duplicates."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from lookalike.comparison.calibration import Calibration, curve, shipped
from lookalike.descriptors import get
from lookalike.descriptors.fusion import BLEND, DEFAULT_WEIGHTS
from lookalike.logistic import logit, scalar_sigmoid
from lookalike.types import Relation


@dataclass(frozen=True, slots=True)
class RelationScore:
    """``relation`` and the probability that the two are copies; ``odds`` its logit, which never rounds to 1."""

    relation: Relation
    probability: float
    odds: float


def classify_from_distances(
    distances: Mapping[str, float],
    *,
    same_bytes: bool = False,
    prior: float = 0.5,
    background: float = 0.0,
    own: Mapping[str, Calibration] = MappingProxyType({}),
    weights: Mapping[str, float] | None = None,
) -> RelationScore:
    """The relation of two images in the same orientation, from the distances that are known.

    The surest measure decides: the blend of hashes knows what was only recompressed or recoloured, a copy-detection
    network what was cropped, rotated or pasted as well. A further measure is one more chance to be wrong, for which it
    is penalised (Bonferroni). ``prior``: the share of copies expected, see calibration.py; ``background``: the query's
    background similarity, see score_normalization.py; ``own``: curves fitted on one library, which go before the
    shipped ones; ``weights``: those of a blend that was tuned there, and that is then the only measure where it is
    known: every other was on offer when they were learnt. Distances without a calibration, those of another package's
    descriptor or of a user's own network, say nothing of copies: "unrelated", with probability 0.
    """
    return RelationJudge.of(tuple(distances), own, weights).score(
        distances, same_bytes=same_bytes, prior=prior, background=background
    )


@dataclass(frozen=True, slots=True)
class Term:
    """A measure that is heard: the sum of ``factors`` times distances, and its ``curve``."""

    factors: tuple[tuple[str, float], ...]
    curve: Calibration


@dataclass(frozen=True, slots=True)
class RelationJudge:
    """What ``classify_from_distances`` decides by where distances of the same names are known: looked up once, for a
    search asks of every hit. ``terms``: the measures that are heard, in their order. ``similar``: factors and limit of
    each measure that says it. ``edited``: factors and intercept of the rule, None for nothing but edited copies."""

    terms: tuple[Term, ...]
    similar: tuple[tuple[tuple[tuple[str, float], ...], float], ...]
    edited: tuple[tuple[tuple[str, float], ...], float] | None

    @classmethod
    def of(
        cls, names: Collection[str], own: Mapping[str, Calibration], weights: Mapping[str, float] | None
    ) -> RelationJudge:
        """For distances of these names; ``own``, ``weights`` as for ``classify_from_distances``."""
        chosen = _chosen(names, own, weights)
        terms = tuple(Term(_factors(parts), own.get(measure) or curve(measure)) for measure, parts in chosen.items())
        known = {name: {name: 1.0} for name in names} | _blend(names)
        limits = shipped().similar
        similar = tuple((_factors(known[measure]), limits[measure]) for measure in limits if measure in known)
        return cls(terms, similar, _edited(names))

    def score(
        self, distances: Mapping[str, float], *, same_bytes: bool = False, prior: float = 0.5, background: float = 0.0
    ) -> RelationScore:
        """As ``classify_from_distances``."""
        if same_bytes:
            return RelationScore("identical", 1.0, math.inf)
        if not self.terms:
            return RelationScore("unrelated", 0.0, -math.inf)
        odds = logit(prior) + max([
            term.curve.evidence(_weighted(distances, term.factors), background) - math.log(rank)
            for rank, term in enumerate(self.terms, 1)
        ])  # fmt: skip
        relation: Relation
        if odds >= 0:
            relation = "edited" if self._is_edited(distances) else "re-encoded"
        else:
            near = any(_weighted(distances, factors) <= limit for factors, limit in self.similar)
            relation = "similar" if near else "unrelated"
        return RelationScore(relation, scalar_sigmoid(odds), odds)

    def _is_edited(self, distances: Mapping[str, float]) -> bool:
        """Re-encoding (format, quality, size) leaves every hash nearly untouched; an edit changes one of them."""
        if self.edited is None:
            return True  # what overlooks edits cannot say that there is none
        factors, intercept = self.edited
        return intercept + _weighted(distances, factors) > 0


def select_measures(
    distances: Mapping[str, float],
    own: Mapping[str, Calibration] = MappingProxyType({}),
    weights: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """The measures that decide, and their distances: a tuned blend; or the blend and what complements it; or else the
    calibrated measure that can be the surest. ``own``, ``weights``: as for ``classify_from_distances``."""
    chosen = _chosen(distances, own, weights)
    return {measure: combined_distance(distances, parts) for measure, parts in chosen.items()}


def combined_distance(distances: Mapping[str, float], weights: Mapping[str, float] = DEFAULT_WEIGHTS) -> float:
    """The weighted sum, with the shipped weights or others; 1.0 is as far apart as two unrelated photographs. Of one
    descriptor alone its own distance.

    What ``Blend.distance`` computes for arrays, without their cost: a search does this for every hit."""
    return _weighted(distances, _factors(weights))


def _factors(weights: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """What each distance is multiplied with in the weighted sum."""
    if len(weights) == 1:
        return ((next(iter(weights)), 1.0),)
    total = sum(weights.values())
    return tuple((name, weight / total / get(name).card.median_negative_distance) for name, weight in weights.items())


def _weighted(distances: Mapping[str, float], factors: Sequence[tuple[str, float]]) -> float:
    total = 0.0
    for name, factor in factors:  # a search does this for every hit
        total += factor * distances[name]
    return total


def _chosen(
    names: Collection[str], own: Mapping[str, Calibration], weights: Mapping[str, float] | None
) -> Mapping[str, Mapping[str, float]]:
    """Measure -> the weights that make it, of those that decide."""
    if weights and set(weights) <= set(names):
        return {BLEND: weights}
    chosen = _blend(names) | {name: {name: 1.0} for name in _complements(names)}
    if chosen:
        return chosen
    curves = {**shipped().curves, **own}
    name = max((name for name in curves if name in names), key=lambda name: curves[name].intercept, default=None)
    return {} if name is None else {name: {name: 1.0}}


def _blend(names: Collection[str]) -> dict[str, Mapping[str, float]]:
    """The blend, where all of it is known."""
    return {BLEND: DEFAULT_WEIGHTS} if set(DEFAULT_WEIGHTS) <= set(names) else {}


def _complements(names: Collection[str]) -> list[str]:
    """The known measures that find copies which the blend cannot."""
    return [name for name, one in shipped().curves.items() if one.complements_blend and name in names]


def _edited(names: Collection[str]) -> tuple[tuple[tuple[str, float], ...], float] | None:
    """The rule that tells an edited copy from one that was re-encoded, of what is known."""
    rule = shipped().edited
    known = [name for name in DEFAULT_WEIGHTS if name in names]
    if not known and _complements(names):
        return None
    return tuple((name, rule[name] / get(name).card.median_negative_distance) for name in known), rule["intercept"]
