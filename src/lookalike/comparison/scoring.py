"""From distances to the relation of two images: one small decision, used by search and duplicates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lookalike.comparison.calibration import Calibration, curve, shipped
from lookalike.descriptors import get
from lookalike.descriptors.fusion import BLEND, DEFAULT_WEIGHTS
from lookalike.logistic import scalar_sigmoid
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
    if same_bytes:
        return RelationScore("identical", 1.0, math.inf)
    measures = select_measures(distances, own, weights)
    if not measures:
        return RelationScore("unrelated", 0.0, -math.inf)
    odds = max(
        (own.get(measure) or curve(measure)).odds(distance, prior, background) - math.log(rank)
        for rank, (measure, distance) in enumerate(measures.items(), 1)
    )
    relation: Relation
    if odds >= 0:
        relation = "edited" if _is_edited(distances) else "re-encoded"
    else:
        relation = "similar" if _is_similar(distances) else "unrelated"
    return RelationScore(relation, scalar_sigmoid(odds), odds)


def select_measures(
    distances: Mapping[str, float],
    own: Mapping[str, Calibration] = MappingProxyType({}),
    weights: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """The measures that decide, and their distances: a tuned blend; or the blend and what complements it; or else the
    calibrated measure that can be the surest. ``own``, ``weights``: as for ``classify_from_distances``."""
    if weights and set(weights) <= set(distances):
        return {BLEND: combined_distance(distances, weights)}
    chosen = _blend(distances) | {name: distances[name] for name in _complements(distances)}
    if chosen:
        return chosen
    curves = {**shipped().curves, **own}
    known = [name for name in curves if name in distances]
    name = max(known, key=lambda name: curves[name].intercept, default=None)
    return {} if name is None else {name: distances[name]}


def combined_distance(distances: Mapping[str, float], weights: Mapping[str, float] = DEFAULT_WEIGHTS) -> float:
    """The weighted sum, with the shipped weights or others; 1.0 is as far apart as two unrelated photographs. Of one
    descriptor alone its own distance.

    What ``Blend.distance`` computes for arrays, without their cost: a search does this for every hit."""
    if len(weights) == 1:
        return distances[next(iter(weights))]
    total = sum(weights.values())
    return sum(weight / total * distances[n] / get(n).card.median_negative_distance for n, weight in weights.items())


def _blend(distances: Mapping[str, float]) -> dict[str, float]:
    """The blend, where all of it is known."""
    return {BLEND: combined_distance(distances)} if set(DEFAULT_WEIGHTS) <= set(distances) else {}


def _complements(distances: Mapping[str, float]) -> list[str]:
    """The known measures that find copies which the blend cannot."""
    return [name for name, one in shipped().curves.items() if one.complements_blend and name in distances]


def _is_similar(distances: Mapping[str, float]) -> bool:
    """By what is known of the measures that say it."""
    known = {**distances, **_blend(distances)}
    return any(known[measure] <= limit for measure, limit in shipped().similar.items() if measure in known)


def _is_edited(distances: Mapping[str, float]) -> bool:
    """Re-encoding (format, quality, size) leaves every hash nearly untouched; an edit changes one of them."""
    rule = shipped().edited
    known = {
        name: distances[name] / get(name).card.median_negative_distance for name in DEFAULT_WEIGHTS if name in distances
    }
    if not known and _complements(distances):
        return True  # what overlooks edits cannot say that there is none
    return rule["intercept"] + sum(rule[name] * distance for name, distance in known.items()) > 0
