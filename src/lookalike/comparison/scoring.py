"""From evidence to the relation of two images: one small decision, used by compare, search and duplicates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lookalike.comparison.calibration import Calibration, curve, shipped
from lookalike.descriptors import get
from lookalike.descriptors.fusion import DEFAULT_WEIGHTS
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
    crowd: float = 0.0,
    own: Mapping[str, Calibration] = MappingProxyType({}),
    weights: Mapping[str, float] | None = None,
) -> RelationScore:
    """The relation of two images lying alike, from the distances that are known.

    The surest witness decides: hashes tell what was only recompressed or recoloured, ``copy`` what was cropped,
    turned or pasted as well. A further witness is one more chance to be wrong, which it must make up for itself.
    ``prior``: the share of copies expected, see calibration.py; ``crowd``: see crowd.py; ``own``: curves fitted on one
    library, which go before the shipped ones; ``weights``: the shares of a blend that was tuned there, and that is then
    the only witness where it is known: every other was on offer when its shares were learnt. Distances without a
    calibration, a user's own network's for instance, say nothing of copies: "unrelated", with probability 0.
    """
    if same_bytes:
        return RelationScore("identical", 1.0, math.inf)
    witnesses = evidence(distances, own, weights)
    if not witnesses:
        return RelationScore("unrelated", 0.0, -math.inf)
    odds = max(
        (own.get(measure) or curve(measure)).odds(distance, prior, crowd) - math.log(place)
        for place, (measure, distance) in enumerate(witnesses.items(), 1)
    )
    if odds >= 0:
        relation: Relation = "edited" if _is_edited(distances) else "re-encoded"
    else:
        relation = "similar" if _is_similar(distances) else "unrelated"
    return RelationScore(relation, _sigmoid(odds), odds)


def evidence(
    distances: Mapping[str, float],
    own: Mapping[str, Calibration] = MappingProxyType({}),
    weights: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """The measures that are heard, and their distances: a tuned blend; or the blend and ``copy``; or else the
    calibrated measure that can be the surest. ``own``, ``weights``: as for ``judge``."""
    if weights and set(weights) <= set(distances):
        return {"blend": blend_distance(distances, weights)}
    heard = {"blend": blend_distance(distances)} if set(DEFAULT_WEIGHTS) <= set(distances) else {}
    if "copy" in distances:
        heard["copy"] = distances["copy"]
    if heard:
        return heard
    curves = {**shipped().curves, **own}
    known = [name for name in curves if name in distances]
    name = max(known, key=lambda name: curves[name].intercept, default=None)
    return {} if name is None else {name: distances[name]}


def blend_distance(distances: Mapping[str, float], weights: Mapping[str, float] = DEFAULT_WEIGHTS) -> float:
    """The weighted sum, with the shipped weights or others; 1.0 is as far apart as two unrelated photographs. Of one
    descriptor alone its own distance.

    What ``measured`` computes for arrays, without their cost: a search does this for every hit."""
    if len(weights) == 1:
        return distances[next(iter(weights))]
    total = sum(weights.values())
    return sum(share / total * distances[n] / get(n).card.median_negative_distance for n, share in weights.items())


def _is_similar(distances: Mapping[str, float]) -> bool:
    """By what is known of the two measures that tell it."""
    known = {"blend": blend_distance(distances)} if set(DEFAULT_WEIGHTS) <= set(distances) else {}
    known |= {"content": distances["content"]} if "content" in distances else {}
    return any(distance <= shipped().similar[measure] for measure, distance in known.items())


def _is_edited(distances: Mapping[str, float]) -> bool:
    """Re-encoding (format, quality, size) leaves every cue nearly untouched; an edit moves one of them."""
    rule = shipped().edited
    known = {
        name: distances[name] / get(name).card.median_negative_distance for name in DEFAULT_WEIGHTS if name in distances
    }
    if not known and "copy" in distances:
        return True  # `copy` overlooks edits: it cannot say that there is none
    return rule["intercept"] + sum(rule[name] * distance for name, distance in known.items()) > 0


def _sigmoid(odds: float) -> float:
    small = math.exp(-abs(odds))
    return (1.0 if odds >= 0 else small) / (1.0 + small)
