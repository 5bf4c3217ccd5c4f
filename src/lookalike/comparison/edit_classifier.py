"""From named evidence to an answer: one weighted sum decides whether it is a copy, others what was done to it, or what
else the two may be.

The weights stand in ``relation.toml`` and can be read there; ``recipes/fit_relation.py`` fits them. A probability is
right at even odds; a search asks with its own prior, as in calibration.py.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from lookalike.comparison.calibration import Calibration
from lookalike.comparison.scoring import RelationScore
from lookalike.descriptors import get
from lookalike.descriptors.base import Described
from lookalike.distance import METRICS
from lookalike.logistic import sigmoid
from lookalike.types import Relation

COPIES: tuple[Relation, ...] = ("re-encoded", "edited", "crop", "mirrored", "rotated")
OTHERS: tuple[Relation, ...] = ("same scene", "similar", "unrelated")


@dataclass(frozen=True, slots=True)
class Done:
    """What people do to images: the ``edits`` of imaging/manipulations.py, and what a copy is called then."""

    relation: Relation
    edits: tuple[str, ...]


PART = "part"  # one lies in the other, however it came there: what the relation "crop" says already
DONE: Mapping[str, Done] = {
    "mirrored": Done("mirrored", ("mirror", "flip")),
    "rotated": Done("rotated", ("rotate-90", "rotate-180", "rotate-270", "rotate-5")),
    PART: Done("crop", ("crop-95", "crop-80", "crop-50", "crop-25", "pasted", "collage", "screenshot", "pad")),
    "cropped": Done("crop", ("crop-95", "crop-80", "crop-50", "crop-25")),
    "inside another image": Done("crop", ("pasted", "collage")),
    "screenshot": Done("crop", ("screenshot",)),
    "padded": Done("crop", ("pad",)),
    "border": Done("edited", ("border",)),
    "caption": Done("edited", ("caption",)),
    "overlay": Done("edited", ("watermark", "sticker", "covered")),
    "recoloured": Done("edited", ("brightness+", "brightness-", "contrast+", "contrast-", "gamma", "hue", "saturation",
                                  "grey", "sepia", "posterise", "auto-contrast", "colour-cast")),
    "negative": Done("edited", ("negative",)),
    "blurred": Done("edited", ("blur",)),
    "sharpened": Done("edited", ("sharpen",)),
    "pixelated": Done("edited", ("pixelate",)),
    "noise": Done("edited", ("noise",)),
    "stretched": Done("edited", ("stretch",)),
}  # fmt: skip
NAMED = -1.0  # log-odds from which on something is named as done; several things at once hide one another
UNKNOWN = 1.0  # the distance of strangers stands for one that cannot be told


def distances_for(a: Mapping[str, Described], b: Mapping[str, Described]) -> dict[str, float]:
    """ "copy distance" and so on, between two single images, in units of what is typical for strangers."""
    told = {}
    for name in a:
        card = get(name).card
        known = min(float(a[name].contrast[0]), float(b[name].contrast[0])) >= card.min_contrast
        distance = float(METRICS[card.metric](a[name].vectors, b[name].vectors)[0, 0]) / card.median_negative_distance
        told[f"{name} distance"] = distance if known else UNKNOWN
    return told


@dataclass(frozen=True, slots=True)
class Rule:
    """A weighted sum of evidence: above zero says yes."""

    intercept: float
    weights: Mapping[str, float]

    def odds(self, evidence: Mapping[str, float]) -> float:
        """The logarithm of the odds."""
        return self.intercept + sum(weight * evidence[name] for name, weight in self.weights.items())

    def parts(self, evidence: Mapping[str, float]) -> dict[str, float]:
        """What each piece of evidence adds to the logarithm of the odds."""
        return {name: weight * evidence[name] for name, weight in self.weights.items()}


@cache
def rules() -> Mapping[str, Rule]:
    """ "copy", "done ..." for what was done to a copy, and one for each of OTHERS, as they come with the package."""
    text = resources.files("lookalike.comparison").joinpath("relation.toml").read_text("utf-8")
    return {
        name: Rule(float(rule["intercept"]), rule["weights"]) for name, rule in tomllib.loads(text)["rules"].items()
    }


def decide(evidence: Mapping[str, float], prior: float = 0.5, own: Calibration | None = None) -> RelationScore:
    """The relation that the evidence speaks for, and the probability that the two are copies.

    Of a copy the gravest of the things that were done to it gives the name: mirrored, rotated, crop, edited; one that
    nothing was done to is re-encoded. ``prior``: the share of copies expected among the pairs that are asked about.
    ``own``: a library's own curve, whose distance is minus the log-odds at even odds."""
    odds = rules()["copy"].odds(evidence)
    odds = odds + math.log(prior / (1 - prior)) if own is None else own.odds(-odds, prior)
    relation: Relation
    if odds >= 0:
        relation = next((DONE[name].relation for name in _done(evidence, 0.0)), "re-encoded")
    else:
        relation = max(OTHERS, key=lambda name: rules()[name].odds(evidence))
    return RelationScore(relation, float(sigmoid(np.array(odds))), odds)


def edits_told(evidence: Mapping[str, float]) -> tuple[str, ...]:
    """What was done to make the one image of the other, as far as the evidence shows it, the gravest first."""
    return tuple(name for name in _done(evidence, NAMED) if name != PART)


def _done(evidence: Mapping[str, float], above: float) -> list[str]:
    return [name for name in DONE if rules()[f"done {name}"].odds(evidence) > above]
