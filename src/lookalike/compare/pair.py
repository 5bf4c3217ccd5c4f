"""Two pictures -> what they have to do with each other."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np

from lookalike.compare.relation import Judgement, judge
from lookalike.compare.turns import TURNS, between
from lookalike.describe import DESCRIPTORS, describe_all, get, min_side
from lookalike.describe.base import Described
from lookalike.describe.blend import DEFAULT_WEIGHTS
from lookalike.distance import METRICS
from lookalike.load import load
from lookalike.types import Comparison, Image

TURNED_PRIOR = 0.05  # share of copies that come mirrored or turned; seven chances to be alike by accident weigh less

Source = str | os.PathLike[str] | bytes | Image


def compare(a: Source, b: Source) -> Comparison:
    """The relation of two pictures, its probability at even odds, every distance, and the transform of a copy.

    Raises LoadError for a picture that cannot be read."""
    names = list(DESCRIPTORS)
    first, second = (x if isinstance(x, Image) else load(x, min_side=min_side(names)) for x in (a, b))
    upright = _distances(describe_all([first], names), describe_all([second], names))
    turn, judged = _best_turn(first, second, upright)
    is_copy = judged.relation not in ("similar", "unrelated")
    return Comparison(
        relation=judged.relation,
        probability=judged.probability,
        distances=upright,
        transform=between(turn, (first.width, first.height), (second.width, second.height)) if is_copy else None,
        turn=turn,
    )


def _best_turn(first: Image, second: Image, upright: dict[str, float]) -> tuple[str, Judgement]:
    """The way in which b lies on a, and the relation then; upright unless another way is clearly better."""
    same = bool(first.sha256) and first.sha256 == second.sha256
    best = ("upright", _judge(upright, same, 0.5))
    if best[1].probability > 0.99:
        return best
    for name, judged in _turned(first, second):
        if judged.probability > max(best[1].probability, 0.5):
            best = (name, replace(judged, relation=TURNS[name].relation))
    return best


def _turned(first: Image, second: Image) -> list[tuple[str, Judgement]]:
    """Every turn but upright: a is turned so, and then held against b."""
    names = list(DEFAULT_WEIGHTS)
    turned = [replace(first, pixels=np.ascontiguousarray(turn.apply(first.pixels))) for turn in TURNS.values()]
    views, other = describe_all(turned[1:], names), describe_all([second], names)
    judged = []
    for number, turn in enumerate(list(TURNS)[1:]):
        view = {n: Described(d.vectors[number : number + 1], d.quality[number : number + 1]) for n, d in views.items()}
        judged.append((turn, _judge(_distances(view, other), False, TURNED_PRIOR)))
    return judged


def _judge(distances: dict[str, float], same: bool, prior: float) -> Judgement:
    """Without a single telling distance (a blank picture) nothing speaks for a copy."""
    if not same and not set(DEFAULT_WEIGHTS) <= set(distances):
        return Judgement("unrelated", 0.0)
    return judge(distances, same_bytes=same, prior=prior)


def _distances(a: dict[str, Described], b: dict[str, Described]) -> dict[str, float]:
    """By every descriptor for which both pictures have features enough."""
    found = {}
    for name in a:
        card = get(name).card
        if min(a[name].quality[0], b[name].quality[0]) >= card.min_quality:
            found[name] = float(METRICS[card.metric](a[name].vectors, b[name].vectors)[0, 0])
    return found
