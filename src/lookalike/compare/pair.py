"""Two pictures -> what they have to do with each other."""

from __future__ import annotations

import math
import os
from dataclasses import replace

import numpy as np

from lookalike.compare.calibration import library_prior
from lookalike.compare.crowd import crowd
from lookalike.compare.relation import Judgement, judge
from lookalike.compare.turns import TURNS, between
from lookalike.describe import DESCRIPTORS, describe_all, get, min_side, models
from lookalike.describe.base import Described
from lookalike.describe.blend import DEFAULT_WEIGHTS
from lookalike.distance import METRICS
from lookalike.load import load
from lookalike.types import Comparison, Image

PICKED_FROM = 1000  # nobody compares at random: b is taken for the nearest to a among so many strangers
PRIOR = library_prior(PICKED_FROM)
TURNED_PRIOR = PRIOR / 10  # few copies come mirrored or turned, and there are seven ways to be so by accident

Source = str | os.PathLike[str] | bytes | Image


def compare(a: Source, b: Source) -> Comparison:
    """The relation of two pictures, its probability, every distance, and the transform of a copy.

    The probability is that of a search which found b for a in a small library (PICKED_FROM).
    Raises LoadError for a picture that cannot be read."""
    names = [*DESCRIPTORS, *(output.name for model in models.shipped() for output in model.outputs)]
    first, second = (x if isinstance(x, Image) else load(x, min_side=min_side(names)) for x in (a, b))
    vectors = describe_all([first], names), describe_all([second], names)
    turn, judged, aligned = _best_turn(first, second, *vectors)
    return Comparison(
        relation=judged.relation,
        probability=judged.probability,
        distances=_distances(*vectors),
        transform=between(turn, (first.width, first.height), (second.width, second.height)) if aligned else None,
        turn=turn,
    )


def _best_turn(
    first: Image, second: Image, a: dict[str, Described], b: dict[str, Described]
) -> tuple[str, Judgement, bool]:
    """The way in which b lies on a, the relation then, and whether it lies so for sure; upright unless another way is
    clearly better.

    Something symmetrical is like its own mirror image, so only an untouched upright copy ends the search. The hashes
    find the way; where they see no copy at all, ``copy`` is heard, which does not know how the two lie."""
    best = ("upright", _same_picture(first, second) or _judge(_hashes(a), _hashes(b), PRIOR))
    if best[1].relation in ("identical", "re-encoded"):
        return *best, True
    for name, judged in _turned(first, second):
        if judged.odds > max(best[1].odds, 0.0):
            best = (name, replace(judged, relation=TURNS[name].relation))
    if best[1].odds >= 0:
        return *best, True
    return "upright", _judge(a, b, PRIOR), False


def _hashes(described: dict[str, Described]) -> dict[str, Described]:
    return {name: part for name, part in described.items() if name in DESCRIPTORS}


def _turned(first: Image, second: Image) -> list[tuple[str, Judgement]]:
    """Every turn but upright: a is turned so, and then held against b."""
    names = list(DEFAULT_WEIGHTS)
    turned = [replace(first, pixels=np.ascontiguousarray(turn.apply(first.pixels))) for turn in TURNS.values()]
    views, other = describe_all(turned[1:], names), describe_all([second], names)
    judged = []
    for number, turn in enumerate(list(TURNS)[1:]):
        view = {n: Described(d.vectors[number : number + 1], d.quality[number : number + 1]) for n, d in views.items()}
        judged.append((turn, _judge(view, other, TURNED_PRIOR)))
    return judged


def _same_picture(a: Image, b: Image) -> Judgement | None:
    """What can be said without any descriptor, of blank pictures too."""
    if a.sha256 and a.sha256 == b.sha256:
        return Judgement("identical", 1.0, math.inf)
    if (a.width, a.height) == (b.width, b.height) and np.array_equal(a.pixels, b.pixels):
        return Judgement("re-encoded", 1.0, math.inf)
    return None


def _judge(a: dict[str, Described], b: dict[str, Described], prior: float) -> Judgement:
    """By the descriptors for which both pictures have features enough; a blank one is like no other."""
    telling = {
        n: d for n, d in _distances(a, b).items() if min(_quality(n, a), _quality(n, b)) >= get(n).card.min_quality
    }
    if not set(DEFAULT_WEIGHTS) <= set(telling):
        telling = {name: distance for name, distance in telling.items() if name == "copy"}
    near = [float(crowd(part["copy"].vectors)[0]) for part in (a, b)] if "copy" in telling else [0.0]
    return judge(telling, prior=prior, crowd=sum(near) / len(near))


def _quality(name: str, described: dict[str, Described]) -> float:
    return float(described[name].quality[0])


def _distances(a: dict[str, Described], b: dict[str, Described]) -> dict[str, float]:
    return {n: float(METRICS[get(n).card.metric](a[n].vectors, b[n].vectors)[0, 0]) for n in a}
