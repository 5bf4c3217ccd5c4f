"""From named evidence to an answer: one weighted sum says whether the two show the same, trees whether its content is
the same, other sums what was done to a copy, or what else the two may be.

The weights stand in ``relation.toml`` and can be read there, the trees in ``same_content.npz`` and ``variant.npz``;
``recipes/fit_relation.py`` fits them. A probability is right at even odds; a search asks with its own prior, as in
calibration.py.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from lookalike.comparison.boosted_trees import BoostedTrees
from lookalike.comparison.calibration import Calibration
from lookalike.comparison.evidence_scales import log_levels, log_tone
from lookalike.comparison.scoring import RelationScore
from lookalike.logistic import logit, scalar_sigmoid
from lookalike.types import Relation

COPIES: tuple[Relation, ...] = ("re-encoded", "edited", "crop", "mirrored", "rotated")
UNALIGNED: tuple[Relation, ...] = ("same scene", "similar", "unrelated")  # what images need not be aligned for
OTHERS: tuple[Relation, ...] = ("variant", *UNALIGNED)
COPY = "copy"  # the rule that says whether two images show the same


@dataclass(frozen=True, slots=True)
class EditType:
    """What people do to images: the ``edits`` of imaging/manipulations.py, and what a copy is called then."""

    relation: Relation
    edits: tuple[str, ...]


PART = "part"  # one lies in the other, however it came there: what the relation "crop" says already
EDIT_TYPES: Mapping[str, EditType] = {
    "mirrored": EditType("mirrored", ("mirror", "flip")),
    "rotated": EditType("rotated", ("rotate-90", "rotate-180", "rotate-270", "rotate-5")),
    PART: EditType("crop", ("crop-95", "crop-80", "crop-50", "crop-25", "pasted", "collage", "screenshot", "pad")),
    "cropped": EditType("crop", ("crop-95", "crop-80", "crop-50", "crop-25")),
    "inside another image": EditType("crop", ("pasted", "collage")),
    "screenshot": EditType("crop", ("screenshot",)),
    "padded": EditType("crop", ("pad",)),
    "border": EditType("edited", ("border",)),
    "caption": EditType("edited", ("caption",)),
    "overlay": EditType("edited", ("watermark", "sticker", "covered")),
    "recoloured": EditType("edited", ("brightness+", "brightness-", "contrast+", "contrast-", "gamma", "hue",
                                      "saturation", "grey", "sepia", "posterise", "auto-contrast", "colour-cast")),
    "negative": EditType("edited", ("negative",)),
    "blurred": EditType("edited", ("blur",)),
    "sharpened": EditType("edited", ("sharpen",)),
    "pixelated": EditType("edited", ("pixelate",)),
    "noise": EditType("edited", ("noise",)),
    "stretched": EditType("edited", ("stretch",)),
}  # fmt: skip
WITHOUT_INLIERS = {"aligned": 1.0, "inliers": 0.0, "inlier_ratio": 0.0, "keypoint_coverage": 0.0, "residual": 0.0}
OF_PIXELS = ("local_ncc", "structured", "changed", "outside_both")  # evidence for COPY, 0..1, that an alignment gives
# Evidence of at most 2 grey levels in the worst block, 6 in the worst spot, and 2 % that is of another colour.
SAME = {"unexplained": log_levels(2.0), "unexplained_spot": log_levels(6.0), "recoloured_part": math.sqrt(0.04)}
# And of the whole image, as it lay: not mirrored or negative, turned by less than a degree, cut by less than 3 %.
WHOLE = {"mirrored": 0.0, "negative": 0.0, "rotation": 1.0 / 45, "outside_share": 0.03}
ICON_TONE = log_tone(0.02)  # evidence of a mean difference of 2 % between two icons' colours
NEVER_PROVED = ("overlay", "pixelated")  # edits of which something is left that recompression does not explain
NOISE_OF_RECOMPRESSION = {"noise": 2.5}  # log-odds up to which it may be that of a low quality, if nothing else differs
EDIT_LOGIT_THRESHOLD = -1.0  # log-odds from which on an edit is named; several at once hide one another


@dataclass(frozen=True, slots=True)
class Rule:
    """A weighted sum of evidence: above zero says yes."""

    intercept: float
    weights: Mapping[str, float]

    def odds(self, evidence: Mapping[str, float]) -> float:
        """The logarithm of the odds."""
        return self.intercept + sum(weight * evidence[name] for name, weight in self.weights.items())

    def contributions(self, evidence: Mapping[str, float]) -> dict[str, float]:
        """What each piece of evidence adds to the logarithm of the odds."""
        return {name: weight * evidence[name] for name, weight in self.weights.items()}


def edit_rule(edit_type: str) -> str:
    """The name of the rule that says whether something of this type was done to a copy."""
    return f"edit {edit_type}"


@cache
def rules() -> Mapping[str, Rule]:
    """COPY, "edit ..." for what was done to a copy, and one for each of UNALIGNED, as they come with the package."""
    text = resources.files("lookalike.comparison").joinpath("relation.toml").read_text("utf-8")
    return {
        name: Rule(float(rule["intercept"]), rule["weights"]) for name, rule in tomllib.loads(text)["rules"].items()
    }


@cache
def same_content() -> BoostedTrees:
    """Whether what lies on one another is the same; right where copies are as many as variants."""
    return _shipped("same_content.npz")


@cache
def variant() -> BoostedTrees:
    """Whether what lies on one another and is no copy is of one template or view."""
    return _shipped("variant.npz")


def _shipped(name: str) -> BoostedTrees:
    with resources.files("lookalike.comparison").joinpath(name).open("rb") as stream:
        return BoostedTrees.load(stream)


def copy_odds(evidence: Mapping[str, float], prior: float = 0.5) -> float:
    """The log-odds that two images are copies: that they show the same, and that its content is the same.

    ``prior``: the share of copies expected among the pairs that are asked about. It moves the first alone: in a larger
    library there are more images that have nothing in common, not more that are of one template."""
    odds = rules()[COPY].odds(evidence) + logit(prior)
    return both(odds, _content_odds(evidence)) if evidence["aligned"] else odds


def most_unmatched_odds(evidence: Mapping[str, float], prior: float, own: Calibration | None = None) -> float:
    """The most that ``classify_relation`` could say of two images if they were aligned without keypoints after all:
    ``evidence`` is what is known without, and the pixels, which nobody has compared yet, speak for a copy as well as
    they can."""
    known = {**evidence, **WITHOUT_INLIERS}
    rule = rules()[COPY]
    pixels = sum(max(weight, 0.0) for name, weight in rule.weights.items() if name in OF_PIXELS)
    most = rule.intercept + pixels + sum(w * known[name] for name, w in rule.weights.items() if name not in OF_PIXELS)
    return most + logit(prior) if own is None else own.odds(-most, prior)


def _content_odds(evidence: Mapping[str, float]) -> float:
    """In so few pixels as an icon has, nobody can tell an edit from another icon, nor a change of colour from another
    state: even odds at the most, if anything differs."""
    odds = same_content().odds(evidence)
    is_same = nothing_differs(evidence) and evidence["tone"] <= ICON_TONE
    return min(odds, 0.0) if evidence["tiny"] and not is_same else odds


def both(first: float, second: float) -> float:
    """The log-odds that two independent things hold, from those of each."""
    return float(-np.logaddexp(np.logaddexp(-first, -second), -first - second))


def nothing_differs(evidence: Mapping[str, float]) -> bool:
    """Whether nothing in the overlap, no spot and no colour, differs by more than recompression and resampling
    explain."""
    return bool(evidence["aligned"]) and all(evidence[name] <= most for name, most in SAME.items())


def is_proved(evidence: Mapping[str, float]) -> bool:
    """Whether nothing differs in two whole images as they lie: the one is the other re-encoded."""
    return nothing_differs(evidence) and all(evidence[name] <= most for name, most in WHOLE.items())


def classify_relation(
    evidence: Mapping[str, float], prior: float = 0.5, own: Calibration | None = None
) -> RelationScore:
    """The relation that the evidence speaks for, and the probability that the two are copies.

    Of a copy the gravest of the things that were done to it gives the name: mirrored, rotated, crop, edited; re-encoded
    is one of which it is proved that nothing else was done. ``prior``: as for ``copy_odds``. ``own``: a library's own
    curve, whose distance is minus the log-odds at even odds."""
    odds = copy_odds(evidence, prior) if own is None else own.odds(-copy_odds(evidence), prior)
    relation: Relation
    if odds >= 0:
        unnamed: Relation = "re-encoded" if is_proved(evidence) else "edited"
        relation = next((EDIT_TYPES[name].relation for name in _edits_above(evidence, 0.0)), unnamed)
    else:
        relation = _other(evidence)
    return RelationScore(relation, scalar_sigmoid(odds), odds)


def _other(evidence: Mapping[str, float]) -> Relation:
    if evidence["aligned"] and variant().odds(evidence) > 0:
        return "variant"
    return max(UNALIGNED, key=lambda name: rules()[name].odds(evidence))


def detect_edits(evidence: Mapping[str, float]) -> tuple[str, ...]:
    """What was done to make the one image of the other, as far as the evidence shows it, the gravest first."""
    return tuple(name for name in _edits_above(evidence, EDIT_LOGIT_THRESHOLD) if name != PART)


def _edits_above(evidence: Mapping[str, float], threshold: float) -> list[str]:
    least = dict.fromkeys(EDIT_TYPES, threshold)
    if nothing_differs(evidence):
        least |= dict.fromkeys(NEVER_PROVED, math.inf) | NOISE_OF_RECOMPRESSION
    return [name for name in EDIT_TYPES if rules()[edit_rule(name)].odds(evidence) > least[name]]
