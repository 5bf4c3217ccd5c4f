"""From evidence to the relation of two pictures: one small decision, used by compare, search and duplicates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lookalike.compare.calibration import curve, shipped
from lookalike.describe import get
from lookalike.describe.blend import DEFAULT_WEIGHTS, Blend
from lookalike.logistic import sigmoid
from lookalike.types import Relation


@dataclass(frozen=True, slots=True)
class Judgement:
    """``relation`` and the probability that the two are copies; ``odds`` its logit, which never rounds to 1."""

    relation: Relation
    probability: float
    odds: float


def judge(distances: Mapping[str, float], *, same_bytes: bool = False, prior: float = 0.5) -> Judgement:
    """The relation of two pictures lying alike, from the distances that are known.

    The blend of colour, texture and structure decides where all three are known, otherwise the best single
    distance does. ``prior``: the share of copies expected, see calibration.py.
    """
    if same_bytes:
        return Judgement("identical", 1.0, math.inf)
    measure, distance = evidence(distances)
    odds = float(curve(measure).odds(distance, prior))
    if odds >= 0:
        relation: Relation = "edited" if _is_edited(distances) else "re-encoded"
    else:
        relation = "similar" if measure == "blend" and distance <= shipped().similar else "unrelated"
    return Judgement(relation, float(sigmoid(np.asarray(odds))), odds)


def evidence(distances: Mapping[str, float]) -> tuple[str, float]:
    """The measure that decides, and its distance: the blend, or else the measure that can be the surest."""
    if set(DEFAULT_WEIGHTS) <= set(distances):
        return "blend", blend_distance(distances)
    curves = shipped().curves
    name = max((name for name in curves if name in distances), key=lambda name: curves[name].intercept)
    return name, distances[name]


def blend_distance(distances: Mapping[str, float]) -> float:
    """The weighted sum with the shipped weights; 1.0 is as far apart as two unrelated photographs."""
    arrays = {name: np.asarray([distances[name]], np.float32) for name in DEFAULT_WEIGHTS}
    return float(Blend(DEFAULT_WEIGHTS).combine(arrays)[0])


def _is_edited(distances: Mapping[str, float]) -> bool:
    """Re-encoding (format, quality, size) leaves every cue nearly untouched; an edit moves one of them."""
    rule = shipped().edited
    known = {name: distances[name] / get(name).card.typical for name in DEFAULT_WEIGHTS if name in distances}
    return rule["intercept"] + sum(rule[name] * distance for name, distance in known.items()) > 0
